import base64
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as modern

import pytest
from hypothesis import example, given, settings, strategies as st

from bridge.errors import Permanent
from bridge.fax import outcomes
from bridge.fax.asked import Asked
from bridge.fax.jobs import Outcome, Part
from bridge.fax.options import LANGUAGES
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.intake.envelopes import read_path
from bridge.mail import notices
from bridge.mail.notices import NoticeEvent, NoticeFacts, event_of
from bridge.mail.wording import page_ranges
from bridge.runtime import foreign
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    OUTCOMES,
    ROW,
    SENDER,
    a_fax,
    a_message,
    an_attempt,
    facts,
    field,
    fields_of,
    parts_of,
    status_of,
    text_of,
    well_formed,
)

FIELDS = (
    *("Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version"),
    *("Message-ID", "Subject", "To", "X-Fax-Event", "X-Fax-Id", "X-Fax-Number"),
)

PIECES = st.sampled_from(
    [
        *("=?utf-8?q?", "=?utf-8?b?", "?=", "=0D=0A", "=0A", "=3D=3Futf-8=3Fq=3F", "=3F=3D", "=20", "Bcc: x", "Bcc:_x"),
        *("\r\n", "\n", "\r", "\0", "\u202e", "\u2028", "\u0085", "\u00e9", " ", "\t", "a", "a" * 90, "X-Fax-Id: 1"),
        *("<", ">", "@", "[", "]", '"', "\\", "(", ")", ",", ";", ":", ".", "=", "?", "_", "PT91dGYtOD9xPz0K"),
    ]
)
EVIL = st.lists(PIECES, max_size=14).map("".join)
EVIL_BYTES = st.one_of(EVIL.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=80))


@st.composite
def envelope_senders(draw: st.DrawFn) -> str:
    """Any sender that our own SMTP server takes: printable ASCII with an @ that is not its end."""
    local = draw(st.one_of(EVIL, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)))
    domain = draw(
        st.one_of(st.just("example.org"), st.sampled_from(["[", "x", "[1", "(", '"', "a;", "=?utf-8?q?=0A?="]))
    )
    written = "".join(char for char in f"{local}@{domain}" if " " <= char <= "~" and char not in "<>")
    try:
        address, _ = read_path(f"FROM:<{written}>", "FROM")
    except Permanent:
        return SENDER
    return address if "@" in address and not address.endswith("@") else SENDER


def render(told: NoticeFacts, recipient: str = SENDER) -> bytes:
    """The notice's bytes."""
    return notices.render(told, OPTIONS, row_id=ROW, recipient=recipient, now=START)


def names(mail: bytes) -> list[str]:
    """The names of a mail's header fields, sorted."""
    return sorted(name for name, _ in fields_of(mail))


def body(told: NoticeFacts, recipient: str = SENDER) -> list[str]:
    """The lines of the part for people."""
    return text_of(parts_of(render(told, recipient))[0]).splitlines()


def status(told: NoticeFacts) -> list[dict[str, str]]:
    """The blocks of the part for programs."""
    return status_of(render(told))


# The form


def test_a_notice_has_the_contracts_fields() -> None:
    """A notice has our fields, In-Reply-To and References to the original, and no others."""
    mail = b"Message-ID: <original@example.org>\r\nReferences: <first@example.org>\r\nSubject: Letter\r\n\r\n"
    notice = render(facts(NoticeEvent.DELIVERED, mail))
    assert names(notice) == sorted([*FIELDS, "In-Reply-To", "References"])
    assert dict(fields_of(notice)) | {"Content-Type": "", "Date": ""} == {
        "From": "Fax <fax@fax.local>",
        "To": SENDER,
        "Subject": "Fax delivered to +1 415-555-0123: Letter",
        "Date": "",
        "Message-ID": f"<{ROW.lower()}.faxbridge@mx.example.org>",
        "Auto-Submitted": "auto-replied",
        "In-Reply-To": "<original@example.org>",
        "References": "<first@example.org> <original@example.org>",
        "X-Fax-Event": "delivered",
        "X-Fax-Id": "06D1ZN8K7Q1X",
        "X-Fax-Number": "+14155550123",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert field(notice, "Content-Type").startswith('multipart/report; report-type="delivery-status"')
    assert well_formed(notice)


@pytest.mark.parametrize("event", OUTCOMES)
def test_a_notice_is_a_report(event: NoticeEvent) -> None:
    """Each notice is a multipart/report of a text for people and a delivery-status, with its event in the header."""
    notice = render(facts(event))
    assert field(notice, "X-Fax-Event") == event.value
    assert [part.get_content_type() for part in parts_of(notice)] == [
        "multipart/alternative",
        "message/delivery-status",
    ]
    assert names(notice) == sorted(FIELDS)
    assert well_formed(notice)


@pytest.mark.parametrize("event", OUTCOMES)
def test_rendering_twice_gives_the_same_bytes(event: NoticeEvent) -> None:
    """The same facts, row and time always give the same bytes."""
    told = facts(event, b"Subject: =?utf-8?q?caf=C3=A9?=\r\nMessage-ID: <a@b>\r\n\r\n")
    assert render(told) == render(told)


@settings(max_examples=150)
@given(EVIL_BYTES)
@example(b"=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0ABcc=3A_x=3F=3D?=")
@example(b"=?utf-8?b?PT91dGYtOD9xP2E9MEFCY2M6X3g/PQ==?=")
@example(b"=?utf-8?q?a=0D=0ABcc=3A_x?=")
def test_no_subject_adds_a_field(subject: bytes) -> None:
    """Whatever the original's subject is, encoded twice too, the notice is well formed with no field too many."""
    notice = render(facts(NoticeEvent.DELIVERED, b"Subject: " + subject.replace(b"\r\n\r\n", b"") + b"\r\n\r\n"))
    wanted = {*FIELDS, "In-Reply-To", "References"} if "In-Reply-To" in names(notice) else FIELDS
    assert names(notice) == sorted(wanted)
    assert well_formed(notice)


@settings(max_examples=150)
@given(EVIL_BYTES, EVIL_BYTES)
@example(b"<=?utf-8?q?a?=@example.org>", b"<=?utf-8?q?a=0ABcc=3A?=@example.org>")
@example(b"<" + b"a" * 100 + b"@example.org>", b"<" + b"b" * 100 + b"@example.org>")
def test_no_id_adds_a_field(identity: bytes, thread: bytes) -> None:
    """Whatever ids the original has, the notice is well formed, and names exactly those that are well formed."""
    mail = b"Message-ID: " + identity + b"\r\nReferences: " + thread + b"\r\n\r\n"
    told = facts(NoticeEvent.DELIVERED, mail)
    notice = render(told)
    wanted = list(FIELDS)
    if told.headers.message_id:
        assert field(notice, "In-Reply-To") == told.headers.message_id
        wanted.append("In-Reply-To")
    if told.headers.references:
        assert tuple(field(notice, "References").split()) == told.headers.references
        wanted.append("References")
    assert names(notice) == sorted(wanted)
    assert well_formed(notice)


@pytest.mark.parametrize("length", [60, 70, 80, 120, 227])
def test_a_long_id_is_kept_whole(length: int) -> None:
    """An id longer than a line, as large mail services make them, stands in the notice letter by letter."""
    identity = f"<{'a' * length}@mail.example.org>"
    mail = f"Message-ID: {identity}\r\nReferences: <short@example.org> {identity[:-1]}.net>\r\n\r\n"
    notice = render(facts(NoticeEvent.DELIVERED, mail.encode()))
    assert field(notice, "In-Reply-To") == identity
    assert field(notice, "References").split() == ["<short@example.org>", f"{identity[:-1]}.net>", identity]


@settings(max_examples=300)
@given(envelope_senders())
@example("a@[")
@example("<a@[>".strip("<>"))
@example("a:b;@example.org")
@example("=?utf-8?q?=0ABcc:?=@example.org")
@example("a" * 250 + "@example.org")
@example('"a@example.org')
def test_no_sender_stops_a_notice(sender: str) -> None:
    """Whatever envelope sender our SMTP server took, a well-formed notice goes out with no field too many."""
    notice = render(facts(fax=a_fax(sender=sender)), sender)
    assert names(notice) == sorted(FIELDS)
    assert well_formed(notice)
    assert len(parts_of(notice)) == 2


@settings(max_examples=150)
@given(EVIL, EVIL, EVIL)
@example("=?utf-8?q?=0AAction:_delivered?=", "=?utf-8?q?=0AStatus:_2.0.0?=", "=?utf-8?q?=0A?=")
def test_nothing_foreign_adds_to_the_report(recipient: str, text: str, name: str) -> None:
    """Whatever recipient, carrier's text and file name there are, no field of the report is added or changed."""
    told = facts(
        NoticeEvent.FAILED,
        fax=a_fax(recipient=f"{recipient}@fax.local"),
        outcome=Outcome(OutcomeClass.UNKNOWN, "unknown-code", 1, text),
        parts=(Part(name, "application/pdf", 1), Part(name, "x/y", 0, "not understood")),
    )
    notice = render(told)
    assert names(notice) == sorted(FIELDS)
    assert well_formed(notice)
    message, fax = status(told)
    assert list(message) == ["Reporting-MTA", "Arrival-Date"]
    assert [*fax] == [
        *("Original-Recipient", "Final-Recipient", "Action", "Status", "Diagnostic-Code", "Last-Attempt-Date"),
    ]
    assert (fax["Action"], fax["Status"][0]) == ("failed", "5")


# For programs


@pytest.mark.parametrize(
    ("event", "action", "code"),
    [
        (NoticeEvent.ACCEPTED, "relayed", r"2\.0\.0"),
        (NoticeEvent.DELIVERED, "delivered", r"2\.0\.0"),
        (NoticeEvent.DELAYED, "delayed", r"4\.4\.1"),
        (NoticeEvent.PARTIAL, "failed", r"5\.6\.0"),
        (NoticeEvent.CANCELLED, "failed", r"5\.7\.0"),
        (NoticeEvent.FAILED, "failed", r"5\.\d+\.\d+"),
        (NoticeEvent.UNCONFIRMED, "delayed", r"4\.\d+\.\d+"),
        (NoticeEvent.HELD, "delayed", r"4\.7\.1"),
    ],
)
def test_action_and_status_are_the_contracts(event: NoticeEvent, action: str, code: str) -> None:
    """Action and Status of each event are the contract's."""
    fax = status(facts(event))[1]
    assert fax["Action"] == action
    assert re.fullmatch(code, fax["Status"])


@pytest.mark.parametrize("cause", outcomes.causes(), ids=lambda cause: cause.slug)
def test_every_failure_has_a_status_of_failure(cause: outcomes.Cause) -> None:
    """Of whatever cause a fax failed, its Status is a permanent failure, and unconfirmed is a delay."""
    outcome = Outcome(cause.outcome_class, cause.slug)
    assert re.fullmatch(r"5\.\d+\.\d+", status(facts(NoticeEvent.FAILED, outcome=outcome))[1]["Status"])
    assert re.fullmatch(r"4\.\d+\.\d+", status(facts(NoticeEvent.UNCONFIRMED, outcome=outcome))[1]["Status"])


def test_the_report_names_both_recipients() -> None:
    """The report names the recipient as given, then the number, and the carrier's code and text."""
    message, fax = status(facts(NoticeEvent.FAILED, fax=a_fax(recipient='"(415) 555-0123"@fax.local')))
    assert message == {
        "Reporting-MTA": "dns; mx.example.org",
        "Arrival-Date": "Mon, 23 Nov 2026 08:15:00 +0000",
    }
    assert list(fax.items()) == [
        ("Original-Recipient", 'rfc822; "(415) 555-0123"@fax.local'),
        ("Final-Recipient", "fax; +14155550123"),
        ("Action", "failed"),
        ("Status", fax["Status"]),
        ("Diagnostic-Code", "x-ifax; 4711 STRANGE_THING"),
        ("Last-Attempt-Date", "Mon, 23 Nov 2026 08:15:00 +0000"),
    ]


def test_without_a_code_there_is_no_diagnosis() -> None:
    """Where the carrier said nothing, or was never called, the report says nothing of it."""
    fax = status(facts(NoticeEvent.CANCELLED, attempts=()))[1]
    assert not {"Diagnostic-Code", "Last-Attempt-Date"} & set(fax)


# For people


@pytest.mark.parametrize(
    ("event", "subject", "first"),
    [
        (
            NoticeEvent.DELIVERED,
            "Fax delivered to +1 415-555-0123",
            "Your fax to +1 415-555-0123 was delivered.",
        ),
        (
            NoticeEvent.ACCEPTED,
            "Fax to +1 415-555-0123 was taken on",
            "Your fax to +1 415-555-0123 was taken on.",
        ),
        (
            NoticeEvent.DELAYED,
            "Fax to +1 415-555-0123 has to wait",
            "Your fax to +1 415-555-0123 could not be sent yet. It is kept, and is tried again by itself.",
        ),
        (
            NoticeEvent.FAILED,
            "Fax to +1 415-555-0123 failed",
            "Your fax to +1 415-555-0123 was not delivered: ",
        ),
        (
            NoticeEvent.PARTIAL,
            "Fax to +1 415-555-0123 arrived only in part",
            "Your fax to +1 415-555-0123 arrived only in part: 1 of 2 pages.",
        ),
        (
            NoticeEvent.CANCELLED,
            "Fax to +1 415-555-0123 was cancelled",
            "Your fax to +1 415-555-0123 was cancelled and not delivered.",
        ),
        (
            NoticeEvent.UNCONFIRMED,
            "Fax to +1 415-555-0123: not known whether it was sent",
            "We do not know whether your fax to +1 415-555-0123 was sent.",
        ),
        (
            NoticeEvent.HELD,
            "Fax to +1 415-555-0123 is on hold",
            "Your fax to +1 415-555-0123 is on hold. It is kept whole, and none of it has been sent.",
        ),
    ],
)
def test_the_meaning_comes_first(event: NoticeEvent, subject: str, first: str) -> None:
    """Subject and first line say what became of the fax; what to do follows, the carrier's words come last."""
    told = facts(event)
    lines = body(told)
    assert field(render(told), "Subject") == subject
    assert lines[0].startswith(first)
    assert lines[1] == ""
    if event is not NoticeEvent.DELIVERED:
        todo = next(number for number, line in enumerate(lines) if line.startswith("What to do: "))
        assert todo < lines.index("-- ")
    said = [number for number, line in enumerate(lines) if line.startswith("iFax said: ")]
    assert said == ([len(lines) - 1] if told.outcome.code is not None else [])


def test_delivered_says_how_many_pages() -> None:
    """A notice of success says how many pages arrived and when, what was faxed, and the job."""
    parts = (Part("letter.pdf", "application/pdf", 1), Part("scan.tif", "image/tiff", 3))
    lines = body(facts(NoticeEvent.DELIVERED, pages_sent=4, parts=parts))
    assert lines[2] == "4 pages arrived; the fax service confirmed it on 23 November 2026, 08:15 UTC."
    assert "  page 1: letter.pdf" in lines
    assert "  pages 2-4: scan.tif" in lines
    assert "iFax job 987654321" in lines
    assert body(facts(NoticeEvent.DELIVERED, pages_sent=1))[2].startswith("1 page arrived; ")


@pytest.mark.parametrize("event", [NoticeEvent.DELIVERED, NoticeEvent.PARTIAL])
def test_what_is_not_known_is_not_told(event: NoticeEvent) -> None:
    """Where the carrier did not say how many pages arrived, the notice says nothing about a number called None."""
    for told in (facts(event, pages_sent=None), facts(event, pages=None, pages_sent=None)):
        assert "None" not in "\n".join(body(told)) + field(render(told), "Subject")


def test_what_was_left_out_is_named() -> None:
    """A part that could not be faxed is named with its reason."""
    parts = (Part("letter.pdf", "application/pdf", 1), Part("film.mp4", "video/mp4", 0, "a film cannot be faxed"))
    lines = body(facts(NoticeEvent.FAILED, parts=parts))
    assert lines.index("  film.mp4: a film cannot be faxed") > lines.index("Not faxed:")


def test_the_last_job_is_the_one_named() -> None:
    """Of several calls the last one's job is named; calls that got none don't hide it."""
    calls = (an_attempt(carrier_job_id="1"), an_attempt(carrier_job_id="2"), an_attempt(carrier_job_id=None))
    assert "iFax job 2" in body(facts(NoticeEvent.FAILED, attempts=calls))


def test_the_operator_is_told_whose_fax_it_is() -> None:
    """A notice for somebody other than the sender says whose fax it was, and does not call it theirs."""
    lines = body(facts(NoticeEvent.UNCONFIRMED), OPTIONS.admin)
    assert lines[0] == f"It is not known whether the fax from {SENDER} to +1 415-555-0123 was sent."
    assert any(line.endswith(f", for {SENDER}") for line in lines)


@pytest.mark.parametrize("pages_sent", [None, 0, 1, 2])
@pytest.mark.parametrize("event", OUTCOMES)
def test_the_operators_copy_is_not_about_his_fax(event: NoticeEvent, pages_sent: int | None) -> None:
    """The operator's copy of any notice names the sender; what the sender reads is marked as the sender's."""
    told = facts(event, pages_sent=pages_sent, why="the line broke")
    lines = body(told, OPTIONS.admin)
    assert SENDER in lines[0]
    assert "your fax" not in "\n".join(lines).lower()
    if event is not NoticeEvent.DELIVERED:
        assert lines.index("The sender is told:") < next(
            number for number, line in enumerate(lines) if line.startswith("What to do: ")
        )
    assert "The sender is told:" not in body(told)
    assert "\n\n\n" not in "\n".join(lines)


@pytest.mark.parametrize("event", [NoticeEvent.UNCONFIRMED, NoticeEvent.FAILED])
def test_what_is_special_to_this_one_is_told(event: NoticeEvent) -> None:
    """Why this very fax is unconfirmed or failed is said, and nothing is where there is nothing to say."""
    why = "no final word from iFax within 24 hours"
    for recipient in (SENDER, OPTIONS.admin):
        assert f"More precisely: {why}." in body(facts(event, why=why), recipient)
        assert f"More precisely: {why}." in body(facts(event, why=f"{why}."), recipient)
        assert not any(line.startswith("More precisely") for line in body(facts(event), recipient))


def test_delivered_without_a_page_is_told_honestly() -> None:
    """Where the carrier says delivered but counts no page, the notice says just that, and not that a part arrived."""
    told = facts(NoticeEvent.PARTIAL, pages_sent=0)
    text = "\n".join(body(told))
    assert field(render(told), "Subject") == "Fax to +1 415-555-0123: called delivered, but no page was counted"
    assert text.startswith("The fax service says that your fax to +1 415-555-0123 was delivered, ")
    assert text.splitlines()[0].endswith(", but it counts no page as arrived: 0 of 2.")
    assert "in part or not at all" in text
    assert outcomes.cause("partial").explanation not in text
    assert "counts no page as arrived" in "\n".join(body(facts(NoticeEvent.DELIVERED, pages_sent=0)))
    assert "0 pages" not in "\n".join(body(facts(NoticeEvent.DELIVERED, pages_sent=0, pages=None)))


@pytest.mark.parametrize(
    ("pages", "pages_sent", "words"),
    [
        (2, 1, "arrived only in part: 1 of 2 pages."),
        (2, None, "arrived only in part; the fax service does not say how many pages."),
        (2, 2, "arrived only in part: the fax service counts 2 pages, and says that there were more."),
        (None, 1, "arrived only in part: the fax service counts 1 page, and says that there were more."),
    ],
)
def test_a_part_is_told_as_counted(pages: int | None, pages_sent: int | None, words: str) -> None:
    """Of a fax that arrived in part the first line says how much, as far as it was counted."""
    lines = body(facts(NoticeEvent.PARTIAL, pages=pages, pages_sent=pages_sent))
    assert lines[0] == f"Your fax to +1 415-555-0123 {words}"


@pytest.mark.parametrize("event", OUTCOMES)
@pytest.mark.parametrize(
    "subject", ["Letter", "Grüße aus Köln " * 9, "=?utf-8?q?a=0ABcc:_x?=", "word " * 60, "傳真" * 80]
)
def test_other_readers_agree(event: NoticeEvent, subject: str) -> None:
    """Both readers of the standard library find in a notice the fields, values and parts that we put there."""
    encoded = base64.b64encode(subject.encode()).decode()
    mail = f"Message-ID: <{'a' * 90}@b.example>\r\nSubject: =?utf-8?b?{encoded}?=\r\n\r\n".encode()
    told = facts(event, mail, outcome=Outcome(OUTCOMES[event].outcome_class, "busy", 1, "=?utf-8?q?a=0AStatus:_2?="))
    notice = render(told)
    read, old = message_from_bytes(notice, policy=modern), message_from_bytes(notice)
    for parsed in (read, old):
        assert sorted(parsed.keys()) == names(notice)
        assert not [part.defects for part in parsed.walk() if part.defects]
        assert [part.get_content_type() for part in parsed.walk()] == [
            *("multipart/report", "multipart/alternative", "text/plain", "text/html"),
            *("message/delivery-status", "text/plain", "text/plain"),
        ]
        status = [part for part in parsed.walk() if "Action" in part]
        assert [part["Diagnostic-Code"] for part in status] == ["x-ifax; 1 = ?utf-8?q?a=0AStatus:_2?="]
        assert status[0].get_all("Status") == [status[0]["Status"]]
    plain = field(render(facts(event)), "Subject")
    assert read["Subject"] == foreign.one_line(f"{plain}: {told.headers.text('subject')}")
    assert read["To"].addresses[0].addr_spec == SENDER
    assert read["In-Reply-To"] == f"<{'a' * 90}@b.example>"
    assert [line for line in notice.split(b"\r\n") if len(line) > 78 and b"a@b.example>" not in line] == []


@pytest.mark.parametrize("cause", outcomes.causes(), ids=lambda cause: cause.slug)
def test_every_cause_reads_well(cause: outcomes.Cause) -> None:
    """A failure of any cause is told with its title, explanation and advice, without holes."""
    told = facts(NoticeEvent.FAILED, outcome=Outcome(cause.outcome_class, cause.slug, 1, "TEXT"))
    text = "\n".join(body(told))
    assert cause.title[1:] in body(told)[0]
    assert cause.explanation in text
    assert f"What to do: {cause.advice}" in text
    assert "None" not in text
    assert "\n\n\n" not in text


CONSTANT = re.compile(r"\b[A-Z]{2,}(?:[_-][A-Z0-9]+)+\b|\b[A-Z]{4,}\b")
"""Words in capitals, of several pieces or of four letters and more."""


@pytest.mark.parametrize("row", outcomes.rows(), ids=lambda row: f"{row.code}-{row.text}"[:60])
@pytest.mark.parametrize("event", [NoticeEvent.FAILED, NoticeEvent.DELAYED, NoticeEvent.UNCONFIRMED])
def test_no_code_of_the_table_shows_above_the_line(row: outcomes.CodeRow, event: NoticeEvent) -> None:
    """Above the line a person reads no constant and no code of the carrier's, in any language; below it they stand."""
    outcome = Outcome(row.cause.outcome_class, row.cause.slug, row.code, row.text)
    for language in LANGUAGES:
        told = facts(event, outcome=outcome, message=a_message(language=language))
        above, below = "\n".join(body(told)).split("\n-- \n")
        assert CONSTANT.findall(above) == []
        assert not re.search(rf"\b{row.code}\b", above) or abs(row.code) < 100
        assert f"{row.code} {foreign.one_line(row.text, 300)}".strip() in below


def test_lines_are_not_broken_by_the_wire() -> None:
    """The text for people comes out of its encoding as it was written, in any script."""
    lines = body(facts(NoticeEvent.DELIVERED, parts=(Part("Überweisung, 傳真.pdf", "application/pdf", 2),)))
    assert "  pages 1-2: Überweisung, 傳真.pdf" in lines


@pytest.mark.parametrize(
    ("state", "outcome", "event"),
    [
        (FaxState.DELIVERED, OUTCOMES[NoticeEvent.DELIVERED], NoticeEvent.DELIVERED),
        (FaxState.FAILED, OUTCOMES[NoticeEvent.FAILED], NoticeEvent.FAILED),
        (FaxState.FAILED, OUTCOMES[NoticeEvent.PARTIAL], NoticeEvent.PARTIAL),
        (FaxState.CANCELLED, OUTCOMES[NoticeEvent.CANCELLED], NoticeEvent.CANCELLED),
        (FaxState.UNCONFIRMED, OUTCOMES[NoticeEvent.UNCONFIRMED], NoticeEvent.UNCONFIRMED),
        (FaxState.HELD, OUTCOMES[NoticeEvent.HELD], NoticeEvent.HELD),
    ],
)
def test_each_end_has_its_event(state: FaxState, outcome: Outcome, event: NoticeEvent) -> None:
    """Each end of a fax has its own notice, a part transmission too."""
    assert event_of(state, outcome) is event


@given(st.lists(st.integers(0, 5), max_size=8))
def test_page_ranges_count_through(pages: list[int]) -> None:
    """The pages of the parts follow one another without gap or overlap; parts without pages have none."""
    ranges = page_ranges(tuple(Part(str(number), "x/y", count) for number, count in enumerate(pages)))
    counted: list[int] = []
    for first, last, _ in ranges:
        counted += range(first, last + 1)
    assert counted == list(range(1, sum(pages) + 1))
    assert [name for _, _, name in ranges] == [str(number) for number, count in enumerate(pages) if count]


def test_the_senders_own_word_is_everywhere() -> None:
    """In the subject before the original's, in the words, in a field of its own; none of these without one."""
    message = replace(facts().message, asked=Asked(reference="Order 4711\r\nBcc: x"))
    mail = render(facts(NoticeEvent.FAILED, b"Subject: The lease\r\n\r\n", message=message))
    assert field(mail, "Subject") == "Fax to +1 415-555-0123 failed [Order 4711 Bcc: x]: The lease"
    assert field(mail, "X-Fax-Reference") == "Order 4711 Bcc: x"
    assert "Reference:  Order 4711 Bcc: x" in text_of(parts_of(mail)[0])
    assert well_formed(mail)
    plain = render(facts(NoticeEvent.FAILED))
    assert "X-Fax-Reference" not in names(plain)
    assert "Reference:" not in text_of(parts_of(plain)[0])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (61, "1 minute 1 second"),
        (3600, "1 hour"),
        (3725, "1 hour 2 minutes"),
        (90_061, "1 day 1 hour"),
    ],
)
def test_how_long_it_took(seconds: int, words: str) -> None:
    """From the first call to the end; of one that only waits, or was never called, nothing is said."""
    calls = (an_attempt(started_at=START - timedelta(seconds=seconds)), an_attempt(started_at=START))
    assert f"Took:  {words} from the first call" in body(facts(NoticeEvent.DELIVERED, attempts=calls))
    for event, made in ((NoticeEvent.DELAYED, calls), (NoticeEvent.FAILED, ())):
        assert not [line for line in body(facts(event, attempts=made)) if line.startswith("Took:")]


def test_a_delay_tells_when_the_next_call_is() -> None:
    """If it is settled and not at once; no other notice tells of a call to come."""
    due = START + timedelta(minutes=15)
    assert "Next call:  23 November 2026, 08:30 UTC" in body(facts(NoticeEvent.DELAYED, fax=a_fax(due_at=due)))
    for event, due_at in ((NoticeEvent.DELAYED, START), (NoticeEvent.DELAYED, None), (NoticeEvent.FAILED, due)):
        assert "Next call" not in "\n".join(body(facts(event, fax=a_fax(due_at=due_at))))
