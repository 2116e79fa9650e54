"""PDFs whose pages only say that something else is to be shown, and files that lie within one. Runs in the child."""

import pikepdf

from bridge.document.pdf import annotations
from bridge.document.pdf.styles import text_of
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

DYNAMIC_FORM = phrase(
    "is an interactive form (XFA) that only Adobe Acrobat can show; open it there, print it to a new PDF, attach that"
)
PORTFOLIO = phrase(
    "is a portfolio: its documents lie within it as files, and its page only says so; attach these documents themselves"
)
ONLY_FILES = phrase("has nothing on its pages, only files that lie within it; attach these files themselves")
WITHIN = phrase("lies within the PDF as a file, and on none of its pages; attach it by itself if it is to be faxed")

_MOST_FILES = 50
_DYNAMIC = b"dynamicRender>required"
"""In the configuration of a form that is laid out anew each time it is opened (XFA 3.3, "Config")."""


def reason_of(pdf: pikepdf.Pdf) -> str | None:
    """Why there is nothing to be faxed on its pages; None if they are what they seem."""
    if "/Collection" in pdf.Root:
        return PORTFOLIO
    form = pdf.Root.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary) and "/XFA" in form and _is_dynamic(pdf, form["/XFA"]):
        return DYNAMIC_FORM
    return None


def files_within(pdf: pikepdf.Pdf) -> list[str]:
    """The names of the files that lie within it."""
    names = list(pdf.attachments.keys()) if "/Names" in pdf.Root else []
    for page in pdf.pages:
        for each in annotations.on(page):
            if each.get("/Subtype") == "/FileAttachment":
                file = each.get("/FS", pikepdf.Dictionary())
                names.append(text_of(file.get("/UF") or file.get("/F") or "") if hasattr(file, "get") else "")
    return [foreign.one_line(name) or "file" for name in names[:_MOST_FILES]]


def _is_dynamic(pdf: pikepdf.Pdf, packets: pikepdf.Object) -> bool:
    """Whether an XFA form is made when it is opened, its pages being a stand-in until then."""
    if bool(pdf.Root.get("/NeedsRendering", False)):
        return True
    streams = list(packets) if isinstance(packets, pikepdf.Array) else [packets]
    if any(_DYNAMIC in each.read_bytes() for each in streams if isinstance(each, pikepdf.Stream)):
        return True
    widgets = (each for page in pdf.pages for each in annotations.on(page) if each.get("/Subtype") == "/Widget")
    return next(widgets, None) is None
