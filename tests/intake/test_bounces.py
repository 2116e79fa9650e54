"""Mail to bounce addresses, in real dialogues: what it becomes is on disk before the 250."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.fax.arrivals import Announcement, Delivery, DeliveryState
from bridge.fax.options import Target
from bridge.store import arrivals
from tests.support.intake_stand import MAIL, NUMBER, Site, a_site
from tests.unit.test_bounces import NO_USER, OTHER, postfix, report

FAILURE = report(NO_USER)
DELAY = report(postfix(b"delayed", b"4.4.1", b"x"))
AWAY = OTHER["out of office"]


async def an_address(site: Site, mailbox: str = "front-desk@example.org") -> str:
    """A bounce address of a received fax's mail to that mailbox."""
    desk, now = site.desk, site.desk.clock.now()
    made = Delivery(desk.ids.new(), "", Target.mail(mailbox), desk.ids.token(), DeliveryState.DELIVERED, now)

    def unit(connection: sa.Connection) -> None:
        heard = Announcement(made.id, made.id)
        received, _ = arrivals.announce(connection, heard, desk.ids.new(), now, listed=True, by="list")
        row = Delivery(made.id, received.id, made.target, made.token, made.state, now)
        arrivals.add_deliveries(connection, [row])

    await desk.store.write(unit)
    return f"bounce+{made.token}@fax.local"


def rows(site: Site) -> tuple[int, int, int]:
    """How many bounces are to be worked off, how many mails go to the operator, how many remarks there are."""
    [found] = site.kept.rows(
        "SELECT (SELECT count(*) FROM bounce WHERE due_at NOTNULL), (SELECT count(*) FROM outbox),"
        " (SELECT count(*) FROM history WHERE event LIKE 'mail_%')"
    )
    return int(found[0]), int(found[1]), int(found[2])


@pytest.mark.parametrize("sender", ["", "mailer-daemon@example.org"])
@pytest.mark.parametrize(
    ("mail", "becomes"), [(FAILURE, (1, 0, 0)), (DELAY, (0, 0, 1)), (AWAY, (0, 1, 1))], ids=["failed", "delay", "away"]
)
async def test_what_it_becomes(sender: str, mail: bytes, becomes: tuple[int, int, int], tmp_path: Path) -> None:
    """A failure is a row to be worked off, a delay a remark, an automatic reply a remark and the operator's to read."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(await an_address(site), sender=sender)
        assert (await line.data(mail)).startswith("250 2.0.0 ")
        assert rows(site) == becomes
        assert site.kept.counts()[:2] == (1, 0)


async def test_replies_of_an_absent_person(tmp_path: Path) -> None:
    """Of many answers to one mail of ours the operator gets the first; no file of the others' copies is left."""
    async with a_site(tmp_path) as site:
        address = await an_address(site)
        line = await site.greeted()
        for _ in range(3):
            await line.envelope(address, sender="")
            assert (await line.data(AWAY + b"x\r\n" * 50_000)).startswith("250 2.0.0 ")
        assert rows(site) == (0, 1, 3)
        assert len(site.kept.files()) == 4, "three mails as they came, and one that goes on"


async def test_beside_other_recipients(tmp_path: Path) -> None:
    """A bounce for two mails of ours is two rows; one that goes to postmaster too is his to read as well."""
    async with a_site(tmp_path) as site:
        one, two = await an_address(site), await an_address(site, "archive@example.org")
        line = await (await site.greeted()).envelope(one, two, one, "postmaster@fax.local")
        assert (await line.data(FAILURE)).startswith("250 2.0.0 ")
        assert rows(site) == (2, 1, 0)


async def test_beside_a_fax(tmp_path: Path) -> None:
    """A report that is addressed to a number as well is faxed no more than any automatic mail, and leaves nothing."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(await an_address(site), f"{NUMBER}@fax.local")
        assert (await line.data(FAILURE)).startswith("550 5.7.1 ")
        assert rows(site) == (0, 0, 0)
        line = await line.envelope(await an_address(site, "x@example.org"), f"{NUMBER}@fax.local")
        assert (await line.data(MAIL)).startswith("250 2.0.0 ")
        assert rows(site) == (0, 1, 1)
        assert len(site.kept.faxes()) == 1


async def test_a_database_that_fails(tmp_path: Path) -> None:
    """Where the row cannot be written the bounce is not taken: 451, and nothing of it is kept."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(await an_address(site), sender="")
        site.kept.alter("ALTER TABLE bounce RENAME TO away")
        assert (await line.data(FAILURE + b"x\r\n" * 50_000)).startswith("451 4.3.0 ")
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []
        site.kept.alter("ALTER TABLE away RENAME TO bounce")
