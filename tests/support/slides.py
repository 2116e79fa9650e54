"""A presentation as people make them: on each slide a photo with a shadow, a logo that is clear in places, shades."""

import io
import random
import zipfile
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFilter

from tests.support.pictures import noisy, photo

_NAMESPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in {
        "office": "office",
        "style": "style",
        "text": "text",
        "draw": "drawing",
        "fo": "xsl-fo-compatible",
        "svg": "svg-compatible",
    }.items()
)
_HEAD = f'{_NAMESPACES} xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2"'
_TYPE = "application/vnd.oasis.opendocument.presentation"
_STYLES = f"""<office:document-styles {_HEAD}><office:styles>
<draw:gradient draw:name="sky" draw:style="linear" draw:start-color="#dde8ff" draw:end-color="#5577cc"
 draw:angle="300"/>
<draw:gradient draw:name="sun" draw:style="radial" draw:start-color="#ffffff" draw:end-color="#ff8800"/>
<draw:opacity draw:name="fading" draw:style="linear" draw:start="90%" draw:end="20%"/></office:styles>
<office:automatic-styles><style:page-layout style:name="wide"><style:page-layout-properties fo:page-width="28cm"
 fo:page-height="15.75cm" style:print-orientation="landscape"/></style:page-layout>
<style:style style:name="ground" style:family="drawing-page"><style:drawing-page-properties draw:fill="gradient"
 draw:fill-gradient-name="sky"/></style:style></office:automatic-styles>
<office:master-styles><style:master-page style:name="master" style:page-layout-name="wide" draw:style-name="ground"/>
</office:master-styles></office:document-styles>"""
_SHADOW = 'draw:shadow="visible" draw:shadow-offset-x="0.2cm" draw:shadow-offset-y="0.2cm" draw:shadow-opacity="40%"'
_LOOKS = {
    "words": 'draw:stroke="none" draw:fill="none"',
    "photo": f'draw:stroke="none" draw:image-opacity="85%" {_SHADOW}',
    "logo": 'draw:stroke="none"',
    "box0": f'draw:fill="gradient" draw:fill-gradient-name="sun" draw:opacity="70%" {_SHADOW}',
    "box1": f'draw:fill="gradient" draw:fill-gradient-name="sun" draw:opacity-name="fading" {_SHADOW}',
    "box2": f'draw:fill="gradient" draw:fill-gradient-name="sun" {_SHADOW}',
}


def presentation(slides: int) -> bytes:
    """An ODP of so many, always the same."""
    pictures = {"Pictures/logo.png": _logo()} | {f"Pictures/{at}.jpg": _photo(at) for at in range(slides)}
    automatic = "".join(
        f'<style:style style:name="{name}" style:family="graphic"><style:graphic-properties {look}/></style:style>'
        for name, look in _LOOKS.items()
    )
    content = (
        f"<office:document-content {_HEAD}><office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:presentation>{''.join(map(_slide, range(slides)))}</office:presentation></office:body>"
        "</office:document-content>"
    )
    kinds = {"/": _TYPE, "content.xml": "text/xml", "styles.xml": "text/xml"} | dict.fromkeys(pictures, "image")
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{kind}"/>'
        for name, kind in kinds.items()
    )
    space = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2"'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", _TYPE)
        archive.writestr("content.xml", content)
        archive.writestr("styles.xml", _STYLES)
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest {space}>{entries}</manifest:manifest>")
        for name, picture in pictures.items():
            archive.writestr(name, picture)
    return out.getvalue()


def _slide(number: int) -> str:
    points = "".join(
        f"<text:p>Point {at} of slide {number}: the ward was measured on Monday</text:p>" for at in range(6)
    )
    inside = (
        _frame("words", (1, 1, 12, 9), f"<draw:text-box>{points}</draw:text-box>"),
        _frame("photo", (14, 3, 12, 8), f'<draw:image xlink:href="Pictures/{number}.jpg"/>'),
        _frame("logo", (20, 0.3, 7, 2.6), '<draw:image xlink:href="Pictures/logo.png"/>'),
        *_boxes(),
    )
    return f'<draw:page draw:name="slide{number}" draw:master-page-name="master">{"".join(inside)}</draw:page>'


def _frame(look: str, box: tuple[float, float, float, float], inside: str) -> str:
    x, y, width, height = box
    where = f'svg:x="{x}cm" svg:y="{y}cm" svg:width="{width}cm" svg:height="{height}cm"'
    return f'<draw:frame draw:style-name="{look}" {where}>{inside}</draw:frame>'


def _boxes() -> Iterator[str]:
    for at in range(9):
        where = f'svg:x="{1 + at * 2.6}cm" svg:y="{11 + at % 2 * 1.2}cm" svg:width="2.4cm" svg:height="1.6cm"'
        yield f'<draw:rect draw:style-name="box{at % 3}" {where}><text:p>Box {at}</text:p></draw:rect>'


def _photo(number: int) -> bytes:
    """In colours, each another."""
    grey = noisy(photo((1600, 1067)), number % 7)
    chosen = random.Random(number)
    parts = [grey.point([min(255, round(shade * chosen.uniform(0.6, 1.2))) for shade in range(256)]) for _ in range(3)]
    out = io.BytesIO()
    Image.merge("RGB", parts).save(out, "JPEG", quality=88)
    return out.getvalue()


def _logo() -> bytes:
    logo = Image.new("RGBA", (800, 300), (0, 0, 0, 0))
    draw = ImageDraw.Draw(logo)
    draw.ellipse((20, 20, 280, 280), fill=(200, 30, 60, 180))
    draw.rectangle((250, 100, 780, 200), fill=(20, 60, 160, 120))
    out = io.BytesIO()
    logo.filter(ImageFilter.GaussianBlur(12)).save(out, "PNG")
    return out.getvalue()
