"""Files and mails as people send them, small and made on the spot, and a look at the pages that come of them."""

import atexit
import base64
import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image

from bridge.document.converter import Converter
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.renderer import DocumentUnusable, Renderer
from bridge.fax.jobs import Part

DOCX = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00" + b"word/document.xml" + bytes(range(256)) * 4
EXECUTABLE = b"\x7fELF\x02\x01\x01" + b"\0" * 57 + bytes(range(256)) * 4
AS_IT_IS = DocumentOptions(pages="original")
"""Nothing brought into black and white: for tests of what stands on a page, not of how a fax line has it."""

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def a_pdf(*words: str, size: tuple[float, float] = (612, 792), **saved: Any) -> bytes:
    """A PDF of one page for each word, which stands on it in large letters."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
        for word in words:
            page = pdf.add_blank_page(page_size=size)
            page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            filler = b"% " + base64.b64encode(word.encode() * 200) + b"\n"
            page.obj.Contents = pdf.make_stream(b"BT /F1 48 Tf 72 400 Td (" + word.encode() + b") Tj ET\n" + filler)
        pdf.save(out, **saved)
    return out.getvalue()


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    """An image as a file of that kind."""
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def part(content: bytes, kind: str, name: str = "", disposition: str = "attachment", *fields: str) -> bytes:
    """A MIME part in base64; no Content-Disposition where ``disposition`` is empty."""
    lines = [f"Content-Type: {kind}", "Content-Transfer-Encoding: base64", *fields]
    if disposition:
        lines.append(f"Content-Disposition: {disposition}" + (f'; filename="{name}"' if name else ""))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + base64.encodebytes(content).replace(b"\n", b"\r\n")


def plain(text: str, charset: str = "utf-8") -> bytes:
    """A text as mail programs write their body."""
    return part(text.encode(charset), f"text/plain; charset={charset}", disposition="")


def markup(text: str) -> bytes:
    """The HTML form of a text."""
    return part(f"<p>{text}</p>".encode(), "text/html; charset=utf-8", disposition="")


def multipart(kind: str, *parts: bytes) -> bytes:
    """Parts in a multipart of that subtype; the boundary is one no part has."""
    number = 0
    while any(b"=_%d_=" % number in each for each in parts):
        number += 1
    boundary = b"=_%d_=" % number
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + boundary + b'"\r\n\r\n'
    return head + b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts) + b"--" + boundary + b"--\r\n"


def mail(body: bytes) -> bytes:
    """A whole mail around a part."""
    return b"From: office@example.org\r\nSubject: a test\r\nMIME-Version: 1.0\r\n" + body


@dataclass(frozen=True)
class Made:
    """What the renderer made of a mail: the finished pages, or why there are none."""

    pdf: bytes
    pages: int
    parts: tuple[Part, ...]
    failed: str = ""

    def words(self) -> list[str]:
        """The text of each page, on one line."""
        document = pypdfium2.PdfDocument(self.pdf)
        try:
            return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
        finally:
            document.close()

    def sizes(self) -> list[tuple[float, float]]:
        """Width and height of each page in inches."""
        document = pypdfium2.PdfDocument(self.pdf)
        try:
            return [(width / 72, height / 72) for width, height in (page.get_size() for page in document)]
        finally:
            document.close()

    def picture(self, page: int = 0, dpi: int = 72) -> Image.Image:
        """A page as it would be printed, in grey."""
        document = pypdfium2.PdfDocument(self.pdf)
        try:
            drawn: Image.Image = document[page].render(scale=dpi / 72).to_pil()
            return drawn.convert("L")
        finally:
            document.close()


@cache
def a_converter() -> Converter:
    """One warm process for all tests of this process; its libraries take a second to load."""
    converter = Converter()
    atexit.register(converter.__exit__)
    return converter


async def make(
    workspace: Path, message: bytes, limits: Limits | None = None, options: DocumentOptions | None = None
) -> Made:
    """The pages of a mail through the real child process; a mail that cannot be faxed comes back as ``failed``."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(message)
        file.seek(0)
        try:
            async with Renderer(workspace, a_converter(), limits, options).from_mail(file) as made:
                return Made(made.path.read_bytes(), made.pages, made.parts)
        except DocumentUnusable as error:
            return Made(b"", 0, error.parts, error.public)


def ink(image: Image.Image, below: int = 128) -> tuple[int, int, int, int] | None:
    """The box of everything darker than ``below``."""
    return image.point([255 if value < below else 0 for value in range(256)]).getbbox()


def left_out(parts: Iterable[Part]) -> dict[str, str | None]:
    """Why each part was left out, by name."""
    return {each.name: each.left_out for each in parts}


def inside(folder: Path) -> list[str]:
    """What the folder holds."""
    return sorted(each.name for each in folder.iterdir())
