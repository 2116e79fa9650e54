"""What a mail wishes in its subject is done, told or refused when it is taken on, as what its header asks for is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.fax import asked
from bridge.fax.asked import Asked, BadOption
from bridge.fax.options import Identity
from bridge.intake.envelopes import PreviewRecipient
from bridge.store import tables
from tests.support.acceptance_stand import Stand, a_mail, a_stand, permission
from tests.support.store_bench import OTHER

EAST = "+12125550199"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    """An acceptor on a fresh store."""
    with a_stand(tmp_path) as opened:
        yield opened


async def kept(stand: Stand) -> list[Asked]:
    """What the mails that were taken on ask for."""
    query = sa.select(tables.message.c.asked).order_by(tables.message.c.id)
    return await stand.bench.store.read(lambda connection: [asked.kept(row.asked) for row in connection.execute(query)])


async def test_what_is_wished_is_kept(stand: Stand) -> None:
    """All of it, and a time is by the clock where the number is."""
    subject = "results [fax: cover=no, after=2026-11-30T08:00, quality=fine, paper=a4, reference=4711]"
    await stand.submit(EAST, mail=a_mail(Subject=subject, X_Fax_Option=None))
    assert await kept(stand) == [
        Asked(after="2026-11-30T08:00", cover=False, quality="fine", paper="a4", reference="4711")
    ]
    (fax,) = await stand.faxes()
    assert fax.not_before == datetime(2026, 11, 30, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("x [fax: covr=no]", "[fax: covr=no] is no option here; did you mean cover?"),
        ("x [fax: to=anna@example.org]", "[fax: to=anna@example.org] is no option here; there are after"),
        ("x [fax: cover=perhaps]", "the subject: cover=perhaps is not understood; cover is one of yes, no, none"),
        ("x [fax: after=noon]", "the subject: after=noon is not a time; write 2026-11-30T08:00 or 08:00"),
        ("x [fax: cover=yes]", "X-Fax-Option and the subject: cover stands there twice, with two values"),
        ("x [fax: cover=no", "[fax: cover=no lacks its closing bracket"),
    ],
)
async def test_what_is_not_understood_is_answered(stand: Stand, subject: str, why: str) -> None:
    """The mail is not taken on, and its sender reads why and what to write."""
    header = "body=page" if "perhaps" in subject else "cover=no"
    with pytest.raises(BadOption) as refused:
        await stand.submit(OTHER, mail=a_mail(Subject=subject, X_Fax_Option=header))
    assert refused.value.smtp.startswith(f"550 5.6.0 {why}")
    assert refused.value.smtp.isascii()
    assert await stand.faxes() == []
    assert stand.bench.blob_files() == set()


@pytest.mark.parametrize("written", ["reference=4711, cover=no", "cover=no, paper=a4", "after=08:00 quality=fine"])
async def test_two_wishes_in_the_header_are_parted(stand: Stand, written: str) -> None:
    """With the comma of the subject, or with nothing, one of them would be lost in the value of the other."""
    with pytest.raises(BadOption) as refused:
        await stand.submit(OTHER, mail=a_mail(X_Fax_Option=written))
    assert refused.value.smtp == (
        f"550 5.6.0 X-Fax-Option: {written} is not understood; write a semicolon between two wishes"
    )


async def test_what_the_sender_may_not_choose_is_told(stand: Stand) -> None:
    """It changes nothing, and has its line."""
    desk = permission(Identity("desk", options=frozenset({"cover"})))
    await stand.submit(OTHER, under=desk, mail=a_mail(Subject="x [fax: quality=fine, cover=no]", X_Fax_Option=None))
    (found,) = await kept(stand)
    assert (found.cover, found.quality) == (False, None)
    assert [each.written for each in found.unheeded] == ["[fax: quality=fine]"]


async def test_a_preview_has_its_wishes_too(stand: Stand) -> None:
    """It shows what the fax would be, and is refused where that would be."""
    named = permission(senders=("*@example.org",))
    wanted = [PreviewRecipient("preview@fax.local")]
    await stand.submit(faxes=[], previews=wanted, under=named, mail=a_mail(Subject="[fax: paper=a4] x"))
    assert [each.paper for each in await kept(stand)] == ["a4"]
    with pytest.raises(BadOption, match="did you mean paper"):
        await stand.submit(faxes=[], previews=wanted, under=named, mail=a_mail(Subject="[fax: papre=a4] x"))


async def test_mail_to_our_own_mailboxes_wishes_nothing(stand: Stand) -> None:
    """A question to the postmaster about a wish is a question."""
    await stand.submit(own=True, mail=a_mail(Subject="what is [fax: covr=no] good for?"))
    assert await kept(stand) == [Asked()]
