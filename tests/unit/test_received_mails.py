from dataclasses import replace
from email import message_from_bytes
from email.policy import default as modern

import pytest
from hypothesis import example, given, settings, strategies as st

from bridge.fax.arrivals import Received
from bridge.fax.options import DeliveryKind, Target
from bridge.mail import alarms, arrivals
from bridge.runtime import foreign
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    ROW,
    a_delivery,
    a_received,
    field,
    fields_of,
    parts_in,
    parts_of,
    text_of,
    well_formed,
)

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4 + b"\n.\r\nFrom x\n%%EOF\n"
FIELDS = (
    *("Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"),
    *("X-Fax-Event", "X-Fax-Id", "X-Fax-Number", "X-Fax-To"),
)
EVIL = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["=?utf-8?q?", "?=", "=0ABcc:_x", "=0D=0A", "\r\n", "\n", "\0", "é", "+1", " ", "\u2028", "a"]),
        max_size=8,
    ).map("".join),
)


def a_fax(**changed: object) -> Received:
    """A received fax whose file holds what the carrier counted, unless told otherwise."""
    return a_received(**{"file_pages": changed.get("pages", 3), **changed})


def render(file: bytes = PDF, **changed: object) -> bytes:
    """A received fax as mail for the desk."""
    return arrivals.render_received(a_fax(**changed), a_delivery(), file, OPTIONS, row_id=ROW, now=START)


def lost(why: str = "the file is gone", pdf: bytes | None = None, **changed: object) -> bytes:
    """What is known of a fax that is lost: it was never fetched, unless told otherwise."""
    fax = a_fax(**{"blob_id": None, **changed})
    return arrivals.render_lost(fax, "fallback@example.org", why, OPTIONS, row_id=ROW, now=START, pdf=pdf)


def text(mail: bytes) -> str:
    """What a person reads."""
    return text_of(parts_of(mail)[0])


def test_a_received_fax_has_the_contracts_fields() -> None:
    """A received fax comes with our fields and no others, from us, to the mailbox, marked as automatic."""
    mail = render()
    assert sorted(name for name, _ in fields_of(mail)) == sorted(FIELDS)
    found = dict(fields_of(mail))
    assert {name: found[name] for name in FIELDS if name not in {"Content-Type", "Date"}} == {
        "From": "Fax <fax@fax.local>",
        "To": "desk@example.org",
        "Subject": "Fax from +1 212-555-0177 (3 pages)",
        "Message-ID": f"<{ROW.lower()}.faxbridge@mx.example.org>",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "X-Fax-Event": "received",
        "X-Fax-Id": "06D1ZN8K7Q3R",
        "X-Fax-Number": "+12125550177",
        "X-Fax-To": "+14155550100",
    }
    assert well_formed(mail)


def test_the_fax_is_attached() -> None:
    """The PDF is attached to the byte, under a name of our own, after a text for people."""
    words, file = parts_of(render())
    assert [form.get_content_type() for form in parts_in(words)] == ["text/plain", "text/html"]
    assert file.get_content_type() == "application/pdf"
    assert file.get_filename() == "fax-06D1ZN8K7Q3R.pdf"
    assert file.get_content_disposition() == "attachment"
    assert file.get_payload(decode=True) == PDF


def test_the_text_says_who_and_when() -> None:
    """The first lines say that a fax came in, from whom, to which number, when and how many pages."""
    assert text_of(parts_of(render())[0]).splitlines()[:6] == [
        "A fax came in. It is attached as a PDF.",
        "",
        "From:  +1 212-555-0177",
        "To:  +1 415-555-0100",
        "When:  23 November 2026, 08:15 UTC",
        "Pages:  3",
    ]


def test_one_page_is_one_page() -> None:
    """A fax of one page has one page, and one whose pages nobody counted says so."""
    assert field(render(pages=1, pages_total=1), "Subject") == "Fax from +1 212-555-0177 (1 page)"
    assert field(render(pages=None, pages_total=None), "Subject") == "Fax from +1 212-555-0177"
    assert "Pages:  not told" in text_of(parts_of(render(pages=None, pages_total=None))[0])


def test_an_incomplete_fax_says_so_first() -> None:
    """A fax of which pages are missing says so in event, subject and first line, with what to do."""
    mail = render(pages=1, pages_total=3)
    lines = text_of(parts_of(mail)[0]).splitlines()
    assert field(mail, "X-Fax-Event") == "received-partial"
    assert field(mail, "Subject") == "INCOMPLETE fax from +1 212-555-0177: 1 of 3 pages"
    assert lines[0] == "A fax came in, but not all of it: 1 of 3 pages. What came is attached as a PDF."
    assert any(line.startswith("What to do: ") for line in lines)
    assert parts_of(mail)[1].get_payload(decode=True) == PDF


def test_a_lost_fax_tells_all_that_is_known() -> None:
    """For a fax that cannot be had the fallback is told why, who, when, both ids, and what to do."""
    mail = lost()
    lines = text_of(parts_of(mail)[0]).splitlines()
    assert field(mail, "X-Fax-Event") == "received-lost"
    assert field(mail, "Subject") == "A fax from +1 212-555-0177 could not be fetched"
    assert lines[0] == "A fax came in, but its pages cannot be had from the fax service: the file is gone."
    assert "iFax job 123456, transaction 654321" in lines[-1]
    assert any(line.startswith("What to do: ") for line in lines)
    assert len(parts_of(mail)) == 1


def test_an_unconfirmed_file_is_marked() -> None:
    """A file that only a hook brought is attached with a warning."""
    words, file = parts_of(lost(pdf=PDF))
    assert "could not confirm it" in text_of(words)
    assert file.get_payload(decode=True) == PDF


def test_unknown_numbers_are_called_unknown() -> None:
    """A caller or number that the carrier did not name is called so, and the fields are never empty."""
    mail = render(caller="", called="")
    assert (field(mail, "X-Fax-Number"), field(mail, "X-Fax-To")) == ("unknown", "unknown")
    assert field(mail, "Subject").startswith("Fax from an unknown number")


@settings(max_examples=150)
@given(EVIL, EVIL, EVIL)
@example("=?utf-8?q?=0ABcc:_x?=", "=?utf-8?q?=0ABcc:_x?=", "=?utf-8?q?=0ABcc:_x?=")
@example("a\r\nBcc: x", "a\nb", "a\r\n\r\nb")
def test_nothing_foreign_adds_a_field(caller: str, called: str, why: str) -> None:
    """Whatever the carrier calls the numbers and gives as reason, no field is added, and the mail is well formed."""
    for mail in (render(caller=caller, called=called), lost(why, PDF, caller=caller, called=called)):
        assert sorted(name for name, _ in fields_of(mail)) == sorted(FIELDS)
        assert well_formed(mail)
        assert parts_of(mail)[-1].get_payload(decode=True) == PDF


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        *((bad, "undisclosed-recipients:;") for bad in ("a@[", "a@[1", "a:b;@example.org", '"a@example.org', "", "a")),
        *((bad, "undisclosed-recipients:;") for bad in ("=?utf-8?q?=0A?=@x", "a@b\r\nBcc: x", "e\u0301@x", "a@b, c@d")),
        *((bad, "undisclosed-recipients:;") for bad in ("a" * 250 + "@x.example", "A <a@b>")),
        ("é@x", "=?utf-8?b?w6lAeA==?=:;"),
        *((good, good) for good in ("a@b", '"a b"@example.org', "a@[192.0.2.1]", "a" * 230 + "@x.example.org")),
    ],
)
def test_no_mailbox_stops_a_mail(address: str, shown: str) -> None:
    """A mailbox stands in To letter by letter, however long, or encoded; what is none is not shown."""
    delivery = replace(a_delivery(), target=Target(DeliveryKind.MAILTO, address))
    mail = arrivals.render_received(a_fax(), delivery, PDF, OPTIONS, row_id=ROW, now=START)
    assert sorted(name for name, _ in fields_of(mail)) == sorted(FIELDS)
    assert field(mail, "To") == shown
    assert f"\r\nTo: {shown}\r\n".encode() in mail
    assert well_formed(mail)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("+12125550177", "+12125550177"),
        ("(212) 555-0177", "(212) 555-0177"),
        ("Anonymous", "Anonymous"),
        ("Büro", "unknown"),
        ("=?utf-8?q?=0A?=", "unknown"),
        ("+1\r\nBcc: x", "unknown"),
        ("1" * 80, "unknown"),
        (" ", "unknown"),
    ],
)
def test_a_number_for_programs_is_a_number(number: str, written: str) -> None:
    """The fields for programs hold a number as it came, or say that it is unknown; never anything else."""
    mail = render(caller=number, called=number)
    assert (field(mail, "X-Fax-Number"), field(mail, "X-Fax-To")) == (written, written)


def test_a_strange_caller_stays_on_one_line() -> None:
    """A caller that is no number is shown on one line, in the subject as in the text."""
    mail = render(caller="Front\nBcc: x\r\n\r\ndesk")
    assert field(mail, "Subject") == "Fax from Front Bcc: x desk (3 pages)"
    assert "From:  Front Bcc: x desk\n" in text(mail)


@pytest.mark.parametrize("start", [b"II*\x00", b"MM\x00*"])
def test_a_damaged_tiff_is_not_called_a_pdf(start: bytes) -> None:
    """A file that does not open is attached as what it is, and announced as that."""
    for mail in (render(start + b"xx", damaged=True), render(start + b"xx", damaged=True, pages=1)):
        assert "attached as it came, a TIFF file." in text(mail)
        assert "PDF" not in text(mail)
        assert "seems to be damaged" in text(mail)
        assert parts_of(mail)[1].get_content_type() == "image/tiff"
        assert parts_of(mail)[1].get_filename() == "fax-06D1ZN8K7Q3R.tif"
        assert parts_of(mail)[1].get_payload(decode=True) == start + b"xx"


def test_a_file_of_no_kind_is_not_called_a_pdf() -> None:
    """What a hook brought may be anything; what does not look like a fax is no PDF, and is never run."""
    file = parts_of(lost(pdf=b"MZ\x90"))[1]
    assert (file.get_content_type(), file.get_filename()) == ("application/octet-stream", "fax-06D1ZN8K7Q3R.bin")


def test_a_file_that_holds_other_pages_says_so() -> None:
    """Where the carrier counted other pages than the file holds, subject and text say so; else neither does."""
    mail = render(file_pages=2)
    assert field(mail, "X-Fax-Event") == "received"
    assert field(mail, "Subject") == "Fax from +1 212-555-0177 (3 pages counted, 2 in the file)"
    assert "The fax service counted 3 pages, but the file holds 2." in text(mail)
    partial = render(pages=2, pages_total=3, file_pages=1)
    assert field(partial, "X-Fax-Event") == "received-partial"
    assert "The fax service counted 2 pages, but the file holds 1." in text(partial)
    for same in (render(), render(file_pages=None), render(pages=None, file_pages=3)):
        assert field(same, "Subject") == "Fax from +1 212-555-0177 (3 pages)"
        assert "counted" not in text(same)


def test_a_copy_of_ours_that_broke_is_not_blamed_on_the_carrier() -> None:
    """A fax that was fetched, and whose file broke with us, is not called gone from the fax service."""
    mail = lost("our copy is damaged.", blob_id="blob")
    assert field(mail, "Subject") == "A fax from +1 212-555-0177 could not be passed on"
    assert text(mail).startswith("A fax came in, but its pages cannot be had: our copy is damaged.\n")


@settings(max_examples=100)
@given(EVIL, EVIL)
@example("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D0ABcc=3A_x=3F=3D?=", "a\r\n\r\nb")
def test_an_alarm_is_a_plain_mail(subject: str, line: str) -> None:
    """An alarm is a plain text to the operator, with our fields and no others, each line on a line of its own."""
    mail = alarms.render_alarm(
        subject=subject, lines=("First.", line), options=OPTIONS, row_id=ROW, now=START, event="alarm"
    )
    wanted = {*FIELDS, "Content-Transfer-Encoding"} - {"X-Fax-Id", "X-Fax-Number", "X-Fax-To"}
    assert sorted(name for name, _ in fields_of(mail)) == sorted(wanted)
    assert (field(mail, "To"), field(mail, "Auto-Submitted")) == (OPTIONS.admin, "auto-generated")
    assert field(mail, "X-Fax-Event") == "alarm"
    read = message_from_bytes(mail, policy=modern)
    assert read.get_content_type() == "text/plain"
    assert read["Subject"] == foreign.one_line(subject)
    said = text_of(message_from_bytes(mail)).split("\n\n")
    clean = foreign.one_line(line, 1000)
    assert said == ["First.", *([clean] if clean else []), "-- \nFaxbridge on mx.example.org\n"]
    assert well_formed(mail)


def test_rendering_twice_gives_the_same_bytes() -> None:
    """The same fax, row and time always give the same bytes."""
    assert render() == render()
    assert lost(pdf=PDF) == lost(pdf=PDF)


@pytest.mark.parametrize("count", [1, 2, 250])
def test_the_backlog_is_told_once(count: int) -> None:
    """The operator is told how many older faxes were found, and how to let them go."""
    mail = arrivals.render_backlog(count, OPTIONS, row_id=ROW, now=START)
    said = text_of(message_from_bytes(mail))
    faxes = "1 older received fax" if count == 1 else f"{count} older received faxes"
    assert field(mail, "Subject") == f"{faxes} found in the iFax account"
    assert field(mail, "To") == OPTIONS.admin
    assert field(mail, "Auto-Submitted") == "auto-generated"
    assert "faxbridge backlog --release" in said
    assert well_formed(mail)
