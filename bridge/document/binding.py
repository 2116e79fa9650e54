"""A sheet of words and the pages it is about, bound into one PDF that holds the pages' own file as well."""

import io

import pikepdf

from bridge.document import typesetting
from bridge.document.report import Report

FILE_NAME = "fax.pdf"


def bind(pages: bytes, sheet: str) -> tuple[pikepdf.Pdf | None, Report]:
    """The sheet (HTML), then the pages, if there are any; their file, byte by byte, is attached as ``fax.pdf``."""
    try:
        drawn = typesetting.draw(sheet, "", {})
    except typesetting.TextUnusable as error:
        return None, Report(failed=f"the sheet cannot be drawn: {error}"[:500])
    pdf = pikepdf.new()
    with pikepdf.open(io.BytesIO(drawn)) as words:
        pdf.pages.extend(words.pages)
    if pages:
        with pikepdf.open(io.BytesIO(pages)) as fax:
            pdf.pages.extend(fax.pages)
        file = pikepdf.AttachedFileSpec(
            pdf,
            pages,
            filename=FILE_NAME,
            mime_type="application/pdf",
            description="as it was handed over",
            creation_date="",
            mod_date="",
        )
        pdf.attachments[FILE_NAME] = file
    return pdf, Report(pages=len(pdf.pages))
