"""Every page finds its place on fax paper, and none is cut off where another way was open."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from bridge.document import paper
from bridge.document.paper import A4, LEGAL, LETTER


def laid(width: float, height: float, *, cut_long: bool = True) -> paper.Layout:
    return paper.lay_out(width, height, cut_long=cut_long)


@pytest.mark.parametrize(
    ("size", "wanted", "turned"),
    [
        ((8.5, 11), LETTER, False),
        ((8.27, 11.69), A4, False),
        ((8.5, 14), LEGAL, False),
        ((8.47, 11.7), A4, False),  # a fax machine's A4
        ((11, 8.5), LETTER, True),
        ((11.69, 8.27), A4, True),
        ((14, 8.5), LEGAL, True),
    ],
)
def test_a_page_of_a_paper_size_stays_as_large_as_it_is(
    size: tuple[float, float], wanted: tuple[float, float], turned: bool
) -> None:
    """On its own paper, upright ones untouched, landscape ones turned and no smaller."""
    layout = laid(*size)
    assert (layout.paper, layout.turned, layout.scale, layout.tops) == (wanted, turned, 1.0, (0.0,))


@pytest.mark.parametrize(
    ("size", "wanted", "scale"),
    [((11.69, 16.54), LETTER, 0.665), ((11, 17), LEGAL, 0.773), ((17, 22), LETTER, 0.5), ((33.1, 46.8), LETTER, 0.235)],
)
def test_a_larger_page_is_shrunk_onto_the_paper_it_fills_best(
    size: tuple[float, float], wanted: tuple[float, float], scale: float
) -> None:
    """Of those that lie in the machine: where Letter is usual a tabloid becomes Legal, all that is wider Letter."""
    layout = laid(*size)
    assert layout.paper == wanted
    assert layout.scale == pytest.approx(scale, abs=0.005)


@pytest.mark.parametrize(
    ("size", "scale"), [((11.69, 16.54), 0.707), ((11, 17), 0.688), ((17, 22), 0.486), ((8.5, 13), 0.899)]
)
def test_where_a4_is_usual_a_larger_page_is_shrunk_onto_it(size: tuple[float, float], scale: float) -> None:
    """A3, a tabloid, and a folio, which is longer: a machine there has no Legal."""
    layout = paper.lay_out(*size, A4, cut_long=True)
    assert layout.paper == A4
    assert layout.scale == pytest.approx(scale, abs=0.005)


@pytest.mark.parametrize("size", [LETTER, LEGAL, A4])
def test_a_page_that_is_a_paper_stays_one_wherever_it_goes(size: tuple[float, float]) -> None:
    """Whoever made it had a reason."""
    for sheet in (LETTER, A4):
        assert paper.lay_out(*size, sheet, cut_long=True).paper == size
        dots = (round(size[0] * 200), round(size[1] * 200))
        assert paper.place(dots, (200, 200), sheet).paper == size


def test_what_is_fitted_is_fitted_onto_the_paper_that_is_usual() -> None:
    """Small pages, photographs, long pages and long pictures."""
    assert paper.lay_out(5.83, 8.27, A4, cut_long=True) == paper.Layout(A4, length=8.27)
    receipt = paper.lay_out(3.1, 30, A4, cut_long=True)
    assert (receipt.paper, receipt.length) == (A4, A4[1])
    photo = paper.place((4000, 3000), None, A4)
    assert photo.paper == A4
    assert photo.width == pytest.approx(7.77)
    (first, *_) = paper.stretches((1000, 9000), None, A4)
    (other, *_) = paper.stretches((1000, 9000), None)
    assert first[1] / other[1] == pytest.approx((11.19 / 7.77) / (10.5 / 8), abs=0.01)


def test_a_smaller_page_keeps_its_size() -> None:
    """A5, a card and a cheque stand on a sheet as large as they are, and a small landscape one is not turned."""
    for size in ((5.83, 8.27), (3.5, 2.0), (6.0, 2.75)):
        assert laid(*size) == paper.Layout(LETTER, length=size[1])


def test_a_page_longer_than_any_paper_is_cut_into_sheets_or_shrunk() -> None:
    """A receipt of 30 inches becomes three sheets with nothing left out, or one if the site prefers; a web page too."""
    receipt = laid(3.1, 30)
    assert (receipt.scale, receipt.length) == (1.0, 11.0)
    assert receipt.tops == pytest.approx((0.0, 10.7, 21.4))
    page = laid(17, 66)
    assert page.scale == pytest.approx(32.4 / 66)
    assert len(page.tops) == 3
    shrunk = laid(3.1, 30, cut_long=False)
    assert len(shrunk.tops) == 1
    assert shrunk.scale == pytest.approx(14 / 30)
    assert len(laid(8.5, 33.0).tops) == 3, "no fourth sheet for what stands twice"
    assert len(laid(3.0, 35.0).tops) == 4


@given(st.floats(1, 9), st.floats(15, 400))
def test_no_line_is_cut_in_two(width: float, height: float) -> None:
    """Whatever is no higher than 0.3 inches is whole on one of the sheets that a long page is cut into."""
    layout = laid(width, height)
    if len(layout.tops) == 1 or layout.turned:
        return
    assert layout.scale >= 0.95 * min(1.0, 8.5 / width)
    for this, following in pairwise(layout.tops):
        assert this + layout.length - following >= 0.299


@given(
    st.integers(1, 3000), st.integers(1, 30_000), st.sampled_from([None, (204.0, 196.0), (204.0, 98.0), (96.0, 96.0)])
)
def test_all_rows_of_any_picture_are_on_its_sheets(across: int, down: int, dpi: tuple[float, float] | None) -> None:
    """In order, from the first to the last, each sheet beginning before the one above it ends."""
    rows = paper.stretches((across, down), dpi)
    assert rows[0][0] == 0
    assert rows[-1][1] == down or len(rows) == 1000
    for (top, bottom), (following, _) in pairwise(rows):
        assert top < following <= bottom
    if down <= 1.9 * across / ((dpi[0] / dpi[1]) if dpi else 1):
        assert len(rows) == 1


@pytest.mark.parametrize(
    ("size", "dpi", "sheets"),
    [
        ((1080, 2400), None, 1),
        ((1080, 9000), None, 7),
        ((1728, 2200), (204.0, 196.0), 1),
        ((1728, 2750), (204.0, 196.0), 1),
        ((1728, 6000), (204.0, 196.0), 3),
        ((1728, 3000), (204.0, 98.0), 3),
    ],
)
def test_which_pictures_are_cut(size: tuple[int, int], dpi: tuple[float, float] | None, sheets: int) -> None:
    """A telephone's screen is a sheet, the picture of a whole web page several; a fax's long page too."""
    assert len(paper.stretches(size, dpi)) == sheets


@given(st.floats(0, 500), st.floats(0, 500), st.booleans())
def test_all_of_any_page_is_on_its_sheets(width: float, height: float, cut: bool) -> None:
    """Whatever its size: inside the paper but for scans a little too large, and from its top to its end."""
    layout = laid(width, height, cut_long=cut)
    across, down = (height, width) if layout.turned else (width, height)
    assert across * layout.scale <= layout.paper[0] + paper.SLACK + 0.001
    assert layout.tops[0] == 0
    assert layout.tops[-1] + max(layout.length, layout.paper[1]) + 2 * paper.SLACK >= down * layout.scale
    assert not (layout.scale == 1 and layout.turned and across > paper.LETTER[0] + paper.SLACK)


def test_a_picture_that_tells_no_size_is_fitted_and_a_small_one_not_blown_up() -> None:
    """A photo fills the width of a Letter page; an icon of 48 dots stays half an inch."""
    photo = paper.place((4000, 3000), None)
    assert (photo.paper, photo.width, photo.height) == (LETTER, 8.0, 6.0)
    assert paper.place((48, 48), None).width == pytest.approx(0.48)
