"""Listeners of the whole daemon: a socket that systemd passes, TLS with a certificate that changes, logins."""

import asyncio
import shutil
import signal
import smtplib
import ssl
import sys
from pathlib import Path

from argon2 import PasswordHasher

from tests.support import pass_socket
from tests.support.intake_stand import a_pair
from tests.support.processes import DELIVERED, SENDER, House, a_pdf_mail

PASSWORD = "correct horse"


async def test_a_socket_that_systemd_passes(house: House) -> None:
    """The daemon takes mail on the socket passed to it under the name it was told, and binds none of its own."""
    house.configure(smtp={"listeners": [{"address": "systemd:smtp"}]})
    daemon = await house.start_daemon(sys.executable, pass_socket.__file__, "smtp")
    assert await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    assert await daemon.stop() == 0


async def test_a_socket_that_nobody_passes(house: House) -> None:
    """Without the socket it was told of, the daemon does not start, and says which it has."""
    house.configure(smtp={"listeners": [{"address": "systemd:smtp"}]})
    ran = await house.run("serve", under=(sys.executable, pass_socket.__file__, "other"))
    assert ran.status != 0
    assert "systemd:smtp" in ran.err
    assert "other" in ran.err


async def test_logins_over_tls_and_a_new_certificate_on_sighup(house: House) -> None:
    """A login over implicit TLS faxes; after SIGHUP the next session sees the new certificate."""
    used, old, new = (house.folder / name for name in ("used", "old", "new"))
    for folder in (used, old, new):
        a_pair(folder)
    _copy(old, used)
    house.configure(
        smtp={
            "listeners": [{"address": "127.0.0.1:0", "tls": "implicit", "auth": "required"}],
            "certificate": str(used / "certificate.pem"),
            "key": str(used / "key.pem"),
        },
        identities=[
            {"name": "front-desk", "password_hash": PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)}
        ],
    )
    daemon = await house.start_daemon()
    await asyncio.to_thread(_send, daemon.smtp, old)
    _copy(new, used)
    daemon.send(signal.SIGHUP)
    await daemon.event("certificate.read")
    await asyncio.to_thread(_send, daemon.smtp, new)
    assert {row["identity"] for row in house.rows("SELECT identity FROM fax")} == {"front-desk"}
    assert await daemon.stop() == 0


def _copy(source: Path, target: Path) -> None:
    for name in ("certificate.pem", "key.pem"):
        shutil.copy(source / name, target / name)


def _send(address: tuple[str, int], trusted: Path) -> None:
    """One fax over TLS with a login, from a client that trusts one certificate."""
    context = ssl.create_default_context(cafile=str(trusted / "certificate.pem"))
    with smtplib.SMTP_SSL(*address, context=context, timeout=30) as client:
        client.login("front-desk", PASSWORD)
        mail = a_pdf_mail(DELIVERED, Message_ID=f"<{trusted.name}@client.example.org>")
        client.send_message(mail, SENDER, [f"{DELIVERED}@fax.local"])
