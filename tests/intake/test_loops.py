"""Mail that must never become a fax, in real dialogues: refused for good, nothing kept, the session goes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.fax.options import Identity
from tests.support.intake_stand import MAIL, NUMBER, POLICY, a_site

NEVER = {
    "automatic": b"Auto-Submitted: auto-generated\r\n",
    "bulk": b"Precedence: bulk\r\n",
    "list": b"List-Id: <x.example.org>\r\n",
    "the carrier's notice": b"From: iFax <no-reply@ifaxapp.com>\r\n",
    "our notice": b"X-Fax-Event: delivered\r\n",
    "our Message-ID": b"Message-ID: <01jabc.faxbridge@mx.fax.local>\r\n",
    "our Message-ID of another domain of ours": b"Message-ID: <01jabc.faxbridge@fax.example.net>\r\n",
}


@pytest.mark.parametrize("field", NEVER.values(), ids=NEVER.keys())
@pytest.mark.parametrize("size", [0, 100_000], ids=["small", "large"])
async def test_it_is_refused_after_data(field: bytes, size: int, tmp_path: Path) -> None:
    """550 5.7.1 after the final dot, no row and no file, and the next mail of the session is taken."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        answer = await line.data(b"Subject: x\r\n" + field + b"\r\n" + b"x" * size + b"\r\n")
        assert answer.startswith("550 5.7.1 ")
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []
        assert (await (await line.envelope()).data()).startswith("250 ")


async def test_the_carriers_notice_by_its_envelope(tmp_path: Path) -> None:
    """The envelope sender of iFax's own notices is enough."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(sender="no-reply@ifaxapp.com")
        assert (await line.data()).startswith("550 5.7.1 ")


@pytest.mark.parametrize("sender", ["", "@relay.example.org:"])
async def test_the_null_sender_faxes_nothing(sender: str, tmp_path: Path) -> None:
    """A bounce is refused at RCPT for every number and mailbox but its own; without an address there is no sender."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        if (await line.say(f"MAIL FROM:<{sender}>")).startswith("501 "):
            return
        for recipient in (NUMBER, "postmaster", "abuse"):
            assert (await line.say(f"RCPT TO:<{recipient}@fax.local>")).startswith("550 5.7.1 ")
        assert (await line.say("RCPT TO:<bounce+abc@fax.local>")).startswith("550 5.1.1 ")
        assert (await line.say("DATA")).startswith("503 ")


@pytest.mark.parametrize(("hops", "reply"), [(30, "250 2.0.0 "), (31, "554 5.4.6 ")])
@pytest.mark.parametrize("recipient", [NUMBER, "postmaster"])
async def test_a_mail_that_goes_round_is_stopped(hops: int, reply: str, recipient: str, tmp_path: Path) -> None:
    """More than thirty ``Received`` lines are 554 5.4.6, whether the mail would be faxed or passed on."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(f"{recipient}@fax.local")
        answer = await line.data(b"Received: from a by b;\r\n\tMon, 23 Nov 2026 08:15:30 +0000\r\n" * hops + MAIL)
        assert answer.startswith(reply)


NEAR_MISSES = {
    "not automatic": b"Auto-Submitted: no\r\n",
    "a subject that names a field": b"Subject: Auto-Submitted: auto-replied\r\n",
    "a list in the subject": b"Subject: List-Id: the list you wanted\r\n",
    "normal precedence": b"Precedence: first-class\r\n",
    "to the carrier as well": b"Cc: no-reply@ifaxapp.com\r\n",
    "an answer to our notice": b"In-Reply-To: <01jabc.faxbridge@mx.fax.local>\r\n",
    "a field of the body": b"Subject: x\r\n\r\nAuto-Submitted: auto-replied\r\nX-Fax-Event: delivered\r\n",
}


@pytest.mark.parametrize("field", NEAR_MISSES.values(), ids=NEAR_MISSES.keys())
async def test_what_only_looks_like_it_is_faxed(field: bytes, tmp_path: Path) -> None:
    """A person's mail that mentions such things is a fax."""
    async with a_site(tmp_path) as site:
        assert (await (await (await site.greeted()).envelope()).data(field + MAIL)).startswith("250 ")
        assert len(site.kept.faxes()) == 1


async def test_a_business_system_may_fax_what_it_sends_by_itself(tmp_path: Path) -> None:
    """Under an identity that has leave, by login, network or proof alike; its replies, and the null sender, never."""
    billing = Identity("billing", networks=POLICY.networks, automatic=True)
    async with a_site(tmp_path, policy=replace(POLICY, identities=(billing,))) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(b"Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\n" + MAIL)).startswith("250 ")
        await line.envelope()
        assert (await line.data(b"Auto-Submitted: auto-replied\r\n" + MAIL)).startswith("550 5.7.1 ")
        assert (await line.say("MAIL FROM:<>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{NUMBER}@fax.local>")).startswith("550 5.7.1 ")
        assert len(site.kept.faxes()) == 1


async def test_whoever_has_no_leave_is_told_what_to_ask_for(tmp_path: Path) -> None:
    """The words can be passed on to the operator as they are."""
    billing = Identity("billing", networks=POLICY.networks)
    async with a_site(tmp_path, policy=replace(POLICY, identities=(billing,))) as site:
        answer = await (await (await site.greeted()).envelope()).data(b"Auto-Submitted: auto-generated\r\n" + MAIL)
        assert answer.startswith("550 5.7.1 automatic mail (Auto-Submitted) is not faxed, unless the operator sets ")
        assert "automatic = true for the identity" in answer
