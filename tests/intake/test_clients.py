"""Second clients: swaks and msmtp speak to a real listener, and what they sent is on disk to the byte."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.intake.options import Auth, Tls
from tests.support.intake_stand import NUMBER, POLICY, SENDER, Pair, Site, a_pair, a_site
from tests.support.second_clients import CLERK, LOGINS_ONLY, MAIL, PASSWORD, TO, listening, run, taken, the_mail

BEHIND = replace(POLICY, networks=(ip_network("192.0.2.0/24"),), identities=(CLERK,))
FRONT = (ip_network("127.0.0.0/8"),)
OTHER = "14155550124@fax.local"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate for all clients; it is the one they trust."""
    return a_pair(tmp_path_factory.mktemp("certificate"), "localhost")


async def swaks(site: Site, folder: Path, *options: str, to: str = TO) -> tuple[int, str]:
    """Run swaks with MAIL as it stands, and these options besides."""
    file = folder / "mail"
    file.write_bytes(MAIL.removesuffix(b"\r\n"))  # swaks ends the last line itself
    envelope = ["--from", SENDER, "--to", to, "--helo", "client.example.org", "--data", f"@{file}"]
    return await run("swaks", "--server", "127.0.0.1", "--port", str(site.port), *envelope, *options)


# swaks


@pytest.mark.parametrize("options", [(), ("--pipeline",), ("--protocol", "SMTP")], ids=["plain", "pipeline", "HELO"])
async def test_swaks_sends_in_the_clear(options: tuple[str, ...], pair: Pair, tmp_path: Path) -> None:
    """A mail from swaks to two numbers is kept to the byte, with and without pipelining or EHLO."""
    async with a_site(tmp_path, **listening(pair)) as site:
        status, printed = await swaks(site, tmp_path, *options, to=f"{TO},{OTHER}")
        assert status == 0, printed
        assert taken(site) == [the_mail(NUMBER, "+14155550124")]


TLS_WAYS = {
    "starttls": (Tls.STARTTLS, "--tls"),
    "implicit": (Tls.IMPLICIT, "--tls-on-connect"),
}


@pytest.mark.parametrize("way", TLS_WAYS)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_swaks_logs_in_over_tls(way: str, mechanism: str, pair: Pair, tmp_path: Path) -> None:
    """Over STARTTLS and implicit TLS, with a certificate it trusts, swaks logs in by either mechanism."""
    tls, option = TLS_WAYS[way]
    login = ["--auth", mechanism, "--auth-user", "clerk", "--auth-password", PASSWORD]
    trust = [option, "--tls-verify", "--tls-ca-path", str(pair.certificate)]
    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=tls, auth=Auth.REQUIRED)) as site:
        status, printed = await swaks(site, tmp_path, *trust, *login)
        assert status == 0, printed
        assert taken(site) == [the_mail(identity="clerk")]


async def test_swaks_with_a_wrong_password_sends_nothing(pair: Pair, tmp_path: Path) -> None:
    """A wrong password is 535 5.7.8, and nothing is taken on."""
    login = ["--tls", "--auth", "PLAIN", "--auth-user", "clerk", "--auth-password", "wrong"]
    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=Tls.STARTTLS, auth=Auth.REQUIRED)) as site:
        status, printed = await swaks(site, tmp_path, *login)
        assert status == 28  # swaks: the login failed
        assert "535 5.7.8" in printed
        assert taken(site) == []


async def test_swaks_without_a_login_is_told_to_log_in(pair: Pair, tmp_path: Path) -> None:
    """Where a login is required, a client from an allowed network gets 530 5.7.0 without one."""
    policy = replace(POLICY, identities=(CLERK,))
    async with a_site(tmp_path, policy, **listening(pair, tls=Tls.STARTTLS, auth=Auth.REQUIRED)) as site:
        status, printed = await swaks(site, tmp_path, "--tls")
        assert status != 0
        assert "530 5.7.0" in printed
        assert taken(site) == []


async def test_swaks_finds_no_login_in_the_clear(pair: Pair, tmp_path: Path) -> None:
    """A strict listener offers no AUTH before TLS, so that swaks never says its password."""
    login = ["--auth", "PLAIN", "--auth-user", "clerk", "--auth-password", PASSWORD]
    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=Tls.STARTTLS, auth=Auth.REQUIRED)) as site:
        status, printed = await swaks(site, tmp_path, *login)
        assert status != 0
        assert "AUTH PLAIN" not in printed
        assert taken(site) == []


async def test_swaks_hands_on_a_client_by_xclient(pair: Pair, tmp_path: Path) -> None:
    """From a peer in front XCLIENT ADDR says who counts: one allowed is taken and named, another is not."""
    async with a_site(tmp_path, BEHIND, **listening(pair, front=FRONT)) as site:
        status, printed = await swaks(site, tmp_path, "--xclient-addr", "192.0.2.7", "--xclient-helo", "copier")
        assert status == 0, printed
        assert taken(site) == [the_mail(client="192.0.2.7")]
        status, printed = await swaks(site, tmp_path, "--xclient-addr", "203.0.113.9", to=OTHER)
        assert status == 24  # swaks: no recipient was taken
        assert "550 5.7.1" in printed
        assert len(taken(site)) == 1


async def test_swaks_hands_on_a_login_by_xclient(pair: Pair, tmp_path: Path) -> None:
    """From a peer in front XCLIENT LOGIN names the identity; an unknown name is nobody."""
    async with a_site(tmp_path, BEHIND, **listening(pair, front=FRONT)) as site:
        stranger = ["--xclient-addr", "203.0.113.9", "--xclient-login"]
        status, printed = await swaks(site, tmp_path, *stranger, "clerk")
        assert status == 0, printed
        assert taken(site) == [the_mail(client="203.0.113.9", identity="clerk")]
        status, _ = await swaks(site, tmp_path, *stranger, "nobody", to=OTHER)
        assert status == 24
        assert len(taken(site)) == 1


async def test_xclient_is_for_peers_in_front_alone(pair: Pair, tmp_path: Path) -> None:
    """To anybody else XCLIENT is neither offered nor obeyed."""
    async with a_site(tmp_path, BEHIND, **listening(pair)) as site:
        status, printed = await swaks(site, tmp_path, "--xclient-no-verify", "--xclient-addr", "192.0.2.7")
        assert status != 0
        assert "XCLIENT ADDR LOGIN" not in printed
        assert taken(site) == []


PROXIED = ["--proxy-source-port", "40000", "--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25"]
VERSIONS = {
    "1": ["--proxy-version", "1", "--proxy-family", "TCP4"],
    "2": ["--proxy-version", "2", "--proxy-family", "AF_INET"],
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("tls", [Tls.OFF, Tls.IMPLICIT])
async def test_swaks_behind_a_balancer(version: str, tls: Tls, pair: Pair, tmp_path: Path) -> None:
    """The PROXY header of a peer in front says who the client is, in both versions, also before implicit TLS."""
    more = ["--tls-on-connect"] if tls is Tls.IMPLICIT else []
    async with a_site(tmp_path, BEHIND, **listening(pair, front=FRONT, proxy=True, tls=tls)) as site:
        for source, expected in (("192.0.2.7", 0), ("203.0.113.9", 24)):
            header = [*VERSIONS[version], "--proxy-source", source, *PROXIED]
            status, printed = await swaks(site, tmp_path, *header, *more)
            assert status == expected, printed
        assert taken(site) == [the_mail(client="192.0.2.7")]


# msmtp


def msmtp(site: Site, pair: Pair, *options: str) -> list[str]:
    """The command line of msmtp, without a configuration file."""
    where = ["--file=/dev/null", "--host=localhost", f"--port={site.port}", "--domain=client.example.org"]
    return ["msmtp", *where, f"--from={SENDER}", f"--tls-trust-file={pair.certificate}", *options, "--"]


@pytest.mark.parametrize(
    ("tls", "options"),
    [
        (Tls.OFF, ["--tls=off"]),
        (Tls.STARTTLS, ["--tls=on", "--tls-starttls=on"]),
        (Tls.IMPLICIT, ["--tls=on", "--tls-starttls=off"]),
    ],
)
async def test_msmtp_sends(tls: Tls, options: list[str], pair: Pair, tmp_path: Path) -> None:
    """With msmtp mail comes in the clear, over STARTTLS and over implicit TLS, trusting our certificate alone."""
    async with a_site(tmp_path, **listening(pair, tls=tls)) as site:
        status, printed = await run(*msmtp(site, pair, *options), TO, OTHER, given=MAIL.replace(b"\r\n", b"\n"))
        assert status == 0, printed
        assert taken(site) == [the_mail(NUMBER, "+14155550124")]


@pytest.mark.parametrize("mechanism", ["plain", "login"])
async def test_msmtp_logs_in_and_asks_for_notices(mechanism: str, pair: Pair, tmp_path: Path) -> None:
    """After a login of msmtp what it asked with -N and -R stands in the rows."""
    login = ["--tls=on", f"--auth={mechanism}", "--user=clerk", f"--passwordeval=echo {PASSWORD}"]
    wishes = ["-N", "failure,success", "-R", "hdrs"]
    async with a_site(tmp_path, LOGINS_ONLY, **listening(pair, tls=Tls.STARTTLS, auth=Auth.REQUIRED)) as site:
        status, printed = await run(*msmtp(site, pair, *login, *wishes), TO, given=MAIL.replace(b"\r\n", b"\n"))
        assert status == 0, printed
        assert taken(site) == [the_mail(identity="clerk")]
        [(notify, ret)] = site.kept.rows("SELECT notify, ret FROM fax JOIN message ON message.id = message_id")
        assert (set(notify.split(",")), ret) == ({"FAILURE", "SUCCESS"}, "HDRS")


async def test_msmtp_is_told_why(pair: Pair, tmp_path: Path) -> None:
    """A refusal at RCPT reaches the person who sent, code and words."""
    async with a_site(tmp_path, **listening(pair)) as site:
        status, printed = await run(*msmtp(site, pair, "--tls=off"), "415555012@fax.local", given=MAIL)
        assert status != 0
        assert "550 5.1.3" in printed
        assert taken(site) == []
