"""Programs that speak SMTP, run against a site: what they are given, and what of it is on disk afterwards."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from argon2 import PasswordHasher

from bridge.fax.options import Identity
from bridge.intake.options import Auth, ListenerOptions, Profile
from tests.support.intake_stand import NUMBER, POLICY, SENDER, Pair, Site

PATIENCE = 30.0
"""Seconds for one client's whole run; the interpreters of some take their time to start."""

PASSWORD = "correct horse"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
CLERK = Identity("clerk", password_hash=HASH)
LOGINS_ONLY = replace(POLICY, networks=(), identities=(CLERK,))

TO = f"{NUMBER.removeprefix('+')}@fax.local"
"""Without the plus: swaks and msmtp would take it for an option."""

MAIL = b"""From: office@example.org
To: 14155550123@fax.local
Subject: second clients
Date: Tue, 24 Nov 2026 09:00:00 +0000
Message-ID: <second@client.example.org>

.
..two dots
.hidden
no newline magic: %FROM_ADDRESS
""".replace(b"\n", b"\r\n")


@dataclass(frozen=True)
class Taken:
    """One message on disk, with its faxes by number."""

    client: str
    identity: str | None
    sender: str
    numbers: tuple[str, ...]
    content: bytes


def taken(site: Site) -> list[Taken]:
    """All that was taken on, in the order it came."""
    found = []
    for row in site.kept.rows("SELECT id, client, identity, envelope_sender, blob_id FROM message ORDER BY id"):
        numbers = site.kept.rows(f"SELECT number FROM fax WHERE message_id = '{row[0]}' ORDER BY number")
        found.append(Taken(row[1], row[2], row[3], tuple(str(each[0]) for each in numbers), site.kept.plain(row[4])))
    return found


def the_mail(*numbers: str, client: str = "127.0.0.1", identity: str | None = None, content: bytes = MAIL) -> Taken:
    """What one good run leaves behind."""
    return Taken(client, identity, SENDER, numbers or (NUMBER,), content)


def listening(pair: Pair, **changes: Any) -> dict[str, Any]:
    """A site whose one listener differs from the usual by ``changes``."""
    listener = replace(ListenerOptions("127.0.0.1", 0, profile=Profile.STRICT, auth=Auth.OFF), **changes)
    return {"listener": listener, "pair": pair}


async def run(*command: str, given: bytes = b"") -> tuple[int, str]:
    """A client's exit status, and all it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            printed, _ = await process.communicate(given)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return process.returncode, printed.decode(errors="replace")
