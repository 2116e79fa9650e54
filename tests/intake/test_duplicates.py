"""The same mail again is no second fax: it gets the same answer, and its sender is told what became of the first."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.errors import Refused, Unavailable
from bridge.fax.arrivals import MailKind, MailState
from bridge.fax.options import Identity
from bridge.fax.states import FaxState
from bridge.fax.wishes import Notify, Ret
from bridge.intake.acceptance import ROUNDS
from bridge.intake.envelopes import FaxRecipient
from bridge.intake.loops import TooManyHops
from bridge.store import correspondence, tables
from tests.support.acceptance_stand import BODY, CLIENT, Stand, a_mail, a_stand, permission
from tests.support.intake_stand import a_site
from tests.support.store_bench import ADMIN, NUMBER, OTHER, SENDER

THIRD = "+14155550103"
WITHOUT_ID = a_mail(Message_ID=None)
LARGE = BODY * 5_000


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """An acceptor on a fresh store."""
    with a_stand(tmp_path) as opened:
        yield opened


async def force(stand: Stand, state: FaxState) -> None:
    """Put every fax into a state, as if it had come there by itself."""
    change = tables.fax.update().values(state=state, version=tables.fax.c.version + 1)
    await stand.bench.store.write(lambda connection: connection.execute(change))


async def words(stand: Stand) -> list[str]:
    """What the duplicate notices say to people."""
    texts = []
    for mail in await stand.mails("duplicate"):
        whole = message_from_bytes(await stand.bench.store.read_blob(mail.blob_id))
        part = next(part for part in whole.walk() if part.get_content_type() == "text/plain")
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        texts.append(" ".join(payload.decode().split()))
    return texts


@pytest.mark.parametrize("mail", [a_mail(), WITHOUT_ID, a_mail(LARGE)], ids=["with id", "without id", "large"])
async def test_the_same_again(stand: Stand, mail: bytes) -> None:
    """It gets the same 250, makes no fax, no message and no blob, and a notice says when the first was taken on."""
    first = await stand.submit(mail=mail)
    stand.bench.clock.forward(timedelta(minutes=5))
    assert await stand.submit(mail=mail) == first
    (fax,) = await stand.faxes()
    assert len(await stand.bench.rows(tables.message)) == 1
    (notice,) = await stand.mails("duplicate")
    assert (notice.kind, notice.recipient, notice.fax_id, notice.state) == (
        MailKind.NOTICE,
        SENDER,
        fax.id,
        MailState.WAITING,
    )
    (said,) = await words(stand)
    assert "No second fax was made of it." in said
    assert "The first was taken on 23 November 2026, 08:15 UTC." in said
    assert "waiting for its pages" in said
    assert [line.event for line in await stand.bench.history(fax)] == ["accepted", "submitted_again"]
    await stand.nothing_lies_about()


async def test_the_notice_is_the_contracts(stand: Stand) -> None:
    """Its fields name the event, the first fax and its number, and the thread is the second mail's."""
    await stand.submit()
    await stand.submit()
    (fax,) = await stand.faxes()
    (notice,) = await stand.mails("duplicate")
    mail = message_from_bytes(await stand.bench.store.read_blob(notice.blob_id))
    assert (mail["X-Fax-Event"], mail["X-Fax-Id"], mail["X-Fax-Number"]) == ("duplicate", fax.id, NUMBER)
    assert mail["In-Reply-To"] == "<1@example.org>"
    assert mail["Message-ID"] == notice.message_id


@pytest.mark.parametrize(
    ("again", "offered"),
    [
        ({}, "cancel status"),
        ({"sender": "carl@example.org"}, None),
        ({"under": permission(Identity("ward", senders=("*@example.org",)))}, None),
    ],
    ids=["the same", "another sender", "another identity"],
)
async def test_who_may_answer_it(stand: Stand, again: dict[str, Any], offered: str | None) -> None:
    """Whoever sent the first, and sends it again, may have it called off by answering; nobody else may, to whom a
    copier's address and the same page make it a duplicate.
    """
    stand.answered_at("fax.local")
    await stand.submit(mail=WITHOUT_ID)
    await stand.submit(mail=WITHOUT_ID, **again)
    (fax,) = await stand.faxes()
    (notice,) = await stand.mails("duplicate")
    mail = message_from_bytes(await stand.bench.store.read_blob(notice.blob_id))
    tokens = [(row.fax_id, row.notified, row.actions) for row in await stand.bench.rows(correspondence.reply_token)]
    assert tokens == ([] if offered is None else [(fax.id, SENDER, offered)])
    assert (mail["Reply-To"] is not None) is (offered is not None)


async def test_every_time_again_is_told(stand: Stand) -> None:
    """A third and a fourth time are no fax either, and each has a notice of its own."""
    assert len({await stand.submit() for _ in range(4)}) == 1
    assert len(await stand.faxes()) == 1
    assert len({notice.purpose for notice in await stand.mails("duplicate")}) == 3
    assert await stand.used() == 1


ANOTHER: dict[str, dict[str, Any]] = {
    "recipient": {"numbers": (OTHER,)},
    "sender": {"sender": "carl@example.org"},
    "Message-ID": {"mail": a_mail(Message_ID="<2@example.org>")},
    "no Message-ID": {"mail": WITHOUT_ID},
    "body": {"mail": a_mail(BODY + b"One more line.\r\n")},
    "Subject": {"mail": a_mail(Subject="other results")},
    "Subject in capitals": {"mail": a_mail(Subject="Results")},
    "no Subject": {"mail": a_mail(Subject=None)},
    "From": {"mail": a_mail(From="Carl <carl@example.org>")},
    "To": {"mail": a_mail(To='"Dr. House" <+14155550101@fax.local>')},
    "Cc": {"mail": a_mail(Cc=None)},
    "Content-Type": {"mail": a_mail(Content_Type="text/html")},
    "Content-Transfer-Encoding": {"mail": a_mail(Content_Transfer_Encoding="base64")},
    "Content-Disposition": {"mail": a_mail(Content_Disposition="attachment")},
    "X-Fax-Option": {"mail": a_mail(X_Fax_Option="cover=yes")},
}


@pytest.mark.parametrize("another", ANOTHER.values(), ids=ANOTHER)
async def test_what_makes_another_submission(stand: Stand, another: dict[str, Any]) -> None:
    """Another recipient, sender, Message-ID or content is another fax, and nobody is told of anything."""
    first = await stand.submit(NUMBER)
    assert await stand.submit(*another.pop("numbers", ()), **another) != first
    assert len(await stand.faxes()) == 2
    assert await stand.mails("duplicate") == []


SAME: dict[str, dict[str, Any]] = {
    "another way": {"client": "192.0.2.8"},
    "letter case of the sender": {"sender": "Anna@EXAMPLE.org"},
    "one more Received": {"mail": b"Received: from b by c; Mon, 23 Nov 2026 08:15:09 +0000\r\n" + a_mail()},
    "no Received": {"mail": a_mail(Received=None)},
    "another Date": {"mail": a_mail(Date="Mon, 23 Nov 2026 08:20:00 +0000")},
    "no Date": {"mail": a_mail(Date=None)},
    "signed on the way": {"mail": b"DKIM-Signature: v=1; a=rsa-sha256\r\nReturn-Path: <x@example.org>\r\n" + a_mail()},
    "folded": {"mail": a_mail(From="Anna \r\n\t<anna@example.org>")},
    "encoded anew": {
        "mail": a_mail(Subject="=?utf-8?q?resul?= =?us-ascii?b?dHM=?=", From="=?utf-8?q?Anna?= <anna@example.org>")
    },
    "an encoding in capitals": {"mail": a_mail(Content_Transfer_Encoding="8BIT")},
    "fields in another order": {"mail": a_mail(Subject=None).replace(b"\r\n\r\n", b"\r\nSubject: results\r\n\r\n", 1)},
}


@pytest.mark.parametrize("same", SAME.values(), ids=SAME)
async def test_what_makes_no_other_submission(stand: Stand, same: dict[str, Any]) -> None:
    """The way a mail with a Message-ID took, and what relays did to it, make no second fax of it."""
    first = await stand.submit()
    assert await stand.submit(**same) == first
    assert len(await stand.faxes()) == 1


@pytest.mark.parametrize("given", [None, "", "<no id at all>", "<a@b", "two words"])
async def test_without_a_message_id(stand: Stand, given: str | None) -> None:
    """Without a (well-formed) Message-ID the client counts in its place, and the sender does not."""
    mail = a_mail(Message_ID=given)
    first = await stand.submit(mail=mail)
    assert await stand.submit(mail=mail, sender="carl@example.org") == first
    assert await stand.submit(mail=mail, client="192.0.2.8") != first
    assert await stand.submit(OTHER, mail=mail) != first
    assert await stand.submit(mail=a_mail(b"other\r\n", Message_ID=given)) != first
    assert len(await stand.faxes()) == 4


@pytest.mark.parametrize(("mail", "window"), [(a_mail(), timedelta(hours=24)), (WITHOUT_ID, timedelta(minutes=10))])
async def test_windows(stand: Stand, mail: bytes, window: timedelta) -> None:
    """It is the same for 24 hours, without a Message-ID for ten minutes, counted from the first; then it is new."""
    first = await stand.submit(mail=mail)
    stand.bench.clock.forward(window / 2)
    assert await stand.submit(mail=mail) == first
    stand.bench.clock.forward(window / 2)
    assert await stand.submit(mail=mail) == first
    stand.bench.clock.forward(timedelta(seconds=1))
    second = await stand.submit(mail=mail)
    assert second != first
    assert await stand.submit(mail=mail) == second, "and from then on the second counts"
    assert len(await stand.faxes()) == 2


async def test_a_clock_that_jumps_back(stand: Stand) -> None:
    """A first that seems to lie ahead of us is still the first."""
    first = await stand.submit()
    stand.bench.clock.forward(timedelta(hours=-3))
    assert await stand.submit() == first


@pytest.mark.parametrize("state", FaxState)
async def test_what_became_of_the_first(stand: Stand, state: FaxState) -> None:
    """A failed or cancelled fax lets the same mail be faxed again, and gives its key up; any other does not."""
    first = await stand.submit()
    await force(stand, state)
    second = await stand.submit()
    if state in {FaxState.FAILED, FaxState.CANCELLED}:
        assert second != first
        _, new = await stand.faxes()
        (row,) = await stand.bench.rows(tables.submission)
        assert (row.fax_id, row.first_at) == (new.id, stand.bench.clock.now())
        assert await stand.submit() == second
        assert len(await stand.faxes()) == 2
    else:
        assert second == first
        assert len(await stand.faxes()) == 1
        assert len(await stand.mails("duplicate")) == 1


async def test_the_notice_tells_how_the_first_stands(stand: Stand) -> None:
    """A first that is delivered by now is told as delivered."""
    await stand.submit()
    await force(stand, FaxState.DELIVERED)
    await stand.submit()
    (said,) = await words(stand)
    assert "It was delivered on 23 November 2026" in said


async def test_some_recipients_again(stand: Stand) -> None:
    """Of several recipients each counts by itself: those who are new get a fax, the others a notice."""
    first = await stand.submit(NUMBER, OTHER)
    second = await stand.submit(OTHER, THIRD, NUMBER)
    assert second != first
    assert [(fax.message_id, fax.number) for fax in await stand.faxes()] == [
        (first, NUMBER),
        (first, OTHER),
        (second, THIRD),
    ]
    assert len(await stand.mails("duplicate")) == 2
    assert await stand.submit(THIRD, NUMBER) == second, "the first recipient's mail"
    assert await stand.submit(NUMBER, THIRD) == first
    await stand.nothing_lies_about()


async def test_mail_for_ourselves_beside_a_duplicate(stand: Stand) -> None:
    """Mail to postmaster goes on each time, and its message is kept, even where the fax in it was there already."""
    first = await stand.submit(own=True)
    second = await stand.submit(NUMBER, own=True)
    third = await stand.submit(NUMBER, own=True)
    assert len({first, second, third}) == 3
    assert len(await stand.mails("postmaster")) == 3
    assert {row.id for row in await stand.bench.rows(tables.message)} == {first, second, third}
    assert [fax.message_id for fax in await stand.faxes()] == [second]
    await stand.nothing_lies_about()


@pytest.mark.parametrize(
    ("changed", "asked", "reason"),
    [
        ({"tell_duplicates": False}, None, "notices.duplicate is off"),
        ({"tell_duplicates": False}, Notify.SUCCESS, "notices.duplicate is off"),
        ({}, Notify.NEVER, "NOTIFY=NEVER"),
        ({}, Notify.FAILURE, "NOTIFY=FAILURE"),
    ],
)
async def test_a_notice_that_is_not_wanted(
    stand: Stand, changed: dict[str, Any], asked: Notify | None, reason: str
) -> None:
    """It is written down as suppressed, with the reason, in outbox and history; and the answer is the same."""
    stand.change(**changed)
    first = await stand.submit()
    assert await stand.submit(notify=asked) == first
    (notice,) = await stand.mails("duplicate")
    assert (notice.state, notice.blob_id) == (MailState.SUPPRESSED, None)
    assert reason in notice.reason
    (fax,) = await stand.faxes()
    lines = await stand.bench.history(fax)
    assert [line.event for line in lines] == ["accepted", "submitted_again", "notice_suppressed"]
    assert reason in lines[-1].detail


@pytest.mark.parametrize(
    ("under", "reaches"),
    [
        (permission(Identity("desk", notify="desk@example.org")), "desk@example.org"),
        (permission(Identity("desk", senders=("*@example.org",))), SENDER),
        (permission(Identity("desk", senders=("*@example.net",))), ADMIN),
    ],
)
async def test_whom_it_reaches(stand: Stand, under: Any, reaches: str) -> None:
    """The identity's own address for notices, else the sender if this identity may use it, else the operator."""
    await stand.submit()
    await stand.submit(under=under)
    (notice,) = await stand.mails("duplicate")
    assert (notice.recipient, notice.state) == (reaches, MailState.WAITING)


async def test_what_goes_to_the_operator_is_not_the_senders_to_refuse(stand: Stand) -> None:
    """NOTIFY counts for the sender's own notices; what reaches the operator in its place is written all the same."""
    await stand.submit()
    await stand.submit(notify=Notify.NEVER, under=permission(Identity("desk", senders=("*@example.net",))))
    (notice,) = await stand.mails("duplicate")
    assert (notice.recipient, notice.state) == (ADMIN, MailState.WAITING)


@pytest.mark.parametrize("mail", [a_mail(), WITHOUT_ID])
async def test_twenty_at_once(stand: Stand, mail: bytes) -> None:
    """Twenty equal mails at the same moment are one fax; all get the same answer, and nineteen notices are owed."""
    answers = await asyncio.gather(*(stand.submit(mail=mail) for _ in range(20)))
    assert len(set(answers)) == 1
    assert len(await stand.faxes()) == 1
    assert len(await stand.bench.rows(tables.message)) == 1
    assert len(await stand.mails("duplicate")) == 19
    assert await stand.used() == 1
    await stand.nothing_lies_about()


async def test_twenty_different_at_once(stand: Stand) -> None:
    """Twenty different mails at the same moment are twenty faxes."""
    mails = [a_mail(Message_ID=f"<{number}@example.org>") for number in range(20)]
    answers = await asyncio.gather(*(stand.submit(NUMBER, OTHER, mail=mail) for mail in mails))
    assert len(set(answers)) == 20
    assert len(await stand.faxes()) == 40
    assert await stand.mails("duplicate") == []


async def test_a_first_that_ends_meanwhile(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first changes while its notice is written, the notice is made anew and tells how it stands now."""
    await stand.submit()
    delivered = tables.fax.update().values(state="delivered", version=4)
    tries = stand.meanwhile(monkeypatch, lambda number: delivered if number == 1 else None)
    await stand.submit()
    assert len(tries) == 3
    (said,) = await words(stand)
    assert "It was delivered on" in said
    await stand.nothing_lies_about()


async def test_a_first_that_fails_meanwhile(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first fails in that moment, the mail is faxed after all, and nobody is told of a duplicate."""
    first = await stand.submit()
    failed = tables.fax.update().values(state="failed", version=4)
    stand.meanwhile(monkeypatch, lambda number: failed if number == 1 else None)
    assert await stand.submit() != first
    assert len(await stand.faxes()) == 2
    assert await stand.mails("duplicate") == []
    assert await stand.used() == 2
    await stand.nothing_lies_about()


async def test_a_first_that_never_stands_still(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few rounds it is given up: a temporary refusal, and nothing of the mail is left."""
    await stand.submit(mail=a_mail(LARGE))
    restless = tables.fax.update().values(version=tables.fax.c.version + 1)
    tries = stand.meanwhile(monkeypatch, lambda _: restless)
    with pytest.raises(Unavailable) as caught:
        await stand.submit(mail=a_mail(LARGE))
    assert caught.value.smtp.startswith("451 4.3.0 ")
    assert len(tries) == ROUNDS
    assert len(await stand.faxes()) == 1
    assert await stand.mails("duplicate") == []
    assert await stand.used() == 1
    await stand.nothing_lies_about()


@pytest.mark.parametrize("numbers", [(NUMBER,), (NUMBER, OTHER, THIRD)])
async def test_the_usual_case_costs_little(
    stand: Stand, numbers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new mail is taken on in one transaction of seven statements, with nothing read before it."""
    said: list[str] = []
    sa.event.listen(
        stand.bench.store.database.writing,
        "before_cursor_execute",
        lambda _c, _r, statement, *_: said.append(statement.split(" ")[0]),
    )

    async def read(_: object) -> None:
        raise AssertionError

    tries = stand.meanwhile(monkeypatch, lambda _: None)
    with monkeypatch.context() as patch:
        patch.setattr(stand.bench.store, "read", read)
        await stand.submit(*numbers)
    assert tries == [0]
    assert sorted(said) == ["BEGIN", *["INSERT"] * 6, "SELECT"]
    assert len(await stand.faxes()) == len(numbers)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("mail", [a_mail(), a_mail(LARGE)], ids=["small", "large"])
async def test_a_store_that_fails(stand: Stand, mail: bytes, again: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database does not answer the error passes on, and no blob is left; later the mail is taken as usual."""
    if again:
        await stand.submit(mail=mail, own=True)
        await stand.submit(NUMBER, mail=mail)
    write, before = stand.bench.store.write, stand.bench.blob_files()
    calls: list[object] = []

    async def failing(unit: Any) -> Any:
        calls.append(unit)
        if again and len(calls) == 1:
            return await write(unit)
        raise Unavailable("the database does not answer just now")

    with monkeypatch.context() as patch:
        patch.setattr(stand.bench.store, "write", failing)
        with pytest.raises(Unavailable):
            await stand.submit(NUMBER, mail=mail, own=True)
    assert stand.bench.blob_files() == before
    await stand.submit(NUMBER, mail=mail, own=True)
    assert len(await stand.faxes()) == 1
    await stand.nothing_lies_about()


@pytest.mark.parametrize(
    ("mail", "wanted"),
    [
        (a_mail(Auto_Submitted="auto-replied"), Refused),
        (a_mail(Precedence="bulk"), Refused),
        (a_mail(X_Fax_Event="delivered"), Refused),
        (a_mail(LARGE, Message_ID="<06d1zn8k7q2a.faxbridge@MX.fax.local>"), Refused),
        (b"Received: from a by b\r\n" * 31 + a_mail(LARGE), TooManyHops),
    ],
)
async def test_mail_that_must_not_be_faxed(stand: Stand, mail: bytes, wanted: type[Exception]) -> None:
    """What its header says must not be faxed is refused, also when it came before, and nothing of it is kept."""
    for _ in range(2):
        with pytest.raises(wanted):
            await stand.submit(mail=mail)
    assert await stand.faxes() == []
    await stand.nothing_lies_about()


async def test_mail_to_ourselves_alone(stand: Stand) -> None:
    """Automatic mail to postmaster goes on to the operator; only mail that runs in circles is refused."""
    await stand.submit(mail=a_mail(Auto_Submitted="auto-replied"), own=True)
    assert len(await stand.mails("postmaster")) == 1
    with pytest.raises(TooManyHops):
        await stand.submit(mail=b"Received: from a by b\r\n" * 31 + a_mail(), own=True)
    await stand.nothing_lies_about()


async def test_what_is_kept_of_a_mail(stand: Stand) -> None:
    """The rows have the identity, its caller id, whom the fax is for and what the sender wishes, and give them back."""
    stand.change(caller_id="+14155550100")
    under = permission(Identity("desk", caller_id="+14155550199", notify="desk@example.org"))
    wishes = frozenset({Notify.SUCCESS, Notify.DELAY})
    to = FaxRecipient("FAX=+14155550101/ATTN=J.Doe@fax.local", NUMBER, "J Doe", "Doe Ltd", wishes, "rfc822;j@doe.org")
    await stand.submit(under=under, faxes=[to], ret=Ret.HDRS, envelope_id="QQ314159")
    (fax,) = await stand.faxes()
    assert (fax.recipient, fax.number, fax.sender) == (to.address, NUMBER, SENDER)
    assert (fax.identity, fax.caller_id, fax.notice_to) == ("desk", "+14155550199", "desk@example.org")
    assert (fax.person, fax.company, fax.notify, fax.original_recipient) == (
        "J Doe",
        "Doe Ltd",
        wishes,
        "rfc822;j@doe.org",
    )
    assert (fax.state, fax.version, fax.due_at) == (FaxState.ACCEPTED, 1, stand.bench.clock.now())
    message = await stand.message(fax.message_id)
    assert (message.ret, message.envelope_id, message.identity) == (Ret.HDRS, "QQ314159", "desk")
    assert (message.client, message.envelope_sender, message.header_message_id) == (CLIENT, SENDER, "<1@example.org>")


async def test_what_is_kept_where_nothing_special_was_asked(stand: Stand) -> None:
    """Without an identity the site's caller id counts, notices go to the sender, and no wish is made up."""
    stand.change(caller_id="+14155550100")
    await stand.submit()
    (fax,) = await stand.faxes()
    assert (fax.identity, fax.caller_id, fax.notice_to, fax.notify) == (None, "+14155550100", SENDER, None)
    assert (fax.person, fax.company, fax.original_recipient) == ("", "", "")
    message = await stand.message(fax.message_id)
    assert (message.ret, message.envelope_id, message.identity) == (None, "", None)


PARTED = (
    b'Content-Type: multipart/mixed; boundary="%(outer)b"\r\n\r\n--%(outer)b\r\n'
    b"Content-Type: multipart/alternative;\r\n boundary=%(inner)b\r\n\r\n"
    b"--%(inner)b\r\n\r\n%(text)b\r\n--%(inner)b--\r\n"
    b"--%(outer)b\r\nContent-Type: application/pdf\r\n\r\n%%PDF\r\n--%(outer)b--\r\n"
)


@pytest.mark.parametrize("message_id", [b"", b"Message-ID: <1@copier.example.org>\r\n"], ids=["without id", "with id"])
async def test_other_boundaries_make_no_other_submission(message_id: bytes, tmp_path: Path) -> None:
    """A copier that did not hear our answer parts its mail anew when it sends it again; another text is another fax."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        for outer, inner, text in ((b"=_1", b"b1", b"words"), (b"=_2", b"b2", b"words"), (b"=_3", b"b3", b"other")):
            parted = PARTED % {b"outer": outer, b"inner": inner, b"text": text}
            await line.envelope()
            assert (await line.data(b"Subject: a scan\r\n" + message_id + parted)).startswith("250 ")
        assert len(site.kept.faxes()) == 2
