"""Greys become ink on clean paper, dots only where a picture is, and nothing that was seen is gone."""

import pytest
from PIL import Image, ImageDraw, ImageStat

from bridge.document import bilevel, group4, sheets
from tests.support.pictures import LINE, letter_scan, lettering, noisy, photo, sentence, shadowed

SHEET = (LINE, 2156)


def paper(shade: int = 250) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("L", SHEET, shade)
    return sheet, ImageDraw.Draw(sheet)


def drawn(grey: Image.Image) -> Image.Image:
    """In the finest way, as a picture."""
    return Image.fromarray(~next(bilevel.Page(grey).ways()))


def blackness(page: Image.Image, box: tuple[int, int, int, int]) -> float:
    """Part of a box that is ink."""
    return 1 - ImageStat.Stat(page.convert("L").crop(box)).mean[0] / 255


@pytest.mark.parametrize("shade", [255, 235, 180, 120])
@pytest.mark.parametrize("sigma", [0, 4, 12])
def test_paper_comes_out_clean(shade: int, sigma: float) -> None:
    """White, yellowed or dim, smooth or noisy: where nothing is written there is hardly a dot, though text beside."""
    sheet, draw = paper(shade)
    draw.text((200, 300), sentence(9, 1), font=lettering(36), fill=shade // 6)
    page = drawn(noisy(sheet, sigma * shade / 255))
    assert blackness(page, (0, 500, LINE, 2156)) < 5e-5
    assert 0.05 < blackness(page, (200, 305, 1400, 340)) < 0.6


@pytest.mark.parametrize("ink", [0, 60, 120, 170, 200])
def test_ink_of_any_shade_is_ink(ink: int) -> None:
    """Black, blue and pencil: the strokes of letters come out black, and whole."""
    sheet, draw = paper()
    draw.text((200, 300), sentence(9, 2), font=lettering(36), fill=0)
    draw.text((200, 600), sentence(9, 2), font=lettering(36), fill=ink)
    page = drawn(sheet)
    black, shade = (blackness(page, (190, y, 1600, y + 60)) for y in (300, 600))
    assert shade == pytest.approx(black, rel=0.25 if ink < 200 else 0.4)


def test_a_mark_keeps_its_place_and_its_width() -> None:
    """A line three dots wide is three dots wide, and where it was."""
    sheet, draw = paper()
    draw.rectangle((400, 1000, 1200, 1002), fill=20)
    page = drawn(sheet)
    assert page.point([255] + [0] * 255, "L").getbbox() == (400, 1000, 1201, 1003)


@pytest.mark.parametrize("bar", [0, 60, 100, 140])
def test_light_words_on_a_dark_bar_stay_readable(bar: int) -> None:
    """Letters are light and what is around them dark, as on the paper."""
    sheet, draw = paper()
    draw.rectangle((100, 400, 1600, 500), fill=bar)
    draw.text((150, 420), "Cardiology", font=lettering(56), fill=255)
    plain = Image.new("L", SHEET, 0)
    ImageDraw.Draw(plain).text((150, 420), "Cardiology", font=lettering(56), fill=255)
    box = plain.getbbox()
    assert box is not None
    letters = plain.crop(box).point([0] * 200 + [255] * 56)
    page = drawn(sheet).convert("L").crop(box)
    assert ImageStat.Stat(page, letters).mean[0] > 205
    assert ImageStat.Stat(page, letters.point(lambda value: 255 - value)).mean[0] < 90


@pytest.mark.parametrize("shade", [205, 225, 240])
def test_a_shaded_box_becomes_paper_and_its_words_stay(shade: int) -> None:
    """The grey behind a form's field neither becomes dots nor black, whatever is written on it."""
    sheet, draw = paper()
    draw.rectangle((100, 400, 1600, 700), fill=shade)
    draw.text((150, 500), sentence(8, 3), font=lettering(36), fill=50)
    page = drawn(sheet)
    assert blackness(page, (130, 560, 1570, 680)) == 0
    assert blackness(page, (150, 505, 1200, 540)) > 0.05


@pytest.mark.parametrize("shade", [90, 120, 150, 180])
def test_an_even_area_keeps_its_outline(shade: int) -> None:
    """A chart's bar is seen, small or large."""
    for size in (60, 200, 900):
        sheet, draw = paper()
        draw.rectangle((300, 300, 300 + size, 300 + size), fill=shade)
        page = drawn(sheet)
        for edge in (
            (300, 310, 304, 290 + size),
            (310, 300, 290 + size, 304),
            (296 + size, 310, 302 + size, 290 + size),
        ):
            assert blackness(page, edge) > 0.3, (size, edge)


@pytest.mark.parametrize("shade", [0, 60])
def test_a_black_area_is_black_however_large(shade: int) -> None:
    """To its very middle, and a page that is black all over too."""
    sheet, draw = paper()
    draw.rectangle((100, 100, 1600, 2000), fill=shade)
    assert blackness(drawn(sheet), (110, 110, 1590, 1990)) == 1
    assert blackness(drawn(Image.new("L", SHEET, 0)), (0, 0, *SHEET)) == 1


def test_a_shadow_is_no_ink() -> None:
    """A page photographed in half the light at one side reads the same from side to side."""
    sheet, draw = paper()
    for y in range(200, 2000, 60):
        draw.text((100, y), sentence(11, y), font=lettering(34), fill=30)
    clear, dim = drawn(sheet), drawn(noisy(shadowed(sheet, 0.45), 3))
    for x in (0, 600, 1100):
        box = (x, 200, x + 500, 2000)
        assert blackness(dim, box) == pytest.approx(blackness(clear, box), rel=0.4)
    assert not bilevel.Page(noisy(shadowed(sheet, 0.45), 3)).has_pictures


def test_a_picture_becomes_dots_and_the_text_around_it_does_not() -> None:
    """Each of its tones is so many dots; the letters above and below are ink on paper."""
    sheet, draw = paper()
    draw.text((200, 200), sentence(9, 5), font=lettering(36), fill=30)
    sheet.paste(photo((900, 700)), (400, 600))
    draw.text((200, 1500), sentence(9, 6), font=lettering(36), fill=30)
    page = drawn(sheet)
    for x in range(450, 1200, 150):
        for y in range(650, 1200, 150):
            box = (x, y, x + 100, y + 100)
            wanted = 1 - ImageStat.Stat(sheet.crop(box)).mean[0] / 255
            assert blackness(page, box) == pytest.approx(wanted, abs=0.2), box
    bare = Image.new("L", SHEET, 250)
    ImageDraw.Draw(bare).text((200, 200), sentence(9, 5), font=lettering(36), fill=30)
    assert page.crop((0, 0, LINE, 500)).tobytes() == drawn(bare).crop((0, 0, LINE, 500)).tobytes()


def test_text_alone_has_no_pictures() -> None:
    """Neither a scanned letter, nor small or large type, nor a bar code, nor ruled paper is taken for one."""
    assert not bilevel.Page(letter_scan().resize(SHEET)).has_pictures
    sheet, draw = paper()
    for number, size in enumerate((10, 12, 16, 24, 60, 140)):
        for line in range(4):
            y = 40 + number * 250 + line * (size + 4)
            draw.text((60, y), sentence(25, line), font=lettering(size, "DejaVuSans-Bold"), fill=20)
    for x in range(200, 1200, 7):
        draw.rectangle((x, 1900, x + x % 4, 2050), fill=0)
    assert not bilevel.Page(sheet).has_pictures
    assert not bilevel.Page(sheet.resize((864, 1078)).resize(SHEET, Image.Resampling.BILINEAR)).has_pictures, "blurred"


@pytest.mark.parametrize("face", ["DejaVuSans", "DejaVuSerif"])
def test_lines_of_letters_are_no_dark_bars(face: str) -> None:
    """Close together, noisy and under a shadow, no gap between them is taken for a light letter on a bar."""
    sheet, draw = paper()
    for number, y in enumerate(range(60, 2000, 40)):
        draw.text((50, y), sentence(14, number), font=lettering(28, face), fill=40)
    for page in (sheet, noisy(sheet, 6), noisy(shadowed(sheet, 0.55), 5)):
        assert bilevel.Page(page)._grounds is None


def test_the_ways_go_from_the_finest_to_the_smallest() -> None:
    """Each takes fewer bytes on the line than the one before; the first is the one that is drawn if it fits."""
    sheet = noisy(photo(SHEET), 10)
    sizes = [len(group4.encode(way).data) for way in bilevel.Page(sheet).ways()]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == len(bilevel.WAYS)


@pytest.mark.parametrize("budget", [150_000, 60_000, 30_000])
def test_a_page_keeps_to_its_budget(budget: int) -> None:
    """A photo that fills the page, a noisy one and a letter full of noise come out within so many bytes, not empty."""
    for grey in (photo(SHEET), noisy(photo(SHEET), 25), noisy(letter_scan().resize(SHEET), 25)):
        page = sheets.fax_page(grey.copy, budget)
        assert page is not None
        assert len(page.data) <= budget
    finest = sheets.fax_page(lambda: letter_scan().resize(SHEET), 150_000)
    assert finest is not None
    assert 20_000 < len(finest.data) < 90_000, "a letter is nowhere near it"


def test_a_soft_shade_is_no_blank_page() -> None:
    """What has neither edge nor ink and is seen all the same comes out as dots; an even sheet is blank, noisy too."""
    shade = Image.linear_gradient("L").resize(SHEET).point(lambda value: 255 - value * 3 // 5)
    page = sheets.fax_page(shade.copy, 150_000)
    assert page is not None
    assert 20_000 < len(page.data) <= 150_000
    for grey in (220, 160, 110):
        even = Image.new("L", SHEET, grey)
        assert sheets.fax_page(even.copy, 150_000) is None
        assert sheets.fax_page(noisy(even, 4).copy, 150_000) is None
