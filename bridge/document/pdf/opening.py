"""Opens a stranger's PDF whole, or refuses it: damage is repaired only where nothing can be lost by it. In the child.

The library that takes PDFs apart and the one that draws them each read a damaged file in their own way. If both find
the same pages, each page is drawn alike from both, and nothing that a page draws is missing or cut short, then what
was damaged was not needed.
"""

import io
import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pikepdf
from PIL import Image, ImageChops

from bridge.document import damage
from bridge.document.pdf import losses, names
from bridge.document.pdf.unusable import DAMAGED, NO_PAGES, PROTECTED, PdfUnusable

if TYPE_CHECKING:
    import pypdfium2

_FAULTS = (pikepdf.PdfError, ValueError, RuntimeError, TypeError)
"""What the libraries raise on a file that is not what it seems."""

_LOOK_DPI = 60
_DIFFERENCE = 24
"""By so many of 255 shades a dot may differ between two drawings of the same page: edges are smoothed."""

_INK = 250
"""From this grey (of 255) on nothing is there."""

_ENCRYPT = re.compile(rb"/Encrypt\s+(\d{1,10})\s+(\d{1,5})\s+R")
_PLAIN = {"/Identity", "None"}

_CATALOGUE = re.compile(
    rb"(?<![0-9])(\d{1,10}) (\d{1,5}) obj\b(?:(?!endobj)[^\0]){0,2000}?/Type\s*/Catalog\b", re.DOTALL
)

LaterObjects = Callable[[pikepdf.Pdf], Container[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Source:
    """A PDF that is whole, and whether it had to be repaired for that."""

    pdf: pikepdf.Pdf
    repaired: bool = False


def read(content: bytes, looked_at_later: LaterObjects = lambda _: ()) -> Source:
    """The PDF, to be closed by whoever asked. Raises PdfUnusable.

    ``looked_at_later`` names objects that are taken apart later anyway, and are not here.
    """
    try:
        content, pdf = _opened(content)
        names.make_plain(pdf)
        found = damage.find(pdf, content, looked_at_later(pdf))
        source = Source(_repaired(pdf, content, found), repaired=True) if found.broken else Source(pdf)
        if not len(source.pdf.pages):
            raise PdfUnusable(NO_PAGES)
    except pikepdf.PasswordError as error:
        raise PdfUnusable(PROTECTED) from error
    except _FAULTS as error:
        raise PdfUnusable(PROTECTED if "encryption" in str(error) else DAMAGED) from error
    return source


def _opened(content: bytes) -> tuple[bytes, pikepdf.Pdf]:
    """The PDF, and the bytes of which it was read: the same, or mended where only the way in was wrong."""
    try:
        return content, pikepdf.open(io.BytesIO(content))
    except pikepdf.PasswordError:
        if (mended := _without_encryption(content)) is None:
            raise
    except pikepdf.PdfError as error:
        if "/Root" not in str(error) or (mended := _with_root(content)) is None:
            raise
    return mended, pikepdf.open(io.BytesIO(mended))


def _with_root(content: bytes) -> bytes | None:
    """The same file with a trailer that names its catalogue, if it has exactly one; else None."""
    found = {(each[1], each[2]) for each in _CATALOGUE.finditer(content)}
    if len(found) != 1:
        return None
    return content + b"\ntrailer\n<< /Root %b %b R >>\nstartxref\n0\n%%%%EOF\n" % found.pop()


def _without_encryption(content: bytes) -> bytes | None:
    """The same file without its password, if that is for the files alone that lie within it (7.6.5); else None."""
    found = list(_ENCRYPT.finditer(content))
    plain = _ENCRYPT.sub(lambda each: b" " * len(each[0]), content)
    try:
        with pikepdf.open(io.BytesIO(plain)) as pdf:
            rules = [pdf.get_object(int(each[1]), int(each[2])) for each in found]
            return plain if rules and all(map(_is_for_files_alone, rules)) else None
    except _FAULTS:
        return None


def _is_for_files_alone(rules: pikepdf.Object) -> bool:
    return all(str(rules.get(name, "/Identity")) in _PLAIN for name in ("/StmF", "/StrF")) and "/EFF" in rules


def _repaired(pdf: pikepdf.Pdf, content: bytes, found: damage.Damage) -> pikepdf.Pdf:
    """The PDF written anew, if nothing on its pages can have been lost. Raises PdfUnusable."""
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for

    written = io.BytesIO()
    if losses.is_cut_off(content) or (found.rebuilt and losses.lacks_objects(pdf, content)):
        raise PdfUnusable(DAMAGED)
    if any(losses.lacks_something(page, rebuilt=found.rebuilt) for page in pdf.pages):
        raise PdfUnusable(DAMAGED)
    pdf.save(written)
    drawings = pypdfium2.PdfDocument(content), pypdfium2.PdfDocument(written.getvalue())
    try:
        if not len(pdf.pages) or not _are_alike(*drawings):
            raise PdfUnusable(DAMAGED)
    finally:
        for each in drawings:
            each.close()
    return pikepdf.open(written)


def _are_alike(one: "pypdfium2.PdfDocument", other: "pypdfium2.PdfDocument") -> bool:
    """Whether both have the same pages, and something stands on each."""
    return len(one) == len(other) and all(
        first.size == second.size and _is_alike(first, second)
        for first, second in zip(_looks(one), _looks(other), strict=True)
    )


def _looks(document: "pypdfium2.PdfDocument") -> Iterator[Image.Image]:
    for page in document:
        yield page.render(scale=_LOOK_DPI / 72, grayscale=True).to_pil()
        page.close()


def _is_alike(first: Image.Image, second: Image.Image) -> bool:
    """Whether two drawings of one size are of the same page, and something stands on it."""
    differing = ImageChops.difference(first, second).histogram()[_DIFFERENCE:]
    return any(first.histogram()[:_INK]) and not any(differing)
