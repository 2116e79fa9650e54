"""What each part of a mail is to the fax: the shapes that mail programs really make, and hostile ones."""

import random

import pytest
from hypothesis import given, settings, strategies as st

from bridge.document import mime, pieces
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.pieces import Piece, Role, TooComplex
from tests.support.document_samples import mail, markup, multipart, part, plain

PDF = b"%PDF-1.4 pretend"
A_PDF = part(PDF, "application/pdf", "letter.pdf")
A_PNG = b"\x89PNG\r\n\x1a\n picture"
PICTURE = part(A_PNG, "image/png", "logo.png", "inline", "Content-ID: <logo@x>")

WITH_LOGO = 'hello<img src="cid:logo@x">'

Shape = list[tuple[bytes, str, str]]


def read(body: bytes) -> list[Piece]:
    """The pieces of a mail around this part."""
    return mime.pieces(mail(body), Limits())


def shape(found: list[Piece]) -> Shape:
    """Content, role and reason of each piece."""
    return [(piece.content, piece.role.value, piece.reason) for piece in found]


OUT = Role.LEFT_OUT.value
CALENDAR = "a calendar entry is not faxed"
SHAPES: dict[str, tuple[bytes, Shape]] = {
    "bare PDF": (A_PDF, [(PDF, "attachment", "")]),
    "bare PDF without disposition": (part(PDF, "application/pdf", disposition=""), [(PDF, "attachment", "")]),
    "text only": (plain("hello"), [(b"hello", "body", "")]),
    "html only": (markup("hello"), [(b"<p>hello</p>", "body", "")]),
    "no MIME at all": (b"\r\nhello\r\n", [(b"hello\r\n", "body", "")]),
    "nothing": (b"\r\n", [(b"", OUT, pieces.EMPTY)]),
    "text and PDF": (
        multipart("mixed", plain("see there"), A_PDF),
        [(b"see there", OUT, pieces.BODY_NOT_FAXED), (PDF, "attachment", "")],
    ),
    "PDF shown inline": (
        multipart("mixed", plain("see"), part(PDF, "application/pdf", "a.pdf", "inline"), plain("bye")),
        [(b"see", OUT, pieces.BODY_NOT_FAXED), (PDF, "attachment", ""), (b"bye", OUT, pieces.BODY_NOT_FAXED)],
    ),
    "alternative": (
        multipart("alternative", plain("hello"), markup("hello")),
        [(b"hello", OUT, pieces.OTHER_FORM), (b"<p>hello</p>", "body", "")],
    ),
    "alternative in mixed": (
        multipart("mixed", multipart("alternative", plain("hello"), markup("hello")), A_PDF),
        [
            (b"hello", OUT, pieces.OTHER_FORM),
            (b"<p>hello</p>", OUT, pieces.BODY_NOT_FAXED),
            (PDF, "attachment", ""),
        ],
    ),
    "alternative with an empty plain form": (
        multipart("alternative", plain(" \r\n"), markup("hello")),
        [(b" \r\n", OUT, pieces.EMPTY), (b"<p>hello</p>", "body", "")],
    ),
    "Apple Mail": (
        multipart("alternative", plain("hello"), multipart("mixed", markup("hel"), A_PDF, markup("lo"))),
        [
            (b"hello", OUT, pieces.OTHER_FORM),
            (b"<p>hel</p>", OUT, pieces.BODY_NOT_FAXED),
            (PDF, "attachment", ""),
            (b"<p>lo</p>", OUT, pieces.BODY_NOT_FAXED),
        ],
    ),
    "Outlook with a logo": (
        multipart("related", multipart("alternative", plain("hello"), markup(WITH_LOGO)), PICTURE),
        [
            (b"hello", OUT, pieces.OTHER_FORM),
            (f"<p>{WITH_LOGO}</p>".encode(), "body", ""),
            (A_PNG, OUT, pieces.IN_THE_TEXT),
        ],
    ),
    "related inside alternative": (
        multipart("alternative", plain("hello"), multipart("related", markup(WITH_LOGO), PICTURE)),
        [
            (b"hello", OUT, pieces.OTHER_FORM),
            (f"<p>{WITH_LOGO}</p>".encode(), "body", ""),
            (A_PNG, OUT, pieces.IN_THE_TEXT),
        ],
    ),
    "a picture attached beside its name in HTML": (
        multipart("related", markup("x"), part(b"\x89PNG", "image/png", "scan.png", "attachment", "Content-ID: <a@b>")),
        [(b"<p>x</p>", OUT, pieces.BODY_NOT_FAXED), (b"\x89PNG", "attachment", "")],
    ),
    "a picture inline but not in HTML": (
        multipart("mixed", plain("scan:"), PICTURE),
        [(b"scan:", OUT, pieces.BODY_NOT_FAXED), (A_PNG, "attachment", "")],
    ),
    "a text attached": (
        multipart("mixed", plain("see"), part(b"notes", "text/plain", "notes.txt")),
        [(b"see", OUT, pieces.BODY_NOT_FAXED), (b"notes", "attachment", "")],
    ),
    "a text attached without a name": (
        multipart("mixed", plain("see"), part(b"notes", "text/plain")),
        [(b"see", OUT, pieces.BODY_NOT_FAXED), (b"notes", "attachment", "")],
    ),
    "a text named in its type": (
        multipart("mixed", plain("see"), part(b"notes", 'text/plain; name="notes.txt"', disposition="")),
        [(b"see", OUT, pieces.BODY_NOT_FAXED), (b"notes", "attachment", "")],
    ),
    "several inline texts": (
        multipart("mixed", plain("one"), plain("two"), plain(" "), plain("three")),
        [(b"one", "body", ""), (b"two", "body", ""), (b" ", OUT, pieces.EMPTY), (b"three", "body", "")],
    ),
    "several texts in the plain branch": (
        multipart("alternative", multipart("mixed", plain("one"), plain("two")), markup("one two")),
        [
            (b"one", OUT, pieces.OTHER_FORM),
            (b"two", OUT, pieces.OTHER_FORM),
            (b"<p>one two</p>", "body", ""),
        ],
    ),
    "an empty attachment": (
        multipart("mixed", plain("see"), part(b"", "application/pdf", "empty.pdf")),
        [(b"see", "body", ""), (b"", OUT, pieces.EMPTY)],
    ),
    "HTML attached": (
        multipart("mixed", plain("see"), part(b"<p>x</p>", "text/html", "page.html")),
        [(b"see", OUT, pieces.BODY_NOT_FAXED), (b"<p>x</p>", "attachment", "")],
    ),
    "signed": (
        multipart(
            'signed; protocol="application/pgp-signature"',
            A_PDF,
            part(b"sig", "application/pgp-signature", "signature.asc"),
        ),
        [(PDF, "attachment", ""), (b"sig", OUT, "a signature is not faxed")],
    ),
    "three attachments": (
        multipart("mixed", *(part(b"%%PDF-1.%d" % n, "application/pdf", f"{n}.pdf") for n in range(3))),
        [(b"%PDF-1.0", "attachment", ""), (b"%PDF-1.1", "attachment", ""), (b"%PDF-1.2", "attachment", "")],
    ),
    "AMP and enriched forms": (
        multipart(
            "alternative",
            plain("hi"),
            part(b"<html amp4email>hi", "text/x-amp-html", disposition=""),
            markup("hi"),
            part(b"<bold>hi</bold>", "text/enriched", disposition=""),
        ),
        [
            (b"hi", OUT, pieces.OTHER_FORM),
            (b"<html amp4email>hi", OUT, pieces.OTHER_FORM),
            (b"<p>hi</p>", "body", ""),
            (b"<bold>hi</bold>", OUT, pieces.OTHER_FORM),
        ],
    ),
    "an invitation": (
        multipart(
            "alternative",
            plain("come"),
            markup("come"),
            part(b"BEGIN:VCALENDAR", 'text/calendar; method=REQUEST; name="meeting.ics"', disposition=""),
        ),
        [(b"come", OUT, pieces.OTHER_FORM), (b"<p>come</p>", "body", ""), (b"BEGIN:VCALENDAR", OUT, CALENDAR)],
    ),
    "an invitation and nothing else": (
        multipart("alternative", part(b"BEGIN:VCALENDAR", "text/calendar", disposition="")),
        [(b"BEGIN:VCALENDAR", OUT, CALENDAR)],
    ),
    "a calendar attached": (
        multipart("alternative", plain("come"), part(b"BEGIN:VCALENDAR", "text/calendar", "a.ics")),
        [(b"come", "body", ""), (b"BEGIN:VCALENDAR", OUT, CALENDAR)],
    ),
    "a table beside the HTML form": (
        multipart(
            "alternative", plain("see"), multipart("mixed", markup("see"), part(b"1,2", "text/csv", "a.csv", ""))
        ),
        [(b"see", OUT, pieces.OTHER_FORM), (b"<p>see</p>", OUT, pieces.BODY_NOT_FAXED), (b"1,2", "attachment", "")],
    ),
    "HTML in the plain branch": (
        multipart("alternative", multipart("mixed", plain("one"), markup("two")), markup("one two")),
        [
            (b"one", OUT, pieces.OTHER_FORM),
            (b"<p>two</p>", OUT, pieces.OTHER_FORM),
            (b"<p>one two</p>", "body", ""),
        ],
    ),
    "nothing that is seen": (
        multipart("mixed", plain("\u00a0\u200b\r\n"), plain("\u3000", "utf-16")),
        [("\u00a0\u200b\r\n".encode(), OUT, pieces.EMPTY), ("\u3000".encode("utf-16"), OUT, pieces.EMPTY)],
    ),
    "multipart without its boundary": (
        b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n",
        [(b"text", "body", "")],
    ),
}


@pytest.mark.parametrize(("body", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_each_shape_of_mail_has_its_pieces(body: bytes, expected: Shape) -> None:
    """Every leaf stands in the pieces once, in order, with the right role and the reason."""
    assert shape(read(body)) == expected


def test_a_mail_within_the_mail_is_faxed_with_what_hangs_on_it() -> None:
    """Its text stands below its heading, its attachments follow, and the outer text is left out as beside any other."""
    inner = mail(multipart("mixed", plain("inner"), A_PDF))
    forwarded = b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + inner
    for wrapped in (forwarded, part(inner, "application/octet-stream", "forwarded.eml")):
        found = read(multipart("mixed", plain("outer"), wrapped))
        assert shape(found) == [
            (b"outer", OUT, pieces.BODY_NOT_FAXED),
            (b"inner", "attachment", ""),
            (PDF, "attachment", ""),
        ]
        assert found[1].name == "attached mail \u201ca test\u201d"
        assert found[1].heading == (("From", "office@example.org"), ("Subject", "a test"))


def test_an_attached_mail_without_text_still_has_its_heading() -> None:
    """Who wrote it and when is on paper, even where only a file hangs on it."""
    found = read(multipart("mixed", b"Content-Type: message/rfc822\r\n\r\n" + mail(A_PDF)))
    assert [(piece.kind, piece.role, bool(piece.heading)) for piece in found] == [
        (Kind.TEXT, Role.ATTACHMENT, True),
        (Kind.PDF, Role.ATTACHMENT, False),
    ]


@pytest.mark.parametrize("number", [99, 100])
def test_a_hundred_parts_are_allowed(number: int) -> None:
    """Up to the limit every part is there."""
    assert len(read(multipart("mixed", *[plain(f"{each}") for each in range(number)]))) == number


@pytest.mark.parametrize("kind", ["mixed", "alternative", "related"])
def test_more_than_a_hundred_parts_are_too_many(kind: str) -> None:
    """One part more is refused in words that say so."""
    with pytest.raises(TooComplex, match="more than 100 parts"):
        read(multipart(kind, *[plain(f"{each}") for each in range(101)]))


@pytest.mark.parametrize("kind", ["mixed", "alternative", "related"])
def test_nesting_has_an_end(kind: str) -> None:
    """Twenty multiparts in one another are read, thirty are refused in words that say so."""
    for depth, fine in ((20, True), (30, False)):
        body = plain("deep")
        for _ in range(depth):
            body = multipart(kind, body)
        if fine:
            assert [piece.content for piece in read(body)] == [b"deep"]
        else:
            with pytest.raises(TooComplex, match="nested more than 20 deep"):
                read(body)


NAMES = {
    'attachment; filename="letter.pdf"': "letter.pdf",
    "attachment; filename=letter.pdf": "letter.pdf",
    "attachment; filename*=UTF-8''%C3%9Cbung%20%E2%82%AC.pdf": "Übung €.pdf",
    "attachment; filename*0*=UTF-8''%C3%9C; filename*1=bung.pdf": "Übung.pdf",
    'attachment;\r\n filename*0="very ";\r\n filename*1="long.pdf"': "very long.pdf",
    'attachment; filename="=?utf-8?B?w5xidW5nLnBkZg==?="': "Übung.pdf",
    'attachment; filename="=?iso-8859-1?Q?=DCbung=2Epdf?="': "Übung.pdf",
    'attachment; filename="=?utf-8?B?w5xidW5n?=\r\n =?utf-8?B?LnBkZg==?="': "Übung.pdf",
    'attachment; filename="=?nope?B?w5xi?="': "=?nope?B?w5xi?=",
    'attachment; filename="=?utf-8?B?###?="': "=?utf-8?B?###?=",
    "attachment; filename*=nope''%C3%9C.pdf": None,
    "attachment; filename*=UTF-8''%FF%FE.pdf": None,
    'attachment; filename="a\0b.pdf"': "a b.pdf",
    'attachment; filename="a\x1b[31mb.pdf"': "a [31mb.pdf",
    'attachment; filename="=?utf-8?Q?a=0D=0AB?="': "a B",
    'attachment; filename="../../etc/passwd"': "../../etc/passwd",
    'attachment; filename="\u202efdp.exe"': None,
    'attachment; filename="unclosed': None,
    "attachment; filename*0*=x; filename*0*=y; filename*=z": None,
    "attachment; filename*zz*=x": None,
    'attachment; filename="' + "n" * 5_000 + '"': None,
    "ATTACHMENT; FILENAME=LETTER.PDF": "LETTER.PDF",
    " ; ; = ; filename": None,
}


@pytest.mark.parametrize(("disposition", "name"), NAMES.items(), ids=range(len(NAMES)))
def test_names_of_parts_are_read_whatever_they_are(disposition: str, name: str | None) -> None:
    """A name is decoded, on one line, bounded and printable; none of it raises or loses the part."""
    body = b"Content-Type: application/pdf\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n%PDF-1.4"
    [piece] = read(body)
    assert piece.content == b"%PDF-1.4"
    assert piece.role is Role.ATTACHMENT
    assert piece.name.isprintable()
    assert 0 < len(piece.name) <= 300
    if name is not None:
        assert piece.name == name


TYPES = [
    "application/\r\n x-letter",
    "application/x\0y",
    "application/\x1b[31m",
    "appli\xffcation/pdf",
    "application/" + "x" * 3_000,
    "application/pdf; name*=utf-8''\x01",
    "a/b/c",
    "",
    "text",
    "=?utf-8?Q?application/pdf?=",
    'image/png; name="=?utf-8?Q?a=0D=0Ab?="',
    "multipart/mixed; boundary=",
    'multipart/mixed; boundary="\0"',
    "message/rfc822",
    "message/delivery-status",
    "message/external-body; access-type=URL",
    'text/plain; charset="utf-8\0"',
    "text/plain; charset*=utf-8''utf-8",
]


@pytest.mark.parametrize("kind", TYPES, ids=range(len(TYPES)))
def test_types_of_parts_are_read_whatever_they_are(kind: str) -> None:
    """However malformed its type, a part is there once, and its name and type are short printable lines."""
    body = b"Content-Type: " + kind.encode("latin-1") + b"\r\nContent-ID: <\xff>\r\n\r\nwhat it holds"
    [piece] = read(multipart("mixed", plain("see"), body))[1:]
    assert b"what it holds" in piece.content
    assert piece.name.isprintable()
    assert piece.type.isprintable()
    assert len(piece.type) <= 100


LEAVES = st.sampled_from(
    [
        ("text/plain; charset=utf-8", "", ""),
        ("text/plain", "", "attachment"),
        ("text/plain", "a.txt", "inline"),
        ("text/html; charset=utf-8", "", ""),
        ("text/html", "a.html", "attachment"),
        ("text/calendar", "", ""),
        ("image/png", "a.png", "inline"),
        ("image/png", "", ""),
        ("image/jpeg", "a.jpg", "attachment"),
        ("application/pdf", "a.pdf", "attachment"),
        ("application/pdf", "", ""),
        ("application/octet-stream", "a.bin", "attachment"),
    ]
)
Leaf = tuple[str, str, str]
Tree = Leaf | tuple[str, list["Tree"]]
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from(["mixed", "alternative", "related", "signed", "report", "x-odd"]),
        st.lists(inner, min_size=1, max_size=5),
    ),
    max_leaves=25,
)


def as_bytes(tree: Tree, content: list[bytes], chance: random.Random) -> bytes:
    """The tree as MIME; each leaf has content of its own, noted in order."""
    if len(tree) == 2:
        kind, children = tree
        return multipart(kind, *[as_bytes(child, content, chance) for child in children])
    kind, name, disposition = tree
    content.append(b"leaf number %d" % len(content))
    fields = [f"Content-ID: <{len(content)}@x>"] if chance.random() < 0.5 else []
    return part(content[-1], kind, name, disposition, *fields)


@given(tree=TREES, chance=st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_no_leaf_of_any_mail_is_left_out_silently(tree: Tree, chance: random.Random) -> None:
    """Every leaf of any tree of parts stands in the pieces exactly once, in order, and says why it isn't faxed."""
    content: list[bytes] = []
    found = read(as_bytes(tree, content, chance))
    assert [piece.content for piece in found] == content
    assert all(bool(piece.reason) == (piece.role in {Role.LEFT_OUT, Role.UNUSABLE}) for piece in found)
    if any(piece.role is Role.ATTACHMENT for piece in found):
        assert not any(piece.role is Role.BODY for piece in found)
    else:
        assert any(piece.role is Role.BODY for piece in found) or all(piece.reason for piece in found)


@given(st.binary(max_size=600))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    """Whatever the bytes, reading them ends in pieces of clean names or in TooComplex, never in another error."""
    head = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: "
    for body in (raw, head + raw, head + raw + b"\r\n--x--"):
        for piece in mime.pieces(body, Limits()):
            assert piece.name.isprintable()
            assert piece.type.isprintable()
