"""Hooks of the carrier: kept as evidence, then they wake a question. 2xx only when what they said is on disk.

A hook never ends a fax and never causes mail; it makes the next ``fax-status`` or ``fax-download`` prompt.
"""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import datetime

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bridge.errors import BridgeError
from bridge.fax.jobs import Attempt
from bridge.fax.numbers import is_e164
from bridge.fax.states import FaxState
from bridge.ifax import verdicts
from bridge.ifax.models import Direction, FaxObject
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell
from bridge.store import arrivals, attempts, blobs, faxes, history, inquiries
from bridge.store.desk import Desk
from bridge.store.history import EvidenceKind
from bridge.store.tables import received
from bridge.store.units import Undecided
from bridge.web import forms
from bridge.web.forms import Hook
from bridge.web.options import WebOptions

HINTS = {"": None, "/sent": Direction.OUT, "/received": Direction.IN}


async def _nothing_here(_: Request, __: Exception) -> Response:
    return PlainTextResponse("not found\n", status_code=404)


class Hooks:
    """The public side."""

    def __init__(self, desk: Desk, options: WebOptions) -> None:
        self._desk = desk
        self._options = options

    def application(self) -> Starlette:
        """``POST /hooks/ifax/SECRET``, with ``/sent`` and ``/received`` below it; everything else is 404."""
        application = Starlette(
            routes=[Route("/hooks/ifax/{secret}" + tail, self._take, methods=["POST"]) for tail in HINTS],
            exception_handlers={404: _nothing_here, 405: _nothing_here},
        )
        application.router.redirect_slashes = False
        return application

    async def _take(self, request: Request) -> Response:
        if not self._knows(request.path_params["secret"]):
            return self._no(404, "not found", "secret")
        if not self._is_allowed(request):
            response = self._no(401, "a user and password are needed", "basic")
            response.headers["WWW-Authenticate"] = 'Basic realm="hooks"'
            return response
        tail = "/" + request.url.path.rpartition("/")[2]
        try:
            hook = await forms.read_hook(request, self._desk, HINTS.get(tail))
        except forms.TooLarge:
            return self._no(413, "too large", "size")
        except ClientDisconnect:
            return self._no(400, "the client went away", "gone")
        except forms.Unreadable:
            return self._no(400, "the body is not what its content type says", "body")
        except BridgeError:
            return self._no(503, "cannot be kept now, try again later", "store")
        crash_point(Point.HOOK_READ)
        try:
            known = await self._keep(hook)
        except Exception as error:  # noqa: BLE001 - whatever it was, the hook was not kept and must come again
            if hook.file is not None and not isinstance(error, Undecided):
                self._desk.store.blobs.discard(hook.file)
            if not isinstance(error, BridgeError):
                self._desk.events.worker_failed(worker="hook", error=error)
            return self._no(503, "cannot be kept now, try again later", "store")
        crash_point(Point.HOOK_COMMITTED)
        direction = hook.event.direction or "unknown"
        self._desk.events.hook_received(direction=direction, form=hook.form, known=known)
        return PlainTextResponse("ok\n")

    async def _keep(self, hook: Hook) -> bool:
        """Write down what came, and make what it speaks of due; whether it speaks of something we knew."""
        if hook.event.direction is Direction.IN and hook.event.heard is not None:
            return await self._keep_inbound(hook)
        known = await self._desk.store.write(lambda connection: self._write_outbound(connection, hook))
        self._desk.bells.ring(Bell.TRACK if known else Bell.EVIDENCE)
        return known

    def _write_outbound(self, connection: sa.Connection, hook: Hook) -> bool:
        """A hook about a fax we sent, or about who knows what: evidence, and its fax is due to be asked after."""
        now, job_id = self._desk.clock.now(), hook.event.fax.job_id
        attempt = None if job_id is None else attempts.with_job(connection, job_id)
        if hook.file is not None:
            blobs.record(connection, hook.file, "evidence", now)
        history.add_evidence(
            connection,
            at=now,
            kind=EvidenceKind.HOOK,
            direction=hook.event.direction or "?",
            body=hook.event.raw,
            carrier_job_id=job_id,
            transaction_id=hook.event.fax.transaction_id,
            attempt_id=None if attempt is None else attempt.id,
            blob_id=None if hook.file is None else hook.file.id,
        )
        if attempt is not None:
            self._wake(connection, hook.event.fax, attempt, now)
        elif job_id is not None and hook.event.direction is not Direction.IN:
            number = hook.event.fax.number if is_e164(hook.event.fax.number) else ""
            reason = attempts.is_any_unknown(connection, number, now - inquiries.KEPT)
            inquiries.hear(connection, job_id, number, now, ask=reason)
        return attempt is not None

    def _wake(self, connection: sa.Connection, seen: FaxObject, attempt: Attempt, now: datetime) -> None:
        """A hook about a call of ours: its fax is due to be asked after if it waits for a word on this call.

        Else the job is asked after only where the hook says that the call ended otherwise than we know.
        """
        said = f"a hook says {seen.word or 'nothing'}, code {seen.code}: {seen.text}"
        history.add(connection, at=now, event="hook", actor=history.CARRIER, detail=said, fax_id=attempt.fax_id)
        if seen.transaction_id is not None:
            attempts.note_transaction(connection, attempt.id, seen.transaction_id)
        call = attempts.call(connection, attempt)
        ended = verdicts.verdict(seen, call.fax.pages or 0)
        if call.latest and call.fax.state in {FaxState.SENDING, FaxState.UNCONFIRMED}:
            faxes.ask_now(connection, attempt.fax_id, now)
        elif ended is not None and str(ended.state) != str(attempt.result):
            inquiries.hear(connection, attempt.carrier_job_id or "", call.fax.number, now, ask=True)

    async def _keep_inbound(self, hook: Hook) -> bool:
        heard = hook.event.heard
        assert heard is not None
        new_id, now = self._desk.ids.new(), self._desk.clock.now()

        def unit(connection: sa.Connection) -> bool:
            row, new = arrivals.announce(connection, heard, new_id, now, listed=False, by="hook")
            if hook.file is not None:
                blobs.record(connection, hook.file, "evidence", now)
                mine = sa.and_(received.c.id == row.id, received.c.hook_blob_id.is_(None))
                connection.execute(received.update().where(mine).values(hook_blob_id=hook.file.id))
            history.add_evidence(
                connection,
                at=now,
                kind=EvidenceKind.HOOK,
                direction="in",
                body=hook.event.raw,
                carrier_job_id=heard.job_id,
                transaction_id=heard.transaction_id,
                received_id=row.id,
                blob_id=None if hook.file is None else hook.file.id,
            )
            return new

        new = await self._desk.store.write(unit)
        if new:
            self._desk.events.received_announced(received=new_id, by="hook")
            self._desk.bells.ring(Bell.FETCH)
        return not new

    def _knows(self, secret: str) -> bool:
        """Compared with each secret in constant time, all of them every time."""
        given = secret.encode()
        return any([hmac.compare_digest(given, known.encode()) for known in self._options.hook_secrets])  # noqa: C419

    def _is_allowed(self, request: Request) -> bool:
        if not self._options.hook_user:
            return True
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            given = b64decode(credentials, validate=True) if scheme.lower() == "basic" else b""
        except (Base64Error, ValueError):
            return False
        wanted = f"{self._options.hook_user}:{self._options.hook_password}".encode()
        return hmac.compare_digest(given, wanted)

    def _no(self, status: int, text: str, why: str) -> Response:
        self._desk.events.hook_refused(status=status, why=why)
        return PlainTextResponse(text + "\n", status_code=status)
