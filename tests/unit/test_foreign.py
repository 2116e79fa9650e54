import base64
import encodings
import unicodedata

import pytest
from hypothesis import given, strategies as st

from bridge.runtime import foreign
from bridge.runtime.events import masked

CHARSETS = st.sampled_from(
    [
        *("utf-8", "us-ascii", "latin-1", "utf-7", "utf-16", "utf-32", "gb18030", "iso-2022-jp", "hz", "shift_jis"),
        *("base64", "hex", "rot13", "zlib", "undefined", "idna", "punycode", "raw_unicode_escape", "mbcs", "x-unknown"),
        *("unicode_escape", "", "\0", "utf-8\0", "\ud800", "u" * 5000),
    ]
)

PIECES = st.sampled_from(
    [
        *("=?utf-8?q?", "=?utf-8?b?", "=?unicode_escape?q?", "=?punycode?q?", "?=", "=0D=0A", "=0A", "=00", "=", "?"),
        *("\r\n", "\n", "\r", "\0", "\x1b[31m", "\u202e", "\u2028", "\u0085", "\ud800", "\udcff", "\ufeff", " ", "\t"),
        *("Bcc: x", "=3D=3F", "PT91", "a", "\\x", "\u00e9", "\U0001f4e0", "_"),
    ]
)
EVIL = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))


def one_clean_line(text: str, limit: int) -> bool:
    """Whether text is bounded, on one line, without a character that is not seen, and can be written as UTF-8."""
    seen = all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in text)
    return len(text) <= limit and seen and text == text.strip() and "  " not in text and bool(text.encode() or True)


@given(EVIL, st.integers(min_value=1, max_value=300))
def test_a_line_is_a_line(text: str, limit: int) -> None:
    """Whatever comes in, one bounded line without control, format or lone surrogate characters comes out."""
    assert one_clean_line(foreign.one_line(text, limit), limit)


@given(EVIL)
def test_a_line_stays_as_it_is(text: str) -> None:
    """What has been made one line is not changed by being made one again."""
    once = foreign.one_line(text)
    assert foreign.one_line(once) == once


@given(st.one_of(EVIL, st.binary(), EVIL.map(lambda text: text.encode("utf-8", "replace"))))
def test_a_header_is_a_line(raw: str | bytes) -> None:
    """Whatever bytes or text a header field has, one bounded clean line comes out."""
    assert one_clean_line(foreign.header_text(raw), foreign.HEADER_LENGTH)


@given(CHARSETS, st.sampled_from("bBqQ"), st.text(st.characters(codec="ascii"), max_size=60))
def test_a_strange_encoded_word_is_a_line(charset: str, encoding: str, payload: str) -> None:
    """An encoded word with any charset, known, unknown or no charset at all, comes out as a clean line."""
    assert one_clean_line(foreign.header_text(f"=?{charset}?{encoding}?{payload}?="), foreign.HEADER_LENGTH)


@pytest.mark.parametrize("payload", ["\\N", "\\z", "\\x"])
def test_an_encoded_word_warns_of_nothing(payload: str) -> None:
    """An encoded word in Python's own escapes is no mail: it stands as it came, and Python is not asked."""
    word = f"=?unicode_escape?Q?{payload}?="
    assert foreign.header_text(word) == word


@given(st.binary(), st.one_of(st.none(), CHARSETS))
def test_bytes_are_text(raw: bytes, charset: str | None) -> None:
    """Any bytes are text of some kind, whatever charset is claimed for them."""
    assert isinstance(foreign.decode(raw, charset), str)


@pytest.mark.parametrize(
    "charset",
    [
        *("unicode_escape", "raw_unicode_escape", "unicode-escape", "idna", "punycode", "undefined", "utf-7", "rot13"),
        *("base64", "hex", "zlib", "bz2", "uu", "quopri", "mbcs", "oem", "aliases", "x", "ut\u0192-8", "utf-8 ", ""),
    ],
)
def test_only_charsets_of_mail_are_followed(charset: str) -> None:
    """A charset that is none of mail, though Python knows a codec by that name, is passed over."""
    assert foreign.decode(b"\\x41 xn--4ca =41 +AGE-", charset) == "\\x41 xn--4ca =41 +AGE-"
    word = f"=?{charset}?q?=5Cx41?="
    assert foreign.header_text(word) == word


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("ISO-8859-1", b"caf\xe9"),
        ("windows-1252", b"caf\xe9"),
        ("utf8", b"caf\xc3\xa9"),
        ("UTF-16LE", b"c\0a\0f\0\xe9\0"),
        ("macintosh", b"caf\x8e"),
        ("IBM850", b"caf\x82"),
    ],
)
def test_charsets_of_mail_are_followed(charset: str, raw: bytes) -> None:
    """The charsets that mails are written in are known by the names that mails give them."""
    assert foreign.decode(raw, charset) == "café"


def test_a_strange_charset_leaves_nothing_behind() -> None:
    """Python is not asked for a charset it may not know: it would keep each answer as long as it runs."""
    before = len(encodings._cache)
    for number in range(50):
        foreign.decode(b"x", f"x-charset-{number}")
        foreign.header_text(f"=?x-charset-{number}?q?x?=")
    assert len(encodings._cache) == before


@pytest.mark.parametrize("charset", [None, "us-ascii", "utf-8", "iso-8859-1", "utf-16", "nonsense"])
@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
def test_a_byte_order_mark_decides(form: str, charset: str | None) -> None:
    """A text that begins with a byte order mark is read by it, whatever charset is claimed; the mark is not kept."""
    text = "Grüße, 傳真\n"
    raw = ("\ufeff" + text).encode(form) if form.endswith("-be") else text.encode(form)
    assert foreign.decode(raw, charset) == text
    assert foreign.decode(raw + b"\xff", charset).startswith(text)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?Q?one_?= =?utf-8?b?dHdv?=", "one two"),
        (b"=?iso-8859-1?q?caf=E9?= and more", "café and more"),
        (b"=?utf-8*en?q?tea?=", "tea"),
        (b"=?utf-8?b?dHdv", "=?utf-8?b?dHdv"),
        (b"=?nonsense?q?x?=", "=?nonsense?q?x?="),
        (b"=?utf-8?b?!!!?=", "=?utf-8?b?!!!?="),
        ("Grüße".encode(), "Grüße"),
        (b"caf\xe9", "café"),
        (b"a\r\n b\tc", "a b c"),
        (b"=?utf-8?q?a=0D=0ABcc=3A_x?=", "a Bcc: x"),
        (b"one\xe2\x80\xaegnp.fdp", "one gnp.fdp"),
    ],
)
def test_a_header_is_read(raw: bytes, text: str) -> None:
    """Encoded words are decoded, all else stands as a person reads it, on one line."""
    assert foreign.header_text(raw) == text


def test_what_is_too_long_ends_in_dots() -> None:
    """A longer text is cut to the limit, and shows that it was."""
    assert foreign.one_line("word " * 100, 20) == "word word word word…"


@given(st.text(st.sampled_from("+0123456789"), max_size=20))
def test_a_number_is_masked(number: str) -> None:
    """In a log a number keeps its length and at most the first five characters and the last two."""
    shown = masked(number)
    assert len(shown) == len(number)
    assert len(number) - shown.count("*") <= 7
    assert len(number) < 8 or shown.count("*") >= 1
    assert len(number) >= 8 or not shown.strip("*")


SPLIT = "Überweisung Müller"


@pytest.mark.parametrize("at", range(1, len(SPLIT.encode())))
@pytest.mark.parametrize("way", ["b", "B cut anywhere", "q"])
def test_a_letter_split_over_two_encoded_words_is_one(at: int, way: str) -> None:
    """RFC 2047 forbids it, and programs do it: the octets of neighbours are one text."""
    raw = SPLIT.encode()
    if way == "b":
        words = [f"=?utf-8?B?{base64.b64encode(half).decode()}?=" for half in (raw[:at], raw[at:])]
    elif way == "q":
        words = [f"=?UTF-8?Q?{''.join(f'={each:02X}' for each in half)}?=" for half in (raw[:at], raw[at:])]
    else:
        coded = base64.b64encode(raw).decode()
        words = [f"=?utf-8?b?{half}?=" for half in (coded[:at], coded[at:])]
    for between in (" ", "\r\n ", ""):
        assert foreign.header_text(f"Re: {between.join(words)} to go") == f"Re: {SPLIT} to go"


@pytest.mark.parametrize("charset", ["iso-2022-jp", "iso-2022-kr", "gb2312", "big5", "shift_jis", "euc-jp", "gb18030"])
@pytest.mark.parametrize("way", ["b", "q"])
def test_a_letter_of_any_charset_may_be_split(charset: str, way: str) -> None:
    """Where a letter means what was shifted to before it each half looks like a text of its own, and is none."""
    text = (
        "\uac80\uc0ac\uacb0\uacfc"
        if charset == "iso-2022-kr"
        else "\u7d50\u679c\u8868"
        if "j" in charset
        else "\u4e2d\u6587"
    )
    raw = text.encode(charset)
    for at in range(1, len(raw)):
        halves = [raw[:at], raw[at:]]
        if way == "b":
            words = [f"=?{charset}?B?{base64.b64encode(half).decode()}?=" for half in halves]
        else:
            words = [f"=?{charset}?Q?{''.join(f'={each:02X}' for each in half)}?=" for half in halves]
        assert foreign.header_text(" ".join(words)) == text


def test_one_charset_by_two_names_is_one() -> None:
    """Programs that pass a name on write theirs."""
    assert foreign.header_text("=?utf-8?Q?M=C3?= =?UTF8?Q?=BCller?=") == "M\xfcller"


@pytest.mark.parametrize("raw", [b"M\xfcller", "M\xfcller".encode()])
def test_a_charset_that_nobody_told_is_read_like_any_text(raw: bytes) -> None:
    """What programs call ``unknown-8bit`` (RFC 1428) was there without a charset, and is read as such."""
    coded = "".join(f"={each:02X}" for each in raw)
    assert foreign.header_text(f"=?unknown-8bit?q?{coded}?=") == "M\xfcller"


def test_words_of_two_charsets_stay_apart() -> None:
    """Each is read by its own; one that cannot be read stands as it came, and keeps no other from being read."""
    assert foreign.header_text("=?utf-8?Q?=C3=9C?= =?iso-8859-1?Q?=DC?= =?utf-8?Q?=C3?=") == "ÜÜ=?utf-8?Q?=C3?="
    assert foreign.header_text("=?utf-8?Q?a b?=") == "a b"
