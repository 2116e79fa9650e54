"""A body counts the same whatever its boundaries are called, and however it comes; and different whenever it is."""

import hashlib

import pytest
from hypothesis import example, given, strategies as st

from bridge.intake import boundaries
from bridge.intake.boundaries import BodyDigest, anonymous, declared

ONE = b"--=_1a\r\nContent-Type: text/plain\r\n\r\nwords\r\n--=_1a\r\n\r\n%PDF\r\n--=_1a--\r\n"
NESTED = (
    b"preamble\r\n--A\r\nContent-Type: multipart/alternative;\r\n\tboundary=B\r\n\r\n--B\r\n\r\none\r\n--B--\r\n"
    b'--A\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary="C d"\r\n\r\n'
    b"--C d\r\n\r\ntwo\r\n--C d--  \r\n--A--\r\nepilogue\r\n"
)


def digest(body: bytes, boundary: bytes, *sizes: int) -> str:
    """Of a body that comes in pieces of these sizes, and the rest."""
    made = BodyDigest(boundary)
    for size in sizes:
        made.feed(body[:size])
        body = body[size:]
    made.feed(body)
    return made.hexdigest()


def test_what_a_boundary_is_called_does_not_count() -> None:
    """On the outside and within, in parts and in attached mails."""
    assert digest(ONE, b"=_1a") == digest(ONE.replace(b"=_1a", b"----=_NextPart_000"), b"----=_NextPart_000")
    other = NESTED.replace(b"--A", b"--xx").replace(b"=B", b'="y+"').replace(b"--B", b"--y+").replace(b"C d", b"z")
    assert digest(NESTED, b"A") == digest(other, b"xx")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, ONE.replace(b"words", b"wordz")),
        (ONE, ONE.replace(b"--=_1a--", b"--=_1a")),
        (ONE, ONE.replace(b"\r\n--=_1a\r\n\r\n%PDF", b"\r\n\r\n\r\n%PDF")),
        (ONE, ONE.replace(b"text/plain", b"text/html")),
        (ONE.replace(b"words", b"see --=_1a"), ONE.replace(b"words", b"see --=_2")),
        (ONE.replace(b"words", b"--=_1a \t."), ONE.replace(b"words", b"--=_2 \t.")),
        (NESTED, NESTED.replace(b"--B\r\n\r\none", b"--A\r\n\r\none")),
        (NESTED, NESTED.replace(b"two", b"--B\r\ntwo")),
        (ONE.replace(b"words", b"--X\r\n\r\nwords"), ONE.replace(b"words", b"--Y\r\n\r\nwords")),
    ],
)
def test_another_body_is_another(one: bytes, other: bytes) -> None:
    """One octet, a boundary more or less, or text that only looks like one."""
    boundary = b"A" if one.startswith(b"pre") else b"=_1a"
    assert digest(one, boundary) != digest(other, boundary)


def test_a_text_in_which_a_boundary_stands_is_no_other_text() -> None:
    """A text part that is called by one boundary and shows the other one's lines differs, for its pages do."""
    one = b"--P\r\n\r\n--Q\r\nshown\r\n--P--\r\n"
    other = b"--Q\r\n\r\n--P\r\nshown\r\n--Q--\r\n"
    assert digest(one, b"P") != digest(other, b"Q")
    assert digest(one, b"P") != digest(b"--Q\r\n\r\n--Q\r\nshown\r\n--Q--\r\n", b"Q")
    assert digest(one, b"P") != digest(b"--R\r\n\r\n--P\r\nshown\r\n--R--\r\n", b"R")


PIECES = st.lists(
    st.sampled_from(
        [
            *(b"\r\n", b"\r", b"\n", b"-", b"--", b"A", b"B", b"--A", b"--B", b"--A--", b" ", b"\r\n\r\n", b"x"),
            b"Content-Type: multipart/mixed; boundary=B\r\n\r\n",
            b"content-type: message/rfc822\r\n\r\n",
        ]
    ),
    max_size=30,
).map(b"".join)


@given(PIECES, st.lists(st.integers(0, 9), max_size=60))
@example(b"--A\r\n\r\nx\r\n--A--\r\n", [1] * 40)
def test_how_it_is_cut_up_does_not_matter(body: bytes, sizes: list[int]) -> None:
    """Each octet alone, or all at once."""
    assert digest(body, b"A", *sizes) == digest(body, b"A")


@given(PIECES, PIECES)
def test_only_names_are_passed_over(one: bytes, other: bytes) -> None:
    """Two bodies with the same boundary count as the same only where one is the other, but for names of inner ones."""
    if one != other and b"boundary" not in one + other:
        assert digest(one, b"A") != digest(other, b"A")


def test_little_is_held() -> None:
    """Of lines without end, headers without end and very many boundaries."""
    made = BodyDigest(b"A")
    for _ in range(100):
        made.feed(b"\r\n--" + b"x" * 50_000)
        assert len(made._waiting) < 1_000
    made.feed(b"\r\n--A\r\n")
    for _ in range(100):
        made.feed(b"h: " + b"x" * 5_000 + b"\r\n")
        assert len(made._waiting) < boundaries.HEADER_LIMIT + 10_000
    for number in range(300):
        made.feed(b"\r\n--A\r\nContent-Type: multipart/mixed; boundary=n%d\r\n\r\n" % number)
    assert len(made._boundaries) == boundaries.MOST


@given(st.lists(st.integers(1, 9000), max_size=20))
def test_a_mail_of_very_many_boundaries_counts_as_it_stands(sizes: list[int]) -> None:
    """From some line on, wherever it is cut up."""
    body = b"\r\n--A" * 5_000 + b"\r\nend\r\n"
    assert digest(body, b"A", *sizes) == digest(body, b"A")


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        (b'multipart/mixed; boundary="=_a b"', b"=_a b"),
        (b"Multipart/Related; type=x; BOUNDARY = abc ; charset=y", b"abc"),
        (b"multipart/mixed;\r\n\tboundary=a.b", b"a.b"),
        (b"text/plain; boundary=a", None),
        (b"multipart/mixed", None),
        (b'multipart/mixed; boundary=""', None),
        (b"multipart/mixed; boundary*0=a", None),
        (b"multipart/mixed; xboundary=a", None),
        (b"multipart/mixed; boundary=" + b"a" * 201, None),
    ],
)
def test_what_a_field_declares(content_type: bytes, name: bytes | None) -> None:
    """A multipart's boundary, as mail programs write it; what is written otherwise counts as it stands."""
    found = declared(content_type)
    assert (found.name if found else None) == name
    assert (anonymous(content_type) == content_type) is (name is None)


def test_without_boundaries_it_is_the_bodys_own_digest() -> None:
    """But for the line end that stands before it."""
    assert digest(b"words\r\n", b"A") == hashlib.sha256(b"\r\nwords\r\n").hexdigest()
