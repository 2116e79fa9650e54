"""Which mails never become a fax, and which only look as if they should not."""

import pytest

from bridge.errors import Refused
from bridge.intake.loops import TooManyHops, check_header, check_hops
from bridge.mail.headers import read_headers

SENDER = "office@example.org"
HOSTS = frozenset({"mx.fax.local", "fax.local"})


def check(head: str, sender: str = SENDER, *, automatic: bool = False) -> None:
    """The header as it would stand in a mail."""
    headers = read_headers(head.replace("\n", "\r\n").encode() + b"\r\n\r\nText\r\n")
    check_header(headers, sender, HOSTS, automatic=automatic)


AUTOMATIC = [
    *("auto-replied", "auto-generated", "auto-notified", "AUTO-REPLIED", "auto-replied; owner=x", "yes", "none", ""),
    *("auto-generated (by a script)", "nope", "no-thanks", "no more", "x; no"),
]
NOT_AUTOMATIC = ["no", "NO", " no ", "no (a person wrote this)", "no; x=y", "No"]


@pytest.mark.parametrize("word", AUTOMATIC)
def test_automatic_mail_is_refused(word: str) -> None:
    """``Auto-Submitted`` with any word but ``no`` (RFC 3834, 5) is never faxed."""
    with pytest.raises(Refused, match="automatic mail"):
        check(f"Subject: x\nAuto-Submitted: {word}")


@pytest.mark.parametrize("word", NOT_AUTOMATIC)
def test_a_mail_that_says_it_is_not_automatic_is_faxed(word: str) -> None:
    """``no``, with whatever comment or parameter, means that a person sent it."""
    check(f"Subject: x\nAuto-Submitted: {word}")


@pytest.mark.parametrize(
    "field",
    [
        *("auto-submitted:\n auto-replied", "AUTO-SUBMITTED:auto-replied", "Auto-Submitted : auto-replied"),
        *("X-Autoreply: yes", "X-Autorespond: your mail"),
    ],
)
def test_automatic_mail_is_known_however_it_is_written(field: str) -> None:
    """Folded, in capitals, with a space before the colon, or in the fields of old autoresponders."""
    with pytest.raises(Refused, match="automatic mail"):
        check(f"Subject: x\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        *("Precedence: bulk", "Precedence: list", "Precedence: junk", "precedence:  Bulk ", "PRECEDENCE:\n list"),
        *(
            "List-Id: <office.example.org>",
            "List-Unsubscribe: <mailto:x@example.org>",
            "List-Post: NO",
            "Mailing-List: x",
        ),
    ],
)
def test_list_and_bulk_mail_is_refused(field: str) -> None:
    """``Precedence`` of bulk, list or junk, and the fields of mailing lists (RFC 2369, 2919)."""
    with pytest.raises(Refused, match="list and bulk mail"):
        check(f"Subject: x\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        "Subject: List-Id: <office.example.org>",
        "Subject: the list\n Precedence: bulk",
        "Subject: Auto-Submitted: auto-replied",
        "X-List-Id: x",
        "Listing: x",
        "Priority: bulk",
        "Precedence: first-class",
        "Precedence: special-delivery",
        "Precedence: bulky goods",
        "Comments: X-Fax-Event: delivered",
        "X-Fax-Option: cover=none",
        "X-Mailer: bulk",
    ],
)
def test_words_elsewhere_mean_nothing(field: str) -> None:
    """Only the field itself counts, and only its own words."""
    check(f"From: office@example.org\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        *("Auto-Submitted: auto-generated", "Auto-Submitted: auto-notified; owner=x", "Auto-Submitted: yes"),
        *("Precedence: bulk", "Precedence: list", "Precedence: junk", "List-Unsubscribe: <mailto:x@example.org>"),
        "Auto-Submitted: auto-generated\nPrecedence: bulk\nList-Id: <billing.example.org>",
    ],
)
def test_who_has_leave_may_fax_automatic_mail(field: str) -> None:
    """Business systems mark what they send; without leave the refusal says how the operator gives it."""
    check(f"Subject: invoice\n{field}", automatic=True)
    with pytest.raises(Refused, match="automatic = true"):
        check(f"Subject: invoice\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        *("Auto-Submitted: auto-replied", "Auto-Submitted: AUTO-REPLIED (vacation); owner=x"),
        *("Auto-Submitted: auto-generated\nAuto-Submitted: auto-replied", "X-Autoreply: yes", "X-Autorespond: x"),
        *("Precedence: auto_reply", "X-Fax-Event: delivered", "Message-ID: <01jabc.faxbridge@mx.fax.local>"),
        "From: iFax <no-reply@ifaxapp.com>",
    ],
)
def test_replies_and_our_own_mail_are_faxed_with_no_leave(field: str) -> None:
    """Whatever the operator has set: that is how circles begin; and the words promise nothing."""
    with pytest.raises(Refused, match="never faxed") as refused:
        check(f"Subject: x\n{field}", automatic=True)
    assert "automatic = true" not in refused.value.public


@pytest.mark.parametrize("sender", ["no-reply@ifaxapp.com", "No-Reply@iFaxApp.com"])
def test_a_notice_of_the_carrier_is_refused_by_its_sender(sender: str) -> None:
    """What iFax itself mails is never faxed, by its envelope."""
    with pytest.raises(Refused, match="notices of the fax service"):
        check("From: somebody@example.org", sender)


@pytest.mark.parametrize(
    "field",
    [
        *(
            "From: no-reply@ifaxapp.com",
            "From: iFax <no-reply@ifaxapp.com>",
            'From: "iFax, Inc." <NO-REPLY@IFAXAPP.COM>',
        ),
        *("from:\n <no-reply@ifaxapp.com>", "From: a@example.org, no-reply@ifaxapp.com"),
    ],
)
def test_a_notice_of_the_carrier_is_refused_by_its_author(field: str) -> None:
    """The same, by its From: a relay may have put another sender on the envelope."""
    with pytest.raises(Refused, match="notices of the fax service"):
        check(f"Subject: Your fax\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        *("From: xno-reply@ifaxapp.com", "From: no-reply@ifaxapp.com.example.org", "From: support@ifaxapp.com"),
        *("To: no-reply@ifaxapp.com", "Reply-To: no-reply@ifaxapp.com", "Subject: no-reply@ifaxapp.com wrote to me"),
    ],
)
def test_a_mail_about_the_carriers_notices_is_faxed(field: str) -> None:
    """An address that only resembles it, or stands in another field, is no notice."""
    check(f"X-Test: x\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        *("X-Fax-Event: delivered", "x-fax-event:", "Message-ID: <01jabc.faxbridge@mx.fax.local>"),
        *("message-id:\n <01jabc.faxbridge@FAX.local>", "Message-ID: <a.b.faxbridge@fax.local>"),
    ],
)
def test_our_own_mail_is_refused(field: str) -> None:
    """A notice or a received fax that we wrote never goes out as a fax again."""
    with pytest.raises(Refused, match="Faxbridge itself wrote"):
        check(f"From: fax@fax.local\n{field}")


@pytest.mark.parametrize(
    "field",
    [
        "In-Reply-To: <01jabc.faxbridge@mx.fax.local>",
        "References: <01jabc.faxbridge@mx.fax.local>",
        "Message-ID: <01jabc.faxbridge@elsewhere.example>",
        "Message-ID: <01jabc.faxbridges@mx.fax.local>",
        "Message-ID: <faxbridge@mx.fax.local>",
        "Message-ID: <01jabc@mx.fax.local>",
        "Message-ID: <>",
        "Subject: X-Fax-Event: delivered",
    ],
)
def test_an_answer_to_our_own_mail_is_faxed(field: str) -> None:
    """A person who answers a notice, or whose mail host is named like ours, wrote the mail all the same."""
    check(f"From: office@example.org\n{field}")


def test_the_null_sender_alone_is_not_judged_here() -> None:
    """The null sender is refused at RCPT already; here only the header counts."""
    check("Subject: x", "")


@pytest.mark.parametrize("name", ["Received", "RECEIVED", "received"])
def test_thirty_hops_are_enough(name: str) -> None:
    """Thirty ``Received`` lines are a long way, thirty-one a circle: 554 5.4.6."""
    check(f"{name}: by a\n" * 30 + "X-Received: by b\nReceived-SPF: pass\nSubject: x")
    with pytest.raises(TooManyHops) as caught:
        check(f"{name}: by a;\n Mon, 23 Nov 2026 08:15:30 +0000\n" * 31 + "Subject: x")
    assert caught.value.smtp.startswith("554 5.4.6 ")


def test_hops_in_the_body_do_not_count() -> None:
    """``Received`` lines of a forwarded mail, behind the header, are text."""
    check_hops(read_headers(b"Subject: x\r\n\r\n" + b"Received: by a\r\n" * 50))


def test_a_circle_is_a_circle_first() -> None:
    """A mail that goes round is told so, whatever else speaks against it."""
    with pytest.raises(TooManyHops):
        check("Received: by a\n" * 31 + "Auto-Submitted: auto-replied")
