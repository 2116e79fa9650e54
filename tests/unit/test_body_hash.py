"""The digest of a message's body: of what follows the header, in whatever pieces it came."""

import hashlib

import pytest
from hypothesis import example, given, strategies as st

from bridge.intake import sink
from bridge.intake.sink import BodyHash

SIZES = st.lists(st.integers(0, 7), max_size=40)
TEXT = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"b: c", b"\r\n\r\n", b"\0"]), max_size=25).map(b"".join)


def chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` cut into pieces of these sizes, what is left as the last."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def digest(pieces: list[bytes]) -> str:
    """What the class makes of the pieces."""
    body = BodyHash()
    for piece in pieces:
        body.update(piece)
    return body.hexdigest()


def body_of(message: bytes) -> bytes:
    """From the end of the header on; the whole where there is no such end."""
    if message.startswith(b"\r\n"):
        return message
    end = message.find(b"\r\n\r\n")
    return message[end:] if end >= 0 else message


@given(TEXT, SIZES)
@example(b"Subject: x\r\n\r\nbody\r\n", [1] * 40)
@example(b"\r\nbody\r\n\r\nmore", [1] * 40)
@example(b"a: b\r\n\r\n", [3, 3, 2])
def test_it_is_of_the_body_alone(message: bytes, sizes: list[int]) -> None:
    """The digest is that of the bytes behind the header, wherever the pieces were cut."""
    assert digest(chunks(message, sizes)) == hashlib.sha256(body_of(message)).hexdigest()


@given(TEXT, TEXT)
def test_a_header_does_not_count(one: bytes, other: bytes) -> None:
    """Two mails with one body under different headers have one digest; what stands before it is nobody's business."""
    body = b"\r\n\r\nthe same\r\n"
    first, second = (b"X: " + head.replace(b"\r\n\r\n", b"").strip() for head in (one, other))
    assert digest([first + body]) == digest([second + body])


def test_another_body_has_another_digest() -> None:
    """One octet more, and it is another body."""
    assert digest([b"a: b\r\n\r\nbody\r\n"]) != digest([b"a: b\r\n\r\nbody\r\n\r\n"])


def test_a_header_without_end_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit all counts as body, and no more of it is held than the limit."""
    monkeypatch.setattr(sink, "HEADER_LIMIT", 100)
    body, message = BodyHash(), b"x" * 70
    body.update(message)
    assert body._head == message
    body.update(message)
    assert body._head is None
    assert body.hexdigest() == hashlib.sha256(message * 2).hexdigest()


def test_asking_changes_nothing() -> None:
    """The digest can be had twice."""
    body = BodyHash()
    body.update(b"no header")
    assert body.hexdigest() == body.hexdigest()
