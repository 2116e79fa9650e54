"""What a mail asks of the time of its faxes is read when it is taken on, and refused then where it cannot be."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.fax.asked import BadOption
from bridge.fax.options import Identity, QuietHours
from tests.support.acceptance_stand import Stand, a_mail, a_stand, permission
from tests.support.store_bench import OTHER

EAST, WEST = "+12125550199", "+13105550199"
NIGHT, NOON = QuietHours.read("21:00-07:00"), QuietHours.read("12:00-13:00")


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """An acceptor on a fresh store."""
    with a_stand(tmp_path) as opened:
        yield opened


async def test_each_fax_has_the_time_of_its_own_zone(stand: Stand) -> None:
    """One mail to two coasts at eight is two times."""
    await stand.submit(EAST, WEST, mail=a_mail(X_Fax_Option="cover=none; After = 2026-11-30T08:00"))
    assert {fax.number: fax.not_before for fax in await stand.faxes()} == {
        EAST: datetime(2026, 11, 30, 13, tzinfo=UTC),
        WEST: datetime(2026, 11, 30, 16, tzinfo=UTC),
    }


@pytest.mark.parametrize("option", ["cover=none", "", "afterwards=08:00", "after=2026-11-01T08:00", "; ;=;"])
async def test_nothing_asked_is_at_once(stand: Stand, option: str) -> None:
    """Other options, none, and times that are over keep no fax."""
    await stand.submit(OTHER, mail=a_mail(X_Fax_Option=option))
    assert [fax.not_before for fax in await stand.faxes()] == [None]


@pytest.mark.parametrize("option", ["after=soon", "after=", "after", "after=08:00; after=09:00", "after==08:00"])
async def test_a_time_that_cannot_be_read_refuses_the_mail(stand: Stand, option: str) -> None:
    """The mail gets its 550 with the words of what is wrong, and nothing of it is kept."""
    with pytest.raises(BadOption, match="X-Fax-Option: after") as refused:
        await stand.submit(OTHER, mail=a_mail(X_Fax_Option=option))
    assert refused.value.smtp.startswith("550 5.6.0 ")
    assert await stand.faxes() == []
    assert stand.bench.blob_files() == set()


@pytest.mark.parametrize(
    ("site", "own", "counts"),
    [
        (None, None, None),
        (NIGHT, None, NIGHT),
        (None, NOON, NOON),
        (NIGHT, NOON, NOON),
        (NIGHT, QuietHours.read("none"), QuietHours.read("none")),
    ],
)
async def test_whose_quiet_hours_count(
    stand: Stand, site: QuietHours | None, own: QuietHours | None, counts: QuietHours | None
) -> None:
    """An identity's stand over the site's, and the fax keeps those it was taken on under."""
    await stand.submit(OTHER, under=permission(Identity("desk", quiet_hours=own), quiet_hours=site))
    assert [fax.quiet_hours for fax in await stand.faxes()] == [counts]
