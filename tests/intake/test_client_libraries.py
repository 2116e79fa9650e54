"""Second clients: nodemailer, smtplib and aiosmtplib speak to a real listener, and what they sent is on disk."""

import asyncio
import base64
import json
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from bridge.intake.options import Auth, Tls
from tests.support.intake_stand import NUMBER, SENDER, Pair, Site, a_pair, a_site
from tests.support.second_clients import (
    LOGINS_ONLY,
    MAIL,
    PASSWORD,
    PATIENCE,
    TO,
    Taken,
    listening,
    run,
    taken,
    the_mail,
)

NODE = """
const mailer = require("/usr/share/nodejs/nodemailer");
const {transport, mails} = JSON.parse(process.argv[1]);
const sender = mailer.createTransport(transport);
(async () => {
  for (const mail of mails) mail.raw = Buffer.from(mail.raw, "base64");
  const said = await Promise.all(mails.map((mail) => sender.sendMail(mail)));
  console.log(JSON.stringify(said.map((each) => each.response)));
  sender.close();
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate for all clients; it is the one they trust."""
    return a_pair(tmp_path_factory.mktemp("certificate"), "localhost")


# nodemailer


async def node(pair: Pair, site: Site, mails: list[dict[str, Any]], **transport: Any) -> list[str]:
    """The replies nodemailer got for these mails, all sent at once."""
    tls = {"ca": pair.certificate.read_text(encoding="ascii")}
    where = {"host": "localhost", "port": site.port, "name": "client.example.org", "tls": tls, **transport}
    status, printed = await run("node", "-e", NODE, json.dumps({"transport": where, "mails": mails}))
    assert status == 0, printed
    replies: list[str] = json.loads(printed)
    return replies


def node_mail(content: bytes = MAIL, sender: str = SENDER, to: str = TO, **more: Any) -> dict[str, Any]:
    """A mail for nodemailer; the bytes are ours."""
    return {"envelope": {"from": sender, "to": [to]}, "raw": base64.b64encode(content).decode(), **more}


@pytest.mark.parametrize(
    ("tls", "transport"),
    [
        (Tls.OFF, {"secure": False, "ignoreTLS": True}),
        (Tls.STARTTLS, {"secure": False, "requireTLS": True}),
        (Tls.IMPLICIT, {"secure": True}),
    ],
)
async def test_nodemailer_sends(tls: Tls, transport: dict[str, Any], pair: Pair, tmp_path: Path) -> None:
    """With nodemailer mail comes in the clear, with requireTLS and over implicit TLS; the 250 names the message."""
    async with a_site(tmp_path, **listening(pair, tls=tls)) as site:
        [reply] = await node(pair, site, [node_mail()], **transport)
        assert taken(site) == [the_mail()]
        assert site.kept.rows("SELECT '250 2.0.0 Ok: ' || id FROM message") == [(reply,)]


async def test_nodemailers_pool_sends_many(pair: Pair, tmp_path: Path) -> None:
    """Ten mails over two kept connections with a login are ten messages, each with its own bytes."""
    contents = [MAIL.replace(b"second@", b"pool-%d@" % number) for number in range(10)]
    pool = {"pool": True, "maxConnections": 2, "requireTLS": True, "auth": {"user": "clerk", "pass": PASSWORD}}
    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=Tls.STARTTLS, auth=Auth.REQUIRED)) as site:
        replies = await node(pair, site, [node_mail(content) for content in contents], **pool)
        assert all(reply.startswith("250 2.0.0 Ok: ") for reply in replies)
        found = taken(site)
        assert sorted(each.content for each in found) == sorted(contents)
        assert {each.identity for each in found} == {"clerk"}


async def test_nodemailers_dsn_is_kept(pair: Pair, tmp_path: Path) -> None:
    """What nodemailer's dsn option asks for stands in the rows: ENVID, RET, NOTIFY and ORCPT."""
    wish = {"id": "order-4711", "return": "full", "notify": ["failure", "delay"], "recipient": SENDER}
    async with a_site(tmp_path, **listening(pair)) as site:
        await node(pair, site, [node_mail(dsn=wish)])
        query = "SELECT envelope_id, ret, notify, original_recipient FROM fax JOIN message ON message.id = message_id"
        [(envelope_id, ret, notify, original)] = site.kept.rows(query)
        assert (envelope_id, ret, set(notify.split(","))) == ("order-4711", "FULL", {"FAILURE", "DELAY"})
        assert original == f"rfc822;{SENDER}"


async def test_nodemailer_sends_from_an_address_in_utf8(pair: Pair, tmp_path: Path) -> None:
    """A sender beyond ASCII is kept as it is, with the mail's raw UTF-8."""
    sender, content = "büro@example.org", MAIL.replace(b"second clients", "zweite Büros".encode())
    async with a_site(tmp_path, **listening(pair)) as site:
        await node(pair, site, [node_mail(content, sender=sender)])
        assert [(each.sender, each.content) for each in taken(site)] == [(sender, content)]


# Python's own


def utf8_mail() -> EmailMessage:
    """A mail whose addresses and subject are beyond ASCII."""
    mail = EmailMessage(policy=SMTPUTF8)
    mail["From"], mail["To"], mail["Subject"] = "büro@example.org", TO, "Grüße"
    mail["Date"], mail["Message-ID"] = "Tue, 24 Nov 2026 09:00:00 +0000", "<utf8@client.example.org>"
    mail.set_content("ä\n", cte="8bit")
    return mail


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
async def test_smtplib_sends_utf8_with_a_login(tls: Tls, pair: Pair, tmp_path: Path) -> None:
    """With smtplib a login over TLS and SMTPUTF8 work: sender and bytes are kept as they were."""
    mail = utf8_mail()

    def send(port: int) -> None:
        context = ssl.create_default_context(cafile=str(pair.certificate))
        client: smtplib.SMTP
        if tls is Tls.IMPLICIT:
            client = smtplib.SMTP_SSL("localhost", port, context=context, timeout=PATIENCE)
        else:
            client = smtplib.SMTP("localhost", port, timeout=PATIENCE)
        with client:
            if tls is Tls.STARTTLS:
                client.starttls(context=context)
            client.login("clerk", PASSWORD)
            assert client.send_message(mail) == {}

    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=tls, auth=Auth.REQUIRED)) as site:
        await asyncio.to_thread(send, site.port)
        [found] = taken(site)
        assert found == Taken("127.0.0.1", "clerk", "büro@example.org", (NUMBER,), mail.as_bytes(policy=SMTPUTF8))


@pytest.mark.parametrize("tls", [Tls.STARTTLS, Tls.IMPLICIT])
async def test_aiosmtplib_sends_utf8_with_a_login(tls: Tls, pair: Pair, tmp_path: Path) -> None:
    """With aiosmtplib it is the same over both kinds of TLS."""
    mail = utf8_mail()
    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=tls, auth=Auth.REQUIRED)) as site:
        await aiosmtplib.send(
            mail,
            hostname="localhost",
            port=site.port,
            use_tls=tls is Tls.IMPLICIT,
            start_tls=tls is Tls.STARTTLS,
            tls_context=ssl.create_default_context(cafile=str(pair.certificate)),
            username="clerk",
            password=PASSWORD,
            timeout=PATIENCE,
        )
        [found] = taken(site)
        assert (found.sender, found.identity, found.numbers) == ("büro@example.org", "clerk", (NUMBER,))
        assert found.content == mail.as_bytes(policy=SMTPUTF8)


async def test_a_sender_beyond_ascii_without_smtputf8_is_refused(pair: Pair, tmp_path: Path) -> None:
    """A client that did not ask for SMTPUTF8 cannot name such a sender (RFC 6531, 3.5)."""
    async with a_site(tmp_path, **listening(pair)) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<büro@example.org>")).startswith("553 5.6.7")
        assert (await line.say("MAIL FROM:<büro@example.org> SMTPUTF8")).startswith("250 2.1.0")


async def test_a_mail_of_ascii_from_a_policy_is_kept_to_the_byte(pair: Pair, tmp_path: Path) -> None:
    """What Python's SMTP policy writes, long folded fields and base64 in all, is what is kept."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = SENDER, TO, "long " * 60
    mail["Date"], mail["Message-ID"] = "Tue, 24 Nov 2026 09:00:00 +0000", "<long@client.example.org>"
    mail.set_content("text\n")
    mail.add_attachment(bytes(range(256)) * 2000, maintype="application", subtype="pdf", filename="scan.pdf")
    mail.set_boundary("second-clients")

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            client.send_message(mail)

    async with a_site(tmp_path, **listening(pair)) as site:
        await asyncio.to_thread(send, site.port)
        assert taken(site) == [the_mail(content=mail.as_bytes(policy=SMTP))]
