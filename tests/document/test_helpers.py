"""Parts that nobody reads stay off the fax with a line, and a part of nothing keeps no text off it."""

import gzip
import io
import struct
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import cms
from PIL import Image

from bridge.document import mime, pieces
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.pieces import Piece, Role
from tests.support.document_samples import (
    AS_IT_IS,
    a_pdf,
    ink,
    left_out,
    mail,
    make,
    markup,
    multipart,
    part,
    plain,
    saved,
)

PDF = part(b"%PDF-1.4 pretend", "application/pdf", "lab.pdf")
EMF = b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(100)
KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBF\n-----END PGP PUBLIC KEY BLOCK-----\n"
FORK = b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(60)
LETTER = "Please call the ward about bed 7."


def read(body: bytes) -> list[Piece]:
    """The pieces of a mail around this part."""
    return mime.pieces(mail(body), Limits())


def drawing(inner: str, size: str = 'width="400" height="200"') -> bytes:
    """An SVG file."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<?xml version="1.0"?>\n<!-- drawn -->\n{head} {size}>{inner}</svg>'.encode()


def inline(content: bytes, kind: str, name: str, number: int = 1) -> bytes:
    """A part that belongs to the text."""
    return part(content, f"{kind}; name={name}", "", "", f"Content-ID: <{name}@{number}>")


def a_signature() -> bytes:
    """As it stands beside what was signed."""
    signed = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": "sha256"}] * 20,
        "encap_content_info": {"content_type": "data"},
        "signer_infos": [],
    }
    written: bytes = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump()
    return written


def a_white_pdf() -> bytes:
    """A page with nothing on it."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(out)
    return out.getvalue()


HELPERS = {
    "packed WMF": inline(gzip.compress(b"\xd7\xcd\xc6\x9a" + bytes(99)), "image/x-wmz", "image001.wmz"),
    "packed EMF called nothing": inline(gzip.compress(EMF), "application/octet-stream", "image002.emz"),
    "EMF": inline(EMF, "image/x-emf", "image003.emf"),
    "attached EMF that the text shows": part(EMF, "image/x-emf", "a.emf", "attachment", "Content-ID: <shown@1>"),
    "ActiveMime": inline(b"ActiveMime\x00\x00" + bytes(99), "application/x-mso", "oledata.mso"),
    "ActiveMime by another name": part(b"ActiveMime\x00\x00" + bytes(99), "application/octet-stream", "a.bin"),
    "resource fork": part(FORK, "application/applefile", "lab.pdf"),
    "resource fork as a file": part(FORK, "application/octet-stream", "._lab.pdf"),
    "a key": part(KEY, "application/pgp-keys", "0xABCD.asc"),
    "a key as a text": part(KEY, "text/plain", "key.asc"),
    "Thumbs.db": part(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "application/octet-stream", "Thumbs.db"),
    "a signature by its name": part(a_signature(), "application/octet-stream", "smime.p7s"),
}


@pytest.mark.parametrize("helper", HELPERS.values(), ids=HELPERS.keys())
def test_a_helper_part_is_left_out_with_its_line(helper: bytes) -> None:
    """The document beside it is faxed; without one, the text is."""
    text = markup('see <v:imagedata src="cid:shown@1"/>')
    related = multipart("related", text, helper)
    roles = [(piece.role, bool(piece.reason)) for piece in read(multipart("mixed", related, PDF))]
    assert roles == [(Role.LEFT_OUT, True), (Role.LEFT_OUT, True), (Role.ATTACHMENT, False)]
    assert [piece.role for piece in read(related)] == [Role.BODY, Role.LEFT_OUT]


@pytest.mark.parametrize(
    "fields",
    [
        ("text/css",),
        ("application/javascript",),
        ("application/octet-stream", "", "", "Content-Location: http://x.example/look/main.CSS"),
        ("application/octet-stream", "", "inline", "Content-Location: main.js"),
    ],
)
def test_what_tells_programs_how_a_page_looks_is_no_document(fields: tuple[str, ...]) -> None:
    """A saved page comes with its style sheets and scripts: its text is faxed, and they have their line."""
    kind, name, disposition, *more = (*fields, "", "")[: max(len(fields), 3)]
    sheet = part(b"p { color: black }\n", kind, name, disposition, *more)
    found = read(multipart("related", markup(LETTER), sheet))
    assert [piece.role for piece in found] == [Role.BODY, Role.LEFT_OUT]
    assert "how the text is to look" in found[1].reason


def test_a_style_sheet_that_was_attached_is_faxed() -> None:
    """Somebody wants it read."""
    found = read(multipart("mixed", plain(LETTER), part(b"p { color: black }\n", "text/css", "a.css")))
    assert [piece.role for piece in found] == [Role.LEFT_OUT, Role.ATTACHMENT]


def test_a_drawing_for_office_that_was_attached_is_refused_with_the_cure() -> None:
    """Its sender meant it to be seen."""
    for content, name in ((EMF, "plan.emf"), (gzip.compress(EMF), "plan.emz")):
        found = read(multipart("mixed", plain("see"), part(content, "application/octet-stream", name)))
        assert (found[1].kind, found[1].role) == (Kind.METAFILE, Role.ATTACHMENT)


@pytest.mark.parametrize("kind", ["appledouble", "mixed"])
def test_of_a_file_of_a_mac_the_data_is_faxed(kind: str) -> None:
    """AppleDouble has it in a part of its own, AppleSingle within one file."""
    double = multipart(kind, part(FORK, "application/applefile", "lab.pdf"), PDF)
    data = b"%PDF-1.4 pretend"
    head = b"\x00\x05\x16\x00\x00\x02\x00\x00" + bytes(16) + struct.pack(">H", 2)
    single = head + struct.pack(">6I", 9, 50, 0, 1, 50, len(data)) + data
    for body in (double, part(single, "application/applefile", "lab.pdf")):
        faxed = [
            piece.content for piece in read(multipart("mixed", plain("see"), body)) if piece.role is Role.ATTACHMENT
        ]
        assert faxed == [data]


async def test_an_svg_file_is_drawn(tmp_path: Path) -> None:
    """With its words and shapes, packed or not; and nothing of it is fetched or run."""
    inner = (
        '<rect x="10" y="10" width="380" height="60" fill="black"/><text x="20" y="150" font-size="40">PLAN 7</text>'
    )
    inner += '<script>alert(1)</script><image xlink:href="http://example.org/a.png" width="9" height="9"/>'
    for content, name in ((drawing(inner), "plan.svg"), (gzip.compress(drawing(inner)), "plan.svgz")):
        made = await make(tmp_path, mail(part(content, "image/svg+xml", name)), options=AS_IT_IS)
        assert (made.failed, made.pages) == ("", 1)
        assert "PLAN 7" in made.words()[0]
        assert ink(made.picture()) is not None
        assert left_out(made.parts)["a picture on the web"] is not None


@pytest.mark.parametrize(
    "size", ['viewBox="0 0 4000 2000"', 'width="9000" height="300"', 'width="100%" height="100%"', ""]
)
async def test_an_svg_of_any_size_fits_on_the_page(size: str, tmp_path: Path) -> None:
    """One page, and nothing cut off."""
    inner = '<rect width="100%" height="100%" fill="black"/>'
    made = await make(tmp_path, mail(part(drawing(inner, size), "image/svg+xml", "a.svg")), options=AS_IT_IS)
    box = ink(made.picture())
    assert made.pages == 1
    assert box is not None
    assert box[2] <= 612
    assert box[3] <= 792


async def test_words_of_an_svg_that_would_be_lost_fail_it(tmp_path: Path) -> None:
    """HTML within it is not drawn."""
    inner = '<foreignObject width="90" height="90"><p xmlns="http://www.w3.org/1999/xhtml">bed 7</p></foreignObject>'
    made = await make(tmp_path, mail(part(drawing(inner), "image/svg+xml", "a.svg")))
    assert "a.svg: the drawing holds text" in made.failed


async def test_an_svg_in_the_text_stands_in_it(tmp_path: Path) -> None:
    """As pictures do."""
    shown = inline(drawing('<rect width="400" height="200" fill="black"/>'), "image/svg+xml", "a.svg")
    body = multipart("related", markup('Please look at this: <img src="cid:a.svg@1">'), shown)
    made = await make(tmp_path, mail(body), options=AS_IT_IS)
    assert made.pages == 1
    assert left_out(made.parts)["a.svg"] == pieces.IN_THE_TEXT
    box = ink(made.picture())
    assert box is not None
    assert box[2] - box[0] > 200


WHITE = Image.new("L", (400, 500), 255)
NOTHING = {
    "blank HTML": part(b"<html><body><div><br></div></body></html>", "text/html", "ATT00001.htm"),
    "empty file": part(b"", "application/octet-stream", "a.bin"),
    "empty PDF file": part(b"", "application/pdf", "a.pdf"),
    "blanks": part(b" \r\n\r\n", "text/plain", "ATT00002.txt"),
    "white picture": part(saved(WHITE, "PNG"), "image/png", "a.png"),
    "white TIFF": part(saved(WHITE, "TIFF"), "image/tiff", "a.tif"),
    "clear picture": part(saved(Image.new("RGBA", (300, 200)), "PNG"), "image/png", "a.png"),
    "white PDF": part(a_white_pdf(), "application/pdf", "a.pdf"),
    "a pixel": part(saved(Image.new("L", (1, 1)), "GIF"), "image/gif", "a.gif"),
    "a line of a pixel": part(saved(Image.new("L", (600, 1)), "PNG"), "image/png", "a.png"),
    "blank drawing": part(drawing(""), "image/svg+xml", "a.svg"),
}


@pytest.mark.parametrize("nothing", NOTHING.values(), ids=NOTHING.keys())
async def test_a_part_of_nothing_counts_as_no_document(nothing: bytes, tmp_path: Path) -> None:
    """The text is faxed then, and the part has its line; beside a document it has only that."""
    for text in (plain(LETTER), markup(LETTER)):
        made = await make(tmp_path, mail(multipart("mixed", text, nothing)))
        assert (made.failed, made.pages, made.words()) == ("", 1, [LETTER])
        assert [bool(each.left_out) for each in made.parts][:2] == [False, True]
    made = await make(
        tmp_path, mail(multipart("mixed", plain(LETTER), nothing, part(a_pdf("lab"), "application/pdf", "b.pdf")))
    )
    assert made.words() == ["lab"]


async def test_all_parts_of_nothing_together_let_the_text_go(tmp_path: Path) -> None:
    """However many they are."""
    made = await make(tmp_path, mail(multipart("mixed", plain(LETTER), *NOTHING.values())))
    assert made.words() == [LETTER]


async def test_a_blank_scan_and_no_text_is_told(tmp_path: Path) -> None:
    """Perhaps the other side of the paper was meant."""
    made = await make(tmp_path, mail(multipart("mixed", plain("Sent from my iPhone"), NOTHING["white TIFF"])))
    assert "other side of the paper" in made.failed


LINES = [
    "Sent from my iPhone",
    "Sent from my Samsung Galaxy smartphone.",
    "Sent via Yahoo Mail on Android",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Get Outlook for Android [https://aka.ms/x]",
    "Von meinem iPhone gesendet",
    "Gesendet von meinem Samsung Galaxy",
    "Gesendet mit der GMX Mail App",
    "Diese Nachricht wurde von meinem Android Mobiltelefon gesendet.",
    "Outlook für iOS beziehen",
    "Envoyé de mon iPhone",
    "Envoyé depuis mon téléphone",
    "Téléchargez Outlook pour Android",
    "Enviado desde mi iPhone",
    "Obtener Outlook para iOS",
    "-- \nSent from my iPad",
    "\n\nSent from my iPhone\n\n________________________________\n",
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_mail_program_is_no_text(line: str) -> None:
    """Alone it is no page, as plain text and as HTML."""
    for body in (plain(line), markup(line.replace("<", "&lt;").replace("\n", "<br>"))):
        assert [piece.role for piece in read(body)] == [Role.LEFT_OUT]


@pytest.mark.parametrize(
    "text",
    [
        "Bed 7 is free.\n\nSent from my iPhone",
        "Sent from ward 3, please call.",
        "Sent from my phone: bed 7 is free",
        "Get Outlook installed on the machine in room 3, and call me, and then restart it before the round begins.",
        "Von meinem Arzt",
        "Enviado por error",
        "Envoyé par Dr Martin",
    ],
)
def test_a_text_that_says_more_is_one(text: str) -> None:
    """A word beside it, or a sentence that begins alike, is what somebody wrote."""
    assert [piece.role for piece in read(plain(text))] == [Role.BODY]


def test_beside_what_may_be_a_letterhead_alone_the_text_is_faxed_as_well() -> None:
    """A logo to which nothing refers is no reason to leave the letter off; a scan or a document is."""
    logo = part(saved(Image.effect_noise((180, 40), 90), "PNG"), "image/png", "image001.png")
    banner = part(saved(Image.effect_noise((1600, 200), 90), "PNG"), "image/png", "head.png")
    scan = part(saved(Image.effect_noise((850, 1100), 90), "PNG"), "image/png", "scan.png")
    for beside, faxed in ((logo, True), (banner, True), (scan, False), (PDF, False)):
        for text in (plain(LETTER), markup(LETTER)):
            found = read(multipart("mixed", text, beside))
            assert (found[0].role is Role.BODY) == faxed
            assert found[1].role is Role.ATTACHMENT
    assert read(multipart("mixed", plain(LETTER), logo, scan))[0].role is Role.LEFT_OUT
