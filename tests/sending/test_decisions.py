"""A person decides what evidence did not: on that person's word, which everybody can read, and never by mistake."""

from datetime import timedelta

import pytest

from bridge.errors import BridgeError
from bridge.fax.jobs import AttemptResult, Fax
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.sending import decisions
from bridge.sending.report import Reporter
from bridge.store.faxes import Stale
from tests.support.store_bench import SENDER, Bench
from tests.support.store_carrier import MAIL, OPTIONS

ACTOR = "operator robin"


async def an_unconfirmed(bench: Bench) -> Fax:
    """A fax of which nobody knows, waiting for evidence."""
    fax = await bench.submitting()
    return await bench.move(fax, FaxState.UNCONFIRMED, settle_at=bench.clock.now() + OPTIONS.settle_window)


async def decide(bench: Bench, fax: Fax, *, sent: bool) -> Fax:
    """The fax after the person's word."""
    reporter = Reporter(bench.desk, OPTIONS, MAIL)
    await decisions.settle(bench.desk, reporter, fax, sent, ACTOR, bench.clock.now())
    return await bench.fax(fax.id)


async def test_sent_ends_it_on_that_persons_word(bench: Bench) -> None:
    """Delivered, and outcome, notice and history all say that a person said so and not the carrier."""
    after = await decide(bench, await an_unconfirmed(bench), sent=True)
    assert (after.state, after.due_at, after.settle_at, after.pages_sent) == (FaxState.DELIVERED, None, None, None)
    assert after.outcome is not None
    assert (after.outcome.outcome_class, after.outcome.cause) == (OutcomeClass.OK, "delivered-on-a-persons-word")
    line = (await bench.history(after))[-1]
    assert (line.event, line.actor) == ("delivered", ACTOR)
    assert "never confirmed" in line.detail
    assert await bench.events() == [("delivered", SENDER)]
    (mail,) = await bench.mail_bytes("delivered")
    assert b"on a person's word" in mail
    assert b"the fax service confirmed it" not in mail.replace(b"=\r\n", b"")


async def test_not_sent_sends_it_again(bench: Bench) -> None:
    """Ready and due now, the history names who said so, and nobody is written to."""
    after = await decide(bench, await an_unconfirmed(bench), sent=False)
    assert (after.state, after.due_at, after.settle_at) == (FaxState.READY, bench.clock.now(), None)
    line = (await bench.history(after))[-1]
    assert (line.event, line.actor) == ("settled", ACTOR)
    assert await bench.events() == []
    assert [each.result for each in await bench.attempts(after)] == [None]


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("state", [FaxState.READY, FaxState.SENDING, FaxState.DELIVERED])
async def test_only_an_unconfirmed_fax_is_settled(bench: Bench, state: FaxState, sent: bool) -> None:
    """Any other is refused in words that say how it stands, and stays as it is."""
    fax = await bench.ready() if state is FaxState.READY else await bench.sending()
    if state is FaxState.DELIVERED:
        fax = await bench.move(fax, state)
    with pytest.raises(BridgeError, match=f"is {state}, not unconfirmed"):
        await decide(bench, fax, sent=sent)
    assert await bench.fax(fax.id) == fax
    assert await bench.events() == []


@pytest.mark.parametrize("sent", [True, False])
async def test_a_fax_that_changed_meanwhile_is_left_alone(bench: Bench, sent: bool) -> None:
    """What was decided on an old view of the fax is not written: it was settled by evidence in that moment."""
    fax = await an_unconfirmed(bench)
    await bench.move(fax, FaxState.SENDING, due_at=bench.clock.now())
    with pytest.raises(Stale):
        await decide(bench, fax, sent=sent)
    assert (await bench.fax(fax.id)).state is FaxState.SENDING
    assert await bench.events() == []


async def test_a_decision_ends_the_wait(bench: Bench) -> None:
    """Nobody is asked about a fax that was decided."""
    fax = await an_unconfirmed(bench)
    bench.clock.forward(timedelta(hours=1))
    after = await decide(bench, fax, sent=False)
    assert after.settle_at is None
    assert {each.result for each in await bench.attempts(fax)} <= {None, AttemptResult.UNKNOWN}
