"""Pages: counted in what is sent to the carrier, drawn for what it receives."""

import io
from dataclasses import dataclass
from typing import Literal

import pikepdf
from PIL import Image, ImageDraw, ImageFont

Kind = Literal["pdf", "png", "jpeg"]

KINDS_BY_ENDING: dict[str, Kind] = {".pdf": "pdf", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}

_MAGIC: dict[bytes, Kind] = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}

# A fax page in fine resolution: 1728 points a line, 204 by 196 to the inch, US letter.
_WIDTH, _HEIGHT, _DPI = 1728, 2156, (204, 196)


class UnreadableError(Exception):
    """It claims to be a document, and can't be made into pages; says why."""


@dataclass(frozen=True)
class File:
    """A file as it was sent to us."""

    name: str
    data: bytes
    pages: int


def kind_of(data: bytes) -> Kind | None:
    """What the first bytes say it is."""
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)


def count_pages(data: bytes) -> int:
    """How many pages these bytes make; strict: a damaged file is not repaired.

    Raises:
        UnreadableError: encrypted, damaged, without pages, or no document at all.
    """
    match kind_of(data):
        case "pdf":
            return _count_pdf(data)
        case None:
            raise UnreadableError("neither a PDF nor an image")
        case _:
            return _count_image(data)


def _count_pdf(data: bytes) -> int:
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                raise UnreadableError("encrypted")
            pages = len([page.mediabox for page in pdf.pages])
    except pikepdf.PasswordError as error:
        raise UnreadableError("encrypted") from error
    except (pikepdf.PdfError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise UnreadableError("damaged") from error
    if pages == 0:
        raise UnreadableError("no pages")
    return pages


def _count_image(data: bytes) -> int:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableError("damaged") from error
    return 1


def as_one_pdf(files: tuple[File, ...]) -> bytes:
    """The pages in order; a single PDF stays as it is, to the byte."""
    if len(files) == 1 and kind_of(files[0].data) == "pdf":
        return files[0].data
    with pikepdf.new() as whole:
        for file in files:
            pdf = file.data if kind_of(file.data) == "pdf" else _image_as_pdf(file.data)
            with pikepdf.open(io.BytesIO(pdf)) as part:
                whole.pages.extend(part.pages)
        out = io.BytesIO()
        whole.save(out)
    return out.getvalue()


def _image_as_pdf(data: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").save(out, "PDF", resolution=100)
    return out.getvalue()


def draw_fax(*, pages: int, caller: str, called: str, text: str, tiff: bool) -> bytes:
    """A fax as it comes off the line: black and white, a header line with both numbers and the page number."""
    drawn = [_draw_page(number, pages, caller, called, text) for number in range(1, pages + 1)]
    out = io.BytesIO()
    if tiff:
        drawn[0].save(out, "TIFF", compression="group4", save_all=True, append_images=drawn[1:], dpi=_DPI)
    else:
        drawn[0].save(out, "PDF", save_all=True, append_images=drawn[1:], dpi=_DPI)
    return out.getvalue()


def _draw_page(number: int, pages: int, caller: str, called: str, text: str) -> Image.Image:
    page = Image.new("1", (_WIDTH, _HEIGHT), 1)
    draw = ImageDraw.Draw(page)
    draw.text((60, 30), f"FROM {caller}   TO {called}   PAGE {number} OF {pages}", fill=0, font=_font(36))
    draw.line((60, 90, _WIDTH - 60, 90), fill=0, width=3)
    draw.text((_WIDTH // 2, _HEIGHT // 2), str(number), fill=0, font=_font(400), anchor="mm")
    draw.multiline_text((120, 180), text or "A fax that the stand-in carrier drew.", fill=0, font=_font(44))
    draw.rectangle((60, 130, _WIDTH - 60, _HEIGHT - 60), outline=0, width=3)
    return page


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
