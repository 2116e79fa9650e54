# Two commands do everything: `make demo` shows it, `make test` checks it.
# Both set up what they need first (deploy/set-up, deploy/fetch-samples); the second time that takes no time.

RUN := .tools/bin/uv run --frozen --no-sync

.PHONY: demo test check lint types walls tests bench bench-work bench-pages bench-slides bench-parts crash result-codes sentences wheel clean

demo: .set-up
	$(RUN) faxbridge demo --once

test: check tests wheel

check: lint types walls

lint: .set-up
	$(RUN) ruff check .
	$(RUN) ruff format --check .

types: .set-up
	$(RUN) mypy

walls: .set-up
	$(RUN) lint-imports

tests: .set-up-tests
	@# three on two cores: many tests wait, some for a minute, until a lease has ended
	$(RUN) pytest -n 3 --dist loadgroup

# Some ten minutes; see docs/benchmarks.md. `make bench BENCH=--quick` takes one.
bench: .set-up-tests
	@$(RUN) python -m tests.benchmarks $(BENCH)

# 300 random deaths, some ten minutes; see docs/durability.md. `make crash CRASH="--seed 4711"` repeats a run's choices.
crash: .set-up-tests
	@$(RUN) python -m tests.crash $(CRASH)

# Some ten minutes too: claims, calls, start and whole faxes as work grows. `make bench-work BENCH=--quick` takes one.
bench-work: .set-up-tests
	@$(RUN) python -m tests.benchmarks.work $(BENCH)

# Fax pages beside Ghostscript's, some five minutes; needs Debian's ghostscript and tesseract-ocr, see docs/benchmarks.md.
bench-pages: .set-up-tests
	@$(RUN) python -m tests.benchmarks.pages $(BENCH)

# A presentation's pages beside LibreOffice alone, some five minutes; needs LibreOffice, see docs/benchmarks.md.
bench-slides: .set-up-tests
	@$(RUN) python -m tests.benchmarks.slides $(BENCH)

# Parts lists of public mails now and before, some three minutes; see docs/benchmarks.md. `make bench-parts BENCH="FOLDER"`.
bench-parts: .set-up-tests
	@$(RUN) python -m tests.benchmarks.parts $(BENCH)

# Needed after a change to bridge/fax/outcomes; a test holds the page against it.
result-codes: .set-up
	$(RUN) python deploy/result-codes.py > docs/result-codes.md

# Needed after a change to what mail says: brings bridge/mail/languages up to date, and tells what has no words yet.
sentences: .set-up
	$(RUN) python -m tests.support.sentences

wheel: .set-up
	.tools/bin/uv build --wheel --quiet --out-dir build/wheel
	$(RUN) python deploy/check-wheel.py build/wheel

.set-up: deploy/set-up deploy/packages.txt pyproject.toml uv.lock
	@deploy/set-up deploy/packages.txt
	@touch $@

.set-up-tests: .set-up deploy/test-packages.txt deploy/fetch-samples deploy/samples.txt deploy/readers.txt
	@deploy/set-up deploy/packages.txt deploy/test-packages.txt
	@deploy/fetch-samples
	@touch $@

clean:
	rm -rf .set-up .set-up-tests .tools .venv build
