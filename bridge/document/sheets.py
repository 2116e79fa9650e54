"""A piece's pages as sheets of fax paper: as they are where the line takes them, else in black and white.

Pages are looked at and drawn in one thread, for the PDF libraries know only one, and brought into black and white in
as many as there are cores. Runs in the child.
"""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

import pikepdf
from PIL import Image

from bridge.document import bilevel, blank, greys, group4, images, paper, raster
from bridge.document.group4 import FaxPage
from bridge.document.limits import CORES
from bridge.document.maps import Mask
from bridge.document.options import DocumentOptions
from bridge.document.paper import POINTS, Layout
from bridge.document.raster import Draw

if TYPE_CHECKING:
    import pypdfium2

_Keep = Callable[[], None]
"""Appends a page, or the sheets of one, without drawing it."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One to come of the piece's page of that number: to be kept, or to be drawn; neither if it is blank."""

    number: int
    keep: _Keep | None = None
    draw: Draw | None = None


def finish_pages(pdf: pikepdf.Pdf, first: int, options: DocumentOptions, max_pixels: int) -> tuple[int, ...]:
    """Turn the pages from ``first`` on into sheets; the numbers, from 1, of those that were blank and are gone.

    Raises ImageUnusable where a scan is damaged or too large.
    """
    pages = [pdf.pages[at] for at in range(first, len(pdf.pages))]
    del pdf.pages[first:]
    if options.pages == "original":
        kept = (_kept(pdf, page, number, max_pixels, page_layout=None) for number, page in enumerate(pages, 1))
        return _assemble(pdf, kept, options.page_bytes)
    with _Drawer(pages, options, max_pixels) as drawer:
        return _assemble(pdf, drawer.sheets(pdf), options.page_bytes)


def scan_of(page: pikepdf.Page, options: DocumentOptions) -> pikepdf.Stream | None:
    """The picture that will be taken out of a page, which then is decoded to its last byte; None if it will not be."""
    if options.pages == "original" or len(_layout(page, options).tops) > 1:
        return None
    return raster.scan_of(page)


def add_pictures(
    pdf: pikepdf.Pdf, frames: Iterable[images.Frame], options: DocumentOptions, max_pixels: int
) -> tuple[int, ...]:
    """Append pictures, one a sheet; the numbers in their file of those that were blank and are left out."""
    return _assemble(
        pdf,
        (
            _picture_sheet(pdf, stretch, frame.number, options, max_pixels)
            for frame in frames
            for stretch in _stretches(frame, options)
        ),
        options.page_bytes,
    )


def _stretches(frame: images.Frame, options: DocumentOptions) -> Iterator[images.Frame]:
    """What of a picture goes on one sheet each."""
    picture = frame.picture
    sheet = paper.sheet_of(options.paper)
    rows = paper.stretches(picture.size, frame.dpi, sheet) if options.long_pages == "split" else ()
    if len(rows) < 2:  # noqa: PLR2004 - it is whole
        yield frame
        return
    for top, bottom in rows:
        yield images.Frame(picture.crop((0, top, picture.width, bottom)), frame.dpi)


def _picture_sheet(
    pdf: pikepdf.Pdf, frame: images.Frame, number: int, options: DocumentOptions, max_pixels: int
) -> _Sheet:
    """Fax pages, which have no greys, keep every dot."""
    sheet = paper.sheet_of(options.paper)
    if frame.is_bilevel or options.pages == "original":
        images.add_page(pdf, frame, sheet)
        page = pdf.pages[-1]
        del pdf.pages[-1]
        return _kept(pdf, page, number, max_pixels, page_layout=None)
    placed = paper.place(frame.picture.size, frame.dpi, sheet)
    return _Sheet(number, draw=partial(raster.draw_picture, frame.picture, placed))


def _kept(pdf: pikepdf.Pdf, page: pikepdf.Page, number: int, max_pixels: int, page_layout: Layout | None) -> _Sheet:
    if blank.is_blank(page, max_pixels):
        return _Sheet(number)
    if page_layout is None or (page_layout.as_it_is and _is_upright(page)):
        return _Sheet(number, keep=partial(pdf.pages.append, page))
    return _Sheet(number, keep=partial(_lay_out, pdf, page, page_layout))


class _Drawer:
    """The pages of a piece, and those that must be drawn in the library that draws them."""

    def __init__(self, pages: list[pikepdf.Page], options: DocumentOptions, max_pixels: int) -> None:
        self._pages = pages
        self._options = options
        self._max_pixels = max_pixels
        self._layouts = [_layout(page, options) for page in pages]
        to_draw = [at for at, page in enumerate(pages) if self._is_to_be_drawn(page)]
        self._scans = {at: scan for at in to_draw if (scan := scan_of(pages[at], options)) is not None}
        others = [at for at in to_draw if at not in self._scans]
        self._places = {at: place for place, at in enumerate(others)}
        self._drawing = _opened([pages[at] for at in others]) if others else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawing is not None:
            self._drawing.close()

    def _is_to_be_drawn(self, page: pikepdf.Page) -> bool:
        return greys.has_greys(page) or (self._options.pages == "fax" and not greys.is_scan(page))

    def sheets(self, pdf: pikepdf.Pdf) -> Iterator[_Sheet]:
        """Of all pages, in order."""
        for at, (page, layout) in enumerate(zip(self._pages, self._layouts, strict=True)):
            if at in self._scans:
                scan = raster.taken(self._scans[at], self._max_pixels)
                yield _Sheet(at + 1, draw=partial(raster.draw_scan, scan, layout, *_size(page)))
            elif at in self._places:
                yield from self._drawn(at, layout)
            else:
                yield _kept(pdf, page, at + 1, self._max_pixels, layout)

    def _drawn(self, at: int, layout: Layout) -> Iterator[_Sheet]:
        assert self._drawing is not None
        with closing(self._drawing[self._places[at]]) as page:
            for top in layout.tops:
                picture = raster.draw_page(page, layout, top, *_size(self._pages[at]))
                yield _Sheet(at + 1, draw=partial(_as_drawn, picture))


def _layout(page: pikepdf.Page, options: DocumentOptions) -> Layout:
    return paper.lay_out(*_size(page), paper.sheet_of(options.paper), cut_long=options.long_pages == "split")


def _as_drawn(picture: Image.Image) -> Image.Image:
    return picture


def _opened(pages: list[pikepdf.Page]) -> "pypdfium2.PdfDocument":
    """These pages alone, for the library that draws."""
    import pypdfium2  # noqa: PLC0415 - a library that most mails need not wait for

    copied, saved = pikepdf.new(), io.BytesIO()
    copied.pages.extend(pages)
    copied.save(saved)
    return pypdfium2.PdfDocument(saved.getvalue())


def _size(page: pikepdf.Page) -> tuple[float, float]:
    """Width and height as one sees it, in inches."""
    left, bottom, right, top = (float(edge) for edge in page.cropbox)
    unit = float(page.obj.get("/UserUnit", 1)) / POINTS
    width, height = abs(right - left) * unit, abs(top - bottom) * unit
    return (height, width) if int(page.obj.get("/Rotate", 0)) % 180 else (width, height)


def _is_upright(page: pikepdf.Page) -> bool:
    """Whether nothing turns, scales or cuts it as it is drawn."""
    turned = int(page.obj.get("/Rotate", 0)) % 360 or "/UserUnit" in page.obj
    return not turned and list(page.cropbox) == list(page.mediabox)


def _lay_out(pdf: pikepdf.Pdf, page: pikepdf.Page, layout: Layout) -> None:
    """Append the sheets of a page that is not drawn here: its text stays text."""
    page.trimbox = page.cropbox
    width, height = _size(page)
    if layout.turned:
        page.rotate(90, relative=True)
        width, height = height, width
    paper_width, paper_height = (inches * POINTS for inches in layout.paper)
    across, down = width * layout.scale * POINTS, height * layout.scale * POINTS
    left = (paper_width - across) / 2
    for top in layout.tops:
        pdf.add_blank_page(page_size=(paper_width, paper_height))
        edge = paper_height - (layout.down - top) * POINTS
        pdf.pages[-1].add_overlay(page, pikepdf.Rectangle(left, edge - down, left + across, edge))


def _assemble(pdf: pikepdf.Pdf, sheets: Iterable[_Sheet], budget: int) -> tuple[int, ...]:
    """Append the sheets in order; the numbers of the pages of which nothing is left, being blank."""
    seen: dict[int, bool] = {}

    def settle(sheet: _Sheet, drawn: Future[FaxPage | None] | None) -> None:
        page = drawn.result() if drawn is not None else None
        if page is not None:
            group4.add(pdf, page)
        elif sheet.keep is not None:
            sheet.keep()
        inked = page is not None or sheet.keep is not None
        seen[sheet.number] = seen.get(sheet.number, False) or inked

    waiting: deque[tuple[_Sheet, Future[FaxPage | None] | None]] = deque()
    with ThreadPoolExecutor(CORES) as pool:
        for sheet in sheets:
            waiting.append((sheet, pool.submit(fax_page, sheet.draw, budget) if sheet.draw is not None else None))
            if len(waiting) > CORES:
                settle(*waiting.popleft())
        while waiting:
            settle(*waiting.popleft())
    return tuple(number for number, inked in seen.items() if not inked)


def fax_page(draw: Draw, budget: int) -> FaxPage | None:
    """A grey sheet in black and white, in the finest way that takes so many bytes or less; None if it is blank.

    Where a coarser way would leave nothing of it, it is the way before that. What has no ink and is seen all the same,
    a soft shade from edge to edge, is drawn in dots, rather than taken for blank.
    """
    page = bilevel.Page(draw())
    coded = _first_within(page.ways(), budget)
    return _first_within(page.in_dots(), budget) if coded is None and page.is_seen else coded


def _first_within(ways: Iterator[Mask], budget: int) -> FaxPage | None:
    coded = None
    for ink in ways:
        if not ink.any():
            break
        coded = group4.encode(ink)
        if len(coded.data) <= budget:
            break
    return coded
