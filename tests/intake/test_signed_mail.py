"""Strangers whose mail proves itself: by SPF before DATA, by a DKIM signature after it, and never for other numbers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.fax.options import Identity
from bridge.intake.proof import Prover
from bridge.runtime.clock import SystemClock
from tests.intake.test_logins import ELSEWHERE
from tests.support.dns import Zone, a_dns
from tests.support.intake_stand import Site, a_site
from tests.support.signing import a_key, sign

SENDER = "alice@example.org"
POLICY = replace(ELSEWHERE, identities=(Identity("clinic", senders=("*@example.org",), countries=frozenset({"US"})),))
MAIL = (
    b"From: Alice <alice@example.org>\r\nTo: +14155550123@fax.local\r\nCc: +14155550124@fax.local\r\n"
    b"Subject: a test\r\n\r\nOne line.\r\n"
)


@pytest.fixture
def zone() -> Iterator[Zone]:
    """The DNS as the tests want it: the key of example.org, and no SPF record."""
    with a_dns() as running:
        running.add("sel._domainkey.example.org", "TXT", a_key().record())
        yield running


@asynccontextmanager
async def asking(zone: Zone, folder: Path) -> AsyncIterator[Site]:
    """A site that asks this DNS."""
    async with a_site(folder, POLICY, prover=Prover(SystemClock(), zone.nameserver)) as site:
        yield site


async def answered(site: Site, content: bytes, *recipients: str) -> str:
    """What a mail from the sender to these recipients is answered after its final dot."""
    line = await (await site.greeted()).envelope(*recipients, sender=SENDER)
    return await line.data(content)


async def test_a_signed_mail_of_a_stranger(zone: Zone, tmp_path: Path) -> None:
    """A good signature that covers To and Cc gets the mail in, under the identity whose senders fit."""
    signed = sign(MAIL, a_key(), names="from:to:cc:subject")
    async with asking(zone, tmp_path) as site:
        assert (await answered(site, signed, "+14155550123@fax.local", "+14155550124@fax.local")).startswith("250 ")
        assert site.kept.rows("SELECT DISTINCT identity FROM fax") == [("clinic",)]


@pytest.mark.parametrize(
    ("content", "recipient"),
    [
        (MAIL, "+14155550123@fax.local"),
        (sign(MAIL, a_key(), names="from:to:cc:subject"), "+14155550125@fax.local"),
        (b"To: +14155550125@fax.local\r\n" + sign(MAIL, a_key(), names="from:to:cc:subject"), "+14155550125@fax.local"),
        (sign(MAIL, a_key(), names="from:subject").replace(b"50123@", b"50125@"), "+14155550125@fax.local"),
        (sign(MAIL, a_key(), names="from:to:subject").replace(b"50124@", b"50125@"), "+14155550125@fax.local"),
        (sign(MAIL, a_key(), names="from:to:cc:subject").replace(b"One line", b"Two lines"), "+14155550123@fax.local"),
    ],
    ids=["unsigned", "other number", "second To", "To not signed", "Cc not signed", "changed"],
)
async def test_a_signed_mail_sent_on_by_somebody_else(
    content: bytes, recipient: str, zone: Zone, tmp_path: Path
) -> None:
    """Who got a signed mail cannot have it faxed to a number of his own: it is not in a To or Cc that was signed."""
    async with asking(zone, tmp_path) as site:
        assert (await answered(site, content, recipient)).startswith("550 5.7.1 ")
        assert site.kept.counts() == (0, 0, 0)


async def test_a_key_that_cannot_be_looked_up(zone: Zone, tmp_path: Path) -> None:
    """Trouble with the DNS is a temporary answer, and nothing is taken on."""
    signed = sign(MAIL, a_key(), names="from:to:cc:subject")
    zone.clear()
    zone.failing.add("sel._domainkey.example.org")
    async with asking(zone, tmp_path) as site:
        assert (await answered(site, signed, "+14155550123@fax.local")).startswith("451 4.4.3 ")
        assert site.kept.counts() == (0, 0, 0)


async def test_spf_before_data(zone: Zone, tmp_path: Path) -> None:
    """A sender whose SPF record names the client gets in without a signature, and is bound by its countries at RCPT."""
    zone.add("example.org", "TXT", "v=spf1 ip4:127.0.0.1 -all")
    async with asking(zone, tmp_path) as site:
        line = await site.greeted()
        await line.say(f"MAIL FROM:<{SENDER}>")
        assert (await line.say("RCPT TO:<+14165550123@fax.local>")).startswith("550 5.7.1 ")
        assert (await line.say("RCPT TO:<+14155550199@fax.local>")).startswith("250 ")
        assert (await line.data(MAIL)).startswith("250 ")
        assert site.kept.rows("SELECT identity FROM fax") == [("clinic",)]


async def test_another_sender_is_not_even_asked_after(zone: Zone, tmp_path: Path) -> None:
    """For a sender that no pattern names nothing is looked up: 550 at RCPT."""
    async with asking(zone, tmp_path) as site:
        line = await site.greeted()
        await line.say("MAIL FROM:<eve@evil.example>")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("550 5.7.1 ")
        assert zone.questions("evil.example") == 0
