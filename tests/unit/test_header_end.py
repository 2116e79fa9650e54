"""Where a message's header ends, in whatever pieces it came, and the digests of blobs in one part and in two."""

import hashlib

import pytest
from hypothesis import example, given, strategies as st

from bridge.intake import sink
from bridge.intake.sink import HeaderEnd
from bridge.store.digests import Digest

SIZES = st.lists(st.integers(0, 7), max_size=40)
TEXT = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"b: c", b"\r\n\r\n", b"\0"]), max_size=25).map(b"".join)


def chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` cut into pieces of these sizes, what is left as the last."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def found(pieces: list[bytes]) -> int | None:
    """How many bytes the header has with its end; None where there is no end. It is told once."""
    end, seen, place = HeaderEnd(), 0, None
    for piece in pieces:
        cut = end.find(piece)
        if cut is not None:
            assert place is None
            assert 0 <= cut <= len(piece)
            place = seen + cut
        seen += len(piece)
    return place


def expected(message: bytes) -> int | None:
    """The same, slowly."""
    if message.startswith(b"\r\n"):
        return 2
    end = message.find(b"\r\n\r\n")
    return end + 4 if end >= 0 else None


@given(TEXT, SIZES)
@example(b"Subject: x\r\n\r\nbody\r\n", [1] * 40)
@example(b"\r\nbody\r\n\r\nmore", [1] * 40)
@example(b"a: b\r\n\r\n", [3, 3, 2])
def test_the_end_is_found_wherever_the_pieces_were_cut(message: bytes, sizes: list[int]) -> None:
    """The end is behind the first empty line; a message that begins with one has no header."""
    place = expected(message)
    assert found(chunks(message, sizes)) == place
    end = HeaderEnd()
    for piece in chunks(message, sizes):
        end.find(piece)
    assert end.header == message[:place]


def test_a_header_without_end_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit all counts as body, and no more of it is held than the limit."""
    monkeypatch.setattr(sink, "HEADER_LIMIT", 100)
    end, message = HeaderEnd(), b"x" * 70
    assert end.find(message) is None
    assert end.header == message
    assert end.find(message) is None
    assert end.header == b"x" * 100
    assert end.find(b"\r\n\r\n") is None
    assert end.header == b"x" * 100


def test_a_header_that_ends_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its end comes in one piece with too much before it, what is kept of it has no end."""
    monkeypatch.setattr(sink, "HEADER_LIMIT", 100)
    end = HeaderEnd()
    end.find(b"x" * 120 + b"\r\n\r\nbody")
    assert end.header == b"x" * 100


@given(TEXT, st.integers(0, 200), SIZES, SIZES)
def test_a_digest_in_two_parts(data: bytes, at: int, one: list[int], other: list[int]) -> None:
    """It is that of both parts' digests, the same whether the place is told beforehand or under way."""
    split = min(at, len(data))
    parts = [hashlib.sha256(part) for part in (data[:split], data[split:])]
    whole = hashlib.sha256(b"".join(part.digest() for part in parts)).hexdigest()
    written, read = Digest(), Digest(split)
    for piece in chunks(data[:split], one):
        written.update(piece)
    written.divide()
    for piece in chunks(data[split:], one):
        written.update(piece)
    for piece in chunks(data, other):
        read.update(piece)
    assert written.hexdigest() == read.hexdigest() == whole
    assert written.of_second() == read.of_second() == parts[1].hexdigest()
    assert written.split == read.split == split


@given(TEXT, SIZES)
def test_a_digest_in_one_part(data: bytes, sizes: list[int]) -> None:
    """Undivided it is plain SHA-256, and its second part is everything."""
    digest = Digest()
    for piece in chunks(data, sizes):
        digest.update(piece)
    assert digest.hexdigest() == digest.of_second() == hashlib.sha256(data).hexdigest()
    assert digest.split is None


def test_no_byte_moves_from_part_to_part_unseen() -> None:
    """The same bytes, divided elsewhere, have another digest."""
    first, second = Digest(3), Digest(4)
    for digest in (first, second):
        digest.update(b"abcdef")
    assert first.hexdigest() != second.hexdigest()
