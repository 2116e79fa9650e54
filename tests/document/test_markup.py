"""HTML on paper: as a reader sees it, its own pictures in place, and nothing fetched from anywhere."""

import base64
from pathlib import Path

import pytest
from PIL import Image

from bridge.document import lines, pieces
from tests.support.document_samples import AS_IT_IS, a_pdf, ink, left_out, mail, make, multipart, part, plain, saved

BLACK = Image.new("L", (300, 200), 0)
PHOTO = Image.new("L", (1600, 1200), 0)
LOGO = Image.new("L", (240, 60), 0)


def html(text: str, charset: str = "utf-8") -> bytes:
    """A part of HTML, as a mail's text."""
    return part(text.encode(charset), f"text/html; charset={charset}", disposition="")


def picture(image: Image.Image, name: str = "a.png", disposition: str = "inline", kind: str = "PNG") -> bytes:
    """A picture that the text can show as ``cid:pic@x``."""
    return part(saved(image, kind), f"image/{kind.lower()}", name, disposition, "Content-ID: <pic@x>")


async def test_a_mail_of_html_alone_is_faxed(tmp_path: Path) -> None:
    """Its words stand on the page; what a reader doesn't see does not."""
    made = await make(
        tmp_path,
        mail(html("<style>p{color:red}</style><title>tab</title><p>Dear <b>Dr. Who</b>,<p>it is 5&nbsp;mg<!-- no -->")),
        options=AS_IT_IS,
    )
    assert made.failed == ""
    assert made.words() == ["Dear Dr. Who, it is 5 mg"]
    assert made.sizes() == [(8.5, 11.0)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF"])
async def test_pictures_of_the_mail_stand_in_its_text(kind: str, tmp_path: Path) -> None:
    """A picture of any kind that the text shows is drawn where it stands, and its line says so."""
    text = html('<p>before</p><img src="cid:pic@x" width="300" height="200"><p>after</p>')
    made = await make(tmp_path, mail(multipart("related", text, picture(BLACK, kind=kind))), options=AS_IT_IS)
    assert made.failed == ""
    assert made.words() == ["before after"]
    box = ink(made.picture())
    assert box is not None
    assert 215 <= box[2] - box[0] <= 235, "300 pixels of CSS are 225 points"
    assert left_out(made.parts)["a.png"] == pieces.IN_THE_TEXT


async def test_a_picture_in_the_address_itself_is_drawn(tmp_path: Path) -> None:
    """A ``data:`` picture is part of the text."""
    dot = base64.b64encode(saved(BLACK, "PNG")).decode()
    made = await make(tmp_path, mail(html(f'<p>x<img src="data:image/png;base64,{dot}" width=200 height=200>')))
    box = ink(made.picture())
    assert made.failed == ""
    assert box is not None
    assert box[3] - box[1] >= 145


async def test_what_is_wider_than_the_paper_is_shrunk_and_not_cut(tmp_path: Path) -> None:
    """Every column of a wide table is on the page, inside its edges."""
    cells = "".join(f"<td style='min-width:150px'>column{number}</td>" for number in range(12))
    made = await make(tmp_path, mail(html(f"<table><tr>{cells}</tr></table>")))
    assert made.words() == [" ".join(f"column{number}" for number in range(12))]
    box = ink(made.picture(dpi=100))
    assert box is not None
    assert box[2] < 850, "nothing is cut at the right edge"


async def test_nothing_is_fetched_and_no_file_is_read(server: tuple[int, list[str]], tmp_path: Path) -> None:
    """Pictures, styles, frames and files elsewhere are left alone; the notice says which pictures are missing."""
    port, came = server
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    web = f"http://127.0.0.1:{port}"
    text = f"""<link rel=stylesheet href="{web}/a.css"><style>@import url({web}/b.css);
        body {{ background: url({web}/c.png) }} @font-face {{ font-family: x; src: url({web}/d.ttf) }}
        p {{ font-family: x, "DejaVu Sans" }} div:before {{ content: url(file://{secret}) }}</style>
        <base href="{web}/"><p>seen</p><div></div><img src="{web}/e.png"><img src="f.png">
        <img src="{web}/g.png" width=1>
        <iframe src="file://{secret}"></iframe><object data="file://{secret}"></object>
        <embed src="file://{secret}"><link rel=attachment href="file://{secret}">
        <a rel=attachment href="file://{secret}">link</a><img src="file://{secret}">"""
    made = await make(tmp_path, mail(html(text)), options=AS_IT_IS)
    assert made.failed == ""
    assert made.words() == ["seen link"]
    assert b"secret words" not in made.pdf
    assert came == []
    assert left_out(made.parts)["2 pictures on the web"] == lines.NOT_FETCHED


async def test_a_sign_without_a_font_is_named(tmp_path: Path) -> None:
    """A sign no font has is read by its name, in HTML and in plain text; letters that cannot be drawn fail the fax."""
    for body in (html("<p>it costs 5\U00010190!"), plain("it costs 5\U00010190!")):
        assert (await make(tmp_path, mail(body))).words() == ["it costs 5[roman sextans sign]!"]


async def test_an_attached_mail_is_drawn_with_its_heading(tmp_path: Path) -> None:
    """From, date and subject stand above its text, be it HTML or plain, and what hangs on it follows."""
    for text in (plain("the inner text"), html("<!doctype html><html><body><p>the inner text")):
        inner = (
            b"From: Ann <ann@example.org>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\n"
            b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
            + multipart("mixed", text, part(a_pdf("inside"), "application/pdf", "a.pdf"))
        )
        made = await make(
            tmp_path, mail(multipart("mixed", plain("see"), b"Content-Type: message/rfc822\r\n\r\n" + inner))
        )
        assert made.words() == [
            "From: Ann <ann@example.org> Date: Mon, 2 Nov 2026 10:00:00 +0000 Subject: Grüße the inner text",
            "inside",
        ]
        assert [(each.name, each.pages) for each in made.parts] == [
            (pieces.BODY_NAME, 0),
            ("attached mail “Grüße”", 1),
            ("a.pdf", 1),
        ]


PDF = part(a_pdf("letter"), "application/pdf", "letter.pdf")
SIGNED = html(
    "<p>Please see the referral that is attached, and call us with questions.</p>"
    '<div class="gmail_signature">Ann<br><img src="cid:pic@x"></div>'
)


async def test_a_signature_logo_stays_off_the_fax(tmp_path: Path) -> None:
    """Beside a document, a small picture in the signature's place is left out, and the line says how to fax it."""
    made = await make(tmp_path, mail(multipart("mixed", multipart("related", SIGNED, picture(LOGO)), PDF)))
    assert made.words() == ["letter"]
    assert left_out(made.parts)["a.png"] == pieces.DECORATION


async def test_a_logo_that_its_text_lost_stays_off_too(tmp_path: Path) -> None:
    """Where a gateway kept only the plain form, the logo is one by its id, its shape and its size."""
    made = await make(tmp_path, mail(multipart("mixed", plain("see there"), picture(LOGO), PDF)))
    assert made.words() == ["letter"]
    assert left_out(made.parts)["a.png"] == pieces.DECORATION


@pytest.mark.parametrize(
    ("text", "image", "disposition"),
    [
        ('<p>The wound today:<br><img src="cid:pic@x"></p><p>Ann</p>', PHOTO, "inline"),
        ('<p>The wound today:<br><img src="cid:pic@x"></p><p>Ann</p>', BLACK.resize((700, 600)), "inline"),
        ("<p>The wound is attached, please advise whether to see him.</p>", LOGO, "attachment"),
        ("<p>The wound is attached, please advise whether to see him.</p>", PHOTO, "attachment"),
    ],
    ids=["photo in the text", "middling picture in the text", "small attachment", "photo attached"],
)
async def test_pictures_that_are_the_message_stay_on(
    text: str, image: Image.Image, disposition: str, tmp_path: Path
) -> None:
    """Beside a document, a picture that the text speaks of, or a file that was attached, is a page of its own."""
    made = await make(
        tmp_path,
        mail(multipart("mixed", multipart("related", html(text), picture(image, disposition=disposition)), PDF)),
    )
    assert made.words() == ["", "letter"]
    assert left_out(made.parts)["a.png"] is None


async def test_a_mail_of_nothing_but_a_picture_is_faxed(tmp_path: Path) -> None:
    """Where nothing else is there, no picture is a decoration."""
    made = await make(tmp_path, mail(multipart("mixed", picture(LOGO))))
    assert (made.failed, made.pages) == ("", 1)


ROCKET = "\U0001f680"


@pytest.mark.parametrize(
    "written",
    ["&#128640;", "&#x1F680;", "&#x1f680", "&#55357;&#56960;", "&#xD83D;&#xDE80;", "&#128640;&#65039;", ROCKET],
)
async def test_a_sign_is_named_however_it_is_written(written: str, tmp_path: Path) -> None:
    """As an entity, in two halves as Outlook writes it, with what only shapes it behind."""
    made = await make(tmp_path, mail(html(f"<p>Thank you {written} at 9")), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", ["Thank you [rocket] at 9"])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\U0001f1e9\U0001f1ea", "[flag DE]"),
        ("&#x1F1EB;&#x1F1F7;", "[flag FR]"),
        ("&#x1FAE8;", "[emoji U+1FAE8]"),
        ("\U0001f44d\U0001f3fd", "[thumbs up sign]"),
    ],
)
async def test_a_sign_of_two_or_a_new_one_is_named(written: str, read: str, tmp_path: Path) -> None:
    """Flags by their countries; an emoji younger than the names that are known here fails no fax."""
    made = await make(tmp_path, mail(html(f"<p>Thank you {written} at 9")), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", [f"Thank you {read} at 9"])


async def test_a_sign_in_a_drawing_is_named(tmp_path: Path) -> None:
    """In an SVG file, and in one that a text shows, as itself and as an entity."""
    drawing = f"""<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60" font-family="DejaVu Sans">
        <text x="10" y="40">go {ROCKET} now</text><text x="10" y="55">and &#128640; <tspan>on</tspan></text></svg>"""
    file = part(drawing.encode(), "image/svg+xml", "a.svg", "inline", "Content-ID: <pic@x>")
    for message in (mail(file), mail(multipart("related", html('<p>x<img src="cid:pic@x">'), file))):
        made = await make(tmp_path, message, options=AS_IT_IS)
        assert (made.failed, made.pages) == ("", 1)
        assert "go [rocket] now and [rocket] on" in made.words()[0]


async def test_a_sign_in_a_style_or_an_attribute_is_named(tmp_path: Path) -> None:
    """What a style sets before a word, and what stands for a picture that is not there."""
    text = '<style>b:before { content: "\\1F680 " } i:before { content: "a" }</style><b>go</b> <i>b</i>'
    made = await make(tmp_path, mail(html(f'{text} <img alt="fast &#128640;">')), options=AS_IT_IS)
    assert made.failed == ""
    assert "[rocket]go" in made.words()[0].replace(" ", "")
    assert "fast[rocket]" in made.words()[0].replace(" ", "")


async def test_other_entities_stay_what_they_are(tmp_path: Path) -> None:
    """Nothing of a text is read as a tag, or as a sign, that was written so as not to be one."""
    text = "<p>&lt;b&gt; &amp;#128640; &euro;5 A&amp;B &#128640;"
    made = await make(tmp_path, mail(html(text)), options=AS_IT_IS)
    assert made.words() == ["<b> &#128640; \u20ac5 A&B [rocket]"]


BACKGROUNDS = {
    "a table": '<table background="cid:pic@x" width=300 style="height: 200px"><tr><td>x</table>',
    "a cell": '<table><tr><td background="cid:pic@x" style="width: 300px; height: 200px">x</table>',
    "the page": '<body background="cid:pic@x" style="height: 200px">x',
    "a style": '<div style="background-image: url(cid:pic@x); height: 200px">x</div>',
    "a style in quotes": "<div style=\"background: url('cid:pic@x') no-repeat; height: 200px\">x</div>",
    "a rule": '<style>div { background: white url("cid:pic@x") }</style><div style="height: 200px">x</div>',
    "a button": '<p>x<input type=image src="cid:pic@x" width=300 height=200>',
    "a choice": '<p>x<img srcset="cid:pic@x 1x, cid:large@x 2x" width=300 height=200>',
    "a picture of several": '<p>x<picture><source srcset="cid:no@x"><img src="cid:pic@x" width=300></picture>',
    "an object": '<p>x<object data="cid:pic@x" width=300 height=200></object>',
    "a file name": '<p>x<img src="a.png" width=300 height=200>',
    "a file name in a style": '<div style="background: url(./a.png); height: 200px">x</div>',
    "a place": '<p>x<img src="https://example.org/pictures/a%20b.png" width=300>',
}


@pytest.mark.parametrize("text", BACKGROUNDS.values(), ids=BACKGROUNDS.keys())
async def test_pictures_are_drawn_wherever_the_text_shows_them(text: str, tmp_path: Path) -> None:
    """Behind a table, in a style, as a button, by the file's name or its place: drawn, and no page of its own."""
    shown = part(
        *(saved(BLACK, "PNG"), "image/png", "a.png", "inline", "Content-ID: <pic@x>"),
        "Content-Location: https://example.org/pictures/a b.png",
    )
    made = await make(tmp_path, mail(multipart("related", html(text), shown)), options=AS_IT_IS)
    assert (made.failed, made.pages) == ("", 1)
    assert left_out(made.parts)["a.png"] == pieces.IN_THE_TEXT
    box = ink(made.picture())
    assert box is not None
    assert box[3] - box[1] >= 130


async def test_a_name_that_two_files_have_names_neither(tmp_path: Path) -> None:
    """Which of them is meant nobody knows: both are pages, and so is the text, as beside any small picture."""
    twice = [picture(BLACK, "a.png", "attachment").replace(b"pic@x", b"%d@x" % at) for at in range(2)]
    made = await make(tmp_path, mail(multipart("mixed", html('<p>see <img src="a.png">'), *twice)), options=AS_IT_IS)
    assert (made.failed, made.pages) == ("", 3)


async def test_a_letterhead_behind_a_text_is_no_document(tmp_path: Path) -> None:
    """Beside what was attached, the paper on which the mail is written is left out as any decoration."""
    text = html('<body background="cid:pic@x"><p>Please see the file.')
    made = await make(
        tmp_path, mail(multipart("mixed", text, picture(LOGO), part(a_pdf("lab"), "application/pdf", "lab.pdf")))
    )
    assert made.pages == 1
    assert left_out(made.parts)["a.png"] == pieces.DECORATION


UNSHOWN = {
    "a rule for nothing": '<style>.none { background: url("cid:pic@x") }</style><p>x',
    "a rule that another undoes": "<style>.a { background: url(cid:pic@x) } p.a { background: 0 }</style><p class=a>x",
    "a rule for paper": "<style>@media print { p { background: url(cid:pic@x) } }</style><p>x",
    "words not known here": "<p style='background-image: image-set(url(cid:pic@x) 1x)'>x",
    "another place": '<base href="https://example.org/"><p>x<img src="a.png">',
}


@pytest.mark.parametrize("text", UNSHOWN.values(), ids=UNSHOWN.keys())
async def test_a_picture_that_its_text_does_not_show_is_a_page(text: str, tmp_path: Path) -> None:
    """What a text names and does not draw is not said to stand in it: it has a page of its own."""
    made = await make(tmp_path, mail(multipart("related", html(text), picture(BLACK))), options=AS_IT_IS)
    assert (made.failed, made.pages) == ("", 2)
    assert left_out(made.parts)["a.png"] is None
    box = ink(made.picture(1))
    assert box is not None
    assert box[3] - box[1] >= 130


HIDING = {
    "an element": '<p>x</p><img style="display: none" src="cid:pic@x">',
    "what is around it": '<p>x</p><div style="color:red;DISPLAY:NONE"><p><b><img src="cid:pic@x"></b></div>',
    "an attribute": '<p>x</p><div hidden><img src="cid:pic@x"></div>',
    "a hidden ground": '<p>x</p><div style="display:none; background: url(cid:pic@x)">y</div>',
}


RULED_OUT = {
    "a class": '<style>p { color: red } .w, img.x { display: none }</style><p>x</p><img class="a x" src="cid:pic@x">',
    "around it": '<style>#wide { display:none!important }</style><p>x</p><div id=wide><p><img src="cid:pic@x"></div>',
}


@pytest.mark.parametrize("text", RULED_OUT.values(), ids=RULED_OUT.keys())
async def test_a_picture_that_a_style_hides_stays_hidden(text: str, tmp_path: Path) -> None:
    """As mails for screens of two widths have it."""
    made = await make(tmp_path, mail(multipart("related", html(text), picture(BLACK))), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", ["x"])
    assert left_out(made.parts)["a.png"] == pieces.HIDDEN


@pytest.mark.parametrize(
    "style",
    [
        ".x { display: none } img.x { display: inline }",
        "@media (max-width: 99px) { p { margin: 0 } .x { display: none } }",
    ],
)
async def test_a_picture_that_another_rule_shows_is_drawn(style: str, tmp_path: Path) -> None:
    """What is hidden on small screens alone, or shown again, stands in the text."""
    text = f'<style>{style}</style><p>x</p><img class=x src="cid:pic@x">'
    made = await make(tmp_path, mail(multipart("related", html(text), picture(BLACK))), options=AS_IT_IS)
    assert (made.failed, made.pages) == ("", 1)
    assert left_out(made.parts)["a.png"] == pieces.IN_THE_TEXT
    assert ink(made.picture(), 60) is not None


@pytest.mark.parametrize("text", HIDING.values(), ids=HIDING.keys())
async def test_a_picture_that_its_writer_hid_stays_hidden(text: str, tmp_path: Path) -> None:
    """It is on no page, and its line says so; attached as a file it is a document like any other."""
    made = await make(tmp_path, mail(multipart("related", html(text), picture(BLACK))), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", ["x"])
    assert left_out(made.parts)["a.png"] == pieces.HIDDEN
    attached = picture(BLACK, disposition="attachment")
    made = await make(tmp_path, mail(multipart("mixed", html(text), attached)), options=AS_IT_IS)
    assert left_out(made.parts)["a.png"] is None


async def test_a_picture_that_is_hidden_once_and_shown_once_stands_in_the_text(tmp_path: Path) -> None:
    """As mails for screens of two widths have it."""
    text = '<img src="cid:pic@x" style="display:none"><p>x<img src="cid:pic@x">'
    made = await make(tmp_path, mail(multipart("related", html(text), picture(BLACK))), options=AS_IT_IS)
    assert (made.failed, made.pages) == ("", 1)
    assert left_out(made.parts)["a.png"] == pieces.IN_THE_TEXT


async def test_what_a_text_says_in_attributes_is_drawn(tmp_path: Path) -> None:
    """White letters stand on the dark ground of their cell, a table has its lines, a list its numbers."""
    text = """<table border=1 width=400 cellpadding=10><tr><td bgcolor="#000000"><font color="#ffffff" size=7>MM</font>
        <td align=right>right</table><ol start=7><li>seventh</ol>"""
    made = await make(tmp_path, mail(html(text)), options=AS_IT_IS)
    assert made.words() == ["MM right 7. seventh"]
    drawn = made.picture(dpi=100)
    box = ink(drawn)
    assert box is not None
    assert 400 <= box[2] - box[0] <= 430, "400 pixels of CSS are 417 dots"
    cell = drawn.crop((box[0] + 10, box[1] + 10, box[0] + 70, box[1] + 45))
    dark, light = (sum(cell.histogram()[part]) for part in (slice(0, 60), slice(200, 256)))
    assert dark > 2 * light > 200, "white letters on black"


@pytest.mark.parametrize(("doctype", "middle"), [("", False), ("<!DOCTYPE html>", True)])
async def test_a_table_in_a_centred_cell_is_centred(doctype: str, middle: bool, tmp_path: Path) -> None:
    """Its words are so only in a text that names its version of HTML, as in browsers."""
    text = """<table width="100%"><tr><td align=center><table width=300 bgcolor="#000000"><tr><td>
        <font color="#ffffff" size=7>M</font></table></table>"""
    made = await make(tmp_path, mail(html(doctype + text)), options=AS_IT_IS)
    drawn = made.picture(dpi=100)
    box = ink(drawn)
    assert box is not None
    assert abs(box[0] + box[2] - drawn.width) <= 8
    letter = ink(drawn.crop((box[0] + 4, box[1] + 4, box[2] - 4, box[3] - 4)).point([255 - at for at in range(256)]))
    assert letter is not None
    assert (letter[0] > 60) is middle
