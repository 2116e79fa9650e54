"""TLS: by STARTTLS and from the first byte, what may be said before it, and certificates that change under way."""

import asyncio
import shutil
import ssl
from pathlib import Path

import pytest

from bridge.errors import Misconfigured
from bridge.intake.certificates import Certificates
from bridge.intake.options import ListenerOptions, Profile, Tls
from bridge.runtime.events import Events
from tests.support.intake_stand import FORMAL_MAIL, Dialogue, Site, a_pair, a_site, until

STARTTLS = ListenerOptions("127.0.0.1", 0, tls=Tls.STARTTLS)
IMPLICIT = ListenerOptions("127.0.0.1", 0, tls=Tls.IMPLICIT)
FORGIVING = ListenerOptions("127.0.0.1", 0, tls=Tls.STARTTLS, profile=Profile.LEGACY)


def trusting(certificate: Path) -> ssl.SSLContext:
    """A client that trusts this certificate alone."""
    return ssl.create_default_context(cafile=str(certificate))


async def upgraded(line: Dialogue, context: ssl.SSLContext) -> Dialogue:
    """The same connection once TLS is on."""
    assert (await line.say("STARTTLS")).startswith("220 ")
    await line.writer.start_tls(context, server_hostname="mx.fax.local")
    return line


async def implicit(site: Site, context: ssl.SSLContext) -> Dialogue:
    """A connection that begins with TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=context, server_hostname="mx.fax.local")
    site.open.append(Dialogue(reader, writer))
    return site.open[-1]


async def test_a_mail_through_starttls(tmp_path: Path) -> None:
    """STARTTLS is offered, the session begins anew within TLS, it is not offered again, and the mail is taken."""
    pair = a_pair(tmp_path / "tls")
    async with a_site(tmp_path, listener=STARTTLS, pair=pair) as site:
        line = await site.connect()
        await line.reply()
        assert "STARTTLS" in await line.say("EHLO client.example.org")
        line = await upgraded(line, trusting(pair.certificate))
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("503 "), "the first greeting is forgotten"
        assert "STARTTLS" not in await line.say("EHLO client.example.org")
        assert (await line.say("STARTTLS")).startswith("503 ")
        assert (await (await line.envelope()).data(FORMAL_MAIL)).startswith("250 ")
        assert site.kept.counts()[:2] == (1, 1)


async def test_a_mail_through_implicit_tls(tmp_path: Path) -> None:
    """A listener of implicit TLS speaks TLS from the first byte, 3 MB included, and offers no STARTTLS."""
    pair = a_pair(tmp_path / "tls")
    async with a_site(tmp_path, listener=IMPLICIT, pair=pair, max_message_size=5_000_000) as site:
        line = await implicit(site, trusting(pair.certificate))
        assert (await line.reply()).startswith("220 ")
        assert "STARTTLS" not in await line.say("EHLO client.example.org")
        content = FORMAL_MAIL + b"0123456789" * 7 + b"\r\n" + (b"x" * 76 + b"\r\n") * 40_000
        assert (await (await line.envelope()).data(content)).startswith("250 ")
        [(blob,)] = site.kept.rows("SELECT blob_id FROM message")
        assert site.kept.plain(blob) == content


async def test_strict_takes_nothing_in_the_clear_where_there_is_tls(tmp_path: Path) -> None:
    """On a strict listener with STARTTLS MAIL before it is 530; a legacy one goes on without."""
    pair = a_pair(tmp_path / "tls")
    async with a_site(tmp_path, listener=STARTTLS, pair=pair) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("530 5.7.0 ")
        assert (await line.say("AUTH PLAIN AGEAYg==")).startswith("503 5.5.1 "), "there is nobody to log in"
        assert (await line.say("NOOP")).startswith("250 ")
    async with a_site(tmp_path / "legacy", listener=FORGIVING, pair=pair) as site:
        assert (await (await (await site.greeted()).envelope()).data()).startswith("250 ")


@pytest.mark.parametrize("injected", [b"EHLO evil\r\nMAIL FROM:<evil@example.org>\r\n", b"NOOP\r\n", b"QUIT\r\n"])
async def test_commands_injected_before_starttls_are_dropped(injected: bytes, tmp_path: Path) -> None:
    """What comes in the clear together with STARTTLS is never carried out once TLS is on (CVE-2011-0411)."""
    pair = a_pair(tmp_path / "tls")
    async with a_site(tmp_path, listener=STARTTLS, pair=pair) as site:
        line = await site.greeted()
        await line.send(b"STARTTLS\r\n" + injected)
        assert (await line.reply()).startswith("220 ")
        await line.writer.start_tls(trusting(pair.certificate), server_hostname="mx.fax.local")
        answer = await line.say("EHLO client.example.org")
        assert answer.startswith("250-mx.fax.local")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("503 ")


async def test_without_a_certificate_no_tls(tmp_path: Path) -> None:
    """A listener without TLS does not offer STARTTLS, and says so when asked; the session goes on."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert "STARTTLS" not in await line.say("EHLO client.example.org")
        assert (await line.say("STARTTLS")).startswith("503 5.5.1 ")
        assert (await (await line.envelope()).data()).startswith("250 ")


async def test_starttls_with_an_argument(tmp_path: Path) -> None:
    """STARTTLS takes nothing behind it (RFC 3207, 4)."""
    async with a_site(tmp_path, listener=STARTTLS, pair=a_pair(tmp_path / "tls")) as site:
        assert (await (await site.greeted()).say("STARTTLS now")).startswith("501 ")


@pytest.mark.parametrize("listener", [STARTTLS, IMPLICIT], ids=["starttls", "implicit"])
async def test_a_handshake_that_fails_takes_no_place(listener: ListenerOptions, tmp_path: Path) -> None:
    """A client that talks rubbish instead of TLS is let go, and its session is not counted any more."""
    pair = a_pair(tmp_path / "tls")
    async with a_site(tmp_path, listener=listener, pair=pair, sessions=1) as site:
        for _ in range(3):
            line = await site.connect()
            if listener is STARTTLS:
                await line.reply()
                await line.say("EHLO client.example.org")
                assert (await line.say("STARTTLS")).startswith("220 ")
            await line.send(b"this is no TLS at all\r\n" * 20)
            async with asyncio.timeout(5):
                while await line.reader.read(1000):
                    pass
            await until(lambda: site.listeners.count == 0)
            line.close()


async def test_old_tls_is_refused(tmp_path: Path) -> None:
    """Less than TLS 1.2 is not spoken."""
    pair = a_pair(tmp_path / "tls")
    assert Certificates(pair.certificate, pair.key, Events()).context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_a_new_certificate_is_shown_when_its_files_change(tmp_path: Path) -> None:
    """After a reload new sessions see the new certificate; a session under way goes on with the old one."""
    old, new = a_pair(tmp_path / "old"), a_pair(tmp_path / "new")
    used = a_pair(tmp_path / "used")
    for source, target in ((old.certificate, used.certificate), (old.key, used.key)):
        shutil.copy(source, target)
    async with a_site(tmp_path, listener=IMPLICIT, pair=used) as site:
        assert site.certificates is not None
        stop = asyncio.Event()
        watching = asyncio.create_task(site.certificates.run(stop))
        first = await implicit(site, trusting(old.certificate))
        await first.reply()
        for source, target in ((new.certificate, used.certificate), (new.key, used.key)):
            shutil.copy(source, target)
        before = site.certificates.context
        site.certificates.reload()
        certificates = site.certificates
        await until(lambda: certificates.context is not before)
        second = await implicit(site, trusting(new.certificate))
        assert (await second.reply()).startswith("220 ")
        assert (await first.say("EHLO client.example.org")).startswith("250-")
        stop.set()
        await watching


async def test_a_bad_new_certificate_leaves_the_old_one(tmp_path: Path) -> None:
    """A certificate that does not fit its key, or is none, is not taken; the log says so and sessions go on."""
    used, other = a_pair(tmp_path / "used"), a_pair(tmp_path / "other")
    async with a_site(tmp_path, listener=IMPLICIT, pair=used) as site:
        assert site.certificates is not None
        trusted = trusting(used.certificate)
        before, stop = site.certificates.context, asyncio.Event()
        watching = asyncio.create_task(site.certificates.run(stop))
        for source in (other.key, tmp_path / "used" / "certificate.pem"):
            shutil.copy(source, tmp_path / "broken")
            (tmp_path / "broken").replace(used.key)
            site.certificates.reload()
            await asyncio.sleep(0.05)
        assert site.certificates.context is before
        assert (await (await implicit(site, trusted)).reply()).startswith("220 ")
        stop.set()
        await watching


def test_a_bad_certificate_at_start_is_said(tmp_path: Path) -> None:
    """At start a certificate that cannot be read is an error that names both files."""
    pair = a_pair(tmp_path / "tls")
    with pytest.raises(Misconfigured, match=r"certificate\.pem with key"):
        Certificates(pair.certificate, tmp_path / "none.pem", Events())
