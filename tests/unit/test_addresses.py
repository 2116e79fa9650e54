import re

import phonenumbers
import pytest
from hypothesis import given, strategies as st

from bridge.errors import NotAFaxNumber
from bridge.fax import numbers
from bridge.fax.addresses import FaxNumber, FaxNumbers, Mailbox, OwnMailbox, PreviewOf, is_reserved, read_local_part
from bridge.fax.options import Alias

LOCAL = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from('+1450235 ()-./="\\FAXfax;T3SORGATN\u0661\uff11'), max_size=40),
    st.from_regex(r'"?(FAX=)?\+?1?\(?415\)?[ .-]?555[ .-]?01[0-9]{2}(/[A-Z0-9]+=[a-z0-9]*)?"?', fullmatch=True),
    st.from_regex(r'"?[a-z0-9]{0,5}(FAX=)?(011|00)?1?415555012[0-9](x|,,|#|\^|%|!|;ext=)?[0-9]{0,4}"?', fullmatch=True),
)
VALUE = st.one_of(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60),
    st.text(st.sampled_from("+0123456789 .-()=,"), min_size=1, max_size=60),
)
ALIASES = (
    Alias("pharmacy", ("+14155550123",)),
    Alias("wards", ("+14155550101", "+14155550102", "+14155550101")),
    Alias("00042", ("+14155550142",)),
    Alias("dr.smith42", ("+14155550143",)),
)


def read(local: str, country: str = "US") -> FaxNumber:
    """The one fax that ``local`` asks for."""
    wanted = read_local_part(local, country)
    assert isinstance(wanted, FaxNumbers)
    [number] = wanted.numbers
    return number


@pytest.mark.parametrize(
    "local",
    [
        *("+14155550123", "14155550123", "4155550123", "(415)555-0123", "415.555.0123", "+1-415-555-0123"),
        *("FAX=+14155550123", "fax=+14155550123", "Fax=4155550123", '"(415) 555-0123"', '"FAX=+1 415 555 0123"'),
        *('"\\+1415\\5550123"', "+1.415.555.0123", "1-415-555-0123", "011-1-415-555-0123", "FAX=+1.415.555.0123"),
        *('"FAX=(415) 555-0123"', '"+14155550123"', "fAx=+1-415-555-0123"),
    ],
)
def test_a_number_is_read(local: str) -> None:
    """A number as people write it, FAX= before it, quotes around it: all mean the same fax."""
    assert read_local_part(local, "US") == FaxNumbers((FaxNumber("+14155550123"),))


@pytest.mark.parametrize(
    "written", ["0014155550123", "001-415-555-0123", "00 1 415 555 0123", "00-1-415-555-0123", "FAX=0014155550123"]
)
def test_two_noughts_go_abroad_from_everywhere(written: str) -> None:
    """As most of the world dials, and as machines are set that have no plus; what a country means by it comes first."""
    for country in ("US", "GB", "DE", "JP", "AU"):
        assert read(f'"{written}"', country).number == "+14155550123"
    assert read("00493023125123").number == "+493023125123"
    for wrong in ("00014155550123", "004155550123", "00", "001", "+0014155550123", "0-1-415-555-0123"):
        with pytest.raises(NotAFaxNumber):
            read(f'"{wrong}"')


@pytest.mark.parametrize(
    ("local", "person"),
    [
        ("IMCEAFAX-4155550123", ""),
        ("IMCEAFAX-+2B14155550123", ""),
        ("imceafax-+2b1+20+28415+29+20555-0123", ""),
        ("IMCEAFAX-John+20Smith+40+2B1+20+28415+29+20555-0123", "John Smith"),
        ("IMCEAFAX-Somebody+20at+20The+20Office+404155550123", "Somebody at The Office"),
        ("IMCEAFAX-555-0123+20+7C+20John+20Smith+40+20+2B1+20+28415+29+20555-0123", "John Smith"),
        ("IMCEAFAX-john+40example+2Eorg+40+2B14155550123", ""),
        ("IMCEAFAX-+22John+20Smith+22+40+2B14155550123", "John Smith"),
        ("IMCEAFAX-M+FCller+40+2B14155550123", "M\xfcller"),
        ("IMCEAFAX-M+C3+BCller+2C+20Anna+40+14155550123", "M\xfcller, Anna"),
        ("IMCEAFAX-John+20Smith+5E4155550123", "John Smith"),
        ("IMCEAFAX-+14155550123", ""),
        ("IMCEAFAX-+1-415-555-0123", ""),
        ("IMCEAFAX-0014155550123", ""),
    ],
)
def test_what_exchange_encloses_is_read(local: str, person: str) -> None:
    """Encoded as Microsoft documents it, or with a plus that a program put there as it was."""
    assert read(local) == FaxNumber("+14155550123", person)


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("IMCEAEX-_O+3DORG_OU+3DFIRST_CN+3DANNA", "IMCEAEX is Exchange's way to enclose an address"),
        ("IMCEANOTES-John_Acme", "IMCEANOTES is Exchange's way to enclose an address"),
        ("IMCEAFAX-+2B1+20+28415+29+20555-0123+7C+23546", "extensions, pauses and tones cannot be dialled"),
        ("IMCEAFAX-555-0123+7C+2B14155550123+7C+2C+2C567", "extensions, pauses and tones cannot be dialled"),
        ("IMCEAFAX-John+20Smith", "<John?Smith> is not a fax number"),
        ("IMCEAFAX-+202145550123", "the number may be +202145550123 or 2145550123"),
        ("IMCEAFAX-", "<> is not a fax number"),
        ("IMCEAFAX-4155550123_4155550124", "is not a fax number"),
    ],
)
def test_what_exchange_encloses_and_is_no_number_is_refused(local: str, words: str) -> None:
    """In words; nothing is guessed."""
    with pytest.raises(NotAFaxNumber, match=re.escape(words)):
        read(local)


@pytest.mark.parametrize(
    ("local", "wanted"),
    [
        ("4155550123^COMPANY=Acme", FaxNumber("+14155550123", "", "Acme")),
        ("4155550123^COMPANY=Acme_Inc.^NOCOVER", FaxNumber("+14155550123", "", "Acme Inc.", (("cover", "no"),))),
        ("4155550123^a4^Coarse^NOPREFIX", FaxNumber("+14155550123", "", "", (("paper", "a4"), ("quality", "low")))),
        ("415-555-0123^John Smith^Smith & Sons", FaxNumber("+14155550123", "John Smith", "Smith & Sons")),
        ("John_Smith^Acme^+1 (415) 555-0123", FaxNumber("+14155550123", "John Smith", "Acme")),
        ("Dr. Smith^COMPANY=Acme^4155550123", FaxNumber("+14155550123", "Dr. Smith", "Acme")),
        ("John Smith^^4155550123", FaxNumber("+14155550123", "John Smith")),
        ("4155550123^", FaxNumber("+14155550123")),
        ("Course^Porter^4155550123", FaxNumber("+14155550123", "Course", "Porter")),
        ("IMCEAFAX-4155550123+5ENOCOVER", FaxNumber("+14155550123", "", "", (("cover", "no"),))),
        (
            "IMCEAFAX-John+20Smith+404155550123+5ECOMPANY+3DAcme+5EA4",
            FaxNumber("+14155550123", "John Smith", "Acme", (("paper", "a4"),)),
        ),
    ],
)
def test_fields_of_other_fax_servers_are_read(local: str, wanted: FaxNumber) -> None:
    """Where they name what is here as well: a person, a company, an option."""
    assert read(f'"{local}"') == wanted


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("4155550123^RETRIES=5", "^RETRIES is not done here: how often a number is called is the operator's to say"),
        ("4155550123^PORT=2", "^PORT is not done here"),
        ("4155550123^TEMPLATE=a.rtf", "^TEMPLATE is not done here: which cover page"),
        ("4155550123^BILLING=42", "^BILLING is not done here: there are no billing codes; [fax: reference=...]"),
        ("4155550123^LEGAL", "^LEGAL is not done here"),
        (
            "4155550123^COLOUR=red",
            "neither a name nor known here; known are COMPANY=..., NOCOVER, A4, COARSE, STANDARD",
        ),
        ("4155550123^NOCOVR", "^NOCOVR is not known here; did you mean ^NOCOVER?"),
        ("4155550123^Standart", "^Standart is not known here; did you mean ^STANDARD?"),
        ("4155550123^COMPANY=A^COMPANY=B", "may name one person and one company"),
        ("4155550123^101", "the first or the last is the number, and no other is one"),
        ("John^4155550123^Acme", "the first or the last is the number, and no other is one"),
        ("John^Acme", "the first or the last is the number, and no other is one"),
        ("4155550123^COMPANY=", "a field between ^ is neither a name nor known here"),
        ("4155550123^John^Acme^Sales", "may name one person and one company"),
        ("4155550123^John^Acme^COMPANY=Acme", "may name one person and one company"),
        ("415555012^John", "understood as +1415555012: 9 digits"),
    ],
)
def test_other_fields_are_refused_in_words(local: str, words: str) -> None:
    """What is wrong, and what there is in its place."""
    with pytest.raises(NotAFaxNumber, match=re.escape(words)):
        read(f'"{local}"')


@pytest.mark.parametrize(
    ("local", "country"),
    [("0014155550123", "DE"), ("00-1-415-555-0123", "GB"), ("0111-415-555-0123", "CA"), ("+14155550123", "ZZ")],
)
def test_the_country_at_home_reads_its_prefixes(local: str, country: str) -> None:
    """The international prefix of the country at home is understood there."""
    assert read(local, country).number == "+14155550123"


@pytest.mark.parametrize(
    "local",
    [
        *("", "FAX=", "fax", "info", "john.doe", "john4155550123", "4155550123john", "FAX+1415", "dr.smith42"),
        *("FAX=FAX=+14155550123", "FAX =+14155550123", "FAX=+14155550123@", "+14155550123,+14155550124", '"', '""'),
        *('"415"5550123', '4155550123"', "FAX=+14155550123/", "FAX=+14155550123/T33S=1234", "+14155550123/ATTN=John"),
        *("4155550123/4155550124", "postmaster+x", "postmaster2", "bounce", "bounce+", "reply", "preview+x", "abuse-x"),
        *("+14155550123 /x=1", "FAX=\uff0b14155550123", "bounce+UPPER.x", "bounce+" + "a" * 65, "\u212aabuse"),
        *(
            "4155550123x101",
            "4155550123,,101",
            "4155550123;ext=101",
            "4155550123#101",
            "4155550123^101",
            "415*555*0123",
        ),
        *("14155550123%evil.example", "evil.example!14155550123", "14155550123!x", "14155550123.", ".14155550123"),
        *("FAX=+14155550123%evil.example", "FAX=+14155550123 ", '" 4155550123"', '"4155550123 "', "4155550123-"),
        *("\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13", "\u06644155550123"),
        *("p:14155550123", "tel:+14155550123", "sip:14155550123", "/FAX=+14155550123/", "1415555012", "141555501234"),
        *("4155550123=", "=4155550123", "FAX==+14155550123", "FAX=+14155550123=", "FAX=/ATTN=John", "FAX=pharmacy"),
        *("bounce+\u212a", "ABU\u017fE", "\u017f", "4155550123\n", "4155550123\0", "1" * 257, '"' + "1" * 300 + '"'),
    ],
    ids=ascii,
)
def test_what_is_not_understood_is_refused(local: str) -> None:
    """Anything else is refused; nothing is picked out of it."""
    with pytest.raises(NotAFaxNumber):
        read_local_part(local, "US", ALIASES[:2])


@pytest.mark.parametrize(
    "local",
    [
        *('"', '"415', '415"', '"415"5550123', '""4155550123""', '"4155550123\\"', '"4155\\', '"4155550123"x', 'x"4"'),
        *('"\u00e4"', '"4155550123\\\n"', '"4155550123\t"', '"4155550123\x7f"', '"41555"50123"'),
    ],
    ids=ascii,
)
def test_bad_quoting_is_refused(local: str) -> None:
    """Quotes that do not make one quoted string of RFC 5321 are refused, whatever stands between them."""
    with pytest.raises(NotAFaxNumber):
        read_local_part(local, "US")


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("+1415555012", "understood as +1415555012: 9 digits after the country code; a US number has 10"),
        ("FAX=+1415555012/ATTN=John", "understood as +1415555012: 9 digits after the country code"),
        ("VOICE=+14155550123", "VOICE= is not a fax; write FAX=+14155550123"),
        ("vpim=+14155550123", "write FAX=+14155550123"),
        ("AMIS=4155550123/ATTN=x", "write FAX=+14155550123"),
        ("john", "<john> is not a fax number; write it like +14155550123"),
        ("4155550123x101", "extensions, pauses and tones cannot be dialled"),
        ("4155550123,,101", "extensions, pauses and tones cannot be dialled"),
        ("4155550123;ext=101", "extensions, pauses and tones cannot be dialled"),
        ("14155550123%evil.example", "nothing is relayed"),
        ("evil!14155550123", "nothing is relayed"),
        ("+14155550123/ATTN=John", "need FAX= before the number"),
        ('"4155550123', "quotes"),
        ("FAX=+14155550123/T33S=42", "sub-address"),
        ("\uff14155550123", "beyond ASCII"),
    ],
    ids=ascii,
)
def test_a_refusal_says_what_is_wrong(local: str, words: str) -> None:
    """The refusal says what was understood and what is wrong with it."""
    with pytest.raises(NotAFaxNumber, match=re.escape(words)):
        read_local_part(local, "US")


def test_elements_say_for_whom() -> None:
    """ATTN and ORG behind the number are the person and the company, and change nothing else."""
    assert read("FAX=+14155550123/ATTN=John.Smith/ORG=Acme") == FaxNumber("+14155550123", "John Smith", "Acme")
    assert read('"FAX=+1 415 555 0123/ORG=Smith & Sons"') == FaxNumber("+14155550123", "", "Smith & Sons")


@pytest.mark.parametrize(
    ("local", "mailbox", "token"),
    [
        ("postmaster", Mailbox.POSTMASTER, ""),
        ("PostMaster", Mailbox.POSTMASTER, ""),
        ('"postmaster"', Mailbox.POSTMASTER, ""),
        ("abuse", Mailbox.ABUSE, ""),
        ("bounce+abc123", Mailbox.BOUNCE, "abc123"),
        ("BOUNCE+ABC123", Mailbox.BOUNCE, "abc123"),
        ("reply+0z", Mailbox.REPLY, "0z"),
    ],
)
def test_our_own_mailboxes(local: str, mailbox: Mailbox, token: str) -> None:
    """Our own mailboxes are known in any case of letters, with the token in lower case."""
    assert read_local_part(local, "US") == OwnMailbox(mailbox, token)


@pytest.mark.parametrize("local", ["preview", "PreView", '"preview"'])
def test_a_preview_for_nobody_in_particular(local: str) -> None:
    """The mailbox by itself, in any case of letters."""
    assert read_local_part(local, "US") == PreviewOf()


@pytest.mark.parametrize(
    ("local", "number"),
    [
        ("preview+14155550123", FaxNumber("+14155550123")),
        ("preview++14155550123", FaxNumber("+14155550123")),
        ("PREVIEW+(415)555-0123", FaxNumber("+14155550123")),
        ("preview+FAX=+14155550123/ATTN=John.Smith", FaxNumber("+14155550123", "John Smith")),
        ('"preview+415 555 0123"', FaxNumber("+14155550123")),
    ],
)
def test_a_preview_of_what_a_number_would_get(local: str, number: FaxNumber) -> None:
    """Behind a plus stands whatever may stand before an @ to be faxed to, and means the same."""
    assert read_local_part(local, "US") == PreviewOf((number,))


def test_a_preview_of_what_a_group_would_get() -> None:
    """An alias may stand there too."""
    group = Alias("wards", ("+14155550123", "+14155550124"))
    wanted = read_local_part("preview+Wards", "US", [group])
    assert wanted == PreviewOf((FaxNumber("+14155550123"), FaxNumber("+14155550124")))


@pytest.mark.parametrize("name", ["postmaster", "Abuse", "preview", "bounce", "bounce+x", "REPLY+0z", "postmaster+x"])
def test_names_of_our_own_mailboxes_are_reserved(name: str) -> None:
    """A name that is, or begins like, one of our own mailboxes is reserved, in any case of letters."""
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["pharmacy", "00042", "postmasters", "abuse-desk", "", "re", "my+bounce"])
def test_other_names_are_free(name: str) -> None:
    """Any other name may be an alias."""
    assert not is_reserved(name)


@given(LOCAL)
def test_what_is_our_own_is_reserved(local: str) -> None:
    """No local part that is one of our own mailboxes could be taken away by an alias."""
    try:
        wanted = read_local_part(local, "US")
    except NotAFaxNumber:
        return
    assert not isinstance(wanted, OwnMailbox) or is_reserved(local)


@pytest.mark.parametrize(
    ("local", "found"),
    [
        ("pharmacy", ["+14155550123"]),
        ("PHARMACY", ["+14155550123"]),
        ('"Pharmacy"', ["+14155550123"]),
        ("wards", ["+14155550101", "+14155550102"]),
        ("00042", ["+14155550142"]),
        ("dr.smith42", ["+14155550143"]),
    ],
)
def test_aliases_and_groups(local: str, found: list[str]) -> None:
    """An alias, in any case of letters, is its number, a group each of its numbers once, in the order written."""
    assert read_local_part(local, "US", ALIASES) == FaxNumbers(tuple(FaxNumber(number) for number in found))


@pytest.mark.parametrize(
    "local", ["pharmacy2", "xpharmacy", "pharmacy/ATTN=John", "FAX=pharmacy", "ward", "42", "042", "00042x", "wards+x"]
)
def test_an_alias_is_a_whole_local_part(local: str) -> None:
    """What only contains an alias is none."""
    with pytest.raises(NotAFaxNumber):
        read_local_part(local, "US", ALIASES)


@given(LOCAL)
def test_digits_are_never_glued(local: str) -> None:
    """Whatever stands before the @ is refused, ours, or a number with exactly the digits that were written as one."""
    try:
        wanted = read_local_part(local, "US")
    except NotAFaxNumber as error:
        assert error.smtp.isascii() and error.smtp.isprintable() and len(error.smtp) < 300  # noqa: PT017, PT018 - a reply line
        return
    if isinstance(wanted, FaxNumbers):
        [fax] = wanted.numbers
        assert numbers.is_e164(fax.number)
        text = re.sub(r"\\(.)", r"\1", local[1:-1]) if local.startswith('"') else local
        written = re.sub(r"^fax=", "", text, flags=re.IGNORECASE).partition("/")[0]
        if "^" in written or written.lower().startswith("imceafax-"):
            return  # have tests of their own
        assert re.fullmatch(r"\+?[0-9 ().-]+", written)
        digits = re.sub(r"[^0-9]", "", written)
        expected = fax.number[1:]
        at_home = {expected, expected.removeprefix("1"), f"011{expected}"} if expected.startswith("1") else set()
        abroad = {expected, f"{expected[:2]}0{expected[2:]}", f"{expected[:3]}0{expected[3:]}"}
        if written.startswith("+"):
            assert digits in abroad | {f"1{expected}"}
        else:
            from_home = {f"{prefix}{each}" for prefix in ("011", "00") for each in abroad | {f"1{expected}"}}
            assert digits in at_home | from_home


@given(st.sampled_from(["415", "212", "312", "416", "617"]), st.integers(100, 199), VALUE, VALUE)
def test_a_value_never_changes_the_number(area: str, line: int, person: str, other: str) -> None:
    """Whatever stands in the elements, the fax goes to the number before them, or nowhere."""
    number = f"+1{area}5550{line}"
    quoted = re.sub(r'([\\"])', r"\\\1", f"FAX={number}/ATTN={person}/ADDR={other}")
    try:
        fax = read(f'"{quoted}"')
    except NotAFaxNumber:
        return
    assert fax.number == number


def test_a_value_full_of_digits_changes_nothing() -> None:
    """A number as a value is a value."""
    assert read("FAX=+14155550123/ATTN=4155550199/ORG=+14155550198/ZIP=94105").number == "+14155550123"


def test_valid_numbers_come_back_as_themselves() -> None:
    """A valid number of any country and kind, in each international form, at home anywhere, is itself."""
    forms = (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    tried = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            known = phonenumbers.example_number_for_type(region, kind)
            e164 = phonenumbers.format_number(known, forms[0]) if known else ""
            if known is None or not phonenumbers.is_valid_number(known) or not numbers.is_e164(e164):
                continue
            if phonenumbers.is_possible_number_with_reason(known) != phonenumbers.ValidationResult.IS_POSSIBLE:
                continue  # local-only lengths: cannot be dialled from elsewhere
            for form in forms:
                written = phonenumbers.format_number(known, form)
                for local in (written, f"FAX={written}", f'"{written}"', f'"FAX={written}/ATTN=Ann"'):
                    assert read(local, "US").number == e164, local
                    assert read(local, region).number == e164, local
            assert read(f"011{e164[1:]}", "US").number == e164
            tried += 1
    assert tried > 800


@given(st.integers(2, 9), st.integers(0, 99), st.integers(0, 9_999_999), st.sampled_from(["", "1", "+1", "0111"]))
def test_every_valid_number_at_home_is_itself(first: int, area: int, line: int, before: str) -> None:
    """Every valid number with country code 1 is itself, however it begins."""
    national = f"{first}{area:02d}{line:07d}"
    if not phonenumbers.is_valid_number(phonenumbers.parse(f"+1{national}")):
        return
    for written in (national, f"({national[:3]}){national[3:6]}-{national[6:]}", f"{national[:3]}.{national[3:]}"):
        assert read(f"{before}{written}").number == f"+1{national}"
