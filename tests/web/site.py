"""The HTTP sides in this process, on a real store, asked without a socket."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bridge.fax.jobs import Message
from bridge.fax.states import FaxState
from bridge.store import blobs, faxes, tables
from bridge.store.desk import Desk
from bridge.web.health import Health
from bridge.web.hooks import Hooks
from bridge.web.options import WebOptions
from tests.support.faxes import a_fax
from tests.support.intake_stand import Kept, a_desk

SECRET = "first-secret-of-the-hooks"
OTHER = "other-secret-of-the-hooks"
PATH = f"/hooks/ifax/{SECRET}"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

IN = {
    "jobId": 4711,
    "transactionId": "t-1",
    "fromNumber": "+12125550177",
    "toNumber": "+14155550100",
    "faxStatus": "received",
    "faxReceivedPages": 2,
    "faxTotalPages": 2,
    "direction": "inbound",
}
OUT = {"jobId": 812, "transactionId": "t-9", "faxStatus": "sent", "faxTransferredPages": 1, "direction": "outbound"}


@dataclass
class Web:
    """Both applications, and the store behind them."""

    desk: Desk
    kept: Kept
    public: httpx.AsyncClient
    admin: httpx.AsyncClient
    trouble: str = ""
    """What is wrong with the carrier."""

    def evidence(self) -> list[tuple[Any, ...]]:
        """Kind, direction, ids of every piece of evidence."""
        return self.kept.rows("SELECT kind, direction, carrier_job_id, transaction_id FROM evidence ORDER BY id")

    def received(self) -> list[tuple[Any, ...]]:
        """Ids and state of every received fax."""
        return self.kept.rows("SELECT carrier_job_id, transaction_id, state FROM received ORDER BY id")


@asynccontextmanager
async def a_web(folder: Path, **options: Any) -> AsyncIterator[Web]:
    """The two sides; errors of the application are answers with 500, as uvicorn would have it."""
    with a_desk(folder) as (desk, kept):
        chosen = WebOptions(**{"listen": (), "admin_listen": (), "hook_secrets": (SECRET, OTHER), **options})
        async with (
            httpx.AsyncClient(
                transport=_over(Hooks(desk, chosen).application()), base_url="http://hooks.test"
            ) as public,
            httpx.AsyncClient(
                transport=_over(Health(desk, carrier=lambda: web.trouble).application()), base_url="http://admin.test"
            ) as admin,
        ):
            web = Web(desk, kept, public, admin)
            yield web


def _over(application: Any) -> httpx.ASGITransport:
    return httpx.ASGITransport(app=application, raise_app_exceptions=False)


def form(fields: Iterable[tuple[str, str]], file: bytes | None = None, boundary: str = "bOuNdArY") -> tuple[bytes, str]:
    """A multipart form as iFax's page describes it, and its content type."""
    pieces = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields]
    if file is not None:
        head = 'Content-Disposition: form-data; name="filename"; filename="fax.pdf"\r\nContent-Type: application/pdf'
        pieces.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + file + b"\r\n")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def as_text(fields: dict[str, Any]) -> list[tuple[str, str]]:
    """JSON fields as a form has them."""
    return [(name, str(value)) for name, value in fields.items()]


async def a_fax_on_its_way(desk: Desk, job_id: str) -> str:
    """A fax the carrier has under this job id, due only in a year; returns its id."""
    stored = await desk.store.blobs.put(desk.ids.file_name(), b"Subject: x\r\n\r\nx\r\n")
    later = NOW.replace(year=2027)
    message = Message(desk.ids.new(), stored.id, NOW, "127.0.0.1", "a@example.org", None, None, stored.size)
    fax = a_fax(id=desk.ids.new(), message_id=message.id, state=FaxState.SENDING, due_at=later, pages=1, created_at=NOW)

    def unit(connection: sa.Connection) -> None:
        blobs.record(connection, stored, "message", NOW)
        faxes.add_messages(connection, [(message, [fax])])
        row = {"id": desk.ids.new(), "fax_id": fax.id, "ordinal": 1, "started_at": NOW, "carrier_job_id": job_id}
        connection.execute(tables.attempt.insert().values(row))

    await desk.store.write(unit)
    return fax.id
