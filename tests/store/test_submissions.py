"""One fax a submission: whose a key is, and how it passes to another."""

from datetime import timedelta

import pytest

from bridge.fax.jobs import Fax
from bridge.fax.states import NEXT, FaxState
from bridge.store import submissions, tables
from bridge.store.faxes import Stale
from bridge.store.submissions import Submission
from tests.support.store_bench import NUMBER, OTHER, Bench
from tests.support.unit_clock import START

KEYS = ["a" * 64, "b" * 64]


async def _claim(bench: Bench, faxes: dict[str, str], before: dict[str, Submission] | None = None) -> None:
    new = {key: (fax_id, bench.clock.now()) for key, fax_id in faxes.items()}
    await bench.store.write(lambda connection: submissions.claim(connection, new, before or {}))


async def _look(bench: Bench, *keys: str) -> dict[str, Submission]:
    return await bench.store.read(lambda connection: submissions.look(connection, keys))


async def _held_by(bench: Bench) -> dict[str, str]:
    return {row.key: row.fax_id for row in await bench.rows(tables.submission)}


@pytest.mark.parametrize("count", [1, 2])
async def test_a_key_stands_for_its_fax(bench: Bench, count: int) -> None:
    """What was claimed is found with its fax as that is now, and nothing is found of keys nobody claimed."""
    faxes = await bench.accepted(NUMBER, OTHER)
    keys = KEYS[:count]
    assert await _look(bench, *keys) == {}
    await _claim(bench, {key: fax.id for key, fax in zip(keys, faxes, strict=False)})
    found = await _look(bench, *keys)
    assert found == {
        key: Submission(fax.id, 1, FaxState.ACCEPTED, START) for key, fax in zip(keys, faxes, strict=False)
    }
    await bench.move(faxes[0], FaxState.HELD)
    assert (await _look(bench, keys[0]))[keys[0]] == Submission(faxes[0].id, 2, FaxState.HELD, START)


@pytest.mark.parametrize("state", FaxState)
async def test_which_states_count(bench: Bench, state: FaxState) -> None:
    """Failed and cancelled faxes stand in nobody's way, all others do, until the window has gone by."""
    for since, in_time in [(START, True), (START - timedelta(1), True), (START + timedelta(microseconds=1), False)]:
        counts = Submission("FAX", 1, state, START).counts(since)
        assert counts is (in_time and state not in {FaxState.FAILED, FaxState.CANCELLED})
    assert set(NEXT) == set(FaxState)


async def _two(bench: Bench) -> tuple[Fax, Fax]:
    first, second = await bench.accepted(NUMBER, OTHER)
    return first, second


@pytest.mark.parametrize("more", [False, True])
async def test_a_key_is_taken_from_whom_it_was_seen_with(bench: Bench, more: bool) -> None:
    """A key passes to the new fax, with its time, if it is still the one's it was seen with."""
    first, second = await _two(bench)
    await _claim(bench, {KEYS[0]: first.id})
    before = await _look(bench, KEYS[0])
    bench.clock.forward(timedelta(hours=25))
    await _claim(bench, {KEYS[0]: second.id, **({KEYS[1]: first.id} if more else {})}, before)
    found = await _look(bench, KEYS[0])
    assert (found[KEYS[0]].fax_id, found[KEYS[0]].first_at) == (second.id, bench.clock.now())


@pytest.mark.parametrize("more", [False, True])
async def test_a_key_is_never_taken_unseen(bench: Bench, more: bool) -> None:
    """A key that another has got since is not overwritten: Stale, and nothing of the transaction is written."""
    first, second = await _two(bench)
    await _claim(bench, {KEYS[0]: first.id})
    other = {KEYS[1]: second.id} if more else {}
    with pytest.raises(Stale):
        await _claim(bench, {**other, KEYS[0]: second.id})
    stranger = Submission("NOBODY", 1, FaxState.FAILED, START)
    with pytest.raises(Stale):
        await _claim(bench, {KEYS[0]: second.id, **other}, {KEYS[0]: stranger})
    assert await _held_by(bench) == {KEYS[0]: first.id}
