"""Under minimal privacy mail of ours names nobody, no number, no subject, no file, whatever it tells of."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import default as modern

import pytest

from bridge.fax.jobs import Outcome, Part
from bridge.fax.options import LANGUAGES, Language, Privacy
from bridge.fax.states import FaxState
from bridge.mail import arrivals, discretion, notices
from bridge.mail.headers import read_headers
from bridge.mail.notices import NoticeEvent
from bridge.mail.returned import Returned
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    ROW,
    SENDER,
    a_delivery,
    a_duplicate,
    a_fax,
    a_message,
    a_received,
    facts,
    field,
    parts_of,
    status_of,
    text_of,
    well_formed,
)

NUMBER = "+14155550123"
SECRETS = (
    *("4155550123", "415-555-0123", "(415)555", "5550123", "555-0123"),
    *("Margaret", "Hollis", "Oncology", "biopsy", "tumour", "room 12"),
)
MAIL = (
    b"Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"
    b"From: Ward <ward@example.org>\r\n"
    b'To: "Margaret Hollis" <+14155550123@fax.local>\r\n'
    b"Cc: (415)555-0123@fax.local\r\n"
    b"Subject: biopsy of\r\n Margaret Hollis\r\n"
    b"Keywords: tumour\r\n"
    b"Message-ID: <one@example.org>\r\n"
    b"X-Fax-Option: cover=room 12\r\n"
    b'Content-Type: application/pdf; name="biopsy.pdf"\r\n\r\nroom 12\r\n'
)
PARTS = (
    Part("biopsy Margaret Hollis.pdf", "application/pdf", 2),
    Part("tumour.docx", "application/msword", 0, "is damaged"),
)
FAX = a_fax(
    privacy=Privacy.MINIMAL,
    person="Margaret Hollis",
    company="Oncology",
    recipient="(415)555-0123@fax.local",
    original_recipient="rfc822;Margaret.Hollis+4155550123@fax.local",
)


def all_of(mail: bytes) -> str:
    """Every field and every part, as bytes say it and as readers decode it."""
    read = message_from_bytes(mail, policy=modern)
    decoded = [str(value) for part in read.walk() for value in part.values()]
    decoded += [str(part.get_content()) for part in read.walk() if part.get_content_maintype() == "text"]
    return "\n".join([mail.decode("latin-1"), mail.replace(b"=\r\n", b"").decode("latin-1"), *decoded])


def leaked(mail: bytes) -> list[str]:
    """The secrets that somebody who reads the mail learns."""
    told = all_of(mail).casefold()
    return [secret for secret in SECRETS if secret.casefold() in told]


def a_notice(event: NoticeEvent, privacy: Privacy, recipient: str, language: Language = "en") -> bytes:
    """A notice full of secrets."""
    told = facts(event, MAIL, message=a_message(language=language))
    told = replace(
        told,
        fax=replace(FAX, privacy=privacy),
        parts=PARTS,
        why="tumour.docx: is damaged",
        outcome=replace(told.outcome, code=263, text="no answer from 4155550123 (Margaret)"),
        returned=Returned(MAIL, whole=True),
    )
    options = replace(OPTIONS, language=language)
    return notices.render(told, options, row_id=ROW, recipient=recipient, now=START)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("recipient", [SENDER, OPTIONS.admin])
@pytest.mark.parametrize("event", [event for event in NoticeEvent if event is not NoticeEvent.DUPLICATE])
def test_a_notice_tells_nothing(event: NoticeEvent, recipient: str, language: Language) -> None:
    """Neither the sender's nor the operator's has a secret in it; the full one has, so the secrets are well planted."""
    mail = a_notice(event, Privacy.MINIMAL, recipient, language)
    assert leaked(mail) == []
    assert well_formed(mail)
    assert {"4155550123", "Margaret", "biopsy"} <= set(leaked(a_notice(event, Privacy.FULL, recipient, language)))


def test_a_notice_is_of_use_all_the_same() -> None:
    """The number is masked in one way everywhere, the id and the thread stay, the parts are told by their place."""
    mail = a_notice(NoticeEvent.FAILED, Privacy.MINIMAL, SENDER)
    assert field(mail, "X-Fax-Number") == "+1415*****23"
    assert field(mail, "X-Fax-Id") == FAX.id
    assert field(mail, "Subject").startswith("Fax to +1415*****23 failed")
    assert field(mail, "In-Reply-To") == "<one@example.org>"
    block = status_of(mail)[1]
    assert block["Original-Recipient"] == "rfc822; +1415*****23@fax.local"
    assert block["Final-Recipient"] == "fax; +1415*****23"
    assert block["Diagnostic-Code"] == "x-ifax; 263"
    text = text_of(parts_of(mail)[0])
    assert "pages 1-2: part 1" in text
    assert "part 2: is damaged" in text
    assert "Addressed to" not in text


@pytest.mark.parametrize("whole", [True, False])
def test_little_of_the_mail_comes_back(whole: bool) -> None:
    """Whatever was asked for: the fields of the thread, and no other."""
    told = replace(facts(NoticeEvent.FAILED, MAIL, fax=FAX), returned=Returned(MAIL, whole=whole))
    mail = notices.render(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    returned = parts_of(mail)[-1]
    assert returned.get_content_type() == "text/rfc822-headers"
    assert text_of(returned).splitlines() == [
        "Date: Mon, 23 Nov 2026 08:00:00 +0000",
        "From: Ward <ward@example.org>",
        "Message-ID: <one@example.org>",
    ]


@pytest.mark.parametrize("state", FaxState)
def test_a_duplicates_notice_tells_nothing(state: FaxState) -> None:
    """Of the second mail no more than of the first."""
    told = a_duplicate(state, MAIL, recipient="415-555-0123@fax.local", original_recipient="rfc822;Hollis@fax.local")
    told = replace(told, fax=replace(told.fax, privacy=Privacy.MINIMAL, person="Margaret Hollis"))
    mail = notices.render_duplicate(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    assert leaked(mail) == []
    assert field(mail, "X-Fax-Number") == "+1415*****23"


def test_a_received_fax_hides_its_caller() -> None:
    """In the subject, the words and the fields; our own number stays."""
    fax = a_received(caller=NUMBER, called="+14155550100", file_pages=3)
    told = discretion.of_received(fax, Privacy.MINIMAL)
    for mail in (
        arrivals.render_received(told, a_delivery(), b"%PDF-1.4", OPTIONS, row_id=ROW, now=START),
        arrivals.render_lost(told, SENDER, "it is gone", OPTIONS, row_id=ROW, now=START, pdf=None),
    ):
        assert leaked(mail) == []
        assert field(mail, "X-Fax-Number") == "+1415*****23"
        assert field(mail, "X-Fax-To") == "+14155550100"
    assert discretion.of_received(fax, Privacy.FULL) is fax


def test_a_carriers_words_do_not_count_as_known() -> None:
    """Its text goes; its code, and so the meaning, stays."""
    outcome = Outcome(facts(NoticeEvent.FAILED).outcome.outcome_class, "busy", 263, "busy: Margaret")
    assert discretion.of_outcome(outcome) == replace(outcome, text=None)


def test_odd_headers_come_back_without_more() -> None:
    """A field that is none, or stands twice, opens no door."""
    headers = read_headers(b"From: a@example.org\r\nSubject : tumour\r\nFROM: b@example.org\r\nnonsense\r\n\r\n")
    assert discretion.of_returned(headers).mail == b"From: a@example.org\r\nFrom: b@example.org\r\n"
