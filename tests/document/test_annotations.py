"""Notes on a PDF's page without a drawing of their own are drawn; nothing live is left in the finished file."""

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
    made = await faxed(noted(name, words="BASE", Contents=String("unseen")), tmp_path)
    assert made.words() == ["BASE"]
    assert is_flat(made.pdf)
    assert b"unseen" not in made.pdf


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
