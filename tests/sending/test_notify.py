"""What senders ask of their notices is honoured (RFC 3461): which they get, where, and what they are given back."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from bridge.fax.jobs import Fax
from bridge.fax.states import FaxState
from bridge.fax.wishes import Notify, Ret
from bridge.sending import report, returning
from bridge.sending.report import Reporter
from bridge.store import tables
from tests.support.sending_stand import conclude, taken_on
from tests.support.store_bench import ADMIN, MAIL as MESSAGE, SENDER, Bench
from tests.support.store_carrier import MAIL, OPTIONS
from tests.support.unit_mail import parts_of, status_of, text_of

QUIET = replace(OPTIONS, delivered=False)
NAMED = replace(OPTIONS, senders=("*@example.org",))
NEVER, SUCCESS, FAILURE, DELAY = Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY


async def _states(bench: Bench) -> dict[str, str]:
    """By recipient, how the one mail to it stands."""
    return {mail.recipient: mail.state for mail in await bench.rows(tables.outbox)}


async def _notice(bench: Bench, recipient: str = SENDER) -> bytes:
    """The one mail to that recipient."""
    (mail,) = await bench.rows(tables.outbox, tables.outbox.c.recipient == recipient)
    return await bench.store.read_blob(mail.blob_id)


@pytest.mark.parametrize("slug", ["delivered", "partial", "busy", "cancelled", "unconfirmed"])
@pytest.mark.parametrize("notify", [{NEVER}, {SUCCESS}, {FAILURE}, {DELAY}, {SUCCESS, FAILURE, DELAY}])
async def test_a_sender_gets_what_it_asked_for(bench: Bench, slug: str, notify: set[Notify]) -> None:
    """NOTIFY decides which notices a sender gets; others are suppressed with their reason, and history says so."""
    (fax,) = await taken_on(bench, notify=frozenset(notify))
    await conclude(bench, Reporter(bench.desk, QUIET, MAIL), fax, slug)
    wish = {"delivered": SUCCESS, "unconfirmed": DELAY}.get(slug, FAILURE)
    (mail,) = await bench.rows(tables.outbox, tables.outbox.c.recipient == SENDER)
    lines = [line for line in await bench.history(fax) if line.event == "notice_suppressed"]
    if wish in notify:
        assert (mail.state, mail.reason, lines) == ("waiting", None, [])
        return
    asked = ",".join(sorted(notify))
    reason = f"the sender asked for no such notice (NOTIFY={asked})"
    assert (mail.state, mail.reason, mail.blob_id, mail.due_at) == ("suppressed", reason, None, None)
    assert [line.detail for line in lines] == [f"{mail.event} to {SENDER}: {reason}"]


async def test_never_hides_nothing_from_the_operator(bench: Bench) -> None:
    """The admin's copies are not touched by NOTIFY, and say that the sender was not told."""
    (fax,) = await taken_on(bench, notify=frozenset({NEVER}))
    await conclude(bench, Reporter(bench.desk, OPTIONS, MAIL), fax, "unconfirmed")
    assert await _states(bench) == {SENDER: "suppressed", ADMIN: "waiting"}
    text = text_of(parts_of(await _notice(bench, ADMIN))[0])
    assert "The sender asked for no such notice. It would have said:" in text
    assert "is told" not in text
    assert (await bench.fax(fax.id)).state is FaxState.UNCONFIRMED


@pytest.mark.parametrize("delivered", [True, False])
async def test_without_a_wish_the_site_decides(bench: Bench, delivered: bool) -> None:
    """Without NOTIFY a success is told as notices.delivered has it."""
    (fax,) = await taken_on(bench)
    await conclude(bench, Reporter(bench.desk, replace(OPTIONS, delivered=delivered), MAIL), fax, "delivered")
    (mail,) = await bench.rows(tables.outbox)
    assert (mail.state, mail.reason) == (("waiting", None) if delivered else ("suppressed", report.NOT_WANTED))


@pytest.mark.parametrize("tell_admin", [False, True])
async def test_notices_go_where_it_was_settled(bench: Bench, tell_admin: bool) -> None:
    """Where it was settled when the fax was taken on to whom its notices go, they go there and not to the sender."""
    (fax,) = await taken_on(bench, notice_to="front-desk@example.org")
    await conclude(bench, Reporter(bench.desk, OPTIONS, MAIL), fax, "busy", tell_admin=tell_admin)
    assert await _states(bench) == {"front-desk@example.org": "waiting"} | ({ADMIN: "waiting"} if tell_admin else {})
    (mail,) = await bench.rows(tables.outbox, tables.outbox.c.recipient != ADMIN)
    assert mail.purpose == f"fax/{fax.id}/final/front-desk@example.org"
    words = text_of(parts_of(await _notice(bench, "front-desk@example.org"))[0])
    assert "is told" not in words
    if tell_admin:
        copy = text_of(parts_of(await _notice(bench, ADMIN))[0])
        assert "front-desk@example.org is told:" in copy


@pytest.mark.parametrize(("sender", "notice_to"), [("", None), (SENDER, ADMIN), (ADMIN, None)])
@pytest.mark.parametrize("tell_admin", [False, True])
async def test_the_admin_in_the_senders_stead(
    bench: Bench, sender: str, notice_to: str | None, tell_admin: bool
) -> None:
    """Where the admin gets the sender's notice there is one mail, and a NOTIFY of another's does not touch it."""
    (fax,) = await taken_on(bench, sender=sender, notice_to=notice_to, notify=frozenset({NEVER}))
    await conclude(bench, Reporter(bench.desk, OPTIONS, MAIL), fax, "busy", tell_admin=tell_admin)
    his_own = sender == ADMIN and not tell_admin
    assert await _states(bench) == {ADMIN: "suppressed" if his_own else "waiting"}


# What comes back


async def _failed(bench: Bench, reporter: Reporter, mail: bytes = MESSAGE, **wishes: object) -> tuple[Fax, list[str]]:
    """A fax that fails at once, and the kinds of the parts of the sender's notice."""
    (fax,) = await taken_on(bench, mail=mail, **wishes)  # type: ignore[arg-type]
    await conclude(bench, reporter, fax, "busy")
    return fax, [part.get_content_type() for part in parts_of(await _notice(bench))]


async def test_envelope_id_and_original_recipient(bench: Bench) -> None:
    """ENVID and ORCPT come back in the report."""
    await _failed(
        bench,
        Reporter(bench.desk, OPTIONS, MAIL),
        envelope_id="QQ314159",
        original_recipient="rfc822;Pharmacy@clinic.example",
    )
    message, fax = status_of(await _notice(bench))
    assert message["Original-Envelope-Id"] == "QQ314159"
    assert fax["Original-Recipient"] == "rfc822; Pharmacy@clinic.example"


@pytest.mark.parametrize(
    ("ret", "named", "kinds"),
    [
        (None, True, []),
        (Ret.HDRS, True, ["text/rfc822-headers"]),
        (Ret.FULL, True, ["message/rfc822"]),
        (Ret.FULL, False, ["text/rfc822-headers"]),
    ],
)
async def test_what_is_given_back(bench: Bench, ret: Ret | None, named: bool, kinds: list[str]) -> None:
    """RET decides what a notice of failure gives back; a whole mail goes only to those whom policy.senders names."""
    reporter = Reporter(bench.desk, NAMED if named else OPTIONS, MAIL)
    _, found = await _failed(bench, reporter, ret=ret)
    assert found == ["multipart/alternative", "message/delivery-status", *kinds]
    notice = await _notice(bench)
    assert (MESSAGE in notice) is (kinds == ["message/rfc822"])
    assert (b"see attachment" in notice) is (kinds == ["message/rfc822"])


@pytest.mark.parametrize("slug", ["delivered", "unconfirmed"])
async def test_a_whole_mail_comes_back_with_failures_alone(bench: Bench, slug: str) -> None:
    """A notice that tells of no failure gives the header back, even for RET=FULL (RFC 3461, 4.3)."""
    (fax,) = await taken_on(bench, ret=Ret.FULL)
    await conclude(bench, Reporter(bench.desk, NAMED, MAIL), fax, slug)
    assert [part.get_content_type() for part in parts_of(await _notice(bench))][2:] == ["text/rfc822-headers"]


async def test_the_operators_copy_gives_nothing_back(bench: Bench) -> None:
    """RET is the sender's wish: the admin's copy carries no document."""
    (fax,) = await taken_on(bench, ret=Ret.FULL)
    reporter = Reporter(bench.desk, replace(NAMED, senders=("*@example.org",)), MAIL)
    await conclude(bench, reporter, fax, "busy", tell_admin=True)
    assert len(parts_of(await _notice(bench))) == 3
    assert len(parts_of(await _notice(bench, ADMIN))) == 2


async def test_a_long_mail_comes_back_as_its_header(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a mail above the limit the header comes back."""
    monkeypatch.setattr(returning, "RETURNED_LIMIT", len(MESSAGE) - 1)
    _, kinds = await _failed(bench, Reporter(bench.desk, NAMED, MAIL), ret=Ret.FULL)
    assert kinds[2:] == ["text/rfc822-headers"]


@pytest.mark.parametrize("gone", [False, True])
async def test_a_damaged_mail_stops_no_notice(bench: Bench, gone: bool) -> None:
    """Of a mail that is damaged the header comes back, if that can be read; of one that is gone nothing does."""
    (fax,) = await taken_on(bench, ret=Ret.FULL)
    (message,) = await bench.rows(tables.message)
    if gone:
        bench.blob_path(message.blob_id).unlink()
    else:
        bench.damage(message.blob_id)
    await conclude(bench, Reporter(bench.desk, NAMED, MAIL), fax, "busy")
    kinds = [part.get_content_type() for part in parts_of(await _notice(bench))]
    assert kinds[2:] == ([] if gone else ["text/rfc822-headers"])


async def test_a_notice_to_an_address_beyond_ascii(bench: Bench) -> None:
    """A sender of RFC 6531 gets its notice, whose header is ASCII and names it readably."""
    (fax,) = await taken_on(bench, sender="josé@example.org")
    await conclude(bench, Reporter(bench.desk, OPTIONS, MAIL), fax, "busy")
    notice = await _notice(bench, "josé@example.org")
    assert notice.isascii()
    (group,) = message_from_bytes(notice, policy=default)["To"].groups
    assert (group.display_name, group.addresses) == ("josé@example.org", ())
