"""The cover page: a template filled with what is known of the fax, drawn, and put before its pages. In the child."""

import base64
import io
from dataclasses import asdict

import pikepdf
from jinja2.sandbox import SandboxedEnvironment

from bridge.document import headline, kinds, sheets, typesetting
from bridge.document.covers import Cover
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.paper import sheet_of, style_of
from bridge.document.pieces import COVER_NAME
from bridge.document.report import Report
from bridge.runtime.phrases import phrase

MOST = 5
"""Pages of a cover; a longer text belongs on pages of its own."""


LONG_TEXT = phrase("its text takes more than {pages} pages; attach it as a file")
MANY_PAGES = phrase("with it the fax has more than {pages} pages")
NOT_FILLED = phrase("its template cannot be filled ({why})")
NO_PICTURE = phrase("its logo is no picture")


class CoverUnusable(Exception):
    """The cover page cannot be made; the text says why."""


def put_before(
    pages: bytes, cover: Cover, limits: Limits, options: DocumentOptions
) -> tuple[pikepdf.Pdf | None, Report]:
    """The fax with its cover page. The page says how many pages there are, itself included."""
    try:
        return _covered(pages, cover, limits, options)
    except (CoverUnusable, typesetting.TextUnusable) as error:
        return None, Report(failed=f"{COVER_NAME}: {error}"[:500])


def _covered(pages: bytes, cover: Cover, limits: Limits, options: DocumentOptions) -> tuple[pikepdf.Pdf, Report]:
    pdf = _with_cover(pages, cover, limits, options)
    if cover.headline is not None:
        headline.put_on(pdf, cover.headline)
    return pdf, Report(pages=len(pdf.pages))


def _with_cover(pages: bytes, cover: Cover, limits: Limits, options: DocumentOptions) -> pikepdf.Pdf:
    with pikepdf.open(io.BytesIO(pages)) as fax:
        count = len(fax.pages)
        if not cover.template:
            pdf = pikepdf.new()
            pdf.pages.extend(fax.pages)
            return pdf
        for covers in range(1, MOST + 1):
            pdf = _drawn(cover, count + covers, limits, options)
            if len(pdf.pages) <= covers:
                break
        else:
            raise CoverUnusable(LONG_TEXT.format(pages=MOST))
        total = count + len(pdf.pages)
        if total > limits.pages:
            raise CoverUnusable(MANY_PAGES.format(pages=limits.pages))
        pdf.pages.extend(fax.pages)
        return pdf


def _drawn(cover: Cover, total: int, limits: Limits, options: DocumentOptions) -> pikepdf.Pdf:
    pdf = pikepdf.new()
    page = typesetting.draw(fill(cover, total), style_of(sheet_of(options.paper)), {})
    with pikepdf.open(io.BytesIO(page)) as drawn:
        pdf.pages.extend(drawn.pages)
        sheets.finish_pages(pdf, 0, options, limits.pixels)
    return pdf


def fill(cover: Cover, total: int) -> str:
    """The template with its fields; raises CoverUnusable where it cannot be filled."""
    environment = SandboxedEnvironment(autoescape=True, trim_blocks=True)
    fields = asdict(cover.fields) | {"pages": total, "logo": _address(cover.logo)}
    try:
        return environment.from_string(cover.template).render(fields)
    except Exception as error:
        raise CoverUnusable(NOT_FILLED.format(why=f"{type(error).__name__}: {error}")) from error


def _address(logo: bytes) -> str:
    """A picture as an address that holds it; empty without one."""
    if not logo:
        return ""
    if kinds.kind_of(logo) is not kinds.Kind.PICTURE:
        raise CoverUnusable(NO_PICTURE)
    kind = "png" if logo.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(logo).decode('ascii')}"
