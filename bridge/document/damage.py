"""Whether a PDF that opened has lost something. Runs in the child.

The library repairs in silence what it can, and what was lost is lost in silence too: pages may be missing.
"""

import io
import re
from collections.abc import Container

import pikepdf
from PIL import Image

from bridge.document import images

_BROKEN = re.compile("reconstruct|endstream|stream length|decoding stream|unexpected EOF|premature eof")
"""In a warning of the library's: it had to guess."""

_PICTURES = ("/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode")


def is_broken(pdf: pikepdf.Pdf, looked_at_later: Container[tuple[int, int]] = ()) -> bool:
    """Whether its table had to be made anew, or what a stream says is cut short or cannot be unpacked.

    Pictures of these object numbers are taken apart later anyway, and are not here.
    """
    try:
        for item in pdf.objects:
            if isinstance(item, pikepdf.Stream) and item.objgen not in looked_at_later and _is_cut_short(item):
                return True
    except pikepdf.PdfError:
        return True
    return any(_BROKEN.search(str(warning)) for warning in pdf.get_warnings())


def _is_cut_short(stream: pikepdf.Stream) -> bool:
    kinds = str(stream.get("/Filter", ""))
    if "/DCTDecode" in kinds and "[" not in kinds:
        return _is_cut_picture(stream.read_raw_bytes())
    if any(kind in kinds for kind in _PICTURES):
        stream.read_raw_bytes()
    else:
        stream.read_bytes()
    return False


def _is_cut_picture(jpeg: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            picture.draft("L", (1, 1))
            picture.load()
    except images.DAMAGES:
        return True
    return False
