"""The vocabulary of log events: a method for each, so that what is logged, and what never is, stands in one place.

No subject, no document, no whole fax number ever is a field here: numbers go through ``masked``. Each event is one
line; JSON off a terminal. ``docs/log-events.md`` lists them; a test holds that page against this class.
"""

import logging
import sys
from typing import Literal, TextIO, cast

import structlog

from bridge.runtime.meters import Meters

VISIBLE_DIGITS = 2
"""Of a fax number only the country's first digits and these last ones are shown."""

LogFormat = Literal["auto", "json", "console"]


def masked(number: str) -> str:
    """A fax number with its middle hidden: ``+1415*****23``; short ones vanish wholly."""
    if len(number) < 8:  # noqa: PLR2004 - nothing that short can be shown in part
        return "*" * len(number)
    return f"{number[:5]}{'*' * (len(number) - 5 - VISIBLE_DIGITS)}{number[-VISIBLE_DIGITS:]}"


def configure_logging(level: str, log_format: LogFormat, stream: TextIO = sys.stderr) -> None:
    """Set up structlog for the process; standard-library loggers of our libraries are cut to warnings.

    aiosmtpd's own logger prints command lines with whole addresses: it is silenced.
    """
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(sort_keys=False) if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", Unbreakable(stream))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", force=True)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
    logging.getLogger("mail.debug").setLevel(logging.CRITICAL + 1)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    for noisy in ("httpx", "httpcore", "uvicorn", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Unbreakable:
    """A stream for the log whose failures harm nobody: a log that cannot be written must not undo what was done.

    ``lost`` counts the writes that failed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, text: str) -> int:
        """As a stream does, or nothing."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):  # the disk is full, the reader is gone, the stream is closed
            self.lost += 1
            return 0

    def flush(self) -> None:
        """As a stream does, or nothing."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self.lost += 1


class Events:
    """Says what happened: to the log, and to the meters where there is one for it."""

    def __init__(self, meters: Meters | None = None) -> None:
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
        self.meters = meters or Meters()

    # The daemon

    def started(self, *, version: str, database: str) -> None:
        self._log.info("daemon.started", version=version, database=database)

    def listening(self, *, what: str, address: str) -> None:
        self._log.info("daemon.listening", what=what, address=address)

    def stopping(self, *, signal: str) -> None:
        self._log.info("daemon.stopping", signal=signal)

    def stopped(self, *, clean: bool) -> None:
        self._log.info("daemon.stopped", clean=clean)

    def worker_failed(self, *, worker: str, error: BaseException) -> None:
        self._log.error("worker.failed", worker=worker, error=type(error).__name__, exc_info=_frames_only(error))

    def lease_lost(self, *, worker: str) -> None:
        self._log.warning("worker.lease_lost", worker=worker)

    def work_left(self, *, what: str, key: str, deaths: int) -> None:
        """A process died with this row of table ``what`` in hand, ``deaths`` times with nothing else."""
        self._log.warning("work.left", what=what, key=key, deaths=deaths)

    def work_set_aside(self, *, what: str, key: str) -> None:
        self._log.error("work.set_aside", what=what, key=key)

    def clock_jumped(self, *, seconds: float, moved: int) -> None:
        """``moved`` rows that would have waited for the time before the jump were moved with it."""
        self._log.warning("clock.jumped", seconds=round(seconds), moved=moved)

    def certificate_read(self, *, certificate: str) -> None:
        self._log.info("certificate.read", certificate=certificate)

    def certificate_refused(self, *, why: str) -> None:
        """The one in use stays in use."""
        self._log.error("certificate.refused", why=why)

    # Mail comes in

    def mail_refused(self, *, client: str, verb: str, reply: str) -> None:
        """``reply`` is cut to its codes: its text may name the number as understood."""
        codes = " ".join(reply.split(" ")[:2])
        self.meters.refused.labels(code=codes.split(" ")[0]).inc()
        self._log.info("mail.refused", client=client, verb=verb, reply=codes)

    def mail_accepted(self, *, client: str, message: str, faxes: int, size: int) -> None:
        self._log.info("mail.accepted", client=client, message=message, faxes=faxes, size=size)

    def intake_failed(self, *, client: str, error: BaseException) -> None:
        self._log.error("mail.intake_failed", client=client, error=type(error).__name__, exc_info=_frames_only(error))

    def fax_duplicate(self, *, fax: str, client: str) -> None:
        """``fax`` is the earlier one."""
        self._log.info("fax.duplicate", fax=fax, client=client)

    # A fax goes out

    def fax_accepted(self, *, fax: str, message: str, number: str) -> None:
        self.meters.accepted.inc()
        self._log.info("fax.accepted", fax=fax, message=message, number=masked(number))

    def fax_prepared(self, *, fax: str, pages: int) -> None:
        self._log.info("fax.prepared", fax=fax, pages=pages)

    def fax_held(self, *, fax: str, reason: str) -> None:
        self._log.warning("fax.held", fax=fax, reason=reason)

    def converter_died(self, *, fax: str, deaths: int) -> None:
        self._log.warning("fax.converter_died", fax=fax, deaths=deaths)

    def preview_answered(self, *, preview: str, message: str, pages: int) -> None:
        """``pages`` 0: there are none, and the answer says why."""
        self._log.info("preview.answered", preview=preview, message=message, pages=pages)

    def preview_converter_died(self, *, preview: str, deaths: int) -> None:
        self._log.warning("preview.converter_died", preview=preview, deaths=deaths)

    def fax_submitting(self, *, fax: str, attempt: str, number: str) -> None:
        self._log.info("fax.submitting", fax=fax, attempt=attempt, number=masked(number))

    def fax_taken(self, *, fax: str, job: str) -> None:
        self._log.info("fax.taken", fax=fax, job=job)

    def fax_not_taken(self, *, fax: str, cause: str) -> None:
        self._log.warning("fax.not_taken", fax=fax, cause=cause)

    def fax_retry(self, *, fax: str, outcome: str, due: str) -> None:
        """``due``: when it is tried again."""
        self._log.info("fax.retry", fax=fax, outcome=outcome, due=due)

    def fax_put_off(self, *, fax: str, due: str) -> None:
        """``due``: the hour at which its number may be called."""
        self._log.info("fax.put_off", fax=fax, due=due)

    def fax_delayed(self, *, fax: str) -> None:
        """Its sender is told that it waits."""
        self._log.info("fax.delayed", fax=fax)

    def fax_unconfirmed(self, *, fax: str, why: str) -> None:
        self._log.warning("fax.unconfirmed", fax=fax, why=why)

    def fax_settled(self, *, fax: str, job: str) -> None:
        self._log.info("fax.settled", fax=fax, job=job)

    def fax_contradicted(self, *, fax: str) -> None:
        self._log.error("fax.contradicted", fax=fax)

    def job_unknown(self, *, job: str, why: str) -> None:
        self._log.info("job.unknown", job=job, why=why)

    def fax_person_asked(self, *, fax: str) -> None:
        self._log.warning("fax.person_asked", fax=fax)

    def fax_polled(self, *, fax: str, word: str, code: int | None) -> None:
        self._log.info("fax.polled", fax=fax, word=word, code=code)

    def fax_poll_failed(self, *, fax: str, error: BaseException) -> None:
        self._log.warning("fax.poll_failed", fax=fax, error=type(error).__name__)

    def carrier_paused(self, *, failures: int, seconds: float) -> None:
        """``failures`` calls in a row were not answered; the next is made in ``seconds``."""
        self.meters.carrier_paused.set(1)
        self._log.error("carrier.paused", failures=failures, seconds=seconds)

    def carrier_back(self, *, failures: int) -> None:
        self.meters.carrier_paused.set(0)
        self._log.info("carrier.back", failures=failures)

    def fax_ended(self, *, fax: str, state: str, outcome: str, code: int | None) -> None:
        self.meters.ended.labels(outcome=outcome).inc()
        self._log.info("fax.ended", fax=fax, state=state, outcome=outcome, code=code)

    # A fax comes in

    def hook_received(self, *, direction: str, form: str, known: bool) -> None:
        self._log.info("hook.received", direction=direction, form=form, known=known)

    def hook_refused(self, *, status: int, why: str) -> None:
        self._log.warning("hook.refused", status=status, why=why)

    def poll_done(self, *, pages: int, new: int, backlog: int) -> None:
        self._log.info("poll.done", pages=pages, new=new, backlog=backlog)

    def poll_failed(self, *, error: BaseException, http: int | None) -> None:
        """``http`` 401 says that iFax refuses the key."""
        self._log.warning("poll.failed", error=type(error).__name__, http=http)

    def received_announced(self, *, received: str, by: str) -> None:
        self._log.info("received.announced", received=received, by=by)

    def received_not_yet(self, *, received: str, why: str) -> None:
        self._log.info("received.not_yet", received=received, why=why)

    def received_fetched(self, *, received: str, pages: int, size: int) -> None:
        self.meters.received.inc()
        self._log.info("received.fetched", received=received, pages=pages, size=size)

    def received_quarantined(self, *, received: str, why: str) -> None:
        self._log.warning("received.quarantined", received=received, why=why)

    def received_lost(self, *, received: str, why: str) -> None:
        self._log.error("received.lost", received=received, why=why)

    def received_routed(self, *, received: str, route: str, deliveries: int) -> None:
        self._log.info("received.routed", received=received, route=route, deliveries=deliveries)

    # Mail leaves

    def mail_sent(self, *, mail: str, kind: str) -> None:
        self.meters.mailed.labels(kind=kind).inc()
        self._log.info("mail.sent", mail=mail, kind=kind)

    def mail_deferred(self, *, mail: str, kind: str, tries: int, code: int | None) -> None:
        self._log.warning("mail.deferred", mail=mail, kind=kind, tries=tries, code=code)

    def mail_failed(self, *, mail: str, kind: str, code: int | None) -> None:
        self.meters.undeliverable.labels(kind=kind).inc()
        self._log.error("mail.failed", mail=mail, kind=kind, code=code)

    def notice_bare(self, *, fax: str, error: BaseException) -> None:
        self._log.warning("notice.bare", fax=fax, error=type(error).__name__)

    def reply_worked(self, *, fax: str, reply: str, result: str) -> None:
        self._log.info("reply.worked", fax=fax, reply=reply, result=result)

    def trouble_began(self, *, what: str, why: str) -> None:
        self._log.error("trouble.began", what=what, why=why)

    def trouble_over(self, *, what: str) -> None:
        self._log.info("trouble.over", what=what)

    def mail_bounced(self, *, mail: str, received: str, passed_on: bool) -> None:
        """The relay had taken it. ``passed_on``: the fallback has the fax now, or had it before."""
        self.meters.undeliverable.labels(kind="received").inc()
        self._log.error("mail.bounced", mail=mail, received=received, passed_on=passed_on)


def _frames_only(error: BaseException) -> BaseException:
    """The traceback without the exception's own text, which may quote what a stranger sent."""
    bare = RuntimeError(type(error).__name__)
    bare.__traceback__ = error.__traceback__
    bare.__suppress_context__ = True
    return bare
