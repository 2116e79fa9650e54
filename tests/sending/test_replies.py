"""What answers to notices have done: once, within the rules of a new mail, and told to whom the notice went."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bridge.fax.failing import COUNTED
from bridge.fax.jobs import Fax, Outcome
from bridge.fax.options import LimitOptions, Privacy
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.replies import LASTS, Action, Answerable
from bridge.fax.states import FaxState
from bridge.sending.replies import Answerer
from bridge.store import correspondence, failing, replies, tables, usage
from bridge.store.replies import Answer, digest
from tests.support.orders_stand import Counter
from tests.support.store_bench import NUMBER, OTHER, SENDER, Bench, set_aside, work
from tests.support.store_carrier import MAIL, OPTIONS

TOKEN = "a" * 26
ANSWERABLE = replace(MAIL, reply_domain="fax.local")
DEAD = Outcome(OutcomeClass.NUMBER, "number-not-in-use")


class Desk(Counter):
    """Where answers come in and are worked off."""

    def answerer(self, number: int = 0) -> Answerer:
        """One of the workers."""
        return Answerer(self.bench.desk, self.reporter, self.resender, ANSWERABLE, f"reply-{number}/x")

    async def notice(self, fax: Fax, *actions: Action, to: str = "") -> None:
        """Its sender has got a notice that can be answered."""
        now = self.bench.clock.now()
        made = Answerable(digest(TOKEN), fax.id, SENDER, frozenset(actions), now + LASTS, to)
        await self.bench.store.write(lambda connection: replies.offer(connection, made, now))

    async def come(self, line: str, *, sender: str = SENDER, admitted: bool = True) -> None:
        """An answer came in."""
        mail = f"From: {sender}\r\nMessage-ID: <x@example.org>\r\n\r\n{line}\r\n".encode()
        [made] = await self.bench.accepted("+14155550199", sender=sender, mail=mail)
        came = Answer(self.bench.ids.new(), made.message_id, digest(TOKEN), admitted=admitted, identity=None)
        now = self.bench.clock.now()
        await self.bench.store.write(lambda connection: replies.add(connection, (came,), now))

    async def told(self, line: str, **how: object) -> str:
        """What is told of an answer, in one line."""
        await self.come(line, **how)  # type: ignore[arg-type]
        worker = self.answerer()
        assert await work(worker.duty)
        assert await work(worker.duty)
        assert not await work(worker.duty)
        return " ".join((await self.bench.mail_bytes("reply"))[-1].decode().replace("=\r\n", "").split())

    async def resent(self) -> list[Fax]:
        """The faxes that were made of it."""
        rows = await self.bench.rows(tables.fax, tables.fax.c.resend_of.is_not(None))
        return [await self.bench.fax(row.id) for row in rows]


async def ended(bench: Bench, number: str = NUMBER, **more: object) -> Fax:
    """A fax that has failed."""
    return await bench.move(await bench.ready(number, **more), FaxState.FAILED)  # type: ignore[arg-type]


async def test_it_is_sent_once_more(bench: Bench) -> None:
    """Due now, counted for the day, under the sender's name in the history."""
    desk = Desk(bench)
    fax = await ended(bench)
    await desk.notice(fax, Action.RESEND, Action.STATUS)
    assert "It is faxed once more." in await desk.told("resend")
    [new] = await desk.resent()
    assert (new.number, new.resend_of, new.state) == (NUMBER, fax.id, FaxState.READY)
    assert {line.actor for line in await bench.history(new)} == {f"sender {SENDER}"}
    assert "answered before, and then: It is faxed once more." in await desk.told("resend")
    assert len(await desk.resent()) == 1


async def test_of_two_answers_at_once_one_counts(bench: Bench) -> None:
    """Two workers have one each; the second finds that it is done, and says so."""
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.RESEND)
    await desk.come("resend")
    await desk.come("resend")
    workers = [desk.answerer(number) for number in range(2)]
    await asyncio.gather(*(work(worker.duty) for worker in workers))
    while any([await work(worker.duty) for worker in workers]):
        pass
    assert len(await desk.resent()) == 1
    late = (b"answered before", b"once more already")
    told = sorted(any(words in mail for words in late) for mail in await bench.mail_bytes("reply"))
    assert told == [False, True]


async def test_a_new_number_is_asked_back_about(bench: Bench) -> None:
    """Nothing is faxed before the yes; a number that had a fax of this sender's needs none."""
    desk = Desk(bench)
    fax = await ended(bench)
    await desk.notice(fax, Action.RESEND)
    assert "No fax of yours has gone to +1 415-555-0102 yet." in await desk.told(f"resend to {OTHER}")
    assert await desk.resent() == []
    [question] = await bench.rows(correspondence.reply_token, correspondence.reply_token.c.number == OTHER)
    assert question.actions == "yes"
    await ended(bench, OTHER)
    assert "It is faxed once more." in await desk.told(f"resend to {OTHER}")
    [new] = await desk.resent()
    assert (new.number, new.state) == (OTHER, FaxState.ACCEPTED)


async def test_a_yes_stands_for_its_number(bench: Bench) -> None:
    """The one that was asked about, and nothing else can be asked of the question."""
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.YES, to=OTHER)
    assert "cannot be asked" in await desk.told("resend")
    assert "It is faxed once more." in await desk.told("Yes")
    [new] = await desk.resent()
    assert new.number == OTHER


@pytest.mark.parametrize(
    ("to", "why"),
    [("+493012345678", "DE"), ("+19005550123", "premium"), ("12", "digits")],
)
async def test_policy_holds_as_for_a_new_mail(bench: Bench, to: str, why: str) -> None:
    """Countries, premium numbers, what is no number: refused in words, after the yes where one is needed."""
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.YES if to != "12" else Action.RESEND, to=to if to != "12" else "")
    assert why in await desk.told("yes" if to != "12" else f"resend to {to}")
    assert await desk.resent() == []


async def test_the_limits_of_the_day_hold(bench: Bench) -> None:
    """An operator's resending goes past them, a sender's does not; the notice can be answered again tomorrow."""
    desk = Desk(bench, replace(OPTIONS, limits=LimitOptions(faxes_per_day=1, pages_per_day=100)))
    await desk.notice(await ended(bench), Action.RESEND)
    day = bench.clock.now().date()
    await bench.store.write(lambda connection: usage.take(connection, day, usage.SITE, faxes=1))
    assert "as many faxes today as it may" in await desk.told("resend")
    assert await desk.resent() == []
    bench.clock.forward(timedelta(days=1))
    assert "It is faxed once more." in await desk.told("resend")


async def test_the_pages_of_the_day_hold(bench: Bench) -> None:
    """As for any fax of so many pages."""
    desk = Desk(bench, replace(OPTIONS, limits=LimitOptions(faxes_per_day=9, pages_per_day=1)))
    await desk.notice(await ended(bench), Action.RESEND)
    assert "in pages is 1, used today: " in await desk.told("resend")
    assert await desk.resent() == []


async def test_a_number_that_fails_is_not_called_again(bench: Bench) -> None:
    """Five failures in a row refuse an answer as they refuse a mail."""
    assert DEAD.outcome_class in COUNTED
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.RESEND)
    note = partial(failing.note, number=NUMBER, outcome=DEAD, now=bench.clock.now())
    for _ in range(5):
        await bench.store.write(note)
    assert "the last 5 faxes to this number failed" in await desk.told("resend")
    assert await desk.resent() == []


async def test_a_stranger_does_nothing_and_is_told_of_once(bench: Bench) -> None:
    """Whom the notice went to hears it; the stranger hears nothing, however often they try."""
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.RESEND)
    for line in ("resend", "resend", "cancel"):
        said = await desk.told(line, sender="mallory@example.net")
        assert "mallory@example.net" in said
    assert "where no notice went" in await desk.told("resend", admitted=False)
    rows = await bench.rows(tables.outbox, tables.outbox.c.event == "reply")
    assert [row.recipient for row in rows] == [SENDER]
    assert await desk.resent() == []
    assert bench.blob_files() == {row.id for row in await bench.rows(tables.blob)}


async def test_it_is_called_off_or_too_late(bench: Bench) -> None:
    """While it waits here; once the carrier has it, it says how it stands."""
    desk = Desk(bench)
    fax = await bench.ready()
    await desk.notice(fax, Action.CANCEL)
    assert "It is cancelled. None of it was sent." in await desk.told("cancel")
    assert (await bench.fax(fax.id)).state is FaxState.CANCELLED
    [token] = await bench.rows(correspondence.reply_token, correspondence.reply_token.c.hashed == digest(TOKEN))
    assert token.said == "It is cancelled. None of it was sent."


async def test_too_late(bench: Bench) -> None:
    """Nothing is done, and the notice is not used up."""
    desk = Desk(bench)
    await desk.notice(await bench.sending(), Action.CANCEL)
    assert "It is too late to cancel it: The fax service has it" in await desk.told("cancel")
    [token] = await bench.rows(correspondence.reply_token)
    assert token.said is None


async def test_what_the_daemon_dies_of_is_told(bench: Bench) -> None:
    """Set aside, its sender hears that nothing was done."""
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.RESEND)
    await desk.come("resend")
    worker = desk.answerer()
    assert await set_aside(worker.duty)
    assert await work(worker.duty)
    [mail] = await bench.mail_bytes("reply")
    assert b"It could not be worked on" in mail
    assert await desk.resent() == []


async def test_a_mail_whose_file_is_gone(bench: Bench) -> None:
    """Nothing is guessed: it is told that nothing could be read."""
    desk = Desk(bench)
    await desk.notice(await ended(bench), Action.RESEND)
    await desk.come("resend")
    [message] = [row for row in await bench.rows(tables.message) if row.client][-1:]
    bench.damage(message.blob_id)
    worker = desk.answerer()
    assert await work(worker.duty)
    assert await work(worker.duty)
    assert b"no line that could be read" in (await bench.mail_bytes("reply"))[-1].replace(b"=\r\n", b"")


async def test_discreet_answers(bench: Bench) -> None:
    """Under minimal privacy neither the number nor what was written comes back."""
    desk = Desk(bench)
    await desk.notice(await ended(bench, privacy=Privacy.MINIMAL), Action.RESEND)
    for line in (f"resend to {OTHER}", "resend to 12345", "tumour", "resend to +493012345678"):
        said = await desk.told(line)
        assert not [secret for secret in ("5550102", "555-0102", "12345", "tumour", "5550101") if secret in said], line
