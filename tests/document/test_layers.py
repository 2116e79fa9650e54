"""Of a PDF's layers those are printed that its default configuration prints; the others are not in the file at all."""

import io
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from bridge.document.options import DocumentOptions
from bridge.document.pdf import hidden
from tests.support.document_samples import AS_IT_IS, Made, ink, mail, make, part
from tests.support.pdf_samples import a_drawing, a_group, a_page, built, with_layers

BASE = b"BT /F1 14 Tf 40 700 Td (BASE) Tj ET "
IN_LAYER = b"/OC /L BDC BT /F1 14 Tf 40 600 Td (LAYER) Tj ET EMC "
ROUTES = {
    "passed through": DocumentOptions(pages="original"),
    "as the line takes it": DocumentOptions(),
    "drawn": DocumentOptions(pages="fax"),
}


def default(**keys: Any) -> Any:
    """A configuration, of which lists of layers are given by name."""

    def made(groups: dict[str, Any]) -> Dictionary:
        return Dictionary(
            {
                f"/{key}": Array([groups[name] for name in value]) if isinstance(value, list) else value
                for key, value in keys.items()
            }
        )

    return made


def usage(state: str, event: Name = Name.Print, category: Name = Name.Print) -> Any:
    """A configuration in which the layer ``L`` is on and its own wish for the event counts."""

    def made(groups: dict[str, Any]) -> Dictionary:
        applied = Dictionary(Event=event, Category=Array([category]), OCGs=Array([groups["L"]]))
        return Dictionary({f"/{state}": Array([groups["L"]]), "/AS": Array([applied])})

    return made


def wish(state: str, category: str = "Print") -> Dictionary:
    """What a layer says of its use."""
    return Dictionary({f"/{category}": Dictionary({f"/{category}State": Name(f"/{state}")})})


async def faxed(pdf: bytes, workspace: Path, options: DocumentOptions = AS_IT_IS) -> Made:
    """The pages of a mail with that PDF attached."""
    return await make(workspace, mail(part(pdf, "application/pdf", "plan.pdf")), options=options)


def texts(pdf: bytes) -> bytes:
    """All that stands in the streams of a file, drawn or not."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        streams = [each for each in opened.objects if isinstance(each, pikepdf.Stream)]
        return b"".join(each.read_bytes() for each in streams if each.get("/Subtype") != "/Image")


@pytest.mark.parametrize(
    ("group", "configuration", "printed"),
    [
        (a_group("l"), default(), True),
        (a_group("l"), default(OFF=["L"]), False),
        (a_group("l"), default(BaseState=Name.OFF), False),
        (a_group("l"), default(BaseState=Name.OFF, ON=["L"]), True),
        (a_group("l", Usage=wish("OFF")), usage("ON"), False),
        (a_group("l", Usage=wish("ON")), usage("OFF"), True),
        (a_group("l", Usage=wish("OFF")), usage("ON", event=Name.View), True),
        (a_group("l", Usage=wish("OFF", "View")), usage("ON", category=Name.View), False),
        (a_group("l", Usage=wish("OFF", "Zoom")), usage("ON", category=Name.Zoom), True),
        (a_group("l", Intent=Name.Design), default(OFF=["L"]), True),
        (a_group("l", Intent=Name.Design), default(OFF=["L"], Intent=Name.All), False),
    ],
    ids=[
        *("by default", "off", "all off", "all off but this", "not for printing", "for printing alone"),
        *("not for viewing", "by another category", "a wish nobody knows", "of another intent", "of any intent"),
    ],
)
@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
async def test_a_layer_is_printed_as_the_default_says(
    group: Dictionary, configuration: Any, printed: bool, route: DocumentOptions, tmp_path: Path
) -> None:
    """On every route: what is printed is seen, what is not is neither seen nor in the file."""
    group = Dictionary(dict(group.items()))
    made = await faxed(with_layers(BASE + IN_LAYER, {"L": group}, configuration), tmp_path, route)
    assert made.failed == ""
    drawn = made.picture(dpi=72)
    assert ink(drawn.crop((0, 70, 600, 100))) is not None
    assert (ink(drawn.crop((0, 170, 600, 200))) is not None) == printed
    assert (b"LAYER" in texts(made.pdf)) == (printed and bool(made.words()[0]))
    assert b"/OCG" not in made.pdf


def nested(pdf: pikepdf.Pdf) -> None:
    """The page draws a form, that a picture and a pattern; each has a part of the layer in it."""
    page = pdf.pages[0].obj
    group = page.Resources.Properties.L
    picture = pdf.make_stream(b"\0" * 100)
    picture.Type, picture.Subtype, picture.OC = Name.XObject, Name.Image, group
    picture.Width = picture.Height = 10
    picture.ColorSpace, picture.BitsPerComponent = Name.DeviceGray, 8
    inner = a_drawing(
        pdf, b"/OC /X BDC BT /Helv 14 Tf 40 600 Td (LAYER) Tj ET EMC q 9 0 0 9 40 580 cm /I Do Q", 612, 792
    )
    inner.Resources.Properties = Dictionary(X=group)
    inner.Resources.XObject = Dictionary(I=picture)
    whole = a_drawing(pdf, b"BT /Helv 14 Tf 40 560 Td (LAYER) Tj ET", 612, 792)
    whole.OC = group
    page.Resources.XObject = Dictionary(Inner=inner, Whole=whole)
    page.Contents = pdf.make_stream(BASE + b"/Inner Do /Whole Do ")
    note = a_drawing(pdf, b"BT /Helv 14 Tf 0 0 Td (LAYER) Tj ET", 100, 20)
    stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, F=4, Rect=Array([40, 500, 140, 520]), OC=group)
    stamp.AP = Dictionary(N=note)
    page.Annots = Array([pdf.make_indirect(stamp)])


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES.keys())
async def test_layers_are_found_wherever_they_are_used(route: DocumentOptions, tmp_path: Path) -> None:
    """In drawings within drawings, of pictures, of notes: nothing of a hidden layer is left."""
    for state, left in (("OFF", 0), ("ON", 3)):
        pdf = with_layers(BASE, {"L": a_group("l")}, default(**{state: ["L"]}), nested)
        made = await faxed(pdf, tmp_path, route)
        seen = made.picture(dpi=72).crop((0, 150, 600, 330))
        assert (ink(seen) is not None) == (state == "ON")
        if made.words()[0]:
            assert texts(made.pdf).count(b"LAYER") == left


async def test_what_a_hidden_stretch_sets_up_holds_behind_it(tmp_path: Path) -> None:
    """Its colours, matrices and clips stay, its letters and lines do not."""
    content = (
        b"/OC /L BDC 0 0 100 100 re f 1 0 0 1 0 -100 cm BT /F1 14 Tf 40 650 Td (LAYER) Tj ET EMC "
        b"BT /F1 14 Tf 40 750 Td (moved down) Tj ET"
    )
    made = await faxed(with_layers(content, {"L": a_group("l")}, default(OFF=["L"])), tmp_path)
    assert made.words() == ["moved down"]
    box = ink(made.picture(dpi=72))
    assert box is not None
    assert 130 <= box[1] <= 145


async def test_letters_that_cannot_be_parted_fail_by_name(tmp_path: Path) -> None:
    """Where the place of what is seen hangs on the width of what is hidden, nothing is guessed."""
    content = b"BT /F1 14 Tf 40 700 Td /OC /L BDC (LAYER) Tj EMC %b (seen) Tj ET"
    made = await faxed(with_layers(content % b"", {"L": a_group("l")}, default(OFF=["L"])), tmp_path)
    assert made.failed == f"plan.pdf: {hidden.INSEPARABLE}"
    made = await faxed(with_layers(content % b"0 -20 Td", {"L": a_group("l")}, default(OFF=["L"])), tmp_path)
    assert made.words() == ["seen"]


@pytest.mark.parametrize(
    ("policy", "expression", "printed"),
    [
        ("/AnyOn", None, True),
        ("/AllOn", None, False),
        ("/AnyOff", None, True),
        ("/AllOff", None, False),
        (None, ["/And", "A", "B"], False),
        (None, ["/Or", "A", "B"], True),
        (None, ["/Not", "B"], True),
        (None, ["/And", "A", ["/Not", "B"]], True),
    ],
)
async def test_memberships_are_reckoned(
    policy: str | None, expression: list[Any] | None, printed: bool, tmp_path: Path
) -> None:
    """A stretch may belong to several layers, of which the first is on and the second off."""

    def build(pdf: pikepdf.Pdf) -> None:
        properties = pdf.pages[0].obj.Resources.Properties

        def written(term: Any) -> Any:
            if isinstance(term, list):
                return Array([written(each) for each in term])
            return Name(term) if term.startswith("/") else properties[f"/{term}"]

        member = Dictionary(Type=Name.OCMD, OCGs=Array([properties.A, properties.B]))
        if policy:
            member.P = Name(policy)
        if expression:
            member.VE = written(expression)
        properties.L = pdf.make_indirect(member)

    groups = {"A": a_group("a"), "B": a_group("b")}
    made = await faxed(with_layers(BASE + IN_LAYER, groups, default(OFF=["B"]), build), tmp_path)
    assert made.words() == ["BASE LAYER" if printed else "BASE"]


async def test_private_copies_are_not_handed_on(tmp_path: Path) -> None:
    """What a program keeps beside the page, all of its layers in its own format, a thumbnail, is not in the file."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0].obj
        secret = pdf.make_stream(b"SECRET LAYER")
        page.PieceInfo = Dictionary(Drawing=Dictionary(Private=secret))
        page.Thumb = pdf.make_stream(b"SECRET LAYER")
        page.AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("app.alert('SECRET LAYER')")))

    for groups in ({"L": a_group("l")}, {}):
        made = await faxed(with_layers(BASE, groups, default(), build), tmp_path)
        assert made.words() == ["BASE"]
        assert b"SECRET" not in texts(made.pdf) + made.pdf


async def test_pages_share_what_one_of_them_hides(tmp_path: Path) -> None:
    """A drawing that two pages have in their resources is left on the one that draws it."""

    def build(pdf: pikepdf.Pdf) -> None:
        first, second = pdf.pages[0].obj, a_page(pdf, "second")
        drawing = a_drawing(pdf, b"BT /Helv 14 Tf 40 500 Td (SHARED) Tj ET", 612, 792)
        first.Resources.XObject = Dictionary(D=pdf.make_indirect(drawing))
        second.Resources = first.Resources
        first.Contents = pdf.make_stream(BASE + b"/OC /L BDC /D Do EMC")
        second.Contents = pdf.make_stream(b"/D Do")

    made = await faxed(with_layers(BASE, {"L": a_group("l")}, default(OFF=["L"]), build), tmp_path)
    assert made.words() == ["BASE", "SHARED"]


async def test_layers_of_a_document_that_is_gone_are_no_layers(tmp_path: Path) -> None:
    """Pages taken out of one bring marks and groups along that nothing tells of: all is seen, none is left."""

    def build(pdf: pikepdf.Pdf) -> None:
        del pdf.Root.OCProperties

    made = await faxed(with_layers(BASE + IN_LAYER, {"L": a_group("L")}, default(OFF=["L"]), build), tmp_path)
    assert made.words() == ["BASE LAYER"]
    assert b"/OC" not in made.pdf
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        assert not any(isinstance(each, Dictionary) and each.get("/Type") == "/OCG" for each in pdf.objects)


async def test_files_that_hang_on_drawings_are_not_in_the_fax(tmp_path: Path) -> None:
    """A drawing may bring a file along (PDF 2.0), and its own history: neither goes to the carrier."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf, "BASE")
        drawing = a_drawing(pdf, b"BT /Helv 12 Tf 100 100 Td (DRAWN) Tj ET", 300, 300)
        drawing.AF = Array([Dictionary(Type=Name.Filespec, EF=Dictionary(F=pdf.make_stream(b"SECRET")))])
        drawing.PieceInfo = Dictionary(App=Dictionary(Private=pdf.make_stream(b"SECRET")))
        page.Resources.XObject = Dictionary(D=drawing)
        page.Contents = pdf.make_stream(b"BT /F1 12 Tf 100 700 Td (BASE) Tj ET /D Do")

    made = await faxed(built(build), tmp_path)
    assert made.words() == ["BASE DRAWN"]
    assert b"SECRET" not in texts(made.pdf)


async def test_a_drawing_of_an_annotation_may_be_of_a_layer_itself(tmp_path: Path) -> None:
    """Then the annotation is printed where its layer is; what it says is not drawn in the place of a hidden drawing."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0].obj
        page.Annots = Array()
        for at, name in enumerate(("L", "M")):
            drawing = a_drawing(pdf, b"BT /Helv 12 Tf 0 5 Td (DRAWN %b) Tj ET" % name.encode(), 200, 20)
            drawing.OC = page.Resources.Properties[f"/{name}"]
            box = Array([40, 500 - 40 * at, 240, 520 - 40 * at])
            note = Dictionary(Type=Name.Annot, Subtype=Name.FreeText, F=4, Rect=box, Contents=String(f"SAID {name}"))
            note.AP = Dictionary(N=drawing)
            page.Annots.append(pdf.make_indirect(note))

    groups = {"L": a_group("L"), "M": a_group("M")}
    made = await faxed(with_layers(BASE, groups, default(OFF=["L"]), build), tmp_path)
    assert made.words() == ["BASE DRAWN M"]
    assert b"DRAWN L" not in texts(made.pdf)


async def test_a_group_that_the_document_does_not_list_is_no_layer(tmp_path: Path) -> None:
    """Nobody can switch it, and viewers show it, even where it is called off."""

    def build(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OCProperties.OCGs = Array([pdf.make_indirect(a_group("other"))])

    made = await faxed(with_layers(BASE + IN_LAYER, {"L": a_group("L")}, default(OFF=["L"]), build), tmp_path)
    assert made.words() == ["BASE LAYER"]
