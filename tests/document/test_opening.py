"""Mails that programs wrote or passed on oddly: opened where they can be read in one way, else refused by name."""

import base64
import binascii
import quopri
import re

import pytest
from hypothesis import given, settings, strategies as st

from bridge.document import mime, transfer
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.pieces import Piece, Role
from tests.support.document_samples import mail, multipart, part, plain

PDF = b"%PDF-1.4 pretend, but long enough for several lines of base64: " + bytes(range(32, 127)) * 4
CODED = base64.encodebytes(PDF).replace(b"\n", b"\r\n")
WORDS = b"Please see attached."


def read(raw: bytes) -> list[Piece]:
    """The pieces of a whole mail."""
    return mime.pieces(raw, Limits())


def found(raw: bytes) -> list[tuple[bytes, str]]:
    """What is faxed of it, and what cannot be: content and role."""
    faxed = {Role.ATTACHMENT, Role.BODY, Role.UNUSABLE}
    return [(piece.content.strip(), piece.role.value) for piece in read(raw) if piece.role in faxed]


def with_field(*fields: str, body: bytes = CODED) -> bytes:
    """A mail with a PDF whose fields are these."""
    head = "\r\n".join(["Content-Type: application/pdf; name=a.pdf", *fields]).encode()
    return mail(multipart("mixed", plain("see"), head + b"\r\n\r\n" + body))


def uu(content: bytes, name: str = "a.pdf") -> bytes:
    """A file as uuencode."""
    lines = [binascii.b2a_uu(content[at : at + 45], backtick=True) for at in range(0, len(content), 45)]
    return b"begin 644 %b\n" % name.encode() + b"".join(lines) + b"`\nend\n"


ENCODINGS = {
    "semicolon": ["Content-Transfer-Encoding: base64;"],
    "quoted": ['Content-Transfer-Encoding: "base64"'],
    "apostrophes": ["Content-Transfer-Encoding: 'base64'"],
    "comment": ["Content-Transfer-Encoding: base64 (by the scanner)"],
    "comment first": ["Content-Transfer-Encoding: (scanner) base64"],
    "upper case": ["CONTENT-TRANSFER-ENCODING:BASE64"],
    "blank before the colon": ["Content-Transfer-Encoding : base64"],
    "hyphen": ["Content-Transfer-Encoding: base-64"],
    "twice in one field": ["Content-Transfer-Encoding: base64 base64"],
    "twice with a comma": ["Content-Transfer-Encoding: base64, base64"],
    "with a parameter": ["Content-Transfer-Encoding: base64; charset=utf-8"],
    "twice": ["Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: base64"],
    "twice, 7bit first": ["Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: base64"],
    "twice, and only one can be": ["Content-Transfer-Encoding: quoted-printable", "Content-Transfer-Encoding: base64"],
    "7bit": ["Content-Transfer-Encoding: 7bit"],
    "nonsense": ["Content-Transfer-Encoding: scanner"],
    "none": [],
    "empty": ["Content-Transfer-Encoding:"],
    "on the next line": ["Content-Transfer-Encoding:", " base64"],
    "on the next line, unfolded": [
        "Content-Disposition: attachment;",
        'filename="a.pdf"',
        "Content-Transfer-Encoding: base64",
    ],
    "cut by an empty line": ["", "Content-Transfer-Encoding: base64"],
    "an empty line within a field": [
        "Content-Disposition: attachment;",
        "",
        ' filename="a.pdf"',
        "Content-Transfer-Encoding: base64",
    ],
}


@pytest.mark.parametrize("fields", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_an_odd_transfer_encoding_is_undone(fields: list[str]) -> None:
    """However base64 is called, and where it is not called so at all, the PDF comes of it."""
    assert found(with_field(*fields)) == [(PDF, "attachment")]


BODIES = {
    "on one line": base64.b64encode(PDF),
    "bare line ends": base64.encodebytes(PDF),
    "indented": b"".join(b"  " + line + b"\r\n" for line in base64.b64encode(PDF).split()),
    "blank lines within": CODED.replace(b"\r\n", b"\r\n\r\n"),
    "in padded pieces": base64.encodebytes(PDF[:100]) + base64.encodebytes(PDF[100:]),
    "in padded pieces on one line": base64.b64encode(PDF[:100]) + base64.b64encode(PDF[100:]),
    "a piece a line": b"".join(base64.b64encode(PDF[at : at + 50]) + b"\r\n" for at in range(0, len(PDF), 50)),
    "without its padding": CODED.rstrip().rstrip(b"="),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_base64_is_undone_however_it_is_written(body: bytes) -> None:
    """Lines of any length, and several padded pieces one after another, are one file."""
    assert found(with_field("Content-Transfer-Encoding: base64", body=body)) == [(PDF, "attachment")]


JPEG = b"\xff\xd8\xff\xe0" + b"pretend" * 30 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"pretend" * 30 + b"\0\0\0\0IEND\xaeB`\x82"


@pytest.mark.parametrize("content", [PDF + b"\n%%EOF\n", JPEG, PNG, PDF[:100]], ids=["PDF", "JPEG", "PNG", "padded"])
def test_a_letter_too_many_behind_the_base64_of_a_whole_file_is_nothing(content: bytes) -> None:
    """The file ends before it, by its own last bytes or where base64 was filled up."""
    coded = base64.b64encode(content)
    if not content.startswith(PDF[:100]) or len(content) > 100:
        coded = base64.b64encode(content + b"\n" * (-len(content) % 3))
    assert [each.strip() for each, _ in found(with_field("Content-Transfer-Encoding: base64", body=coded + b"A"))] == [
        content.strip()
    ]


@pytest.mark.parametrize("content", [PDF, JPEG[:-30], PNG[:-12], b"GIF89a" + b"pretend" * 30])
def test_a_letter_too_many_is_refused_where_the_file_may_go_on(content: bytes) -> None:
    """It may be what is left of letters that got lost."""
    coded = base64.b64encode(content + b" " * (-len(content) % 3))
    assert [role for _, role in found(with_field("Content-Transfer-Encoding: base64", body=coded + b"A"))] == [
        "unusable"
    ]


@pytest.mark.parametrize("body", [b"PGh0*bWw+Cg==\r\n", b"JVBERi0x?=\r\n", b"!!SGVsbG8h\r\nSGVsbG8h\r\n"])
def test_what_is_called_base64_and_has_no_blank_in_it_is_no_text(body: bytes) -> None:
    """A few letters too: they are refused by name, and not faxed as they stand."""
    assert [role for _, role in found(with_field("Content-Transfer-Encoding: base64", body=body))] == ["unusable"]


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n%%EOF\n", JPEG, PNG, b"{\\rtf1 Please call.}"],
    ids=["PDF", "JPEG", "PNG", "RTF"],
)
@pytest.mark.parametrize("coded", [True, False], ids=["in base64", "as it is"])
def test_a_file_in_the_place_of_the_text_is_a_file(content: bytes, *, coded: bool) -> None:
    """Though nothing says so, or it is called a text: its source is none for people."""
    body = base64.encodebytes(content) if coded else content
    said = b"Content-Transfer-Encoding: base64\r\n" if coded else b""
    for kind in (b"", b"Content-Type: text/plain\r\n"):
        [piece] = read(mail(kind + said + b"\r\n" + body))
        assert (piece.content.strip(), piece.role) == (content.strip(), Role.ATTACHMENT)
        assert piece.kind not in {Kind.TEXT, Kind.HTML}
        assert piece.name.startswith("unnamed part")


@pytest.mark.parametrize("said", [b"Content-Type: text/plain\r\n", b""])
@pytest.mark.parametrize("begin", [b"<html><head><style>p{color:red}</style></head>", b"<!DOCTYPE html>\r\n<html>"])
def test_markup_in_the_place_of_the_text_is_markup(said: bytes, begin: bytes) -> None:
    """A program wrote HTML and did not say so; nobody reads its tags."""
    [piece] = read(mail(said + b"\r\n" + begin + b"<body><p>Please call.</p></body></html>"))
    assert (piece.kind, piece.role) == (Kind.HTML, Role.BODY)


def test_a_text_that_speaks_of_markup_is_a_text() -> None:
    """Words come first."""
    text = b"Write <html><body> at the beginning."
    assert found(mail(b"Content-Type: text/plain\r\n\r\n" + text)) == [(text, "body")]
    assert read(mail(b"\r\n" + text))[0].kind is Kind.TEXT


def test_a_byte_order_mark_before_the_header_is_no_letter_of_it() -> None:
    """An editor put it there."""
    raw = mail(multipart("mixed", plain("see"), part(PDF, "application/pdf", "a.pdf")))
    assert found(b"\xef\xbb\xbf" + raw) == [(PDF, "attachment")]


@pytest.mark.parametrize("boundary", [b"b1", b"Mon_Jan_9_15:10:21_L1"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_boundary_right_under_the_header_ends_it(boundary: bytes, *, announced: bool) -> None:
    """Though the empty line is lost, and its letters look like a field's name."""
    body = b"--%b\r\n%b\r\n--%b\r\n%b\r\n--%b--\r\n" % (
        *(boundary, plain("see")),
        *(boundary, part(PDF, "application/pdf", "a.pdf")),
        boundary,
    )
    kind = b'Content-Type: multipart/mixed; boundary="%b"\r\n' % boundary if announced else b""
    assert found(b"From: a@example.org\r\nMIME-Version: 1.0\r\n" + kind + body) == [(PDF, "attachment")]


def test_base64_that_is_called_quoted_printable_is_undone() -> None:
    """Where a file of a known kind comes of it."""
    assert found(with_field("Content-Transfer-Encoding: quoted-printable")) == [(PDF, "attachment")]


def test_what_is_called_uuencode_and_lost_its_first_line_is_refused() -> None:
    """A few letters of it are no text; nothing at all is an empty part."""
    assert found(with_field("Content-Transfer-Encoding: x-uuencode", body=b"\r\n")) == [(b"see", "body")]
    body = b"M)5!$1BTQ\r\n"
    assert [role for _, role in found(with_field("Content-Transfer-Encoding: x-uuencode", body=body))] == ["unusable"]


def test_a_text_that_begins_with_words_of_pdf_is_a_text() -> None:
    """Who writes about it wrote a text."""
    text = b"%PDF-1.4 is what the scanner writes, and the ward cannot open it."
    assert found(mail(b"Content-Type: text/plain\r\n\r\n" + text)) == [(text, "body")]


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "text/html"])
def test_a_text_in_base64_is_read_without_the_field(kind: str) -> None:
    """Words come of it, which do not come about by chance."""
    coded = base64.encodebytes("<p>Müller, bed 7, comes on Monday</p>".encode())
    [(content, role)] = found(mail(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + coded))
    assert (content, role) == ("<p>Müller, bed 7, comes on Monday</p>".encode(), "body")


def test_a_file_that_was_encoded_twice_is_decoded_twice() -> None:
    """A program encoded what another one had encoded already."""
    twice = base64.encodebytes(CODED)
    assert found(with_field("Content-Transfer-Encoding: base64", body=twice)) == [(PDF, "attachment")]


def test_a_text_in_base64_of_another_charset_is_read_without_the_field() -> None:
    """Its type says which one."""
    text = "Frau Müller, Bett 7, kommt am Montag zurück"
    coded = base64.encodebytes(text.encode("latin-1"))
    [(content, role)] = found(mail(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n" + coded))
    assert (content.decode("latin-1"), role) == (text, "body")


def test_a_text_that_is_plainly_quoted_printable_is_undone() -> None:
    """Soft line ends and escapes are none for people."""
    text = (
        "Die Überweisung für Frau Müller liegt bei, und dazu noch einiges, was in die Zeile nicht mehr passt.".encode()
    )
    assert found(mail(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + quopri.encodestring(text))) == [
        (text, "body")
    ]


@pytest.mark.parametrize("text", [b"a=3D b=2", b"x=10, y=20", b"E=MC2", b"SGVsbG8=", b"ABCD1234ABCD1234ABCD1234"])
def test_a_text_that_only_looks_encoded_stays_as_it_is(text: bytes) -> None:
    """A sum, a key, a word of base64 alone is what its writer typed."""
    assert found(mail(b"Content-Type: text/plain\r\n\r\n" + text)) == [(text, "body")]


INNER = mail(multipart("mixed", plain("The original words."), part(PDF, "application/pdf", "a.pdf")))


@pytest.mark.parametrize("field", ["base64", "quoted-printable", "7bit", "base64;", ""])
@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
def test_an_attached_mail_is_opened_whatever_its_encoding(field: str, *, named: bool) -> None:
    """RFC 2045 allows none for a mail; programs do it all the same, and some forget to say so."""
    body = {"base64": base64.encodebytes(INNER), "quoted-printable": quopri.encodestring(INNER)}.get(
        field.strip(";"), INNER
    )
    fields = b"Content-Type: message/rfc822\r\n" + (
        f"Content-Transfer-Encoding: {field}\r\n".encode() if named and field else b""
    )
    if not named and field == "quoted-printable":
        return
    raw = mail(multipart("mixed", plain("see"), fields + b"\r\n" + body))
    assert found(raw) == [(b"The original words.", "attachment"), (PDF, "attachment")]


@pytest.mark.parametrize("field", ["base64", "BASE64;", "quoted-printable", "7bit", ""])
def test_a_multipart_is_opened_whatever_its_encoding(field: str) -> None:
    """The whole body of a mail in base64, as business systems send it, or only said to be."""
    head, _, body = multipart("mixed", plain("see"), part(PDF, "application/pdf", "a.pdf")).partition(b"\r\n\r\n")
    written = {"base64": base64.encodebytes(body), "BASE64;": base64.encodebytes(body)}.get(field, body)
    assert found(mail(head + b"\r\nContent-Transfer-Encoding: " + field.encode() + b"\r\n\r\n" + written)) == [
        (PDF, "attachment")
    ]


BOUNDARIES = {
    "another": 'boundary="other"',
    "in another case": 'boundary="B1_X"',
    "folded": 'boundary="b1\r\n _x"',
    "with blanks": 'boundary=" b1_x "',
    "not closed": 'boundary="b1_x',
    "missing": "charset=utf-8",
    "empty": 'boundary=""',
    "unfolded": 'type="text/plain";\r\nboundary="b1_x"',
    "cut off by an empty line": 'type="text/plain";\r\n\r\n boundary="b1_x"',
}


@pytest.mark.parametrize("parameter", BOUNDARIES.values(), ids=BOUNDARIES.keys())
def test_a_boundary_that_is_misspelt_is_found(parameter: str) -> None:
    """Where the lines show one boundary and no other, that is the one."""
    body = (
        b"--b1_x\r\n" + plain("see") + b"\r\n--b1_x\r\n" + part(PDF, "application/pdf", "a.pdf") + b"\r\n--b1_x--\r\n"
    )
    assert found(mail(b"Content-Type: multipart/mixed; " + parameter.encode() + b"\r\n\r\n" + body)) == [
        (PDF, "attachment")
    ]


def test_a_boundary_in_two_cases_is_one() -> None:
    """Part after part, whichever way it is written before each."""
    body = b"--B1\r\n" + plain("see") + b"\r\n--b1\r\n" + part(PDF, "application/pdf", "a.pdf") + b"\r\n--B1--\r\n"
    assert found(mail(b'Content-Type: multipart/mixed; boundary="b1"\r\n\r\n' + body)) == [(PDF, "attachment")]


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_boundary_that_is_folded_in_the_lines_is_found(at: int) -> None:
    """A program folded the lines as it folds fields; put together they are the one announced."""
    folded = b"b1_x_y"[:at] + b"\r\n " + b"b1_x_y"[at:]
    body = b"--%b\r\n%b\r\n--%b\r\n%b\r\n--%b--\r\n" % (
        *(folded, plain("see")),
        *(folded, part(PDF, "application/pdf", "a.pdf")),
        folded,
    )
    assert found(mail(b'Content-Type: multipart/mixed; boundary="b1_x_y"\r\n\r\n' + body)) == [(PDF, "attachment")]


def test_of_two_types_that_of_a_multipart_counts() -> None:
    """A relay put its own in front; no text has parts."""
    head, _, body = multipart("mixed", plain("see"), part(PDF, "application/pdf", "a.pdf")).partition(b"\r\n\r\n")
    for fields in (b"Content-Type: text/plain\r\n" + head, head + b"\r\nContent-Type: text/plain"):
        assert found(mail(fields + b"\r\n\r\n" + body)) == [(PDF, "attachment")]


def test_a_multipart_inside_one_with_the_wrong_boundary_is_read_too() -> None:
    """The outer boundary is the first; the one that is announced within belongs to what announces it."""
    inner = multipart("alternative", plain("see"))
    body = b"--b1\r\n" + inner + b"\r\n--b1\r\n" + part(PDF, "application/pdf", "a.pdf") + b"\r\n--b1--\r\n"
    assert found(mail(b'Content-Type: multipart/mixed; boundary="no"\r\n\r\n' + body)) == [(PDF, "attachment")]


def test_two_boundaries_and_no_word_of_either_are_refused() -> None:
    """Which of them parts the mail cannot be told; nothing of it is faxed, and the reason says so."""
    body = b"--b1\r\n" + plain("see") + b"\r\n--b2\r\n" + part(PDF, "application/pdf", "a.pdf") + b"\r\n--b1--\r\n"
    [piece] = read(mail(b'Content-Type: multipart/mixed; boundary="no"\r\n\r\n' + body))
    assert piece.role is Role.UNUSABLE
    assert "cannot be told" in piece.reason


@pytest.mark.parametrize("announced", ["", "Content-Type: text/plain\r\n", "MIME-Version: 1.0\r\n"])
def test_a_multipart_that_lost_its_type_is_opened(announced: str) -> None:
    """From its first line to its last it is one."""
    _, _, body = multipart("mixed", plain("see"), part(PDF, "application/pdf", "a.pdf")).partition(b"\r\n\r\n")
    assert found(b"From: a@example.org\r\nSubject: x\r\n" + announced.encode() + b"\r\n" + body) == [
        (PDF, "attachment")
    ]


@pytest.mark.parametrize(
    "head",
    [
        "MIME-Version: 1.0\r\n\r\nContent-Type: {}\r\n\r\n",
        "\r\nMIME-Version: 1.0\r\nContent-Type: {}\r\n\r\n",
        "X-Long: a value\r\nthat was folded\r\nMIME-Version: 1.0\r\nContent-Type: {}\r\n\r\n",
        "Subject: Befund\r\nMeier\r\nMIME-Version: 1.0\r\nContent-Type: {}\r\n\r\n",
        "MIME-Version: 1.0\r\n \r\nContent-Type: {}\r\n\r\n",
    ],
)
def test_a_header_that_is_cut_is_put_together(head: str) -> None:
    """An empty line, or one that lost the blank before it, does not make a text of the fields behind it."""
    kind, _, body = multipart("mixed", plain("see"), part(PDF, "application/pdf", "a.pdf")).partition(b"\r\n\r\n")
    fields = head.format(kind.decode().removeprefix("Content-Type: ")).encode()
    assert found(b"From: a@example.org\r\n" + fields + body) == [(PDF, "attachment")]


@pytest.mark.parametrize(
    "between",
    [
        "Subject: a long subject\r\n \r\nTo: x@example.org\r\n",
        "Subject: a long subject\r\n\t\r\n more of it\r\nTo: x@example.org\r\n",
        "X-A: 1\r\nFrom a@example.org  Sun Apr  5 09:24:45 2015\r\nTo: x@example.org\r\n",
        "X-A: 1\r\n>From a@example.org  Sun Apr  5 09:24:45 2015\r\nTo: x@example.org\r\n",
    ],
)
def test_fields_behind_a_line_of_blanks_or_an_envelope_are_no_text(between: str) -> None:
    """A field whose fold is empty (RFC 5322, 4.2), and a mailbox's line amid the header, are within it."""
    assert found(f"From: a@example.org\r\n{between}\r\nPlease call.".encode()) == [(b"Please call.", "body")]


@pytest.mark.parametrize("text", [b"Note: call the ward.\r\nBed: 7\r\n", b"From the ward.\r\nTo: all\r\nBye"])
def test_words_behind_a_line_of_blanks_stay_words(text: bytes) -> None:
    """Where they are no fields that mails have, or go on as a text does."""
    assert found(b"From: a@example.org\r\nSubject: x\r\n \r\n" + text) == [(text.strip(), "body")]


@pytest.mark.parametrize(
    "text",
    [
        b"Note: call the ward.\r\n\r\nContent-Type: what does that mean?",
        b"Content-Type: text/plain\r\n\r\nis what it says, why?",
        b"To: whom it may concern\r\nSubject: bed 7\r\n\r\nIt is free.",
    ],
)
def test_words_that_look_like_fields_stay_words(text: bytes) -> None:
    """What a person wrote at the top of a text is not taken for the mail's own."""
    assert found(b"From: a@example.org\r\nContent-Type: text/plain\r\n\r\n" + text) == [(text, "body")]


def test_a_file_in_uuencode_within_the_text_is_taken_out() -> None:
    """It is faxed, and the text around it stays the text."""
    pieces = read(mail(b"\r\nbefore\r\n" + uu(PDF, "Ä b.pdf") + b"after\r\n" + uu(PDF) + b"end\r\n"))
    assert [(piece.name, piece.content, piece.role) for piece in pieces] == [
        ("text of the mail", b"before\r\nafter\r\nend\r\n", Role.LEFT_OUT),
        ("Ä b.pdf", PDF, Role.ATTACHMENT),
        ("a.pdf", PDF, Role.ATTACHMENT),
    ]


@pytest.mark.parametrize("filled", [b"_", b"", b"``", b"AB"])
def test_what_fills_the_last_group_of_uuencode_is_nothing(filled: bytes) -> None:
    """Programs write there what they like, or nothing."""
    content = PDF[:41]
    line = binascii.b2a_uu(content).rstrip(b"\n ")[:56]
    body = b"begin 644 a.pdf\n" + line + filled + b"\n`\nend\n"
    assert found(mail(b"\r\n" + body)) == [(content.strip(), "attachment")]


@pytest.mark.parametrize("damage", [(b"`\nend\n", b""), (b"\nM", b"\nm")])
def test_a_file_in_uuencode_that_is_not_whole_is_refused(damage: tuple[bytes, bytes]) -> None:
    """Neither its letters nor half of the file are faxed."""
    assert found(mail(b"\r\nsee\r\n" + uu(PDF * 3).replace(*damage, 1)))[0][1] == "unusable"


def test_words_that_begin_like_uuencode_are_words() -> None:
    """A sentence may begin so."""
    text = b"begin 644 steps further on\r\nand\r\nend\r\n"
    assert found(mail(b"\r\n" + text)) == [(text.strip(), "body")]


def test_a_footer_behind_the_base64_of_a_part_is_a_text() -> None:
    """A list's program wrote it there, unasked; it is no part of the file, and not lost."""
    pieces = read(with_field("Content-Transfer-Encoding: base64", body=CODED + b"\r\n____\r\nStaff list\r\n"))
    assert [(piece.content, piece.role) for piece in pieces] == [
        (b"see", Role.LEFT_OUT),
        (PDF, Role.ATTACHMENT),
        (b"____\r\nStaff list\r\n", Role.LEFT_OUT),
    ]


@pytest.mark.parametrize(
    "body",
    [CODED[:-5], CODED[:200] + b"\r\n-- a line --\r\n" + CODED[200:], b"!!" + CODED],
    ids=["cut", "within", "before"],
)
def test_base64_with_something_wrong_in_it_is_refused(body: bytes) -> None:
    """What is missing cannot be known; the part fails by name, with what to do."""
    piece = read(with_field("Content-Transfer-Encoding: base64", body=body))[1]
    assert (piece.name, piece.role) == ("a.pdf", Role.UNUSABLE)
    assert "attach" in piece.reason


def test_what_is_called_base64_and_is_none_is_taken_as_it_is() -> None:
    """A file nobody encoded, and a text."""
    assert found(with_field("Content-Transfer-Encoding: base64", body=PDF)) == [(PDF, "attachment")]
    text = b"Please call the ward about bed 7."
    assert found(mail(b"Content-Transfer-Encoding: base64\r\n\r\n" + text)) == [(text, "body")]


OUTSIDE = {
    "text before": (b"Allergic to penicillin!\r\n", b"", b"Allergic to penicillin!"),
    "text behind": (b"", b"Allergic to penicillin!\r\n", b"Allergic to penicillin!"),
    "text behind what programs say": (
        b"This is a multi-part message in MIME format.\r\n\r\nAllergic to penicillin!\r\n",
        b"",
        b"This is a multi-part message in MIME format.\r\n\r\nAllergic to penicillin!",
    ),
}


@pytest.mark.parametrize("kind", ["mixed", "alternative", "related"])
@pytest.mark.parametrize(("before", "behind", "words"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_stands_outside_the_parts_is_a_part(before: bytes, behind: bytes, words: bytes, kind: str) -> None:
    """A text before the first boundary or behind the last is faxed like any other of the mail."""
    head, _, body = multipart(kind, plain("see")).partition(b"\r\n\r\n")
    contents = [content for content, role in found(mail(head + b"\r\n\r\n" + before + body + behind)) if role == "body"]
    assert any(words in content for content in contents)
    assert any(b"see" in content for content in contents)


PREAMBLES = [
    "This is a multi-part message in MIME format.",
    "This is a cryptographically signed message in MIME format.",
    "This message is in MIME format. Since your mail reader does not know this format,\r\nsome may not be legible.",
    "--- This is a multi-part message in MIME format. ---",
    "Dies ist eine mehrteilige Nachricht im MIME-Format.",
    "Diese Nachricht liegt im MIME-Format vor. Da Ihr Programm das nicht kennt,\r\nkann sie ganz unlesbar sein.",
    "Ce message est au format MIME. Comme votre lecteur ne comprend pas ce format, il peut ne pas être lisible.",
    "Sections below may represent BASE64 encoded files, unreadable without MIME aware tools.\r\nBASE64 is long.",
    "This is a MIME-formatted message.  If you see this text it means that your software does not know that.",
]


@pytest.mark.parametrize("said", PREAMBLES)
def test_what_programs_say_before_the_parts_is_nothing(said: str) -> None:
    """It is for readers that know no parts, and nobody misses it."""
    head, _, body = multipart("mixed", plain("see")).partition(b"\r\n\r\n")
    assert found(mail(head + b"\r\n\r\n" + said.encode() + b"\r\n\r\n" + body)) == [(b"see", "body")]


def test_parts_behind_a_boundary_that_closed_too_early_are_parts() -> None:
    """A footer's program closed the mail, and another one wrote on; at any depth."""
    inner = multipart("mixed", plain("see"))
    late = inner.replace(
        b"--=_0_=--\r\n", b"--=_0_=--\r\n--=_0_=\r\n" + part(PDF, "application/pdf", "a.pdf") + b"\r\n--=_0_=--\r\n"
    )
    assert found(mail(late)) == [(PDF, "attachment")]
    assert found(mail(multipart("related", late))) == [(PDF, "attachment")]


def test_a_multipart_of_another_boundary_behind_the_end_is_opened() -> None:
    """Though nothing announces it."""
    other = b"--zz\r\n" + part(PDF, "application/pdf", "a.pdf") + b"\r\n--zz--\r\n"
    assert found(mail(multipart("mixed", plain("see")) + other)) == [(PDF, "attachment")]


def test_a_part_of_nothing_but_fields_has_its_line() -> None:
    """It is named, though there is nothing to fax."""
    pieces = read(mail(multipart("mixed", plain("see"), b"Content-Type: application/pdf; name=a.pdf\r\n")))
    assert [(piece.name, piece.role) for piece in pieces] == [
        ("text of the mail", Role.BODY),
        ("a.pdf", Role.LEFT_OUT),
    ]


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(0, 5),
    st.sampled_from([b"\n", b"\r\n"]),
    st.text("AB+/=\r\n ", max_size=14),
    st.tuples(st.integers(0, 80), st.sampled_from([b"", b"=", b"\n", b"\r", b" ", b"A", b"\0"])),
)
def test_the_quick_look_at_base64_takes_nothing_that_the_rule_does_not(
    width: int, lines: int, end: bytes, last: str, put_in: tuple[int, bytes]
) -> None:
    """Whatever is put in, what is called even is what the rule for lines of one length takes as well."""
    body = (b"A" * width + end) * lines + last.encode()
    at, junk = put_in
    body = body[:at] + junk + body[at:]
    first = len(body[:1000].partition(b"\n")[0].rstrip(b"\r"))
    if first and transfer._is_even(body, first):
        assert re.fullmatch(transfer._LINES % (first, first), body)


def test_the_quick_look_takes_what_programs_write() -> None:
    """With either line end, whether the last line is full or not, padded or not."""
    for end in (b"\n", b"\r\n"):
        for size in range(1, 300):
            body = base64.encodebytes(b"x" * size).replace(b"\n", end)
            width = len(body.partition(end)[0])
            assert transfer._is_even(body, width) or size < 57 or size % 57 in {55, 56}
