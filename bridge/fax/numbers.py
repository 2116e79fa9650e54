"""Fax numbers: read as people write them, kept as E.164, shown as people write them."""

import re
from functools import lru_cache

import phonenumbers
import phonenumbers.timezone
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from bridge.errors import NotAFaxNumber
from bridge.runtime.phrases import phrase

KNOWN = 2000
"""Numbers whose reading is remembered: a site faxes to the same few again and again."""

MAX_LENGTH = 40
"""Characters; the longest E.164 number written with every separator stays well below."""

_WRITTEN = re.compile(r"\+?[0-9(](?:[0-9 ().\-]*[0-9])?", re.ASCII)
_MORE_TO_DIAL = re.compile(r"\+?[0-9(][0-9 ().\-]*(?:(?:ext|[xpw])\.? ?[0-9]|[,;#*]).*", re.ASCII | re.IGNORECASE)
_FROM_ABROAD = re.compile(r"0[ .\-]?0[ .\-]?([1-9(].*)", re.ASCII)
_NOT_A_DIGIT = re.compile(r"[^0-9]", re.ASCII)
_FICTIONAL = re.compile(r"\+1[2-9][0-9]{2}55501[0-9]{2}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

NO_NUMBER = phrase("{number} is not a telephone number: {why}")
NOT_IN_USE = phrase("{number} is not a number in use: check the area code and the digits")
TOO_LONG = phrase("{number} has more digits than a telephone number can have")
OTHERWISE = phrase("understood as {number}, which is not quite what was written; write that if you mean it")
MORE_TO_DIAL = phrase("extensions, pauses and tones cannot be dialled by the fax service; write the number alone")
NO_FAX_NUMBER = phrase("<{number}> is not a fax number; write it like +14155550123")
NO_SUCH_CODE = phrase("no country has that code")
LENGTH = phrase("understood as {number}: {digits} digits after the country code")
WRONG_LENGTH = phrase("understood as {number}: {digits} digits after the country code; a {country} number has {wanted}")

COSTLY_KINDS = {
    PhoneNumberType.PREMIUM_RATE: phrase("a premium-rate number"),
    PhoneNumberType.SHARED_COST: phrase("a shared-cost number"),
    PhoneNumberType.PERSONAL_NUMBER: phrase("a personal number"),
}

_CANADAS = "600|622|633|644|655|677|688"
_PREMIUM_IN_ONE = re.compile(rf"\+1(?:(?:{_CANADAS})[0-9]{{7}}|[2-9][0-9]{{2}}976[0-9]{{4}})", re.ASCII)
"""Numbers of country code 1 whose callers pay for more than the call, and of which libphonenumber does not know it.

The exchange 976 is information services' in every area code. Canada's area codes without a place (CRTC Telecom
Decisions 2006-41 and 2015-4) are satellite telephones', mobile ones whose callers pay, and machines'. Where this comes
from stands in docs/mail.md.
"""


@lru_cache(maxsize=KNOWN)
def understand(written: str, default_country: str) -> str:
    """The E.164 form of a number as a person or a copier wrote it.

    Digits, one leading plus, and the separators space ``( ) - .`` between digits are understood, nothing else: letters,
    full-width digits, extensions are refused, and digits are never picked out of other text. Without a plus the number
    is one of ``default_country`` (ISO 3166 alpha-2), or follows that country's international prefix, or 00, which is
    that of most (ITU-T E.164) and what machines are set to. The digits of the result are those written, but for the
    country code and what a country dials before a number.

    Raises NotAFaxNumber, whose text says what was understood and what is wrong with it.
    """
    try:
        return _understand(written, default_country)
    except NotAFaxNumber:
        abroad = _FROM_ABROAD.fullmatch(written)
        if abroad is None:
            raise
    return _understand(f"+{abroad[1]}", default_country)


def _understand(written: str, default_country: str) -> str:
    if len(written) > MAX_LENGTH or not _WRITTEN.fullmatch(written):
        raise NotAFaxNumber(_shape_trouble(written))
    try:
        number = phonenumbers.parse(written, default_country)
    except NumberParseException as error:
        raise NotAFaxNumber(NO_NUMBER.format(number=written, why=_parse_trouble(error))) from error
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        raise NotAFaxNumber(_length_trouble(number, reason))
    if not phonenumbers.is_valid_number(number):
        raise NotAFaxNumber(NOT_IN_USE.format(number=_e164(number)))
    if not is_e164(_e164(number)):
        raise NotAFaxNumber(TOO_LONG.format(number=_e164(number)))
    if not _keeps_digits(written, number, default_country):
        raise NotAFaxNumber(OTHERWISE.format(number=_e164(number)))
    return _e164(number)


def is_e164(text: str) -> bool:
    """Whether ``text`` has the shape of E.164: a plus and 7 to 15 digits."""
    return _E164.fullmatch(text) is not None


@lru_cache(maxsize=KNOWN)
def country(e164: str) -> str:
    """ISO 3166 alpha-2 of the country the number belongs to; empty when there is none, or none is known."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except NumberParseException:
        return ""
    return "" if region is None or region == "001" else region


@lru_cache(maxsize=KNOWN)
def costly_kind(e164: str) -> str:
    """Words for a kind of number that costs the caller extra (premium, shared cost, personal); empty if it is not."""
    kind = phonenumbers.number_type(phonenumbers.parse(e164))
    if kind != PhoneNumberType.TOLL_FREE and _PREMIUM_IN_ONE.fullmatch(e164):
        kind = PhoneNumberType.PREMIUM_RATE
    return COSTLY_KINDS.get(kind, "")


def zone_names(e164: str) -> tuple[str, ...]:
    """The time zones it may be in, as libphonenumber has them; ``Etc/Unknown`` where it knows of none."""
    return tuple(phonenumbers.timezone.time_zones_for_number(phonenumbers.parse(e164)))


def is_fictional(e164: str) -> bool:
    """Whether the number is one of +1 AAA 555-0100 to 0199, reserved for fiction: nobody can ever be reached there."""
    return _FICTIONAL.fullmatch(e164) is not None


def as_people_write(e164: str) -> str:
    """The number in its international form with spaces, ``+1 415-555-0123``; other text comes back as it is."""
    if not is_e164(e164):
        return e164
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return e164


def normalise_foreign(raw: str | None) -> str:
    """A number as the carrier writes it in hooks and lists, as E.164 where that is certain; else empty.

    Seen in the wild: without the plus, and with a plus but the country code 1 missing (ten digits after it). What is a
    valid number as it stands is kept; a 1 is put before it only where that alone makes it valid.
    """
    digits = (raw or "").strip().removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return ""
    candidates = [f"+{digits}"] if len(digits) != 10 else [f"+{digits}", f"+1{digits}"]  # noqa: PLR2004 - North America
    valid = [candidate for candidate in candidates if _is_valid(candidate)]
    return valid[0] if len(valid) == 1 or (valid and (raw or "").strip().startswith("+")) else ""


def same_line(one: str, other: str) -> bool:
    """Whether two numbers name one line: equal digits, or, as a second try, equal last ten digits."""
    a, b = (re.sub(r"\D", "", text, flags=re.ASCII) for text in (one, other))
    if not a or not b:
        return False
    return a == b or (len(a) >= 10 and len(b) >= 10 and a[-10:] == b[-10:])  # noqa: PLR2004


def _is_valid(text: str) -> bool:
    try:
        return is_e164(text) and phonenumbers.is_valid_number(phonenumbers.parse(text))
    except NumberParseException:
        return False


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _keeps_digits(written: str, number: PhoneNumber, default_country: str) -> bool:
    """Whether ``number`` is what was written, and no digit was added to it, taken out or exchanged.

    libphonenumber does so in some countries: it puts an area code before local numbers (Antigua), takes out the choice
    of a carrier (Brazil) and moves mobile prefixes (Argentina).
    """
    digits, national = _NOT_A_DIGIT.sub("", written), phonenumbers.national_significant_number(number)
    if not digits.endswith(national):
        return False
    before, code = digits.removesuffix(national), str(number.country_code)
    trunk = _trunk_prefix(number)
    if written.startswith("+"):
        return before in {code, code + trunk}
    home = phonenumbers.PhoneMetadata.metadata_for_region(default_country)
    if home is None:
        return False
    if before in {"", trunk, code}:
        return number.country_code == home.country_code
    return any(re.fullmatch(f"(?:{home.international_prefix}){code}{end}", before) for end in {"", trunk})


def _trunk_prefix(number: PhoneNumber) -> str:
    """What is dialled before a number within its own country, ``0`` or ``1`` mostly; empty where nothing is."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(phonenumbers.region_code_for_number(number) or "")
    return (metadata.national_prefix if metadata else None) or ""


def _shape_trouble(written: str) -> str:
    if _MORE_TO_DIAL.fullmatch(written):
        return MORE_TO_DIAL
    shown = "".join(char if " " < char < "\x7f" else "?" for char in written[:MAX_LENGTH])
    return NO_FAX_NUMBER.format(number=shown)


def _parse_trouble(error: NumberParseException) -> str:
    return {
        NumberParseException.INVALID_COUNTRY_CODE: NO_SUCH_CODE,
        NumberParseException.TOO_SHORT_AFTER_IDD: phrase("it ends after the international prefix"),
        NumberParseException.TOO_SHORT_NSN: phrase("too few digits"),
        NumberParseException.TOO_LONG: phrase("too many digits"),
    }.get(error.error_type, phrase("digits are missing"))


def _length_trouble(number: PhoneNumber, reason: int) -> str:
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    digits = len(phonenumbers.national_significant_number(number))
    example = phonenumbers.example_number(region)
    if reason == ValidationResult.INVALID_COUNTRY_CODE:
        return NO_NUMBER.format(number=_e164(number), why=NO_SUCH_CODE)
    if example is None:
        return LENGTH.format(number=_e164(number), digits=digits)
    wanted = len(phonenumbers.national_significant_number(example))
    return WRONG_LENGTH.format(number=_e164(number), digits=digits, country=region, wanted=wanted)
