"""Finished fax pages: black and white, coded as the fax line has them (ITU-T T.6), in a PDF. Runs in the child."""

import io
from dataclasses import dataclass

import numpy as np
import pikepdf
from PIL import Image

from bridge.document.maps import Mask
from bridge.document.paper import DOTS, LINE, POINTS

NAME = "/Fax"
"""Of the one picture on a page that was finished here."""

_OFFSETS, _COUNTS = 273, 279
"""Tags of TIFF 6.0 that say where its data are."""


@dataclass(frozen=True, slots=True)
class FaxPage:
    """``rows`` lines of 1728 dots, black on white, in Group 4 coding."""

    rows: int
    data: bytes


def encode(ink: Mask) -> FaxPage:
    """Of a page that is a line wide: a line's coding begins with the white that most begin with, which is no ink."""
    rows, across = ink.shape
    assert across == LINE
    page = Image.frombytes("1", (LINE, rows), np.packbits(ink, axis=1).tobytes())
    out = io.BytesIO()
    page.save(out, "TIFF", compression="group4", strip_size=(LINE + 7) // 8 * rows)
    with Image.open(out) as coded:
        tags = coded.tag_v2  # type: ignore[attr-defined] # of TIFF pictures alone
        (offset,), (count,) = tags[_OFFSETS], tags[_COUNTS]
    return FaxPage(rows, out.getvalue()[offset : offset + count])


def add(pdf: pikepdf.Pdf, page: FaxPage) -> None:
    """Append it, each dot where a fax machine at 204 by 196 dots an inch has it."""
    size = (LINE / DOTS[0] * POINTS, page.rows / DOTS[1] * POINTS)
    image = pikepdf.Stream(
        pdf,
        page.data,
        {
            "/Type": pikepdf.Name.XObject,
            "/Subtype": pikepdf.Name.Image,
            "/Width": LINE,
            "/Height": page.rows,
            "/BitsPerComponent": 1,
            "/ColorSpace": pikepdf.Name.DeviceGray,
            "/Filter": pikepdf.Name.CCITTFaxDecode,
            "/DecodeParms": {"/K": -1, "/Columns": LINE, "/Rows": page.rows, "/BlackIs1": False},
        },
    )
    pdf.add_blank_page(page_size=size)
    added = pdf.pages[-1]
    added.Resources = pikepdf.Dictionary({"/XObject": pikepdf.Dictionary({NAME: image})})
    added.Contents = pikepdf.Stream(pdf, b"q %.3f 0 0 %.3f 0 0 cm %b Do Q" % (*size, NAME.encode("ascii")))
