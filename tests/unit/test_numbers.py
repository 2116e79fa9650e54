import re

import phonenumbers
import pytest
from hypothesis import example, given, strategies as st

from bridge.errors import NotAFaxNumber
from bridge.fax import numbers

SEPARATORS = st.text(st.sampled_from(" .-()"), max_size=2)
AREAS = st.sampled_from(["415", "212", "312", "416", "617"])
WRITTEN = st.text(st.sampled_from("0123456789+-.() "), min_size=1, max_size=30)
ANYTHING = st.one_of(
    st.text(max_size=60), WRITTEN, st.text(st.sampled_from("+14150235x/;,=#*\u0661\uff11\n"), max_size=25)
)


@st.composite
def human_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A fictional number as people write it, and its E.164 form."""
    digits = f"{draw(AREAS)}55501{draw(st.integers(0, 99)):02d}"
    prefix = draw(st.sampled_from(["+1", "1", ""]))
    gap = draw(SEPARATORS)
    if not prefix and gap[:1] not in {"", "("}:
        gap = ""
    first = "+1" if prefix == "+1" else prefix
    pieces = [first, gap if first or gap.startswith("(") else "", digits[:3], draw(SEPARATORS), digits[3:6]]
    return "".join([*pieces, draw(SEPARATORS), digits[6:]]), f"+1{digits}"


def digits_of(text: str) -> str:
    """The ASCII digits of a text."""
    return re.sub(r"[^0-9]", "", text)


@given(human_numbers())
def test_usual_ways_to_write_are_understood(pair: tuple[str, str]) -> None:
    """Spaces, brackets, dots and hyphens change nothing about a number, nor do the ways to begin it at home."""
    written, e164 = pair
    assert numbers.understand(written, "US") == e164


@given(ANYTHING)
@example("+14155550123 4155550124")
@example("41555501234")
@example("14155550123(4)")
@example("+1 1 415 555 0123")
@example("011 1 415 555 0123")
@example("4155550123 ")
def test_digits_are_never_glued(written: str) -> None:
    """Whatever comes in is refused, or is a number with exactly the digits that were written.

    Beside these there may only be what a country's own rules put before a number: the country code that was left out,
    the international or the trunk prefix that was dialled.
    """
    try:
        understood = numbers.understand(written, "US")
    except NotAFaxNumber:
        return
    assert numbers.is_e164(understood)
    parsed = phonenumbers.parse(understood)
    code, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_number(parsed) or "")
    trunks = {"", (metadata.national_prefix if metadata else None) or ""}
    if written.startswith("+"):
        allowed = {f"{code}{prefix}{national}" for prefix in trunks}
    else:
        allowed = {f"011{code}{prefix}{national}" for prefix in trunks}
        if code == "1":
            allowed |= {national, f"1{national}"}
    assert digits_of(written) in allowed
    assert re.fullmatch(r"\+?[0-9 ().-]+", written)


@given(ANYTHING, st.sampled_from(["US", "CA", "GB", "DE", "MX", "AR", "BR", "IT", "ZZ", ""]))
def test_anything_is_understood_or_refused(written: str, country: str) -> None:
    """Whatever is written and whatever country is at home, the answer is E.164 or a NotAFaxNumber fit for a reply."""
    refusal = "550 5.1.3 "
    try:
        assert numbers.is_e164(numbers.understand(written, country))
    except NotAFaxNumber as error:
        refusal = error.smtp
    assert refusal.startswith("550 5.1.3 ")
    assert refusal.isascii()
    assert refusal.isprintable()
    assert len(refusal) < 300


@pytest.mark.parametrize(
    "written",
    [
        *("", "+", "()", "911", "0", "5550123", "41555501", "41555501234", "+1415555012", "+141555501234"),
        *("4155550123 x12", "415-555-0123 ext. 5", "4155550123;ext=5", "4155550123,,5", "4155550123#", "*4155550123"),
        *("fax4155550123", "4155550123fax", "john.415.555.0123", "FOUR155550123", "415-555-CALL", "+1415+5550123"),
        *("++14155550123", "4155550123+", "4155550123/4155550124", "4155550123 4155550124", "2026-11-23 4155550123"),
        *("\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13", "\u0664155550123", "\uff0b14155550123"),
        *("4155550123\n", "\n4155550123", "415\u00a0555\u00a00123", "415\t5550123", "415\u20115550123", "4155550123\0"),
        *("+0 4155550123", "+999 4155550123", "+1 015 555 0123", "00014155550123", "tel:+14155550123", "-4155550123"),
        *("+1415555" + " " * 40 + "0123", "4" * 41),
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused(written: str) -> None:
    """Letters, other scripts' digits, extensions, two numbers, too few or too many digits are no fax number."""
    with pytest.raises(NotAFaxNumber):
        numbers.understand(written, "US")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("415555012", "understood as +1415555012: 9 digits after the country code; a US number has 10"),
        ("41555501234", "understood as"),
        ("+999123456", "no country has that code"),
        ("hello", "<hello> is not a fax number; write it like +14155550123"),
        ("+1 015 555 0123", "is not a number in use"),
    ],
)
def test_a_refusal_says_what_was_understood(written: str, words: str) -> None:
    """The refusal says what was understood and what is wrong with it."""
    with pytest.raises(NotAFaxNumber, match=re.escape(words)):
        numbers.understand(written, "US")


@pytest.mark.parametrize(
    ("country", "before"),
    [
        ("US", "|1|011"),
        ("AG", "|1|011"),
        ("GB", "|0|44|00"),
        ("DE", "|0|49|00"),
        ("IT", "|39|00"),
        ("MX", "|52|0[09]"),
        ("AR", "|0|54|00"),
        ("BR", "|0|55|00[0-9]{2}"),
        ("AU", "|0|61|(14[1-8][0-9])?001[0-9]"),
    ],
)
@given(st.data())
def test_no_country_at_home_changes_digits(country: str, before: str, data: st.DataObject) -> None:
    """What a country has libphonenumber add, take out or move is refused: the digits of the result were all written."""
    written = data.draw(st.from_regex(r"(\+|00|011|0)?(54|55|49|44|1)?0?(15|11|9)?[1-9][0-9]{5,9}", fullmatch=True))
    try:
        understood = numbers.understand(written, country)
    except NotAFaxNumber:
        return
    parsed = phonenumbers.parse(understood)
    code, national = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
    assert written.endswith(national)
    start = written.removesuffix(national)
    international = rf"(\+|{before.rpartition('|')[2]}|00|011){code}[0-9]{{0,2}}"
    assert re.fullmatch(rf"{before}|{international}", start)


def test_digits_are_never_exchanged() -> None:
    """A number that is understood with other digits than were written is refused, with what was understood."""
    mobile = phonenumbers.example_number_for_type("AR", phonenumbers.PhoneNumberType.MOBILE)
    antigua, brazil = phonenumbers.example_number("AG"), phonenumbers.example_number("BR")
    assert mobile and antigua and brazil  # noqa: PT018 - premises
    moved = phonenumbers.format_number(mobile, phonenumbers.PhoneNumberFormat.NATIONAL)
    without_area = phonenumbers.national_significant_number(antigua)[3:]
    through_carrier = f"0 15 {phonenumbers.national_significant_number(brazil)}"
    for written, country in ((moved, "AR"), (without_area, "AG"), (through_carrier, "BR"), ("1 1 415 555 0123", "US")):
        with pytest.raises(NotAFaxNumber, match=r"understood as \+[0-9]+, which is not quite what was written"):
            numbers.understand(written, country)


@pytest.mark.parametrize("tail", ["x101", " ext 5", " ext. 5", ",,101", ";ext=5", "#101", "*5", "p101", " w 1"])
def test_what_is_dialled_after_the_answer_is_refused(tail: str) -> None:
    """Extensions, pauses and tones are refused as such."""
    with pytest.raises(NotAFaxNumber, match="extensions, pauses and tones cannot be dialled"):
        numbers.understand(f"(415) 555-0123{tail}", "US")


@pytest.mark.parametrize("written", ["4155550123 ", "4155550123-", "4155550123.", "415555(0123)", " 4155550123"])
def test_a_number_ends_with_a_digit(written: str) -> None:
    """Separators stand between digits; before and behind the number there is nothing."""
    with pytest.raises(NotAFaxNumber, match="is not a fax number"):
        numbers.understand(written, "US")


def test_the_country_at_home_counts() -> None:
    """Without a plus a number is one of the country at home; with one it is what it says."""
    assert numbers.understand("4155550123", "CA") == "+14155550123"
    assert numbers.understand("+14155550123", "DE") == "+14155550123"
    with pytest.raises(NotAFaxNumber):
        numbers.understand("4155550123", "ZZ")


@given(st.text(max_size=30))
def test_e164_is_a_plus_and_digits(text: str) -> None:
    """Only a plus and 7 to 15 ASCII digits, the first no 0, are E.164."""
    assert numbers.is_e164(text) == bool(re.fullmatch(r"\+[1-9][0-9]{6,14}", text) and text.isascii())


def test_e164_has_no_line_end() -> None:
    """A line end after a number is no part of E.164."""
    assert numbers.is_e164("+14155550123")
    assert not numbers.is_e164("+14155550123\n")


@pytest.mark.parametrize(
    ("number", "fictional"),
    [
        ("+14155550100", True),
        ("+12125550199", True),
        ("+14155550200", False),
        ("+14155551100", False),
        ("+11155550100", False),
        ("14155550100", False),
        ("+14155550100\n", False),
    ],
)
def test_fictional_numbers(number: str, *, fictional: bool) -> None:
    """+1 AAA 555-0100 to 0199 are for fiction, nothing else is."""
    assert numbers.is_fictional(number) is fictional


def test_numbers_are_shown_as_people_write_them() -> None:
    """A number is shown in its international form; what is no number is shown as it is."""
    assert numbers.as_people_write("+14155550123") == "+1 415-555-0123"
    assert numbers.as_people_write("anonymous") == "anonymous"
    assert numbers.as_people_write("") == ""


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("+14155550123", "+14155550123"),
        ("14155550123", "+14155550123"),
        ("4155550123", "+14155550123"),
        ("+4155550123", "+14155550123"),
        (" 14155550123 ", "+14155550123"),
        *((raw, "") for raw in ("", "+", "anonymous", "415-555-0123", "+1415555", "1" * 20, "\u0664155550123", "++1")),
        (None, ""),
    ],
)
def test_a_carriers_number_is_made_e164(raw: str | None, number: str) -> None:
    """A number as the carrier writes it, without its plus or its country code, is E.164 where that is certain."""
    assert numbers.normalise_foreign(raw) == number


def test_a_carriers_whole_number_is_never_another() -> None:
    """A valid E.164 number of any country is never taken for a number of another country."""
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    examples = [
        (region, phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164))
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in kinds
        if (known := phonenumbers.example_number_for_type(region, kind)) is not None
    ]
    assert len(examples) > 300
    mistaken = {region for region, e164 in examples if numbers.normalise_foreign(e164) not in {e164, ""}}
    assert mistaken == set()


@given(st.one_of(st.none(), st.text(max_size=30)))
def test_a_carriers_nonsense_is_no_number(raw: str | None) -> None:
    """Whatever the carrier writes as a number, E.164 or nothing comes of it."""
    number = numbers.normalise_foreign(raw)
    assert number == "" or numbers.is_e164(number)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+14155550123", "14155550123", True),
        ("+14155550123", "4155550123", True),
        ("+14155550123", "+1 (415) 555-0123", True),
        ("+14155550123", "+14155550124", False),
        ("+14155550123", "5550123", False),
        ("", "", False),
        ("anonymous", "anonymous", False),
        ("+14155550123", "", False),
    ],
)
def test_one_line(one: str, other: str, *, same: bool) -> None:
    """Two numbers name one line where their digits, or their last ten, are the same."""
    assert numbers.same_line(one, other) is same
    assert numbers.same_line(other, one) is same
