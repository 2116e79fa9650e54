import pytest
from hypothesis import example, given, strategies as st

from bridge.intake.dots import BadLine, DotDecoder

LINE = st.one_of(
    st.sampled_from([b"", b".", b"..", b"...", b".a", b"a."]),
    st.binary(max_size=12).map(lambda line: line.translate(None, b"\r\n\0")),
)
LINES = st.lists(LINE, max_size=12)
SIZES = st.lists(st.integers(0, 7), max_size=60)
REST = st.one_of(st.just(b""), st.sampled_from([b"QUIT\r\n", b"\r\n.\r\n", b"\n", b"\0"]), st.binary(max_size=20))
BARE = st.sampled_from([b"\r", b"\n", b"\0"])


def stuffed(lines: list[bytes]) -> bytes:
    """The lines as a client sends them, without the end."""
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` cut into pieces of these sizes, empty ones too, what is left as the last."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def decode(pieces: list[bytes]) -> tuple[bytes, bytes | None]:
    """What the decoder makes of the pieces: the message, and what came after its end (None without an end)."""
    decoder = DotDecoder()
    plain = b""
    for number, piece in enumerate(pieces, start=1):
        decoded = decoder.feed(piece)
        plain += decoded.plain
        if decoded.rest is not None:
            return plain, decoded.rest + b"".join(pieces[number:])
    return plain, None


@given(LINES, SIZES, REST)
@example([b"."], [1] * 60, b"")
@example([], [0, 1, 0, 1, 0, 1], b"\r\n.\r\n")
@example([b"", b"", b"."], [2, 2, 1, 1, 1], b".\r\n")
def test_a_message_comes_back(lines: list[bytes], sizes: list[int], rest: bytes) -> None:
    """A message that was stuffed comes back byte by byte, with all that follows its end, in whatever pieces it came."""
    message = b"".join(line + b"\r\n" for line in lines)
    assert decode(chunks(stuffed(lines) + b".\r\n" + rest, sizes)) == (message, rest)


@given(LINES, SIZES)
def test_there_is_no_end_before_the_end(lines: list[bytes], sizes: list[int]) -> None:
    """Without the one end there is none, and what is handed back is never more than what came."""
    message = b"".join(line + b"\r\n" for line in lines)
    plain, rest = decode(chunks(stuffed(lines), sizes))
    assert rest is None
    assert message.startswith(plain)


@given(LINES, BARE, st.integers(0, 200), SIZES)
def test_a_bare_one_is_refused(lines: list[bytes], bare: bytes, where: int, sizes: list[int]) -> None:
    """A bare CR, a bare LF or a NUL anywhere before the end is refused, in whatever pieces it came."""
    wire = stuffed(lines) + b".\r\n"
    place = min(where, len(wire) - 2)  # after the last CR an LF would be the end itself
    with pytest.raises(BadLine):
        decode(chunks(wire[:place] + bare + wire[place:] + b"\r\n.\r\n", sizes))


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\0", b"a", b"\r\n", b"\r\n."]), max_size=20).map(b"".join), SIZES
)
def test_pieces_do_not_matter(wire: bytes, sizes: list[int]) -> None:
    """Any bytes mean the same in one piece and in many: the same message and rest, or a refusal."""
    assert outcome([wire, b"\r\n.\r\n"]) == outcome([*chunks(wire, sizes), b"\r\n", b".\r\n"])


def outcome(pieces: list[bytes]) -> tuple[bytes, bytes | None] | str:
    """What becomes of the pieces."""
    try:
        return decode(pieces)
    except BadLine:
        return "refused"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "ending",
    [
        *(b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\n\x00.\r\n"),
        *(b"\r\n.\x00\r\n", b"\r\n.\r\x00\n", b"\r\r\n.\r\n", b"\r\n.\r\r\n", b"\n\r\n.\r\n", b"\r\n.\n\r\n"),
    ],
    ids=repr,
)
def test_smuggled_ends_are_no_ends(ending: bytes, size: int) -> None:
    """No known way to smuggle an end of data is an end: nothing behind it is ever taken for a command."""
    smuggled = b"Subject: x\r\n\r\nbody" + ending + b"MAIL FROM:<a@example.org>\r\n"
    with pytest.raises(BadLine):
        decode([smuggled[start : start + size] for start in range(0, len(smuggled), size)])


@pytest.mark.parametrize(
    "ending", [b"\r\n..\r\n", b"\r\n. \r\n", b"\r\n.a\r\n", b" .\r\n", b"\r\n\x0b.\r\n", b"\r\n\x85.\r\n"]
)
def test_what_looks_like_an_end_is_data(ending: bytes) -> None:
    """Lines that only resemble the end are lines of the message."""
    plain, rest = decode([b"body" + ending + b"more\r\n"])
    assert rest is None
    assert plain.replace(b".", b"").startswith(b"body")
    assert b"more" in plain


def test_little_is_held_back() -> None:
    """Of endless data all but a few bytes is handed on at once."""
    decoder = DotDecoder()
    for size in (1, 100, 100_000):
        assert len(decoder.feed(b"x" * size).plain) == size
    assert decoder.feed(b"\r\n").plain == b""
    assert decoder.feed(b".").plain == b""
    assert decoder.feed(b".").plain == b"\r\n."
