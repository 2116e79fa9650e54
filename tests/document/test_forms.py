"""PDF forms are printed as a viewer prints them: what is filled in is seen, wherever it is kept."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from bridge.document.pdf import flat
from tests.support import pdf_samples
from tests.support.document_samples import AS_IT_IS, Made, ink, mail, make, part
from tests.support.pdf_samples import (
    COMB,
    COMBO,
    MULTILINE,
    PASSWORD,
    PUSHBUTTON,
    RADIO,
    BuildField,
    a_drawing,
    a_field,
    a_form,
)

LONG = "Chest pain since Sunday. Allergic to aspirin. Please see before Thursday and call the son, 555-0117."


async def faxed(pdf: bytes, workspace: Path) -> Made:
    """The pages of a mail with that form attached, its text kept as text."""
    return await make(workspace, mail(part(pdf, "application/pdf", "form.pdf")), options=AS_IT_IS)


def is_flat(pdf: bytes) -> bool:
    """Whether nothing is left in the file that a program could still draw, or run, in its own way."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        kinds = {str(each.get("/Subtype")) for each in opened.objects if isinstance(each, Dictionary)}
        pages = [set(page.obj.keys()) for page in opened.pages]
    return not kinds & {"/Widget", "/FreeText", "/Link"} and not any(
        "/Annots" in keys or "/AA" in keys for keys in pages
    )


@pytest.mark.parametrize("anew", [True, False], ids=["NeedAppearances", "no flag"])
@pytest.mark.parametrize(
    "field",
    [
        a_field("BLOOM, LEOPOLD"),
        a_field("BLOOM, LEOPOLD", DA=String("/Helv 0 Tf 0 g")),
        a_field("BLOOM, LEOPOLD", Q=1, DA=String("/TiRo 11 Tf 0 0 1 rg")),
        a_field("BLOOM, LEOPOLD", Q=2, MK=Dictionary(BC=[0], BG=[0.9])),
        a_field("BLOOM,\rLEOPOLD", Ff=MULTILINE, Rect=Array([40, 600, 340, 660])),
        a_field("BLOOM, LEOPOLD", AP=Dictionary(N=Dictionary())),
        a_field("BLOOM, LEOPOLD", MK=Dictionary(R=90), Rect=Array([40, 500, 60, 700])),
    ],
    ids=["plain", "any size", "middle", "right", "lines", "empty appearance", "turned"],
)
async def test_a_value_without_an_appearance_is_drawn(field: Dictionary, anew: bool, tmp_path: Path) -> None:
    """Whether viewers are asked to draw it or not, a value is a value."""
    made = await faxed(a_form(field, NeedAppearances=anew), tmp_path)
    assert made.failed == ""
    assert "BLOOM, LEOPOLD" in made.words()[0]
    assert is_flat(made.pdf)


@pytest.mark.parametrize(
    "name", ["Łukasz Święcicki, Łódź", "Škvorecký Ďáblice", "Ιωάννης Παπαδόπουλος", "Иван Петров", "Nguyễn Văn Ơn"]
)
async def test_letters_beyond_latin_are_drawn(name: str, tmp_path: Path) -> None:
    """In scripts for which there is a font each letter is seen, none becomes a question mark."""
    made = await faxed(a_form(a_field(name), NeedAppearances=True), tmp_path)
    assert "".join(made.words()[0].split()) == "AFORM" + "".join(name.split())


async def test_letters_without_a_font_fail_by_name(tmp_path: Path) -> None:
    """What cannot be drawn is said, with the field in which it stands, rather than left out."""
    made = await faxed(a_form(a_field("as usual", "first"), a_field("\U00012000 \U00012001", "second")), tmp_path)
    assert made.failed == "form.pdf: " + flat.FIELD_WITHOUT_FONT.format(field="second")


async def test_a_long_text_is_set_smaller_rather_than_cut(tmp_path: Path) -> None:
    """Each word of a text too long for its field is seen; one that fits in no size fails the part by name."""
    for box in ([40, 600, 240, 640], [40, 600, 340, 622]):
        made = await faxed(a_form(a_field(LONG, Ff=MULTILINE, Rect=Array(box))), tmp_path)
        assert all(word in made.words()[0] for word in LONG.split())
    narrow = a_field(LONG, "reason", Rect=Array([40, 600, 80, 612]))
    assert (await faxed(a_form(narrow), tmp_path)).failed == "form.pdf: " + flat.FIELD_TOO_SMALL.format(field="reason")


async def test_a_comb_has_a_letter_in_each_cell(tmp_path: Path) -> None:
    """The letters of a number stand as far apart as its cells are wide."""
    field = a_field("55501", Ff=COMB, MaxLen=10, Rect=Array([100, 600, 300, 620]))
    made = await faxed(a_form(field, words=""), tmp_path)
    drawn = made.picture(dpi=144).crop((0, 300, 1224, 400))
    inked = [x for x in range(200, 600) if (column := ink(drawn.crop((x, 0, x + 1, 100)))) is not None and column]
    cells = {(x - 200) // 40 for x in inked}
    assert cells == {0, 1, 2, 3, 4}
    assert "".join(made.words()[0].split()) == "55501"


async def test_a_password_is_not_shown(tmp_path: Path) -> None:
    """As on the screen, a password is stars."""
    assert "***" in (await faxed(a_form(a_field("abc", Ff=PASSWORD)), tmp_path)).words()[0]


def with_appearance(shown: str, value: str, **keys: Any) -> BuildField:
    """A field whose own drawing shows that."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        drawing = a_drawing(pdf, b"/Tx BMC BT /Helv 10 Tf 2 5 Td (%b) Tj ET EMC" % shown.encode(), 300, 20)
        return a_field(value, AP=Dictionary(N=drawing), **keys)

    return build


@pytest.mark.parametrize(
    ("shown", "value", "anew", "seen"),
    [
        ("12 May 2026", "12 May 2026", True, "12 May 2026"),
        ("12 May 2026", "20260512", False, "12 May 2026"),
        ("of last year", "of this year", True, "of this year"),
        ("", "filled in by a program", False, "filled in by a program"),
        ("of last year", "", True, "A FORM"),
    ],
    ids=["good and flagged", "in another form", "out of date", "empty", "emptied"],
)
async def test_an_appearance_is_kept_while_it_is_good(
    shown: str, value: str, anew: bool, seen: str, tmp_path: Path
) -> None:
    """What a form's author had drawn stays; only one that lacks the value, where that may be, is drawn anew."""
    words = (await faxed(a_form(with_appearance(shown, value), NeedAppearances=anew), tmp_path)).words()[0]
    assert words.removeprefix("A FORM ") == seen


@pytest.mark.parametrize("anew", [True, False])
async def test_an_appearance_that_cuts_its_text_off_is_no_good_one(anew: bool, tmp_path: Path) -> None:
    """A program that drew a text of many words in one line, out of the field, has not shown them."""
    made = await faxed(
        a_form(with_appearance(LONG, LONG, Ff=MULTILINE, Rect=Array([40, 600, 340, 660])), NeedAppearances=anew),
        tmp_path,
    )
    picture = made.picture(dpi=150)
    box = ink(picture.crop((0, 200, picture.width, picture.height)))
    assert box is not None
    assert box[3] - box[1] > 40
    assert box[2] < 340 / 72 * 150
    assert all(word in made.words()[0] for word in LONG.split())


async def test_a_formatted_value_keeps_its_form(tmp_path: Path) -> None:
    """What a script wrote as an amount is not undone by the number behind it."""
    script = Dictionary(F=Dictionary(S=Name.JavaScript, JS=String("AFNumber_Format(2, 0, 0, 0, '', true);")))
    form = a_form(with_appearance("1,250.00", "1250", AA=script), NeedAppearances=True)
    assert "1,250.00" in (await faxed(form, tmp_path)).words()[0]


def a_box(state: str, *, drawn: bool = True, **keys: Any) -> BuildField:
    """A check box, with drawings of both its states or without any."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        box = Dictionary(FT=Name.Btn, T=String("box"), Rect=Array([40, 600, 60, 620]), **keys)
        box.V = box.AS = Name(state)
        if drawn:
            cross = a_drawing(pdf, b"4 w 0 0 m 20 20 l S 0 20 m 20 0 l S", 20, 20)
            box.AP = Dictionary(N=Dictionary(Yes=cross, Off=a_drawing(pdf, b"", 20, 20)))
        return box

    return build


@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "not drawn"])
@pytest.mark.parametrize(
    "keys", [{}, {"Ff": RADIO}, {"MK": Dictionary(CA=String("8"), BC=[0])}], ids=["check box", "radio button", "cross"]
)
async def test_boxes_are_marked_as_they_are(drawn: bool, keys: dict[str, Any], tmp_path: Path) -> None:
    """One that is on has its mark, one that is off has none."""
    pictures = []
    for state in ("/Yes", "/Off"):
        made = await faxed(a_form(a_box(state, drawn=drawn, **keys), words=""), tmp_path)
        pictures.append(made.picture(dpi=144).crop((84, 348, 116, 380)) if made.pages else None)
    on, off = pictures
    assert on is not None
    assert ink(on) is not None
    assert off is None or ink(off.crop((4, 4, 28, 28))) is None


async def test_a_box_is_marked_by_its_value_where_viewers_are_asked_to(tmp_path: Path) -> None:
    """A program that only set the value, and the flag, has marked the box."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        box = a_box("/Yes")(pdf)
        box.AS = Name.Off
        return box

    for anew, pages in ((True, 1), (False, 0)):
        made = await faxed(a_form(build, words="", NeedAppearances=anew), tmp_path)
        assert made.pages == pages


@pytest.mark.parametrize(
    ("choice", "seen", "unseen"),
    [
        (
            Dictionary(Ff=COMBO, V=String("b"), Opt=Array([["a", "Aspirin"], ["b", "Paracetamol"]])),
            "Paracetamol",
            "Asp",
        ),
        (Dictionary(Ff=COMBO, V=String("typed in"), Opt=Array(["Aspirin"])), "typed in", "Aspirin"),
        (Dictionary(V=String("two"), Opt=Array(["one", "two", "three"])), "one two three", "four"),
        (Dictionary(V=Array([String("x9")]), Opt=Array([f"x{at}" for at in range(12)])), "x9", "x0"),
    ],
    ids=["shown in words", "typed", "list", "far down a list"],
)
async def test_choices_are_shown_in_words(choice: Dictionary, seen: str, unseen: str, tmp_path: Path) -> None:
    """Not what a program keeps, but what its reader chose from."""
    field = Dictionary(
        {"/FT": Name.Ch, "/T": String("choice"), "/Rect": Array([40, 600, 240, 650]), **dict(choice.items())}
    )
    words = (await faxed(a_form(field, NeedAppearances=True), tmp_path)).words()[0]
    assert seen in words
    assert unseen not in words


async def test_a_button_without_a_drawing_has_its_caption(tmp_path: Path) -> None:
    """As on the screen."""
    button = Dictionary(FT=Name.Btn, Ff=PUSHBUTTON, T=String("b"), MK=Dictionary(CA=String("Reset"), BC=[0]))
    assert "Reset" in (await faxed(a_form(button), tmp_path)).words()[0]


async def test_what_a_field_inherits_counts(tmp_path: Path) -> None:
    """Kind, value and flags of a widget may stand with the field above it."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        parent = Dictionary(FT=Name.Tx, T=String("name"), V=String("DEDALUS, S."), Ff=MULTILINE)
        return Dictionary(Parent=pdf.make_indirect(parent))

    assert "DEDALUS, S." in (await faxed(a_form(build), tmp_path)).words()[0]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
async def test_fields_of_turned_pages_are_seen(turned: int, tmp_path: Path) -> None:
    """Wherever is up, and on the way through black and white as well."""
    form = a_form(a_field("BLOOM, LEOPOLD", MK=Dictionary(BG=[0.8])), turned=turned)
    assert "BLOOM, LEOPOLD" in (await faxed(form, tmp_path)).words()[0]
    made = await make(tmp_path, mail(part(form, "application/pdf", "form.pdf")))
    assert (made.failed, made.pages) == ("", 1)
    assert ink(made.picture(dpi=100)) is not None


async def test_what_is_hidden_is_not_there_and_what_is_for_the_screen_is_told(tmp_path: Path) -> None:
    """A hidden field is in no way in the file; one that is not printed has a line."""
    form = a_form(
        a_field("seen by all"), a_field("hidden away", F=pdf_samples.HIDDEN | 4), a_field("on the screen", F=0)
    )
    made = await faxed(form, tmp_path)
    assert made.words() == ["A FORM seen by all"]
    assert b"hidden away" not in made.pdf
    assert [(each.name, each.left_out) for each in made.parts][1:] == [
        ("form.pdf, what is for the screen only", flat.NOT_FOR_PRINTING)
    ]


async def test_a_radio_button_nobody_can_draw_fails_by_name(tmp_path: Path) -> None:
    """Where nothing tells which of the buttons is meant, none is marked at random."""
    button = Dictionary(FT=Name.Btn, Ff=RADIO, T=String("choice"), V=Name("/1"))
    assert (await faxed(a_form(button), tmp_path)).failed == "form.pdf: " + flat.FIELD_UNKNOWN.format(field="choice")


async def test_a_hundred_fields_are_drawn(tmp_path: Path) -> None:
    """All of a long form's values are there."""
    places = [
        Array([40 + 130 * (at % 4), 720 - 26 * (at // 4), 160 + 130 * (at % 4), 740 - 26 * (at // 4)])
        for at in range(100)
    ]
    made = await faxed(a_form(*(a_field(f"V{at:03}", Rect=place) for at, place in enumerate(places))), tmp_path)
    assert set(made.words()[0].split()) == {"A", "FORM", *(f"V{at:03}" for at in range(100))}


@pytest.mark.parametrize(
    "field",
    [
        Dictionary(FT=Name.Tx, V=4711),
        Dictionary(FT=Name.Tx, V=Name("/4711")),
        Dictionary(FT=Name.Tx, V=String(b"\xfe\xff" + "\x1bde\x1b4711".encode("utf-16-be"))),
        Dictionary(FT=Name.Tx, RV=String("<body><p>47<b>11</b></p></body>")),
        Dictionary(FT=Name.Ch, Ff=COMBO, Opt=Array([String("no"), String("4711")]), I=Array([1])),
        Dictionary(
            FT=Name.Ch, Ff=COMBO, Opt=Array([String("no"), Array([String("b"), String("4711")])]), V=String("b")
        ),
    ],
    ids=["number", "name", "language told", "rich text", "chosen by place", "another word for it"],
)
async def test_a_value_is_seen_however_it_is_kept(field: Dictionary, tmp_path: Path) -> None:
    """As a number, a name, with its language before it, as rich text alone, or as a place among the options."""
    assert (await faxed(a_form(field), tmp_path)).words() == ["A FORM 4711"]


async def test_more_letters_than_cells_are_all_seen(tmp_path: Path) -> None:
    """A reader must not take the beginning of a number for the whole."""
    made = await faxed(a_form(a_field("1234567890ABC", Ff=COMB, MaxLen=10)), tmp_path)
    assert made.words() == ["A FORM 1234567890ABC"]


@pytest.mark.parametrize("value", ["Привет мир", "Nguyễn Thị Hường"])
async def test_question_marks_for_letters_are_no_drawing(value: str, tmp_path: Path) -> None:
    """Where a program's font did not have the letters, the value is set here instead; a question stays one."""
    shown = value.encode("ascii", "replace")

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        drawing = a_drawing(pdf, b"BT /Helv 12 Tf 2 5 Td (%b) Tj ET" % shown, 300, 20)
        return a_field(value, AP=Dictionary(N=drawing))

    assert value in (await faxed(a_form(build), tmp_path)).words()[0]


async def test_a_drawing_in_letters_that_are_not_there_is_made_anew(tmp_path: Path) -> None:
    """A font that is not in the file has not always all the letters that a drawing asks of it."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        drawing = a_drawing(pdf, b"BT /Helv 12 Tf 2 5 Td (\x80\x81o) Tj ET", 300, 20)
        names = Array([128, Name.Zdotaccent, Name.lslash])
        drawing.Resources.Font.Helv.Encoding = Dictionary(BaseEncoding=Name.WinAnsiEncoding, Differences=names)
        return a_field("\u017b\u0142o", AP=Dictionary(N=drawing))

    made = await faxed(a_form(build, words=""), tmp_path)
    assert made.words() == ["\u017b\u0142o"]
    box = ink(made.picture(dpi=144))
    assert box is not None
    assert box[0] < 2 * 52


async def test_names_in_latin_letters_of_old_programs_are_read(tmp_path: Path) -> None:
    """``Sí`` in one byte is no UTF-8, and the mark of that box is seen all the same."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        states = Dictionary(XXXXon=a_drawing(pdf, b"2 2 16 16 re f", 20, 20), Off=a_drawing(pdf, b"", 20, 20))
        on = Name.XXXXon
        return Dictionary(FT=Name.Btn, V=on, AS=on, AP=Dictionary(N=states), Rect=Array([40, 600, 60, 620]))

    old = a_form(build, words="").replace(b"/XXXXon", b"/S#EDon")
    assert b"/S#EDon" in old
    made = await faxed(old, tmp_path)
    assert made.failed == ""
    assert ink(made.picture()) == (42, 174, 58, 190)


async def test_a_mark_that_is_left_to_viewers_is_drawn(tmp_path: Path) -> None:
    """With an empty drawing for it, as LaTeX writes its forms."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        states = Dictionary(On=a_drawing(pdf, b"", 0, 0))
        return Dictionary(FT=Name.Btn, V=Name.On, AS=Name.On, AP=Dictionary(N=states), MK=Dictionary(CA=String("H")))

    made = await faxed(a_form(build, NeedAppearances=True), tmp_path)
    assert "\u2605" in made.words()[0]


async def test_a_list_shows_as_many_lines_as_it_has_room_for(tmp_path: Path) -> None:
    """By the size of its letters."""
    options = Array([String("one"), String("two"), String("three")])
    box = Dictionary(FT=Name.Ch, Opt=options, DA=String("/Helv 10 Tf"), Rect=Array([40, 600, 140, 626]))
    assert (await faxed(a_form(box), tmp_path)).words() == ["A FORM one two"]


@pytest.mark.parametrize("kind", [Name.Tx, Name.Ch, Name.Btn, Name.Sig])
def test_what_is_written_wrong_fails_nothing(kind: Name) -> None:
    """Each key of a field with something else in it: viewers draw what is left, and so do we."""
    junk = [-3, String("x"), Array([Name.A, String("b")]), Dictionary(W=Name.A)]
    for key in ("V", "RV", "DA", "Q", "Ff", "MaxLen", "MK", "BS", "AP", "AS", "AA", "TU", "Parent", "Opt", "I", "TI"):
        for value in junk:
            field = Dictionary(dict(a_field("x").items()))
            field.FT, field[f"/{key}"] = kind, value
            with pikepdf.open(io.BytesIO(a_form(field))) as pdf:
                flat.flatten(pdf)
                assert "/Annots" not in pdf.pages[0].obj


def in_xfa(data: str, *, whole: bool = False) -> Callable[[pikepdf.Pdf], pikepdf.Object]:
    """The key of a form of both kinds, with these data, in their packet or with all else in one."""
    xml = '<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><xfa:data>%s</xfa:data></xfa:datasets>'
    content = (xml % data).encode()

    def build(pdf: pikepdf.Pdf) -> pikepdf.Object:
        if whole:
            return pdf.make_stream(b'<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">' + content + b"</xdp:xdp>")
        return Array([String("datasets"), pdf.make_stream(content)])

    return build


DATA = "<form1><who>DEDALUS, S.</who><row><day>Mon</day></row><row><day>Tue</day></row><ok>1</ok><no>0</no></form1>"


@pytest.mark.parametrize("whole", [False, True], ids=["packet", "whole"])
async def test_values_that_stand_in_xfa_data_alone_are_seen(whole: bool, tmp_path: Path) -> None:
    """Acrobat shows them, other viewers an empty form: they are put into the fields of the same names."""

    def inner(name: str, parent: str, **keys: Any) -> BuildField:
        def build(pdf: pikepdf.Pdf) -> Dictionary:
            root = pdf.make_indirect(Dictionary(T=String("form1[0]")))
            above = pdf.make_indirect(Dictionary(T=String(parent), Parent=root))
            return Dictionary(
                {"/FT": Name.Tx, "/T": String(name), "/Parent": above, **{f"/{k}": v for k, v in keys.items()}}
            )

        return build

    def box(pdf: pikepdf.Pdf) -> Dictionary:
        states = Dictionary({"/1": a_drawing(pdf, b"0 0 9 9 re f", 9, 9), "/Off": a_drawing(pdf, b"", 9, 9)})
        at = Array([40, 300, 49, 309])
        return Dictionary(FT=Name.Btn, T=String("form1[0].ok[0]"), AS=Name.Off, AP=Dictionary(N=states), Rect=at)

    form = a_form(
        inner("who[0]", "#subform[0]"),
        inner("day[0]", "row[0]"),
        inner("day[0]", "row[1]"),
        inner("day[0]", "row[2]"),
        box,
        words="",
    )
    with pikepdf.open(io.BytesIO(form)) as pdf:
        pdf.Root.AcroForm.XFA = in_xfa(DATA, whole=whole)(pdf)
        out = io.BytesIO()
        pdf.save(out)
    made = await faxed(out.getvalue(), tmp_path)
    assert made.words() == ["DEDALUS, S. Mon Tue"]
    assert ink(made.picture().crop((38, 480, 52, 495))) is not None


async def test_a_value_of_a_field_stands_against_xfa_data(tmp_path: Path) -> None:
    """What all viewers but one show is what is faxed; data that are no XML change nothing."""
    for data, shown in ((DATA, "BLOOM, L."), ("<form1><who>broken", "BLOOM, L.")):
        form = a_form(a_field("BLOOM, L.", name="form1[0].who[0]"), words="")
        with pikepdf.open(io.BytesIO(form)) as pdf:
            pdf.Root.AcroForm.XFA = in_xfa(data)(pdf)
            out = io.BytesIO()
            pdf.save(out)
        assert (await faxed(out.getvalue(), tmp_path)).words() == [shown]


async def test_a_list_of_which_nothing_is_chosen_keeps_its_drawing(tmp_path: Path) -> None:
    """What may be chosen may stand in the drawing alone."""

    def build(pdf: pikepdf.Pdf) -> Dictionary:
        drawing = a_drawing(pdf, b"BT /Helv 10 Tf 2 5 Td (five) Tj ET", 60, 20)
        return Dictionary(FT=Name.Ch, AP=Dictionary(N=drawing))

    assert (await faxed(a_form(build, NeedAppearances=True), tmp_path)).words() == ["A FORM five"]
