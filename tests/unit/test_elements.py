import re

import pytest
from hypothesis import given, strategies as st

from bridge.errors import NotAFaxNumber
from bridge.fax import elements
from bridge.fax.elements import Elements


@pytest.mark.parametrize(
    ("written", "person", "company"),
    [
        ("ATTN=Smith", "Smith", ""),
        ("attn=Smith", "Smith", ""),
        ("ATTN=John.Smith", "John Smith", ""),
        ("ATTN=John.Q.Smith", "John Q Smith", ""),
        ("ATTN=John_Smith", "John Smith", ""),
        ("ATTN=John Smith", "John Smith", ""),
        ("ATTN=Dr. John Smith", "Dr. John Smith", ""),
        ("ATTN=John Smith Jr.", "John Smith Jr.", ""),
        ("ATTN=O'Neil, Ann (ward 4)", "O'Neil, Ann (ward 4)", ""),
        ("ATTN= John  Smith ", "John Smith", ""),
        ("ATTN=a=b", "a=b", ""),
        ("ORG=Acme Inc.", "", "Acme Inc."),
        ("ORG=Smith & Sons, Ltd.", "", "Smith & Sons, Ltd."),
        ("ORG=acme.example", "", "acme.example"),
        ("ORG=Acme_Inc", "", "Acme Inc"),
        ("ORG=Acme/ATTN=Ann", "Ann", "Acme"),
        ("OFNO=BLD2-44/OFNA=Sales/ATTN=Ann/STR=45, Main Street", "Ann", ""),
        ("ADDR=HWY 14, Km 94.5/ADDU=ACMETELEX/ADDL=Entrance 3/POB=12/ZIP=94105/CO=US", "", ""),
    ],
)
def test_what_is_said_is_kept(written: str, person: str, company: str) -> None:
    """ATTN and ORG are kept as people read them; elements for physical delivery are understood and not needed."""
    assert elements.read(written) == Elements(person, company)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("T33S=1234", "fax sub-addresses (T33S) cannot be carried"),
        ("t33s=", "fax sub-addresses (T33S) cannot be carried"),
        ("ATTN=Ann/T33S=", "fax sub-addresses (T33S) cannot be carried"),
        ("ISUB=1234", "ISDN sub-addresses (ISUB) cannot be carried"),
        ("POSTD=pp1234", "tones dialled after the answer (POSTD) cannot be carried"),
        ("VOICE=1", "the element VOICE is not known here"),
        ("FAX=+14155550199", "the element FAX is not known here"),
        ("x-cover=no", "the element X-COVER is not known here"),
        ("ATTN=", "the element ATTN has no value"),
        ("ATTN= . ", "the element ATTN has no value"),
        ("ZIP=", "the element ZIP has no value"),
        ("ATTN=Ann/ATTN=Bob", "the element ATTN stands there twice"),
        ("ZIP=1/zip=1", "the element ZIP stands there twice"),
        ("ORG=" + "x" * 65, "longer than 64 characters"),
        ("ATTN=<b>Ann</b>", "characters that a name cannot have"),
        ("ATTN=Ann<b>", "characters that a name cannot have"),
        ("ATTN=a!b", "characters that a name cannot have"),
        ("ATTN=a%b", "characters that a name cannot have"),
        *(
            (each, "elements /NAME=value only")
            for each in ("", "ATTN", "T33S", "=Ann", "ATTN=a/b", "ATTN=a/", "/ATTN=a")
        ),
        *(
            (each, "elements /NAME=value only")
            for each in ("ATTN =a", "ATTN=a\n", "ATTN=\u00e4", "ORG=a\tb", "A" * 17 + "=")
        ),
    ],
    ids=ascii,
)
def test_all_else_is_refused(written: str, words: str) -> None:
    """What cannot be carried is refused with the reason, what is unknown by its name, and no value is guessed at."""
    with pytest.raises(NotAFaxNumber, match=re.escape(words)):
        elements.read(written)


@given(
    st.one_of(st.text(max_size=80), st.from_regex(r"(ATTN|ORG|ZIP|T33S)=.{0,70}(/(ORG|CO)=.{0,70})?", fullmatch=True))
)
def test_anything_is_understood_or_refused(written: str) -> None:
    """Whatever stands there is refused in a text fit for a reply, or is short printable ASCII without spaces around."""
    try:
        said = elements.read(written)
    except NotAFaxNumber as error:
        said, text = Elements(), error.smtp
        assert text.isascii()
        assert text.isprintable()
    for value in (said.person, said.company):
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()
        assert len(value) <= elements.MAX_VALUE
