"""A real Postfix in front of us: it relays everybody's mail, and only what it found out about a sender counts."""

import asyncio
import smtplib
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from bridge.fax.options import Identity
from tests.intake.test_logins import ELSEWHERE
from tests.support.intake_stand import FORMAL_MAIL, LISTENER, PATIENCE, POLICY, Site, a_site, until
from tests.support.postfix import Postfix, a_postfix

NAME = "mx.example.net"
STAMP = f"Authentication-Results: {NAME}; spf=pass smtp.mailfrom=ward@clinic.example"
FRONT = replace(LISTENER, front=(ip_network("127.0.0.0/8"),), front_name=NAME)
RULES = {
    # What an SPF policy server or a milter does: it stamps what it knows, on the senders it knows.
    "smtpd_sender_restrictions": f"check_sender_access inline:{{ {{ward@clinic.example = PREPEND {STAMP}}} }}",
    "maximal_queue_lifetime": "0",
    "smtpd_discard_ehlo_keywords": "chunking",
}


def send(postfix: Postfix, sender: str, content: bytes, *recipients: str) -> None:
    """Hand a mail to Postfix, which takes it."""
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=PATIENCE) as client:
        assert not client.sendmail(sender, list(recipients) or ["+14155550123@fax.local"], content)


async def through(site: Site, folder: Path, sender: str, content: bytes) -> str:
    """Send through a Postfix in front; its log once the mail has left its queue."""
    transport = f"smtp:[127.0.0.1]:{site.port}"

    def work() -> str:
        with a_postfix(folder, extra_main=RULES, transport=transport) as postfix:
            send(postfix, sender, content)
            for _ in range(200):
                if "status=" in postfix.log():
                    break
                asyncio.run(asyncio.sleep(0.1))
            return postfix.log()

    return await asyncio.to_thread(work)


async def test_a_sender_that_postfix_proved(tmp_path: Path) -> None:
    """Mail from a sender that the Postfix in front vouches for is faxed, under that sender's identity."""
    policy = replace(ELSEWHERE, identities=(Identity("clinic", senders=("*@clinic.example",)),))
    async with a_site(tmp_path / "site", policy, listener=FRONT) as site:
        log = await through(site, tmp_path, "ward@clinic.example", FORMAL_MAIL)
        assert "status=sent (250 2.0.0 Ok:" in log, log
        assert site.kept.rows("SELECT identity, client FROM message") == [("clinic", "127.0.0.1")]


async def test_a_sender_that_postfix_did_not_prove(tmp_path: Path) -> None:
    """Another sender's mail is refused, though Postfix stands in policy.networks and the mail claims a stamp."""
    policy = replace(POLICY, senders=("*@clinic.example", "*@evil.example"))
    async with a_site(tmp_path / "site", policy, listener=FRONT) as site:
        forged = STAMP.replace("ward@clinic", "somebody@evil").encode() + b"\r\n" + FORMAL_MAIL
        for number, content in enumerate((FORMAL_MAIL, forged.replace(NAME.encode(), b"mx.other.example"))):
            log = await through(site, tmp_path / str(number), "somebody@evil.example", content)
            assert "status=bounced" in log, log
            assert "550 5.7.1" in log, log
        await until(lambda: not site.sessions)
        assert site.kept.counts() == (0, 0, 0)


async def test_a_front_without_a_name_proves_nothing(tmp_path: Path) -> None:
    """Where front_name is not set, not even a true stamp counts: RCPT is refused."""
    policy = replace(POLICY, senders=("*@clinic.example",))
    async with a_site(tmp_path / "site", policy, listener=replace(FRONT, front_name="")) as site:
        log = await through(site, tmp_path, "ward@clinic.example", FORMAL_MAIL)
        assert "550 5.7.1" in log, log
        assert site.kept.counts() == (0, 0, 0)
