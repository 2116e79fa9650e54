"""Why a PDF cannot be faxed, in words."""

from bridge.runtime.phrases import phrase


class PdfUnusable(Exception):
    """The PDF cannot become fax pages; the text says why and what to do."""


DAMAGED = phrase("the PDF is damaged; make it again, or print it to a new PDF")
PROTECTED = phrase("the PDF is protected by a password; attach it without one")
NO_PAGES = phrase("the PDF has no pages")
