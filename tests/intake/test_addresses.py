"""Recipients as people and copiers write them: a number is understood whole or not at all, digits are never glued."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.fax.options import Identity
from bridge.intake.options import Profile
from tests.support.intake_stand import LISTENER, MAIL, POLICY, a_site

FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}

UNDERSTOOD = {
    "+14155550123@fax.local": "+14155550123",
    "14155550123@fax.local": "+14155550123",
    "4155550123@fax.local": "+14155550123",
    "(415)555-0123@fax.local": "+14155550123",
    "1-415-555-0123@fax.local": "+14155550123",
    "415.555.0123@fax.local": "+14155550123",
    '"+1 (415) 555-0123"@fax.local': "+14155550123",
    '"+14155550123"@fax.local': "+14155550123",
    '"415\\ 555\\ 0123"@fax.local': "+14155550123",
    "FAX=+14155550123@fax.local": "+14155550123",
    "fax=4155550123@fax.local": "+14155550123",
    '"FAX=+1 415 555 0123"@fax.local': "+14155550123",
    "@relay.example.org,@other.example.org:+14155550123@fax.local": "+14155550123",
    "+14155550123@fax.example.net": "+14155550123",
    "+14155550123@Fax.Local.": "+14155550123",
    "+14155550123@[127.0.0.1]": "+14155550123",
    "0014155550123@fax.local": "+14155550123",
    "IMCEAFAX-John+20Smith+40+2B1+20+28415+29+20555-0123@fax.local": "+14155550123",
    "4155550123^COMPANY=Acme^NOPREFIX@fax.local": "+14155550123",
    "415-555-0123^John Smith^Acme@fax.local": "+14155550123",
}

REFUSED = {
    "a name": "jane@fax.local",
    "a name with a number": "jane4155550123@fax.local",
    "a name behind a number": "4155550123jane@fax.local",
    "names with digits": "room415floor555desk0123@fax.local",
    "VOICE": "VOICE=+14155550123@fax.local",
    "PAGER": "PAGER=+14155550123@fax.local",
    "sub-address": "FAX=+14155550123/T33S=1234@fax.local",
    "sub-address without FAX": "+14155550123/T33S=1234@fax.local",
    "extension": "4155550123x45@fax.local",
    "extension in words": '"415 555 0123 ext. 45"@fax.local',
    "extension as RFC 3966": "+14155550123;ext=45@fax.local",
    "two numbers": '"4155550123 4155550124"@fax.local',
    "two numbers with a comma": "4155550123,4155550124@fax.local",
    "two pluses": "+1415+5550123@fax.local",
    "pause": "4155550123p45@fax.local",
    "subscribed tag": "4155550123+45@fax.local",
    "percent hack": "4155550123%example.com@fax.local",
    "bang path": "example!4155550123@fax.local",
    "an address within": "4155550123@example.com@fax.local",
    "letters for digits": "1800FLOWERS@fax.local",
    "octal and hex": "0x14155550123@fax.local",
    "a comment": "4155550123(fax)@fax.local",
    "nothing": "@fax.local",
    "nothing in quotes": '""@fax.local',
    "nothing behind FAX": "FAX=@fax.local",
    "FAX twice": "FAX=FAX=+14155550123@fax.local",
    "a plus": "+@fax.local",
    "separators only": "(-.)@fax.local",
    "too long": "+1" + "4" * 200 + "@fax.local",
    "emergency": "911@fax.local",
    "no domain": "+14155550123@",
    "no at": "14155550123",
    "domain with two dots behind": "+14155550123@fax.local..",
    "open bracket": "+14155550123@fax.local>x<",
    "source route to elsewhere": "@fax.local:+14155550123@example.com",
    "an address literal of another host": "+14155550123@[127.0.0.2]",
    "an address literal that is none": "+14155550123@[fax.local]",
    "another domain with a dot behind": "+14155550123@example.com.",
    "a flag that is not done": "4155550123^RETRIES=9@fax.local",
    "an enclosed address that is no fax": "IMCEAEX-_O+3DFIRST@fax.local",
}


@pytest.mark.parametrize(("address", "number"), UNDERSTOOD.items(), ids=UNDERSTOOD)
async def test_usual_ways_to_write_a_number(address: str, number: str, tmp_path: Path) -> None:
    """The address is taken, and the fax goes to exactly the number it stands for."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(address)
        assert (await line.data()).startswith("250 ")
        assert [found for _, found in site.kept.faxes()] == [number]


async def test_what_is_no_number_is_refused_for_good(tmp_path: Path) -> None:
    """Every odd address is refused with 5xx at RCPT, and no fax comes of it."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope("+14155550100@fax.local")
        answers = {name: await line.say(f"RCPT TO:<{address}>") for name, address in REFUSED.items()}
        assert [name for name, answer in answers.items() if not answer.startswith("5")] == []
        assert (await line.data()).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == ["+14155550100"]


@pytest.mark.parametrize(
    "digits",
    [
        "4155550123".translate(FULL_WIDTH),
        "٤١٥٥٥٥٠١٢٣",
        "+1" + "415".translate(FULL_WIDTH) + "5550123",
        "4155550123\u00a0",
    ],
)
async def test_digits_of_other_scripts_are_no_digits(digits: str, tmp_path: Path) -> None:
    """Full-width and Arabic digits are refused, raw or in quotes, never dropped from between others."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope("+14155550100@fax.local")
        for address in (f"{digits}@fax.local", f'"{digits}"@fax.local'):
            assert (await line.say(f"RCPT TO:<{address}>".encode())).startswith("5")
        assert (await line.data()).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == ["+14155550100"]


async def test_the_number_as_understood_stands_in_the_refusal(tmp_path: Path) -> None:
    """A number with a digit too few is shown as it was understood, so that the mistake can be seen."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope("+14155550100@fax.local")
        answer = await line.say("RCPT TO:<415555012@fax.local>")
        assert answer.startswith("550 5.1.3 ")
        assert "+1415555012" in answer


async def test_numbers_without_plus_belong_to_the_default_country(tmp_path: Path) -> None:
    """With another default country the same digits are another number, or none."""
    async with a_site(tmp_path, replace(POLICY, default_country="DE")) as site:
        line = await (await site.greeted()).envelope("+14155550100@fax.local")
        answer = await line.say("RCPT TO:<4155550123@fax.local>")
        assert answer.startswith("550 ")
        assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("250 ")


async def test_one_fax_for_each_number(tmp_path: Path) -> None:
    """One number written twice, even differently, is one fax; each other number is one more, in order."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(
            "+14155550101@fax.local",
            "(415)555-0101@fax.local",
            "+14155550102@fax.local",
            "+14155550101@fax.example.net",
        )
        assert (await line.data()).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == ["+14155550101", "+14155550102"]


async def test_a_refused_recipient_costs_the_others_nothing(tmp_path: Path) -> None:
    """Between good recipients a refused one is only that."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope("+14155550101@fax.local")
        assert (await line.say("RCPT TO:<nobody@fax.local>")).startswith("550 5.1.3 ")
        assert (await line.say("RCPT TO:<+14155550102@fax.local>")).startswith("250 ")
        assert (await line.data()).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == ["+14155550101", "+14155550102"]


@pytest.mark.parametrize(
    "address", ["postmaster", "Postmaster", "postmaster@fax.local", "ABUSE@fax.local", '"postmaster"@fax.local']
)
async def test_postmaster_and_abuse_go_on_to_the_operator(address: str, tmp_path: Path) -> None:
    """Mail for them becomes one mail to the admin that holds the original, and never a fax."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(address)
        assert (await line.data(b"Subject: hello\r\n\r\nWho runs this?\r\n")).startswith("250 ")
        assert site.kept.faxes() == []
        [(kind, recipient, blob)] = site.kept.rows("SELECT kind, recipient, blob_id FROM outbox")
        assert (kind, recipient) == ("forward", "admin@example.org")
        forwarded = site.kept.plain(blob)
        assert forwarded.startswith(b"Received: ")
        assert forwarded.endswith(b"\r\nSubject: hello\r\n\r\nWho runs this?\r\n")


@pytest.mark.parametrize("hello", ["a\rBcc: x@example.org", "a\x00b", "a" * 400, "a (b) <c> ;d", "[127.0.0.1]"])
async def test_the_hello_cannot_write_into_the_forwarded_mail(hello: str, tmp_path: Path) -> None:
    """Whatever name a client gives itself, the forwarded mail has one trace field more, of short clean lines."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted(f"EHLO {hello}")).envelope("postmaster@fax.local")
        assert (await line.data(b"Subject: hello\r\n\r\nx\r\n")).startswith("250 ")
        [(blob,)] = site.kept.rows("SELECT blob_id FROM outbox")
        trace = site.kept.plain(blob).removesuffix(b"Subject: hello\r\n\r\nx\r\n")
        lines = trace.split(b"\r\n")
        assert lines.pop() == b""
        assert lines[0].startswith(b"Received: ")
        assert all(text.startswith((b" ", b"\t")) for text in lines[1:])
        assert all(len(text) < 998 and b"\r" not in text and b"\n" not in text and b"\0" not in text for text in lines)


async def test_a_sender_without_a_domain_at_a_legacy_listener(tmp_path: Path) -> None:
    """A copier's own name is completed with our host name; nobody can answer there, so the operator is told."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(sender="scanner")
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT sender, notice_to FROM fax") == [("scanner@mx.fax.local", "admin@example.org")]
        assert (await line.say("MAIL FROM:<two words>")).startswith("501 ")
        assert (await line.say("MAIL FROM:<@>")).startswith("501 ")
        line = await line.envelope("+14155550124@fax.local", sender="scanner@")  # whose panel has no domain
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT DISTINCT sender FROM fax") == [("scanner@mx.fax.local",)]


async def test_the_identity_of_such_a_sender_says_where_notices_go(tmp_path: Path) -> None:
    """And its senders may name it, as any other."""
    copier = Identity("copier", networks=POLICY.networks, senders=("scanner@mx.fax.local",), notify="desk@example.org")
    async with a_site(tmp_path, policy=replace(POLICY, identities=(copier,))) as site:
        line = await (await site.greeted()).envelope(sender="Scanner")
        assert (await line.data()).startswith("250 ")
        assert site.kept.rows("SELECT identity, notice_to FROM fax") == [("copier", "desk@example.org")]
        assert (await line.say("MAIL FROM:<printer>")).startswith("250 ")
        answer = await line.say("RCPT TO:<+14155550123@fax.local>")
        assert answer.startswith(
            "550 5.7.1 this sender may not send faxes here; the operator can add it to the senders"
        )
        assert answer.endswith(": printer@mx.fax.local")


async def test_a_strict_listener_wants_a_domain(tmp_path: Path) -> None:
    """There nobody is taken for somebody else."""
    async with a_site(tmp_path, listener=replace(LISTENER, profile=Profile.STRICT)) as site:
        line = await site.greeted()
        for sender in ("scanner", "scanner@"):
            assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("501 5.5.4 ")


async def test_what_addresses_wish_counts_for_the_whole_mail(tmp_path: Path) -> None:
    """Flags that are options are those of the mail; where recipients differ nothing is faxed."""
    async with a_site(tmp_path) as site:
        one, other = "4155550123^NOCOVER@fax.local", "4155550124^NOCOVER@fax.local"
        line = await (await site.greeted()).envelope(one, other)
        assert (await line.data()).startswith("250 ")
        [(asked,)] = site.kept.rows("SELECT asked FROM message")
        assert json.loads(asked)["cover"] is False
        await line.envelope(one, "4155550125@fax.local")
        answer = await line.data()
        assert answer.startswith("550 5.6.0 what addresses ask for behind ^ counts for the whole mail")
        assert len(site.kept.faxes()) == 2
        await line.envelope("4155550126^NOCOVER@fax.local")
        contrary = await line.data(b"X-Fax-Option: cover=yes\r\n" + MAIL)
        assert contrary.startswith("550 5.6.0 X-Fax-Option and the address: cover stands there twice")
