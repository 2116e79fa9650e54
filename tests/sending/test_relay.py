"""What the relay offers is used, and what it does not offer is not asked of it (RFC 1870, RFC 6152, RFC 6531)."""

import pytest

from bridge.fax.arrivals import Mail, MailKind
from bridge.fax.options import Target
from bridge.mail import notices
from bridge.mail.notices import NoticeEvent
from bridge.mail.returned import Returned
from bridge.posting import relay
from bridge.posting.alarms import Alarms
from bridge.posting.courier import Courier
from bridge.posting.options import RelayOptions
from bridge.posting.relay import HandedOver
from bridge.posting.undeliverable import Undeliverable
from bridge.store import outbox, tables
from tests.support.fake_relay import FakeRelay, a_relay
from tests.support.store_bench import ADMIN, SENDER, Bench, work
from tests.support.store_carrier import MAIL
from tests.support.unit_clock import START
from tests.support.unit_mail import OPTIONS, ROW, facts, parts_of

PLAIN = b"Subject: a notice\r\n\r\ntext\r\n"
JOSE = "josé@example.org"


def offering(*extensions: str) -> bytes:
    """What such a relay answers to EHLO."""
    lines = ["relay.test", *extensions]
    return "\r\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines).encode()


def a_notice(body: bytes) -> bytes:
    """A notice that gives a whole mail back."""
    mail = b"Subject: Letter\r\nMessage-ID: <1@example.org>\r\n\r\n" + body
    told = facts(NoticeEvent.FAILED, mail, returned=Returned(mail, whole=True))
    return notices.render(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)


EIGHT_BIT = a_notice(b"caf\xc3\xa9\r\n")
LONG = a_notice(b"a long line of text\r\n" * 5000)


async def hand_over(made: FakeRelay, recipient: str, content: bytes) -> HandedOver:
    """One try, straight."""
    return await relay.hand_over(RelayOptions("127.0.0.1", made.port, "none", "fax.local"), "", recipient, content)


@pytest.mark.parametrize("offered", [("SMTPUTF8", "8BITMIME"), ("8BITMIME", "smtputf8")])
async def test_an_address_beyond_ascii(offered: tuple[str, ...]) -> None:
    """To an address of RFC 6531 the mail goes with SMTPUTF8, and its address in UTF-8."""
    async with a_relay(EHLO=offering(*offered)) as made:
        done = await hand_over(made, JOSE, PLAIN)
    assert done.taken
    ((sender, recipient, _),) = made.mails
    assert sender.split() == ["MAIL", "FROM:<>", "SMTPUTF8"]
    assert recipient.split() == ["RCPT", f"TO:<{JOSE}>"]


@pytest.mark.parametrize(
    "replies", [{"EHLO": offering("8BITMIME")}, {"EHLO": b"502 what?"}], ids=["no SMTPUTF8", "no EHLO"]
)
async def test_a_relay_that_takes_no_such_address(replies: dict[str, bytes | None]) -> None:
    """Where the relay offers no SMTPUTF8 that is a failure for good, in words, and nothing is handed over."""
    async with a_relay(**replies) as made:
        done = await hand_over(made, JOSE, PLAIN)
    assert (done.taken, done.permanent, made.mails) == (False, True, [])
    assert "SMTPUTF8" in done.reply


@pytest.mark.parametrize("reply", [b"421 later", None])
async def test_a_relay_that_says_nothing_of_it(reply: bytes | None) -> None:
    """Where the relay did not get so far as to say what it offers the mail waits."""
    async with a_relay(EHLO=reply, HELO=reply) as made:
        done = await hand_over(made, JOSE, PLAIN)
    assert (done.taken, done.permanent) == (False, False)


async def test_mail_in_ascii_asks_for_nothing() -> None:
    """A mail in ASCII to an address in ASCII goes without parameters of 8-bit or UTF-8, whatever is offered."""
    async with a_relay(EHLO=offering("SMTPUTF8", "8BITMIME")) as made:
        assert (await hand_over(made, SENDER, PLAIN)).taken
    assert made.mails[0][0].split() == ["MAIL", "FROM:<>"]


@pytest.mark.parametrize(
    ("header", "parameters"),
    [
        ("Subject: café".encode(), ["BODY=8BITMIME", "SMTPUTF8"]),
        (b"Subject: caf\xe9", ["BODY=8BITMIME"]),
        (b"Subject: cafe", ["BODY=8BITMIME"]),
    ],
    ids=["UTF-8", "no UTF-8", "ASCII"],
)
async def test_a_mail_passed_on(header: bytes, parameters: list[str]) -> None:
    """A mail that is only passed on is called what it is where the relay has words for it, and goes as it came."""
    content = header + b"\r\n\r\ncaf\xc3\xa9\r\n"
    for offered, expected in (("SMTPUTF8", "8BITMIME"), parameters), ((), []):
        async with a_relay(EHLO=offering(*offered)) as made:
            assert (await hand_over(made, ADMIN, content)).taken
        assert made.mails[0][0].split()[2:] == expected
        assert made.mails[0][2] == content + b".\r\n"


async def _deliver(bench: Bench, content: bytes, recipient: str = SENDER, **replies: bytes | None) -> FakeRelay:
    """The courier hands over a notice of these bytes."""
    row = bench.ids.new()
    mail = Mail(row, MailKind.NOTICE, f"test/{row}", "failed", "", recipient, f"<{row}@fax.local>")
    draft = await bench.desk.draft(mail, content)
    await bench.store.write(lambda connection: draft.write(connection, bench.clock.now()))
    async with a_relay(**replies) as made:
        undeliverable = Undeliverable(bench.desk, MAIL, (Target.mail(ADMIN),))
        options = RelayOptions("127.0.0.1", made.port, "none", "fax.local")
        assert await work(Courier(bench.desk, options, undeliverable, "post-0/x").duty)
    return made


@pytest.mark.parametrize(
    ("content", "offered", "whole", "parameters"),
    [
        (EIGHT_BIT, ("8BITMIME",), True, ["BODY=8BITMIME"]),
        (EIGHT_BIT, (), False, []),
        (LONG, ("SIZE 1000000",), True, [f"size={len(LONG)}"]),
        (LONG, ("SIZE 0",), True, [f"size={len(LONG)}"]),
        (LONG, ("SIZE",), True, [f"size={len(LONG)}"]),
        (LONG, ("SIZE 50000",), False, []),
        (LONG, (), True, []),
    ],
    ids=["8-bit", "no 8-bit", "room", "no limit", "limit not told", "too long", "no word of size"],
)
async def test_what_a_relay_cannot_take_is_left_out(
    bench: Bench, content: bytes, offered: tuple[str, ...], whole: bool, parameters: list[str]
) -> None:
    """A notice whose relay takes no 8-bit text, or none so long, goes with the mail's header instead of the mail."""
    made = await _deliver(bench, content, EHLO=offering(*offered))
    ((sender, _, sent),) = made.mails
    kinds = [part.get_content_type() for part in parts_of(sent)]
    assert kinds == [
        "multipart/alternative",
        "message/delivery-status",
        "message/rfc822" if whole else "text/rfc822-headers",
    ]
    if whole:
        assert sent == content + b".\r\n"
        assert sender.split()[2:] == parameters
    else:
        assert sent.isascii()
        assert b"<1@example.org>" in sent
    (mail,) = await bench.rows(tables.outbox)
    assert mail.state == "sent"


async def test_an_address_no_relay_takes_reaches_the_operator(bench: Bench) -> None:
    """A notice that fails for want of SMTPUTF8 is failed, and the admin is told why, and to whom it was."""
    made = await _deliver(bench, PLAIN, JOSE, EHLO=offering("8BITMIME"))
    assert made.mails == []
    assert await work(Alarms(bench.desk, MAIL).duty)
    states = {mail.recipient: mail.state for mail in await bench.rows(tables.outbox)}
    assert states == {JOSE: "failed", ADMIN: "waiting"}
    (told,) = await bench.mail_bytes("undeliverable")
    assert told.isascii()
    text = told.replace(b"=\r\n", b"")
    assert b"jos=C3=A9@example.org" in text
    assert b"it offers no SMTPUTF8" in text
    assert await bench.store.read(outbox.owed) == 1
