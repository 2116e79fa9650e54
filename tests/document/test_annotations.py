"""Notes on a PDF's page without a drawing of their own are drawn; nothing live is left in the finished file."""

import io
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from bridge.document.options import DocumentOptions
from bridge.document.pdf import flat
from tests.document.test_forms import is_flat
from tests.support.document_samples import AS_IT_IS, Made, ink, mail, make, part
from tests.support.pdf_samples import a_drawing, a_page, built

BOX = [100, 500, 300, 540]
ROUTES = {
    "passed through": DocumentOptions(pages="original"),
    "as the line takes it": DocumentOptions(),
    "drawn": DocumentOptions(pages="fax"),
}
NOTES: dict[str, dict[str, Any]] = {
    "FreeText": {"Contents": String("APPROVED"), "DA": String("/Helv 14 Tf 0 g"), "C": [1, 0, 0]},
    "Stamp": {"Name": Name.NotApproved, "C": [1, 0, 0]},
    "Square": {"C": [1, 0, 0]},
    "Square filled": {"C": [0], "IC": [0]},
    "Square dashed": {"C": [0], "BS": Dictionary(W=3, S=Name.D, D=[6, 3])},
    "Circle": {"C": [0, 0, 1], "RD": [2, 2, 2, 2]},
    "Line": {"L": [100, 505, 300, 535], "LE": [Name.OpenArrow, Name("/None")]},
    "Polygon": {"Vertices": [100, 500, 200, 540, 300, 500]},
    "PolyLine": {"Vertices": [100, 500, 200, 540, 300, 500]},
    "Ink": {"InkList": [[100, 500, 200, 540, 300, 510], [150, 520]]},
    "Highlight": {"QuadPoints": [100, 540, 300, 540, 100, 500, 300, 500], "C": [0.3]},
    "Underline": {"QuadPoints": [100, 540, 300, 540, 100, 500, 300, 500]},
    "Squiggly": {},
    "StrikeOut": {"QuadPoints": [100, 540, 300, 540, 100, 500, 300, 500]},
    "Caret": {},
    "Redact": {},
    "Text": {"Contents": String("look here")},
    "FileAttachment": {},
}


def noted(name: str, *, turned: int = 0, flags: int = 4, words: str = "", **more: Any) -> bytes:
    """A page with a note of that name's kind."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf, words, turned=turned)
        keys = {f"/{key}": value for key, value in {**NOTES.get(name, {}), **more}.items()}
        note = Dictionary({"/Rect": Array(BOX), **keys})
        note.Type, note.Subtype, note.F = Name.Annot, Name(f"/{name.split(maxsplit=1)[0]}"), flags
        page.Annots = Array([pdf.make_indirect(note)])

    return built(build)


async def faxed(pdf: bytes, workspace: Path, options: DocumentOptions = AS_IT_IS) -> Made:
    """The pages of a mail with that PDF attached."""
    return await make(workspace, mail(part(pdf, "application/pdf", "plan.pdf")), options=options)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
@pytest.mark.parametrize("name", NOTES)
async def test_each_kind_is_drawn(name: str, route: DocumentOptions, tmp_path: Path) -> None:
    """On every route there is ink where the note is, and none elsewhere."""
    made = await faxed(noted(name), tmp_path, route)
    assert (made.failed, made.pages) == ("", 1)
    drawn = made.picture(dpi=72).crop((0, 0, 600, 780))
    box = ink(drawn, 200)
    assert box is not None
    assert 95 <= box[0] < box[2] <= 305
    assert 248 <= box[1] < box[3] <= 296
    assert is_flat(made.pdf)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
async def test_on_turned_pages_too(turned: int, route: DocumentOptions, tmp_path: Path) -> None:
    """Wherever is up."""
    made = await faxed(noted("FreeText", turned=turned), tmp_path, route)
    assert ink(made.picture(dpi=72).crop((0, 0, 600, 600)), 200) is not None
    if route is ROUTES["passed through"]:
        assert made.words() == ["APPROVED"]


async def test_words_of_any_script_and_length_are_seen(tmp_path: Path) -> None:
    """A note says all that it says."""
    text = "Zatwierdził Święcicki. " * 6
    words = (await faxed(noted("FreeText", Contents=String(text)), tmp_path)).words()[0]
    assert "".join(words.split()) == "".join(text.split())


async def test_a_stamp_says_its_name(tmp_path: Path) -> None:
    """In letters, as the rubber one does."""
    assert (await faxed(noted("Stamp"), tmp_path)).words() == ["NOT APPROVED"]


async def test_what_stands_under_a_marker_is_legible(tmp_path: Path) -> None:
    """A marker's colour lies under the letters, not over them."""
    made = await faxed(
        noted(
            "Highlight",
            words="marked",
            Rect=Array([30, 740, 200, 770]),
            QuadPoints=[30, 770, 200, 770, 30, 740, 200, 740],
        ),
        tmp_path,
    )
    assert made.words() == ["marked"]
    shades = made.picture(dpi=72).crop((30, 22, 200, 52)).histogram()
    assert sum(shades[:40]) > 20
    assert sum(shades[60:100]) > 1000


@pytest.mark.parametrize("name", ["Link", "Popup", "Movie"])
async def test_what_no_viewer_prints_is_not_drawn(name: str, tmp_path: Path) -> None:
    """A link, a note's window: nothing of them is seen or left."""
    made = await faxed(noted(name, words="BASE", Contents=String("unseen"), Border=Array([0, 0, 0])), tmp_path)
    assert ink(made.picture().crop((0, 100, 612, 792)), 200) is None
    assert made.words() == ["BASE"]
    assert is_flat(made.pdf)
    assert b"unseen" not in made.pdf


@pytest.mark.parametrize(
    ("keys", "box"),
    [
        ({}, (100, 252, 300, 292)),
        ({"Border": Array([0, 0, 2])}, (100, 252, 300, 292)),
        ({"BS": Dictionary(S=Name.U, W=2)}, (100, 290, 300, 292)),
    ],
    ids=["usual", "two points", "underlined"],
)
async def test_the_edge_of_a_link_is_drawn(keys: dict[str, Any], box: tuple[int, ...], tmp_path: Path) -> None:
    """One that is printed and has an edge, as it has unless it says otherwise."""
    drawn = ink((await faxed(noted("Link", **keys), tmp_path)).picture(), 200)
    assert drawn is not None
    assert all(abs(found - wanted) <= 2 for found, wanted in zip(drawn, box, strict=True))


ELSEWHERE = Array([500, 700, 560, 740])
BEYOND = {
    "Highlight": (100, 252, 300, 292),
    "Underline": (100, 286, 300, 292),
    "Ink": (100, 252, 300, 292),
    "Line": (100, 250, 300, 290),
    "Polygon": (100, 252, 300, 292),
}


@pytest.mark.parametrize("name", BEYOND)
async def test_nothing_is_cut_off_by_a_wrong_box(name: str, tmp_path: Path) -> None:
    """Many programs write a box that is not where the lines are; viewers draw these where they are."""
    drawn = ink((await faxed(noted(name, Rect=ELSEWHERE), tmp_path)).picture(), 235)
    assert drawn is not None
    assert all(abs(found - wanted) <= 6 for found, wanted in zip(drawn, BEYOND[name], strict=True))


async def test_a_note_without_a_size_has_its_sign(tmp_path: Path) -> None:
    """Its box says where it is, not how large."""
    drawn = ink((await faxed(noted("Text", Rect=Array([100, 500, 100, 500])), tmp_path)).picture())
    assert drawn is not None
    assert (drawn[0], drawn[2] - drawn[0], drawn[3] - drawn[1]) == (100, 18, 18)


async def test_corners_that_go_round_are_a_stretch_of_text(tmp_path: Path) -> None:
    """As the standard has them; nearly all programs write them in another order."""
    around = [100, 500, 300, 500, 300, 540, 100, 540]
    usual = (await faxed(noted("Highlight"), tmp_path)).picture()
    assert (await faxed(noted("Highlight", QuadPoints=around), tmp_path)).picture() == usual


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("FreeText", {"Contents": String(""), "RC": String("<body><p>RICH&amp;ONLY</p></body>")}),
        ("FreeText", {"Contents": String("RICH&ONLY"), "IT": Name.FreeTextCallout, "CL": [400, 300, 300, 400]}),
        ("Line", {"Contents": String("RICH&ONLY"), "Cap": True}),
    ],
    ids=["rich text", "callout", "caption of a line"],
)
async def test_the_words_of_a_drawing_are_seen(name: str, keys: dict[str, Any], tmp_path: Path) -> None:
    """Wherever an annotation has them."""
    assert (await faxed(noted(name, **keys), tmp_path)).words() == ["RICH&ONLY"]


@pytest.mark.parametrize(
    "ending",
    ["OpenArrow", "ClosedArrow", "ROpenArrow", "RClosedArrow", "Butt", "Slash", "Circle", "Square", "Diamond"],
)
async def test_what_ends_a_line_is_drawn(ending: str, tmp_path: Path) -> None:
    """At the end that has it: there is ink beside the line, and none at the other end."""
    level: dict[str, Any] = {"L": [150, 520, 250, 520], "BS": Dictionary(W=2)}
    picture = (await faxed(noted("Line", **level, LE=[Name("/None"), Name(f"/{ending}")]), tmp_path)).picture(dpi=144)
    assert ink(picture.crop((480, 500, 540, 538))) is not None
    assert ink(picture.crop((280, 500, 330, 538))) is None


JUNK = [-3, String("x"), Array([Name.A, String("b")]), Dictionary(W=Name.A)]


@pytest.mark.parametrize("name", NOTES)
async def test_what_is_written_wrong_fails_nothing(name: str) -> None:
    """Each of its keys with something else in it: viewers draw what is left, and so do we."""
    for key in {*NOTES[name], "BS", "RD", "CA", "AP", "AS", "DA"}:
        for junk in JUNK:
            changed: dict[str, Any] = {key: junk}
            with pikepdf.open(io.BytesIO(noted(name, **changed))) as pdf:
                flat.flatten(pdf)
                assert "/Annots" not in pdf.pages[0].obj


async def test_a_drawing_without_a_size_is_as_large_as_its_place(tmp_path: Path) -> None:
    """Two viewers take it so, or draw it anew: nothing of it is lost."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf)
        drawing = a_drawing(pdf, b"BT /Helv 10 Tf 0 5 Td (as drawn) Tj ET", 200, 40)
        del drawing.BBox, drawing.Subtype
        stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, F=4, Rect=Array(BOX), AP=Dictionary(N=drawing))
        page.Annots = Array([pdf.make_indirect(stamp)])

    assert (await faxed(built(build), tmp_path)).words() == ["as drawn"]


async def test_hidden_and_unprinted_notes_are_left_out(tmp_path: Path) -> None:
    """A hidden one is gone; of one for the screen alone there is a line, and so of words that open on a click."""
    hidden = await faxed(noted("FreeText", words="BASE", flags=2 | 4), tmp_path)
    assert hidden.words() == ["BASE"]
    assert len(hidden.parts) == 1
    told = await faxed(noted("FreeText", words="BASE", flags=0), tmp_path)
    assert told.words() == ["BASE"]
    assert [each.left_out for each in told.parts[1:]] == [flat.NOT_FOR_PRINTING]
    note = await faxed(noted("Text", words="BASE"), tmp_path)
    assert [(each.name, each.left_out) for each in note.parts[1:]] == [
        ("plan.pdf, the words of its notes", flat.NOT_ON_THE_PAGE)
    ]


async def test_a_drawing_that_is_there_is_kept(tmp_path: Path) -> None:
    """What its author had drawn is what is seen."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf)
        drawing = a_drawing(pdf, b"BT /Helv 10 Tf 0 5 Td (as drawn) Tj ET", 200, 40)
        note = Dictionary(Type=Name.Annot, Subtype=Name.FreeText, F=4, Rect=Array(BOX), Contents=String("otherwise"))
        note.AP = Dictionary(N=drawing)
        page.Annots = Array([pdf.make_indirect(note)])

    assert (await faxed(built(build), tmp_path)).words() == ["as drawn"]
