"""Plain text as fax pages: a fixed-width face, long lines wrapped, nothing fetched from anywhere. Runs in the child."""

import html
import io
import re
import unicodedata

import pikepdf

from bridge.runtime import foreign

_PAGE = """<!doctype html><meta charset="utf-8"><style>
@page { size: letter; margin: 0.75in 0.75in 0.75in 0.9in }
pre { font: 10.5pt/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }
pre + pre { break-before: page }
</style>"""

_KEPT = {"\n", "\t", "\f"}
_NEWLINES = re.compile(r"\r\n?")


def looks_like_text(content: bytes) -> bool:
    """Whether bytes of unknown kind can be shown as text: no NUL and hardly any control bytes."""
    head = content[:4096]
    strange = sum(1 for byte in head if byte < 32 and byte not in b"\t\n\r\f\x1b")  # noqa: PLR2004 - ASCII controls
    return b"\0" not in head and strange * 100 <= len(head)


def add_text(pdf: pikepdf.Pdf, content: bytes, charset: str | None) -> int:
    """Append the text's pages to ``pdf``; returns how many. A form feed begins a new page."""
    import weasyprint  # noqa: PLC0415 - a second and a half that a mail without text need not wait

    def nothing(url: str, *_: object, **__: object) -> dict[str, object]:
        raise ValueError(f"nothing is fetched: {url[:20]}")

    text = _NEWLINES.sub("\n", foreign.decode(content, charset))
    sheets = (f'<pre dir="auto">{html.escape(_visible(sheet))}</pre>' for sheet in text.split("\f") if sheet.strip())
    made = weasyprint.HTML(string=_PAGE + "".join(sheets), url_fetcher=nothing).write_pdf()
    with pikepdf.open(io.BytesIO(made)) as source:
        pdf.pages.extend(source.pages)
        return len(source.pages)


def _visible(text: str) -> str:
    """Without control characters that would print as boxes; layout characters stay."""
    return "".join(char for char in text if char in _KEPT or unicodedata.category(char) not in {"Cc", "Cs"})
