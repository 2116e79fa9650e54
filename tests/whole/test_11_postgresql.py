"""The whole of it on PostgreSQL: as on SQLite, and with the server dying under it."""

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bridge.runtime.worker import LEASE_SECONDS
from bridge.store.tables import LEASED
from tests.support.postgresql import Cluster
from tests.support.processes import (
    DELIVERED,
    DELIVERED_TOO,
    SENDER,
    Daemon,
    House,
    Sandbox,
    a_pdf_mail,
    talk_to,
    until,
)

SLACK = 15.0
"""Seconds: a lease may be young or renewed when its owner dies, and the machine may be slow."""

FROZEN_SECONDS = 10.0
"""How long a transaction of ours may stand still before PostgreSQL ends it."""

NUMBERS = [f"+141555501{number}" for number in range(10, 18)]


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path) -> dict[str, str]:
    """``[store]`` with a new, empty database."""
    return {"database": cluster.database(), "blobs": str(tmp_path / "blobs")}


async def test_a_mail_becomes_a_fax_and_its_notice_arrives(house: House, store: dict[str, str]) -> None:
    """Serve names migrate and ends with 2; once that was done a mail is faxed, told of, and shown by the shell."""
    await house.start_sandbox()
    house.configure(store=store)
    ran = await house.run("serve")
    assert ran.status == 2
    assert ran.err.splitlines()[-1].endswith("run `faxbridge migrate`")
    assert "Traceback" not in ran.err
    ran = await house.run("check")
    assert ran.status == 2
    ran = await house.run("migrate")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("the database was brought from schema none to ")
    ran = await house.run("check")
    assert (ran.status, ran.err, ran.out) == (0, "", "the configuration is good\n")

    daemon = await house.start_daemon()
    await daemon.event("poll.done")
    message = await daemon.take(a_pdf_mail(DELIVERED, pages=2), DELIVERED)
    (notice,) = await house.sink.wait()
    assert (notice.event, notice.recipients, notice.message["X-Fax-Number"]) == ("delivered", (SENDER,), DELIVERED)
    (fax,) = await house.run_json("list")
    assert (fax["state"], fax["message"], fax["pages"]) == ("delivered", message, 2)
    assert (await house.run_json("show", fax["id"]))["attempts"][0]["result"] == "delivered"
    assert json.loads((await house.run("backlog", "--json")).out) == []
    assert "asked" not in (await house.run("backlog", "--release")).out
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 1


async def _migrated(house: House, store: dict[str, str], **changes: Any) -> Sandbox:
    """Everything up to the first daemon's start. Where the database goes away under it, workers may fail."""
    sandbox = await house.start_sandbox()
    house.configure(store=store, **changes)
    assert (await house.run("migrate")).status == 0
    house.troubled = True
    return sandbox


async def _try_to_send(daemon: Daemon, number: str) -> str:
    """The first reply that does not go on, or the one to the whole mail."""
    async with talk_to(daemon) as talk:
        for line in (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{number}@fax.local>", "DATA"):
            reply = await talk.say(line)
            if reply[:1] not in "23":
                return reply
        await talk.send(a_pdf_mail(number).as_bytes().replace(b"\n", b"\r\n"))
        return await talk.say("\r\n.")


async def test_the_server_dies_and_comes_back_under_the_daemon(
    house: House, store: dict[str, str], cluster: Cluster
) -> None:
    """Mail is refused for now while there is no database; once it is back all goes on, without a restart of ours."""
    sandbox = await _migrated(house, store)
    daemon = await house.start_daemon()
    await daemon.event("poll.done")
    await daemon.take(a_pdf_mail(*NUMBERS[:4]), *NUMBERS[:4])
    await asyncio.to_thread(cluster.kill)
    assert (await _try_to_send(daemon, NUMBERS[4])).startswith("451 4.3.0")
    ready = await house.http.get(f"{daemon.admin_url}/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    await asyncio.to_thread(cluster.start)

    async def taken() -> bool:
        return (await _try_to_send(daemon, NUMBERS[5])).startswith("250")

    await until("mail is taken again", taken)
    expected = sorted([*NUMBERS[:4], NUMBERS[5]])

    async def told() -> bool:
        return {str(mail.message["X-Fax-Number"]) for mail in house.sink.those(event="delivered")} >= set(expected)

    await until("all are delivered", told)
    assert sorted(fax["faxNumber"] for fax in await sandbox.taken()) == expected
    assert (await house.http.get(f"{daemon.admin_url}/health/ready")).status_code == 200
    assert await daemon.stop() == 0
    delivered = [str(mail.message["Message-ID"]) for mail in house.sink.those(event="delivered")]
    assert len(set(delivered)) == len(expected)


async def test_the_work_of_a_dead_daemon_is_taken_over(house: House, store: dict[str, str], cluster: Cluster) -> None:
    """What one had in hand when it died, the other does within a minute, not before; nothing is done twice."""
    sandbox = await _migrated(house, store)
    first = await house.spawn_daemon(BRIDGE_TESTS_CRASH_AT="prepare.claimed:1")
    await house.is_up(first)
    await first.take(a_pdf_mail(DELIVERED), DELIVERED)
    assert await first.ended() == -signal.SIGKILL
    died = time.monotonic()
    second = await house.start_daemon()
    await second.take(a_pdf_mail(NUMBERS[1]), NUMBERS[1])
    await house.sink.wait(event="delivered")
    owners = "SELECT count(*) FROM fax WHERE state = 'accepted' AND lease_until > now() + interval '20 s'"
    assert _sql(cluster, store, owners) == "1", "it is still the dead one's"

    async def taken_over() -> bool:
        return _sql(cluster, store, "SELECT count(*) FROM fax WHERE state = 'accepted'") == "0"

    await until("its work is taken over", taken_over, LEASE_SECONDS + SLACK)
    assert LEASE_SECONDS - SLACK < time.monotonic() - died < LEASE_SECONDS + SLACK
    notices = await house.sink.wait(2, event="delivered")
    assert sorted(str(notice.message["X-Fax-Number"]) for notice in notices) == [DELIVERED, NUMBERS[1]]
    assert sorted(fax["faxNumber"] for fax in await sandbox.taken()) == [DELIVERED, NUMBERS[1]]
    assert await second.stop() == 0


async def test_one_of_two_freezes_past_its_lease_and_thaws(
    house: House, store: dict[str, str], cluster: Cluster
) -> None:
    """Its work goes to the other; thawed it faxes nothing twice, and every fax has one final word."""
    sandbox = await _migrated(house, store)
    first = await house.start_daemon()
    await sandbox.plan({"on": "fax-send", "do": {"delay": 0.5}})
    await first.take(a_pdf_mail(NUMBERS[0]), NUMBERS[0])
    await until("it has something in hand", lambda: _in_hand(cluster, store))
    second = await house.start_daemon()
    for number in NUMBERS[1:]:
        await first.take(a_pdf_mail(number), number)
    first.send(signal.SIGSTOP)
    stopped = time.monotonic()
    await second.take(a_pdf_mail(DELIVERED_TOO), DELIVERED_TOO)
    await house.sink.wait(event="delivered")

    async def nothing_but_the_frozen_ones() -> bool:
        waiting = "SELECT count(*) FROM fax WHERE state IN ('accepted', 'ready', 'sending') AND lease_until IS NULL"
        return _sql(cluster, store, waiting) == "0"

    await until("the other has done what it can", nothing_but_the_frozen_ones)
    await asyncio.sleep(max(LEASE_SECONDS + 2 - (time.monotonic() - stopped), 0))  # real time, for a real process
    await until("the other has taken over", nothing_but_the_frozen_ones)
    first.send(signal.SIGCONT)
    expected = sorted([*NUMBERS, DELIVERED_TOO])

    open_ends = "SELECT number, state, due_at, lease_owner, lease_until FROM fax WHERE state <> 'delivered'"

    async def all_ended() -> bool:
        return not _sql(cluster, store, open_ends)

    try:  # what the thawed one fails at, its connections being gone, waits for the end of its lease
        await until("every fax is delivered", all_ended, 2 * LEASE_SECONDS)
    except AssertionError as error:
        said = [line for daemon in (first, second) for line in daemon.lines]
        raise AssertionError("\n".join([str(error), _sql(cluster, store, open_ends), *said])) from None
    await house.sink.wait(len(expected), event="delivered")
    assert await first.stop() == 0
    assert await second.stop() == 0
    assert sorted(fax["faxNumber"] for fax in await sandbox.taken()) == expected
    delivered = house.sink.those(event="delivered")
    assert sorted({str(mail.message["X-Fax-Number"]) for mail in delivered}) == expected
    assert len({mail.message["Message-ID"] for mail in delivered}) == len(expected)
    assert len({mail.content for mail in delivered}) == len(expected), "a mail in the hand of the frozen one may repeat"


async def test_one_freezes_amid_a_transaction(house: House, store: dict[str, str]) -> None:
    """It holds up the others for ten seconds at most, though each write waits for all others; thawed, it goes on."""
    sandbox = await _migrated(house, store)
    frozen = await house.spawn_daemon(BRIDGE_TESTS_CRASH_AT="store.run:10:freeze")
    await house.is_up(frozen)

    async def stands_still() -> bool:
        return await asyncio.to_thread(_stands_still, frozen.child.pid)

    await until("it stands still", stands_still)
    stopped = time.monotonic()
    other = await house.start_daemon()
    await other.take(a_pdf_mail(NUMBERS[0]), NUMBERS[0])
    assert time.monotonic() - stopped < FROZEN_SECONDS + SLACK
    await house.sink.wait(event="delivered")
    frozen.send(signal.SIGCONT)
    await frozen.take(a_pdf_mail(NUMBERS[1]), NUMBERS[1])
    await house.sink.wait(2, event="delivered")
    for daemon in (frozen, other):
        assert await daemon.stop() == 0
    assert sorted(fax["faxNumber"] for fax in await sandbox.taken()) == NUMBERS[:2]


async def test_two_freeze_with_the_next_step_before_them(house: House, store: dict[str, str], cluster: Cluster) -> None:
    """One stood still right before its call, one right before its mail: thawed, they leave it to who took over."""
    sandbox = await _migrated(house, store)
    poster = await house.spawn_daemon(BRIDGE_TESTS_CRASH_AT="post.claimed:1:freeze")
    await house.is_up(poster)
    await poster.take(a_pdf_mail(NUMBERS[0]), NUMBERS[0])
    held = "SELECT count(*) FROM outbox WHERE lease_owner IS NOT NULL"

    async def has_a_mail_in_hand() -> bool:
        return _sql(cluster, store, held) == "1"

    await until("it has its mail in hand", has_a_mail_in_hand)
    caller = await house.spawn_daemon(BRIDGE_TESTS_CRASH_AT="submit.intended:1:freeze")
    await house.is_up(caller)
    await caller.take(a_pdf_mail(NUMBERS[1]), NUMBERS[1])

    async def has_its_intent_written() -> bool:
        return _sql(cluster, store, "SELECT count(*) FROM fax WHERE state = 'submitting'") == "1"

    await until("it has its intent written", has_its_intent_written)
    third = await house.start_daemon()

    async def nobody_knows() -> bool:
        return _sql(cluster, store, "SELECT count(*) FROM fax WHERE state = 'unconfirmed'") == "1"

    await until("the call counts as one nobody knows of", nobody_knows, LEASE_SECONDS + SLACK)
    await house.sink.wait(event="delivered")
    for frozen in (poster, caller):
        frozen.send(signal.SIGCONT)
    await caller.event("fax.not_taken", cause="not-reached")
    await poster.event("worker.lease_lost", worker="post")
    await third.take(a_pdf_mail(NUMBERS[2]), NUMBERS[2])
    (again,) = (fax for fax in await house.run_json("list") if fax["number"] == NUMBERS[1])
    assert (await house.run("retry", again["id"], "--wait")).status == 0
    await house.sink.wait(3, event="delivered")
    for daemon in (poster, caller, third):
        assert await daemon.stop() == 0
    assert sorted(fax["faxNumber"] for fax in await sandbox.taken()) == NUMBERS[:3]
    assert len(house.sink.mails) == 3, "each notice once"


def _stands_still(process: int) -> bool:
    return "State:\tT" in Path(f"/proc/{process}/status").read_text()


def _sql(cluster: Cluster, store: dict[str, str], statement: str) -> str:
    return cluster.sql(statement, urlsplit(store["database"]).path[1:]).strip()


async def _in_hand(cluster: Cluster, store: dict[str, str]) -> bool:
    """Whether a lease is held."""
    held = " UNION ".join(f"SELECT lease_owner FROM {table.name}" for table in LEASED)
    return _sql(cluster, store, f"SELECT max(lease_owner) FROM ({held}) AS held") != ""
