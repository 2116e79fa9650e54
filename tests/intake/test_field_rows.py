"""The feature table of the field (field.md, section 1.1-1.3): what each row asks of the intake, as a test.

The number in a test's name is the row. Row 4 is the corpus of dialogues, 32 is test_proof.py; rows 2, 6-9, 26 and 36
stand in test_rivals.py, as mistakes of those who lack them. Rows that belong to later parts are not here.
"""

import base64
import ssl
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.fax.options import Alias, Identity, LimitOptions
from bridge.intake.options import Auth, Tls
from tests.support.intake_stand import LISTENER, POLICY, Dialogue, Pair, Site, a_pair, a_site
from tests.support.second_clients import HASH, PASSWORD

TO = "RCPT TO:<{}@fax.local>"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate for these tests."""
    return a_pair(tmp_path_factory.mktemp("certificate"))


async def opened(site: Site, sender: str = "office@example.org") -> Dialogue:
    """A session in which MAIL has been taken."""
    line = await site.greeted()
    assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
    return line


async def test_3_tls_logins_and_networks_live_side_by_side(pair: Pair, tmp_path: Path) -> None:
    """On one listener a copier is known by its network, in the clear, and a person by a login through TLS."""
    copier = Identity("copier", networks=(ip_network("127.0.0.1/32"),))
    policy = replace(POLICY, networks=(), identities=(copier, Identity("ann", password_hash=HASH)))
    listener = replace(LISTENER, tls=Tls.STARTTLS, auth=Auth.OPTIONAL)
    login = base64.b64encode(f"\0ann\0{PASSWORD}".encode()).decode()
    async with a_site(tmp_path, policy, listener=listener, pair=pair) as site:
        line = await (await site.greeted()).envelope("+14155550101@fax.local")
        assert (await line.data(b"Subject: from the copier\r\n")).startswith("250 ")
        line = await site.greeted()
        assert (await line.say("STARTTLS")).startswith("220 ")
        context = ssl.create_default_context(cafile=str(pair.certificate))
        await line.writer.start_tls(context, server_hostname="mx.fax.local")
        assert "AUTH PLAIN LOGIN" in await line.say("EHLO client.example.org")
        assert (await line.say(f"AUTH PLAIN {login}")).startswith("235 ")
        await line.envelope("+14155550102@fax.local")
        assert (await line.data(b"Subject: from Ann\r\n")).startswith("250 ")
        rows = site.kept.rows("SELECT number, identity FROM fax ORDER BY number")
        assert rows == [("+14155550101", "copier"), ("+14155550102", "ann")]


async def test_5_size_is_announced_and_refused_before_it_comes(tmp_path: Path) -> None:
    """SIZE stands in EHLO; who says more at MAIL is refused with the limit in the text, and can go on."""
    async with a_site(tmp_path, max_message_size=20_000_000) as site:
        line = await site.connect()
        await line.reply()
        assert "SIZE 20000000" in await line.say("EHLO client.example.org")
        answer = await line.say("MAIL FROM:<office@example.org> SIZE=20000001")
        assert answer.startswith("552 5.3.4 ")
        assert "20 MB" in answer
        assert (await (await line.envelope()).data()).startswith("250 ")


async def test_12_a_mail_that_comes_twice_is_one_fax(tmp_path: Path) -> None:
    """The same mail again gets the same 250, no second fax, and a note that says so."""
    content = b"Message-ID: <again@example.org>\r\nSubject: once\r\n\r\ntext\r\n"
    async with a_site(tmp_path) as site:
        answers = [await (await (await site.greeted()).envelope()).data(content) for _ in range(3)]
        assert answers[0].startswith("250 2.0.0 Ok: ")
        assert len(set(answers)) == 1
        assert site.kept.counts()[:2] == (1, 1)
        assert site.kept.rows("SELECT event FROM outbox") == [("duplicate",), ("duplicate",)]


AUTOMATIC = {
    "vacation": b"Auto-Submitted: auto-replied\r\n",
    "generated": b"Auto-Submitted: auto-generated\r\n",
    "answered by an old program": b"X-Autoreply: yes\r\n",
    "bulk": b"Precedence: bulk\r\n",
    "list by its field": b"List-Id: <faxes.example.org>\r\n",
    "list by its way out": b"List-Unsubscribe: <mailto:out@example.org>\r\n",
    "a notice of the carrier": b"From: iFax <no-reply@ifaxapp.com>\r\n",
    "one of our own": b"X-Fax-Event: delivered\r\n",
}


@pytest.mark.parametrize("header", AUTOMATIC.values(), ids=AUTOMATIC.keys())
async def test_14_automatic_mail_is_never_faxed(header: bytes, tmp_path: Path) -> None:
    """Automatic, list and bulk mail, the carrier's notices and our own are refused, and nobody is answered."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(header + b"Subject: x\r\n\r\ntext\r\n")).startswith("550 5.7.1 ")
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.rows("SELECT count(*) FROM outbox") == [(0,)]


async def test_14_the_null_sender_is_never_faxed(tmp_path: Path) -> None:
    """A bounce has nobody to be told of a fax: it is refused at RCPT."""
    async with a_site(tmp_path) as site:
        line = await opened(site, "")
        assert (await line.say(TO.format("+14155550123"))).startswith("550 5.7.1 ")


@pytest.mark.parametrize("text", [b"one\ntwo\r\n", b"one\rtwo\r\n", b"one\r\r\n", b"nu\0ll\r\n", b"one\n.\r\n"])
@pytest.mark.parametrize("named", ["10.0.0.0/8", "127.0.0.0/8"])
async def test_15_bare_line_ends_are_for_named_copiers_alone(text: bytes, named: str, tmp_path: Path) -> None:
    """A bare LF is forgiven in the networks named for it; elsewhere, and all that is worse anywhere, is 521."""
    forgiven = named == "127.0.0.0/8" and text == b"one\ntwo\r\n"
    async with a_site(tmp_path, listener=replace(LISTENER, bare_lf=(ip_network(named),))) as site:
        line = await (await site.greeted()).envelope()
        answer = await line.data(b"Subject: x\r\n\r\n" + text)
        assert answer.startswith("250 " if forgiven else "521 5.5.2 ")
        assert site.kept.counts()[1] == int(forgiven)


HUMAN = [
    "+14155550123",
    "14155550123",
    "4155550123",
    "(415)555-0123",
    "1-415-555-0123",
    "415.555.0123",
]
FAX = ["FAX=+14155550123", "fax=+14155550123", "Fax=4155550123", '"FAX=+1 415 555 0123"', '"+1 (415) 555-0123"']


@pytest.mark.parametrize("local", [*HUMAN, *FAX])
async def test_16_17_18_numbers_as_people_and_copiers_write_them(local: str, tmp_path: Path) -> None:
    """Human forms of a number, and FAX= in any case, mean that one number in E.164."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(f"{local}@fax.local")
        assert (await line.data()).startswith("250 ")
        assert site.kept.faxes() == [(f"{local}@fax.local", "+14155550123")]


CANNOT = {
    "19 a sub-address": ("FAX=+14155550123/T33S=99", "sub-address"),
    "19 an ISDN sub-address": ("FAX=+14155550123/ISUB=99", "sub-address"),
    "27 tones after the answer": ("FAX=+14155550123/POSTD=pp99", "tones"),
    "18 VOICE": ("VOICE=+14155550123", "FAX="),
    "18 an unknown element": ("FAX=+14155550123/COLOUR=red", "COLOUR"),
    "28 a digit short": ("415555012", "+1415555012"),
    "28 a digit too many": ("+141555501234", "+141555501234"),
}


@pytest.mark.parametrize(("local", "says"), CANNOT.values(), ids=CANNOT.keys())
async def test_19_27_28_what_cannot_be_dialled_is_told_at_rcpt(local: str, says: str, tmp_path: Path) -> None:
    """What the carrier cannot carry, and what is no number, is 550 5.1.3 at RCPT, with the reason in words."""
    async with a_site(tmp_path) as site:
        answer = await (await opened(site)).say(TO.format(local))
        assert answer.startswith("550 5.1.3 ")
        assert says in answer


@pytest.mark.parametrize("local", ["415-555-0123,,99", "4155550123p99", "4155550123w9", "4155550123x9", "4155550123#9"])
async def test_27_pauses_and_extensions_are_refused(local: str, tmp_path: Path) -> None:
    """Pauses, tones and extensions behind a number never become part of it."""
    async with a_site(tmp_path) as site:
        assert (await (await opened(site)).say(TO.format(local))).startswith(("550 5.1.3 ", "501 "))


async def test_20_the_address_may_say_whom_the_fax_is_for(tmp_path: Path) -> None:
    """Person and company in the address are kept with the fax, and do not touch the number."""
    local = "FAX=+14155550123/ATTN=Ann.Smith2/ORG=Harbour_Clinic_24"
    async with a_site(tmp_path) as site:
        assert (await (await (await site.greeted()).envelope(f"{local}@fax.local")).data()).startswith("250 ")
        [(number, person, company)] = site.kept.rows("SELECT number, person, company FROM fax")
        assert (number, person, company) == ("+14155550123", "Ann Smith2", "Harbour Clinic 24")


@pytest.mark.parametrize("local", ["4155550123^RETRIES=3", "to=John_Doe/co=Acme/4155550123", "4155550123/A4", "cp=off"])
async def test_21_options_of_other_gateways_change_no_number(local: str, tmp_path: Path) -> None:
    """What other products take as options in an address, and is none here, is refused, never glued to the number."""
    async with a_site(tmp_path) as site:
        assert (await (await opened(site)).say(TO.format(local))).startswith("550 5.1.3 ")


async def test_24_fields_for_options_are_no_orders(tmp_path: Path) -> None:
    """X-FAX-* fields of other gateways are carried in the mail and obeyed by nobody."""
    header = b"X-FAX-Number: +14155550199\r\nX-FAX-Dial: 14155550199\r\nX-Faxnumber: +14155550199\r\n"
    async with a_site(tmp_path) as site:
        assert (await (await (await site.greeted()).envelope()).data(header + b"\r\ntext\r\n")).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == ["+14155550123"]


async def test_25_an_alias_and_a_group_are_expanded_when_taken_on(tmp_path: Path) -> None:
    """A name stands for its numbers, one fax each; a number reached twice is faxed once."""
    group = Alias("pharmacies", ("+14155550101", "+14155550102"))
    policy = replace(POLICY, aliases=(group, Alias("00123", ("+14155550102",))))
    async with a_site(tmp_path, policy) as site:
        line = await (await site.greeted()).envelope("Pharmacies@fax.local", "00123@fax.local")
        assert (await line.data()).startswith("250 ")
        assert sorted(number for _, number in site.kept.faxes()) == ["+14155550101", "+14155550102"]


async def test_30_an_address_alone_is_no_proof(tmp_path: Path) -> None:
    """An allowed sender's name on a client that is not allowed gets nowhere; a network's own rules are held to."""
    guest = Identity("guest", networks=(ip_network("127.0.0.1/32"),), senders=("guest@example.org",))
    policy = replace(POLICY, identities=(guest,))
    async with a_site(tmp_path, policy) as site:
        line = await opened(site, "boss@example.org")
        assert (await line.say(TO.format("+14155550123"))).startswith("550 5.7.1 ")
        line = await (await site.greeted()).envelope(sender="guest@example.org")
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT identity FROM fax") == [("guest",)]


async def test_33_destinations_are_bounded_at_rcpt(tmp_path: Path) -> None:
    """Costly kinds of numbers are never dialled unless a prefix names them; an identity has countries of its own."""
    home = Identity("home", networks=(ip_network("127.0.0.1/32"),), countries=frozenset({"CA"}), prefixes=("+1900555",))
    async with a_site(tmp_path / "site") as site:
        line = await opened(site)
        for costly in ("+19005550123", "+442079460123", "+447012345678"):
            assert (await line.say(TO.format(costly))).startswith("550 5.7.1 "), costly
    async with a_site(tmp_path / "identity", replace(POLICY, identities=(home,))) as site:
        line = await opened(site)
        answer = await line.say(TO.format("+14155550123"))
        assert answer.startswith("550 5.7.1 ")
        assert "CA" in answer
        assert (await line.say(TO.format("+16045550123"))).startswith("250 ")
        assert (await line.say(TO.format("+19005550123"))).startswith("250 ")


async def test_34_over_the_days_limit_faxes_are_held_and_the_admin_told_once(tmp_path: Path) -> None:
    """Over the limit a fax is kept and held, not lost and not sent; one mail tells the operator."""
    async with a_site(tmp_path, limits=LimitOptions(faxes_per_day=1)) as site:
        line = await site.greeted()
        for number in range(3):
            await line.envelope(f"+1415555010{number}@fax.local")
            assert (await line.data(b"Subject: %d\r\n\r\nx\r\n" % number)).startswith("250 ")
        rows = site.kept.rows("SELECT state, hold_reason FROM fax ORDER BY id")
        assert rows == [("accepted", None), ("held", "limit"), ("held", "limit")]
        assert site.kept.rows("SELECT count(*) FROM outbox WHERE recipient = 'admin@example.org'") == [(1,)]


async def test_38_the_identity_decides_the_caller_id(tmp_path: Path) -> None:
    """A fax shows its identity's number, whatever its sender writes."""
    desk = Identity("desk", networks=(ip_network("127.0.0.1/32"),), caller_id="+14155550150")
    async with a_site(tmp_path, replace(POLICY, identities=(desk,)), caller_id="+14155550100") as site:
        line = await (await site.greeted()).envelope()
        content = b"From: +14155550199@example.org\r\nX-Caller-Id: +14155550199\r\nSubject: 4155550199\r\n\r\nx\r\n"
        assert (await line.data(content)).startswith("250 ")
        assert site.kept.rows("SELECT caller_id FROM fax") == [("+14155550150",)]
