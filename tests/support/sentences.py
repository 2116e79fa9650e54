"""The sentences that mail is made of, as they stand in the code, and the tables of other languages that must have them.

``python -m tests.support.sentences`` brings the tables up to date: what is new stands there without words, what is gone
is taken out. What lacks words is printed, and fails a test.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from bridge.fax.options import LANGUAGES, Language

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "bridge" / "mail" / "languages"
OTHERS: tuple[Language, ...] = tuple(language for language in LANGUAGES if language != "en")

_PHRASES: dict[str, None] = {"phrase": None}
_NAMES: dict[str, None] = {"name_of_part": None}
_SENTENCES = {"say": None, "count": (1, 2), "phrase": None}
_TEMPLATES = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
_HEAD = "# Faxbridge's mail in {language}. Made up to date by: make sentences"
Extracted = tuple[int, str | tuple[str, ...], list[str], str | None]
"""As Babel has it: line, sentence (or its two forms), comments, context."""

_BEGAN = datetime(2026, 11, 28, tzinfo=UTC)
"""In the tables' headers, so that they change with their sentences alone."""


def extracted() -> Catalog:
    """All of them, with the files they stand in."""
    found = Catalog()
    for path in sorted((ROOT / "bridge").rglob("*.py")):
        keywords = _SENTENCES if path.parent.name == "mail" else _PHRASES
        _add(found, path, extract_from_file("python", path, keywords))
        _add(found, path, extract_from_file("python", path, _NAMES), context="part")
    for path in sorted((ROOT / "bridge" / "mail" / "templates").glob("*.txt")):
        _add(found, path, extract_from_file("jinja2.ext:babel_extract", path, _SENTENCES, options=_TEMPLATES))
    return found


def _add(catalog: Catalog, path: Path, texts: list[Extracted], context: str | None = None) -> None:
    for _, sentence, _, _ in texts:
        catalog.add(sentence, locations=[(str(path.relative_to(ROOT)), 0)], context=context)


def table(language: Language) -> Catalog:
    """As it stands; empty where there is none yet."""
    path = TABLES / f"{language}.po"
    content = path.read_bytes() if path.exists() else b""
    return read_po(io.BytesIO(content), locale=language, abort_invalid=True)


def lacking(catalog: Catalog) -> list[str]:
    """Sentences without words in it."""
    return [str(each.id) for each in catalog if each.id and not all(_forms(each.string))]


def _forms(words: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (words or "",) if words is None or isinstance(words, str) else tuple(words)


def main() -> int:
    """Write every table anew; 1 where one lacks words."""
    found, incomplete = extracted(), False
    for language in OTHERS:
        catalog = table(language)
        catalog.update(found, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.header_comment = _HEAD.format(language=catalog.locale.english_name if catalog.locale else language)
        catalog.creation_date = catalog.revision_date = _BEGAN
        catalog.project, catalog.version, catalog.fuzzy = "Faxbridge", "mail", False
        catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "the authors of Faxbridge"
        written = io.BytesIO()
        write_po(written, catalog, width=0, include_lineno=False)
        (TABLES / f"{language}.po").write_bytes(written.getvalue())
        for sentence in lacking(catalog):
            incomplete = True
            sys.stdout.write(f"{language}: no words for {sentence}\n")
    return incomplete


if __name__ == "__main__":
    sys.exit(main())
