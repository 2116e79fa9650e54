import pytest
from hypothesis import example, given, strategies as st

from bridge.intake import dots
from bridge.intake.dots import LINE_LIMIT, BadLine, Decoder, DotDecoder, LenientDecoder

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


def decode(pieces: list[bytes], decoder: Decoder | None = None) -> tuple[bytes, bytes | None]:
    """What the decoder makes of the pieces: the message, and what came after its end (None without an end)."""
    decoder = decoder or DotDecoder()
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


def lines_before_the_end(wire: bytes) -> list[bytes]:
    """The lines of a message that ends somewhere in ``wire``."""
    lines = wire.split(b"\r\n")
    return lines[: lines.index(b".")]


@given(st.lists(st.integers(0, 12), max_size=12), SIZES, st.integers(1, 9))
@example([9, 10], [1] * 60, 9)
@example([10], [10, 1, 1], 9)
@example([3, 3, 3], [4, 3], 3)
def test_long_lines_are_noticed(lengths: list[int], sizes: list[int], limit: int) -> None:
    """``too_long`` says whether a line had more octets than the limit, wherever the pieces were cut."""
    wire = b"".join(b"x" * length + b"\r\n" for length in lengths) + b".\r\nQUIT\r\n"
    decoder = DotDecoder(limit)
    decode(chunks(wire, sizes), decoder)
    assert decoder.too_long == any(len(line) > limit for line in lines_before_the_end(wire))


@pytest.mark.parametrize("size", [1, 2, 3, 499, 997, 998, 999, 1000, 1001, 5000])
@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_of_a_line_is_998_octets(over: int, size: int) -> None:
    """998 octets and CR LF are a line, one more is too long: first, last, or between others."""
    line = b"x" * (LINE_LIMIT + over) + b"\r\n"
    for wire in (line + b"y\r\n.\r\n", b"y\r\n" + line + b".\r\n", b"y\r\n" * 700 + line + b"y\r\n" * 700 + b".\r\n"):
        decoder = DotDecoder(LINE_LIMIT)
        decode([wire[start : start + size] for start in range(0, len(wire), size)], decoder)
        assert decoder.too_long == bool(over)


def test_without_a_limit_no_line_is_too_long() -> None:
    """The decoder of a legacy listener does not measure."""
    decoder = DotDecoder()
    decode([b"x" * 100_000 + b"\r\n.\r\n"], decoder)
    assert not decoder.too_long


WIRE = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\0", b"a", b"\r\n", b"\r\n.", b"\n.", b"b\n", b".\n", b"\r\n.\r\n"]),
    max_size=20,
).map(b"".join)
"""Anything, with most of what is hard to tell apart in it."""


def leniently(wire: bytes) -> tuple[bytes, bytes | None] | str:
    """What the lenient decoder is to make of ``wire``, octet by octet."""
    plain, line, after_crlf = b"", b"", True
    for at, octet in enumerate(wire):
        if octet != ord("\n"):
            line += bytes([octet])
            continue
        with_cr, line = line.endswith(b"\r"), line[:-1] if line.endswith(b"\r") else line
        if b"\r" in line or b"\0" in line:
            return "refused"
        if line == b".":
            return (plain, wire[at + 1 :]) if with_cr and after_crlf else "refused"
        plain += (line[1:] if line.startswith(b".") else line) + b"\r\n"
        line, after_crlf = b"", with_cr
    return plain, None


def lenient_outcome(pieces: list[bytes]) -> tuple[bytes, bytes | None] | str:
    """What becomes of the pieces on a listener that mends bare LF."""
    try:
        return decode(pieces, LenientDecoder())
    except BadLine:
        return "refused"


@given(WIRE, SIZES)
@example(b"a\n.\r\n", [1] * 60)
@example(b"a\r\n.\n", [1] * 60)
@example(b"a\n..\nb\r\n.\r\nQUIT\r\n", [])
def test_the_lenient_decoder_equals_a_slow_one(wire: bytes, sizes: list[int]) -> None:
    """In whatever pieces the bytes come: lines end with LF, come out with CR LF; a lone dot among them is refused."""
    assert lenient_outcome(chunks(wire, sizes)) == leniently(wire)


@given(WIRE, SIZES)
def test_the_lenient_decoder_knows_one_end(wire: bytes, sizes: list[int]) -> None:
    """Where it sees the end CR LF . CR LF stands, the first CR LF being that of DATA perhaps; nothing else is one."""
    outcome = lenient_outcome(chunks(wire, sizes))
    if not isinstance(outcome, str):
        plain, rest = outcome
        assert plain == b"" or plain.endswith(b"\r\n")
        assert b"\n" not in plain.replace(b"\r\n", b"")
        assert b"\r" not in plain.replace(b"\r\n", b"")
        if rest is not None:
            assert (b"\r\n" + wire.removesuffix(rest)).endswith(b"\r\n.\r\n")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "ending",
    [
        *(b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\n\x00.\r\n"),
        *(b"\r\n.\x00\r\n", b"\r\n.\r\x00\n", b"\r\r\n.\r\n", b"\r\n.\r\r\n", b"\n\r.\r\n", b"\n.\r\r\n"),
    ],
    ids=repr,
)
def test_smuggled_ends_are_no_ends_to_the_lenient_decoder(ending: bytes, size: int) -> None:
    """Where bare LF is mended a dot by itself on an odd line is refused, and nothing behind it is a command."""
    smuggled = b"Subject: x\r\n\r\nbody" + ending + b"MAIL FROM:<a@example.org>\r\n"
    with pytest.raises(BadLine):
        decode([smuggled[start : start + size] for start in range(0, len(smuggled), size)], LenientDecoder())


def test_a_mail_with_bare_lf_is_mended() -> None:
    """What a machine that knows no CR sends comes out as it should have been; its end is CR LF . CR LF all the same."""
    assert decode([b"Subject: x\n\n..one\n.two\nthree\r\n.\r\nQUIT"], LenientDecoder()) == (
        b"Subject: x\r\n\r\n.one\r\ntwo\r\nthree\r\n",
        b"QUIT",
    )


def test_the_lenient_decoder_holds_no_endless_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line whose end does not come within the limit is refused, so that no memory is filled with it."""
    monkeypatch.setattr(dots, "_HELD_LIMIT", 1000)
    decoder = LenientDecoder()
    decoder.feed(b"x" * 1000)
    with pytest.raises(BadLine):
        decoder.feed(b"x")
