"""The contract's table of SMTP replies, row by row, over a real connection."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from bridge.fax.options import PolicyOptions
from bridge.intake.options import ListenerOptions
from tests.support.intake_stand import LISTENER, MAIL, POLICY, a_site

HELLO = ("EHLO client.example.org", "250")
FROM = ("MAIL FROM:<office@example.org>", "250 2.1.0 ")
TO = ("RCPT TO:<+14155550123@fax.local>", "250 2.1.5 ")
DATA = ("DATA", "354 ")

STRANGERS = replace(POLICY, networks=(ip_network("10.0.0.0/8"),))
MEMBERS = replace(POLICY, senders=("*@example.org",))
STRICT = ListenerOptions("127.0.0.1", 0)
CANADIANS = replace(POLICY, countries=frozenset({"CA"}))


@dataclass(frozen=True)
class Row:
    """A dialogue: what is said, and how each reply begins (after a bar: what it holds besides)."""

    name: str
    lines: tuple[tuple[str, str], ...]
    policy: PolicyOptions = POLICY
    options: dict[str, Any] = field(default_factory=dict)
    listener: ListenerOptions = LISTENER


def after_data(content: str) -> str:
    """What is said after 354, up to the final dot."""
    return content.replace("\n", "\r\n") + "\r\n."


ROWS = [
    Row("accepted", (HELLO, FROM, TO, DATA, (after_data("Subject: x\n\nText"), "250 2.0.0 Ok: "))),
    Row("a word is no fax number", (HELLO, FROM, ("RCPT TO:<front-desk@fax.local>", "550 5.1.3 |front-desk"))),
    Row("too few digits", (HELLO, FROM, ("RCPT TO:<+1415555@fax.local>", "550 5.1.3 |+1415555"))),
    Row("too many digits", (HELLO, FROM, ("RCPT TO:<+141555501234@fax.local>", "550 5.1.3 |+141555501234"))),
    Row("no such country", (HELLO, FROM, ("RCPT TO:<+9995550123@fax.local>", "550 5.1.3 "))),
    Row("a domain that is not ours", (HELLO, FROM, ("RCPT TO:<+14155550123@example.com>", "550 5.7.1 "))),
    Row("a domain below ours", (HELLO, FROM, ("RCPT TO:<+14155550123@x.fax.local>", "550 5.7.1 "))),
    Row("a word at a strange domain", (HELLO, FROM, ("RCPT TO:<someone@example.com>", "550 5.7.1 "))),
    Row("no domain", (HELLO, FROM, ("RCPT TO:<+14155550123>", "550 5.1.3 "))),
    Row("client not allowed", (HELLO, FROM, ("RCPT TO:<+14155550123@fax.local>", "550 5.7.1 ")), STRANGERS),
    Row("a stranger learns no numbers", (HELLO, FROM, ("RCPT TO:<+1415@fax.local>", "550 5.7.1 ")), STRANGERS),
    Row("sender allowed", (HELLO, FROM, TO), MEMBERS),
    Row("sender not allowed", (HELLO, ("MAIL FROM:<a@example.com>", "250"), (TO[0], "550 5.7.1 ")), MEMBERS),
    Row("country not allowed", (HELLO, FROM, (TO[0], "550 5.7.1 |US")), CANADIANS),
    Row("premium number", (HELLO, FROM, ("RCPT TO:<+19005550123@fax.local>", "550 5.7.1 |premium"))),
    Row("null sender", (HELLO, ("MAIL FROM:<>", "250"), (TO[0], "550 5.7.1 "))),
    Row(
        "null sender to postmaster", (HELLO, ("MAIL FROM:<>", "250"), ("RCPT TO:<postmaster@fax.local>", "550 5.7.1 "))
    ),
    Row("automatic", (HELLO, FROM, TO, DATA, (after_data("Auto-Submitted: auto-replied\n\nx"), "550 5.7.1 "))),
    Row(
        "automatic, folded",
        (HELLO, FROM, TO, DATA, (after_data("auto-submitted:\n auto-generated\n\nx"), "550 5.7.1 ")),
    ),
    Row("not automatic", (HELLO, FROM, TO, DATA, (after_data("Auto-Submitted: no\n\nx"), "250 2.0.0 Ok: "))),
    Row("too many hops", (HELLO, FROM, TO, DATA, (after_data("Received: by x\n" * 31 + "\nx"), "554 5.4.6 "))),
    Row("hops enough", (HELLO, FROM, TO, DATA, (after_data("Received: by x\n" * 30 + "\nx"), "250 2.0.0 Ok: "))),
    Row(
        "too many recipients",
        (
            HELLO,
            FROM,
            TO,
            ("RCPT TO:<+14155550124@fax.local>", "250"),
            ("RCPT TO:<+14155550125@fax.local>", "452 4.5.3 "),
        ),
        options={"recipients": 2},
    ),
    Row("SIZE too large", (HELLO, ("MAIL FROM:<office@example.org> SIZE=1000001", "552 5.3.4 "))),
    Row("SIZE just so", (HELLO, ("MAIL FROM:<office@example.org> SIZE=1000000 BODY=8BITMIME", "250 2.1.0 "))),
    Row("SIZE that is no number", (HELLO, ("MAIL FROM:<office@example.org> SIZE=many", "501 5.5.4 "))),
    Row("BODY unknown", (HELLO, ("MAIL FROM:<office@example.org> BODY=BINARYMIME", "501 5.5.4 "))),
    Row("parameter not offered", (HELLO, ("MAIL FROM:<office@example.org> MT-PRIORITY=3", "555 5.5.4 "))),
    Row("parameter not offered at RCPT", (HELLO, FROM, ("RCPT TO:<+14155550123@fax.local> RRVS=2026", "555 5.5.4 "))),
    Row("parameter of RCPT at MAIL", (HELLO, ("MAIL FROM:<office@example.org> NOTIFY=NEVER", "555 5.5.4 "))),
    Row("parameter of MAIL at RCPT", (HELLO, FROM, ("RCPT TO:<+14155550123@fax.local> RET=FULL", "555 5.5.4 "))),
    Row("parameter twice", (HELLO, ("MAIL FROM:<office@example.org> SIZE=1 size=1", "501 5.5.4 "), FROM)),
    Row("RET unknown", (HELLO, ("MAIL FROM:<office@example.org> RET=ALL", "501 5.5.4 "), FROM)),
    Row("NOTIFY unknown", (HELLO, FROM, (f"{TO[0]} NOTIFY=MAYBE", "501 5.5.4 "), TO)),
    Row("NEVER and more", (HELLO, FROM, (f"{TO[0]} NOTIFY=NEVER,DELAY", "501 5.5.4 "), TO)),
    Row(
        "DSN", (HELLO, ("MAIL FROM:<office@example.org> RET=HDRS ENVID=QQ314", "250"), (f"{TO[0]} NOTIFY=NEVER", "250"))
    ),
    Row("UTF-8 sender", (HELLO, ("MAIL FROM:<b\u00fcro@example.org> SMTPUTF8", "250 2.1.0 "), TO)),
    Row("UTF-8 sender unasked", (HELLO, ("MAIL FROM:<b\u00fcro@example.org>", "553 5.6.7 "), FROM)),
    Row("MAIL twice", (HELLO, FROM, (FROM[0], "503 5.5.1 "), TO)),
    Row("RCPT before MAIL", (HELLO, (TO[0], "503 5.5.1 "), FROM, TO)),
    Row("DATA before RCPT", (HELLO, FROM, ("DATA", "503 5.5.1 "), TO)),
    Row("DATA when all were refused", (HELLO, FROM, ("RCPT TO:<x@fax.local>", "550"), ("DATA", "503 5.5.1 "), TO)),
    Row("DATA with words", (HELLO, FROM, TO, ("DATA now", "501 5.5.4 "), DATA)),
    Row("MAIL before hello", ((FROM[0], "503 "), (TO[0], "503 "), ("DATA", "503 "), HELLO, FROM)),
    Row("EHLO without a name", (("EHLO", "501 5.5.4 "), HELLO), listener=STRICT),
    Row("EHLO without a name, forgiven", (("EHLO", "250"), FROM, TO)),
    Row("HELO with a bare address", (("HELO 192.0.2.1", "501 5.5.4 "), HELLO), listener=STRICT),
    Row("HELO", (("HELO client.example.org", "250 mx.fax.local"), FROM, TO)),
    Row(
        "small letters", (HELLO, ("mail from:<office@example.org>", "250"), ("rcpt to:<+14155550123@FAX.Local>", "250"))
    ),
    Row("MAIL unreadable", (HELLO, ("MAIL office@example.org", "501 5.5.4 "), ("MAIL TO:<a@b>", "501 5.5.4 "), FROM)),
    Row("RCPT unreadable", (HELLO, FROM, ("RCPT FROM:<a@b>", "501 5.5.4 "), ("RCPT TO:", "501 5.5.4 "), TO)),
    Row("NUL in an address", (HELLO, FROM, ("RCPT TO:<+1415555\x000123@fax.local>", "501 5.5.4 "), TO)),
    Row("no such own mailbox", (HELLO, FROM, ("RCPT TO:<bounce+abc123@fax.local>", "550 5.1.1 "))),
    Row("own mailboxes of later", (HELLO, FROM, ("RCPT TO:<reply+abc123@fax.local>", "550 5.1.1 "))),
    Row("unknown command", (HELLO, ("XYZZY", "500 "), FROM, TO)),
    Row("AUTH is not there", (HELLO, ("AUTH PLAIN AGEAYgBj", "503 5.5.1 "), FROM, TO)),
    Row("STARTTLS is not there", (HELLO, ("STARTTLS", "503 5.5.1 "), FROM, TO)),
    Row("VRFY tells nothing", (HELLO, ("VRFY postmaster@fax.local", "252 "), FROM, TO)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_each_reply_is_the_contracts(row: Row, tmp_path: Path) -> None:
    """Every line of a dialogue is answered with the code and status the contract gives."""
    async with a_site(tmp_path, row.policy, listener=row.listener, **row.options) as site:
        line = await site.connect()
        assert (await line.reply()).startswith("220 mx.fax.local ")
        for said, expected in row.lines:
            begins, _, holds = expected.partition("|")
            answer = await line.say(said)
            assert answer.startswith(begins), said
            assert holds in answer


async def test_ehlo_offers_what_is_kept(tmp_path: Path) -> None:
    """EHLO names SIZE with the configured limit and what can be done; no TLS, login or XCLIENT that is not there."""
    async with a_site(tmp_path, max_message_size=12_345) as site:
        line = await site.connect()
        await line.reply()
        answer = await line.say("EHLO client.example.org")
        assert answer.split("\n") == [
            "250-mx.fax.local",
            "250-SIZE 12345",
            "250-PIPELINING",
            "250-8BITMIME",
            "250-SMTPUTF8",
            "250-DSN",
            "250 ENHANCEDSTATUSCODES",
        ]


@pytest.mark.parametrize("said", ["RSET", "NOOP", "XYZZY", "HELP", "VRFY x@fax.local", "DATA", "QUIT"])
async def test_every_reply_after_ehlo_has_an_enhanced_code(said: str, tmp_path: Path) -> None:
    """ENHANCEDSTATUSCODES was offered, so each later reply begins with a status code (RFC 2034, section 4)."""
    async with a_site(tmp_path) as site:
        answer = await (await site.greeted()).say(said)
        code, _, text = answer.partition(" ")
        assert text.startswith(f"{code[0]}."), answer


async def test_the_250_names_the_message_row(tmp_path: Path) -> None:
    """The id in the 250 is the id of the message row, which is committed by then."""
    async with a_site(tmp_path) as site:
        answer = await (await (await site.greeted()).envelope()).data()
        assert site.kept.rows("SELECT id FROM message") == [(answer.removeprefix("250 2.0.0 Ok: "),)]


@pytest.mark.parametrize("hello", ["HELO client.example.org", "EHLO client.example.org"])
async def test_long_command_lines_are_treated_alike_after_either_hello(hello: str, tmp_path: Path) -> None:
    """A command line of 1000 octets is within the server's own limit of 2048, whichever hello came before."""
    async with a_site(tmp_path) as site:
        line = await site.greeted(hello)
        answer = await line.say("MAIL FROM:<office@example.org>" + " " * 900 + "SIZE=10")
        assert answer.startswith("250 2.1.0 ")


async def test_a_command_line_too_long_ends_nothing(tmp_path: Path) -> None:
    """A command line far over the limit is refused with 500, and the session goes on."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<" + "a" * 600_000 + "@example.org>")).startswith("500 ")
        assert (await (await line.envelope()).data()).startswith("250 2.0.0 ")


@pytest.mark.parametrize(
    "sender",
    [
        "office example.org",
        "two words@example.org",
        "a,b@example.org",
        "@example.org",
        "a@b c",
        "a@b@example.org",
        "a@,",
    ],
)
async def test_a_sender_no_notice_can_reach_is_refused(sender: str, tmp_path: Path) -> None:
    """What is no mail address is refused at MAIL: the notice could never be delivered to it."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("5")


async def test_a_sender_in_quotes_is_an_address(tmp_path: Path) -> None:
    """A quoted local part is a legal sender and is kept as given."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await (await line.envelope(sender='"front desk"@example.org')).data()).startswith("250 ")
        assert site.kept.rows("SELECT envelope_sender FROM message") == [('"front desk"@example.org',)]


async def test_refusals_take_nothing_on(tmp_path: Path) -> None:
    """A mail refused after DATA leaves no row and no file."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(b"Auto-Submitted: auto-generated\r\n\r\nx\r\n")).startswith("550 5.7.1 ")
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []
        assert (await (await line.envelope()).data(MAIL)).startswith("250 ")
