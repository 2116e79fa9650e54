"""The named crash points in the order in which they are visited: a row of lives, each ended at one of them.

A life takes over what the one before left. Most rows follow one fax on its way, through every other step of it: at two
in a row with no progress between them it would be suspected, and tried again only after some seconds of uptime.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bridge.runtime.crash import Point
from tests.crash.stage import Stage, a_big_mail, divided
from tests.support.processes import OUR_NUMBER, Daemon, a_pdf_mail, until

NOTHING = "nothing"
"""No row is there."""

LEFT: Mapping[str, str] = {
    "fax": "SELECT state FROM fax WHERE number = :subject",
    "received": "SELECT state FROM received WHERE carrier_job_id = :subject",
    "mail": "SELECT state FROM outbox WHERE fax_id = (SELECT id FROM fax WHERE number = :subject)",
    "command": "SELECT CASE WHEN done_at IS NULL THEN 'open' ELSE 'done' END AS state FROM command ORDER BY id DESC",
    "bounce": "SELECT CASE WHEN done_at IS NULL THEN 'open' ELSE 'done' END AS state FROM bounce",
    "preview": "SELECT CASE WHEN done_at IS NULL THEN 'open' ELSE 'done' END AS state FROM preview ORDER BY id DESC",
    "reply": "SELECT CASE WHEN result IS NULL THEN 'open' WHEN done_at IS NULL THEN 'acted' ELSE 'done' END AS state"
    " FROM reply ORDER BY id DESC",
    "schema": "SELECT 'there' AS state FROM sqlite_master WHERE name = 'alembic_version'",
}
"""How what the dead left is looked at; the subject is the newest fax's number or job."""

Scene = Callable[[Stage, Daemon], Awaitable[str]]
"""What happens in a life; the subject from then on."""


@dataclass(frozen=True)
class Life:
    """One that ends as it passes ``point`` for the ``nth`` time, leaving the subject in one of the states ``left``."""

    point: Point
    of: str
    left: tuple[str, ...]
    scene: Scene | None = None
    nth: int = 1


async def a_mail_comes(stage: Stage, _: Daemon) -> str:
    """A small one, for one fax."""
    number = stage.number()
    stage.hand_in(a_pdf_mail(number), number)
    return number


async def a_big_mail_comes(stage: Stage, _: Daemon) -> str:
    """One whose bytes lie in files, on their way in and on their way out."""
    number = stage.number()
    stage.hand_in(a_big_mail(number), number)
    return number


async def a_divided_mail_comes(stage: Stage, _: Daemon) -> str:
    """In two pieces, which are one fax."""
    number = stage.number()
    for piece in divided(a_pdf_mail(number), 2):
        stage.hand_in(piece, number)
    return number


async def a_preview_is_asked_for(stage: Stage, _: Daemon) -> str:
    """A small mail whose pages come back by mail."""
    stage.ask_for_a_preview()
    return ""


async def half_a_mail_comes(stage: Stage, _: Daemon) -> str:
    """The client waits with the other half."""
    number = stage.number()
    await stage.half_a_mail(number)
    return number


async def a_fax_comes(stage: Stage, daemon: Daemon) -> str:
    """From outside, with its hook; after the daemon's look at the list as it starts, which might find it first."""

    async def has_looked() -> bool:
        return bool(daemon.events("poll.done")) or daemon.child.returncode is not None

    await stage.house.is_up(daemon)
    await until("the first look at the list", has_looked)
    fax = await stage.carrier.receive(to=OUR_NUMBER)
    return str(fax["jobId"])


async def a_mail_comes_back(stage: Stage, daemon: Daemon) -> str:
    """The mail of a received fax, after the relay had taken it, and said so."""
    await stage.house.is_up(daemon)
    await stage.house.settled()
    sender = next(mail.sender for mail in stage.house.sink.mails if mail.event == "received")
    await stage.send_back(sender)
    return ""


async def an_operator_resends(stage: Stage, daemon: Daemon) -> str:
    """The first fax, once it is delivered, to a number that no fax went to yet."""
    await stage.house.is_up(daemon)
    (first,) = stage.house.rows("SELECT id, number FROM fax")
    await stage.house.fax_in(first["number"], "delivered")
    number = stage.number()
    stage.asked_for(number)
    ran = await stage.house.run("resend", first["id"], "--to", number)
    assert (ran.status, ran.err) == (0, "")
    return number


async def an_answer_comes(stage: Stage, daemon: Daemon) -> str:
    """The first fax's sender has got its notice, and wants it faxed to a number that no fax went to yet."""
    await stage.house.is_up(daemon)
    [notice] = await stage.house.sink.wait(event="delivered")
    number = stage.number()
    stage.asked_for(number)
    stage.answer(notice.message, f"resend to {number}")
    return ""


async def the_answer_is_yes(stage: Stage, daemon: Daemon) -> str:
    """The sender was asked back about that number."""
    await stage.house.is_up(daemon)
    [question] = await stage.house.sink.wait(event="reply")
    stage.answer(question.message, "yes")
    return ""


async def an_operator_asks(stage: Stage, daemon: Daemon) -> str:
    """For what was set aside."""
    await stage.house.is_up(daemon)
    ran = await stage.house.run("backlog", "--release")
    assert (ran.status, ran.err) == (0, "")
    return ""


INTAKE = (
    Life(Point.INTAKE_READING, "fax", (NOTHING,), half_a_mail_comes),
    Life(Point.BLOB_WRITTEN, "fax", (NOTHING,), a_big_mail_comes),
    Life(Point.BLOB_SYNCED, "fax", (NOTHING,)),
    Life(Point.BLOB_NAMED, "fax", (NOTHING,)),
    Life(Point.INTAKE_STORED, "fax", (NOTHING,)),
    Life(Point.INTAKE_ANSWERED, "fax", ("accepted",)),
    Life(Point.INTAKE_COMMITTED, "fax", ("accepted",), a_big_mail_comes),
)
"""One mail, whose client tries again each time; then one that is kept and whose client does not hear of it."""

SENDING = (
    (
        Life(Point.PREPARE_CLAIMED, "fax", ("accepted",), a_mail_comes),
        Life(Point.PREPARE_COMMITTED, "fax", ("ready",)),
        Life(Point.SUBMIT_CLAIMED, "fax", ("ready",)),
        Life(Point.SUBMIT_COMMITTED, "fax", ("sending",)),
        Life(Point.TRACK_CLAIMED, "fax", ("sending",)),
        Life(Point.NOTICE_COMMITTED, "fax", ("delivered",)),
        Life(Point.POST_CLAIMED, "mail", ("waiting",)),
        Life(Point.POST_COMMITTED, "mail", ("sent",)),
    ),
    (
        Life(Point.PREPARE_RENDERED, "fax", ("accepted",), a_mail_comes),
        Life(Point.TRIAL_WORKED, "fax", ("ready",)),
        Life(Point.TRACK_ANSWERED, "fax", ("sending",)),
        Life(Point.POST_TAKEN, "mail", ("waiting",)),
    ),
    (
        Life(Point.PREPARE_STORED, "fax", ("accepted",), a_mail_comes),
        Life(Point.TRIAL_BEGUN, "fax", ("accepted",)),
        Life(Point.NOTICE_STORED, "fax", ("sending",)),
        Life(Point.ORDER_CLAIMED, "fax", (NOTHING,), an_operator_resends),
        Life(Point.ORDER_COMMITTED, "fax", ("ready", "accepted")),
    ),
)
"""One fax each, from its pages to its notice; the last one an operator has sent to somebody else."""

JOINING = (
    Life(Point.PREPARE_JOINED, "fax", ("accepted",), a_divided_mail_comes),
    Life(Point.PREPARE_COMMITTED, "fax", ("cancelled", "ready")),
    Life(Point.PREPARE_STORED, "fax", ("accepted",), a_divided_mail_comes),
)
"""Two mails that a machine divided."""

LOOKING = (
    Life(Point.PREVIEW_CLAIMED, "preview", ("open",), a_preview_is_asked_for),
    Life(Point.PREVIEW_COMMITTED, "preview", ("done",)),
    Life(Point.PREVIEW_RENDERED, "preview", ("open",), a_preview_is_asked_for),
)
"""Two mails that are looked at, and not faxed."""

ANSWERING = (
    Life(Point.NOTICE_COMMITTED, "fax", ("delivered",), a_mail_comes),
    Life(Point.REPLY_CLAIMED, "reply", ("open",), an_answer_comes),
    Life(Point.REPLY_ACTED, "reply", ("acted",)),
    Life(Point.REPLY_TOLD, "reply", ("done",)),
    Life(Point.REPLY_CLAIMED, "reply", ("open",), the_answer_is_yes),
    Life(Point.REPLY_ACTED, "reply", ("acted",)),
    Life(Point.REPLY_TOLD, "reply", ("done",)),
)
"""One fax whose notice is answered, and then the question that comes back."""

CALLING = (
    Life(Point.TRACK_COMMITTED, "fax", ("delivered",), a_mail_comes),
    Life(Point.SUBMIT_INTENDED, "fax", ("submitting",), a_mail_comes),
    Life(Point.SETTLE_FOUND, "fax", ("submitting",)),
    Life(Point.CALL_UNSENT, "fax", ("submitting",), a_mail_comes),
    Life(Point.CALL_BEGUN, "fax", ("submitting",), a_big_mail_comes),
    Life(Point.CALL_SENT, "fax", ("submitting",), a_mail_comes),
    Life(Point.SUBMIT_ANSWERED, "fax", ("submitting",), a_mail_comes),
)
"""A fax each: what the carrier made of its call nobody knows."""

EVIDENCE = (
    Life(Point.SUBMIT_ANSWERED, "fax", ("submitting",), a_mail_comes),
    Life(Point.SETTLE_COMMITTED, "fax", ("unconfirmed",)),
    Life(Point.INQUIRE_CLAIMED, "fax", ("unconfirmed",)),
    Life(Point.INQUIRE_COMMITTED, "fax", ("sending", "delivered")),
    Life(Point.SUBMIT_ANSWERED, "fax", ("submitting",), a_mail_comes),
    Life(Point.INQUIRE_ANSWERED, "fax", ("unconfirmed",)),
)
"""Two faxes that the carrier has, and whose answer was not heard: a hook speaks of them."""

RECEIVING = (
    (
        Life(Point.HOOK_READ, "received", (NOTHING,), a_fax_comes),
        Life(Point.POLL_READ, "received", (NOTHING,)),
        Life(Point.POLL_RECORDED, "received", ("announced",)),
        Life(Point.FETCH_CLAIMED, "received", ("announced",)),
        Life(Point.FETCH_COMMITTED, "received", ("fetched",)),
        Life(Point.ROUTE_DRAFTED, "received", ("fetched",)),
        Life(Point.ROUTE_COMMITTED, "received", ("routed",)),
    ),
    (
        Life(Point.FETCH_DOWNLOADED, "received", ("announced",), a_fax_comes),
        Life(Point.POST_TAKEN, "received", ("routed",)),
        # the hook of the first fax may come again in this very life, and be the one that ends it
        Life(Point.HOOK_COMMITTED, "received", ("announced", NOTHING), a_fax_comes),
        Life(Point.FETCH_STORED, "received", ("announced",)),
        Life(Point.BOUNCE_CLAIMED, "bounce", ("open",), a_mail_comes_back),
        Life(Point.BOUNCE_COMMITTED, "bounce", ("done",)),
    ),
)
"""A received fax that a hook spoke of in vain; then two that hooks tell of, and a mail that comes back."""

STARTING = (
    Life(Point.START_MIGRATED, "schema", (NOTHING,)),
    Life(Point.START_FREED, "schema", ("there",)),
)
"""The first lives of a house that has no database yet."""

ASKING = (
    Life(Point.COMMAND_CLAIMED, "command", ("open",), an_operator_asks),
    Life(Point.COMMAND_COMMITTED, "command", ("done",)),
    Life(Point.STORE_RUN, "fax", (NOTHING, "accepted", "ready", "submitting"), a_mail_comes, nth=4),
    Life(Point.STORE_COMMITTED, "fax", (NOTHING, "accepted", "ready", "submitting"), a_mail_comes, nth=6),
)
"""An operator's wish; and transactions, whichever they are."""


async def play(stage: Stage, lives: tuple[Life, ...]) -> None:
    """Each life to its end, looking at what it left; afterwards nobody lives there."""
    subject = ""
    for life in lives:
        daemon = await stage.begin(life.point, life.nth)
        if life.scene is not None:
            subject = await life.scene(stage, daemon)
        await stage.bury(daemon, life.point)
        rows = stage.books.left(LEFT[life.of], subject=subject)
        found = rows[0]["state"] if rows else NOTHING
        assert found in life.left, f"{life.point} left {life.of} {found}, not {' or '.join(life.left)}"


async def live_on(stage: Stage) -> None:
    """A last life on each seat, in which all is worked off."""
    daemons = [await stage.begin(seat=seat) for seat in range(stage.books.seats)]
    for daemon in daemons:
        await stage.house.is_up(daemon)
    await stage.quiet()
    for daemon in daemons:
        assert await daemon.stop() == 0
