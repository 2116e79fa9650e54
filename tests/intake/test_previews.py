"""Who may ask for a preview, of what, and that such a mail is never faxed."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.fax.options import Alias, Identity, PolicyOptions
from tests.support.intake_stand import FORMAL_MAIL, MAIL, NUMBER, POLICY, SENDER, Site, a_site

NAMED = replace(POLICY, senders=("*@example.org",))
FAX = f"{NUMBER}@fax.local"


def kept(site: Site) -> list[tuple[str, str, str]]:
    """What is to be answered: number, person, and where the pages go."""
    rows = site.kept.rows("SELECT number, person, pages_to FROM preview WHERE due_at NOT NULL ORDER BY id")
    return [(str(a), str(b), str(c)) for a, b, c in rows]


@pytest.mark.parametrize(
    ("recipient", "number", "person"),
    [
        ("preview@fax.local", "", ""),
        ("Preview@FAX.local", "", ""),
        (f"preview+{NUMBER}@fax.local", NUMBER, ""),
        ("preview+FAX=+14155550123/ATTN=John.Smith@fax.local", NUMBER, "John Smith"),
    ],
)
async def test_it_is_kept_and_no_fax(recipient: str, number: str, person: str, tmp_path: Path) -> None:
    """A 250 leaves the wish on disk, and nothing that could be dialled."""
    async with a_site(tmp_path, policy=NAMED) as site:
        line = await (await site.greeted()).envelope(recipient)
        assert (await line.data()).startswith("250 2.0.0 Ok: ")
        assert kept(site) == [(number, person, SENDER)]
        assert site.kept.counts() == (1, 0, 1)


async def test_one_for_each_number(tmp_path: Path) -> None:
    """A group is a preview for each of its numbers; what is asked for twice is one."""
    policy = replace(NAMED, aliases=(Alias("wards", ("+14155550101", NUMBER)),))
    async with a_site(tmp_path, policy=policy) as site:
        line = await (await site.greeted()).envelope("preview+wards@fax.local", f"preview+{NUMBER}@fax.local")
        assert (await line.data()).startswith("250 ")
        assert [number for number, _, _ in kept(site)] == ["+14155550101", NUMBER]


@pytest.mark.parametrize("recipients", [(FAX, "preview@fax.local"), (f"preview+{NUMBER}@fax.local", FAX)])
async def test_never_both(recipients: tuple[str, str], tmp_path: Path) -> None:
    """A mail to a number and to the preview is neither: whoever wants to look first must not find it faxed."""
    async with a_site(tmp_path, policy=NAMED) as site:
        line = await (await site.greeted()).envelope(*recipients)
        answer = await line.say("DATA")
        assert answer.startswith("554 5.7.1 ")
        assert "preview@ alone" in answer
        assert site.kept.counts() == (0, 0, 0)
        assert (await line.say("RSET")).startswith("250")
        await line.envelope(FAX)
        assert (await line.data()).startswith("250 ")
        assert site.kept.counts()[:2] == (1, 1)


@pytest.mark.parametrize(
    ("policy", "sender", "recipient", "reply"),
    [
        (POLICY, SENDER, "preview@fax.local", "550 5.7.1 pages go only to addresses that the operator has named"),
        (NAMED, "eve@elsewhere.example", "preview@fax.local", "550 5.7.1 "),
        (NAMED, "", "preview@fax.local", "550 5.7.1 "),
        (NAMED, SENDER, "preview+nobody@fax.local", "550 5.1.3 "),
        (NAMED, SENDER, "preview+@fax.local", "550 5.1.3 "),
        (NAMED, SENDER, "preview+preview@fax.local", "550 5.1.3 "),
        (NAMED, SENDER, "preview+postmaster@fax.local", "550 5.1.3 "),
        (NAMED, SENDER, "preview+19005550100@fax.local", "550 5.7.1 "),
        (NAMED, SENDER, "preview+441632960001@fax.local", "550 5."),
    ],
)
async def test_refused(policy: PolicyOptions, sender: str, recipient: str, reply: str, tmp_path: Path) -> None:
    """Documents go to addresses the operator wrote down, and a preview's number is judged as a fax's is."""
    async with a_site(tmp_path, policy=policy) as site:
        line = await site.greeted()
        assert (await line.say(f"MAIL FROM:<{sender}>")).startswith("250 ")
        answer = await line.say(f"RCPT TO:<{recipient}>")
        assert answer.startswith(reply), answer


async def test_a_strangers_word_is_no_proof(tmp_path: Path) -> None:
    """From outside the networks the mail must prove its sender, as one to a number must."""
    async with a_site(tmp_path, policy=replace(NAMED, networks=(ip_network("10.0.0.0/8"),))) as site:
        line = await (await site.greeted()).envelope("preview@fax.local")
        assert (await line.data()).startswith("550 5.7.1 nothing proves")
        assert site.kept.counts() == (0, 0, 0)


async def test_where_an_identity_has_its_mail(tmp_path: Path) -> None:
    """The operator named that address too, so the pages may go there, whoever the sender says it is."""
    desk = Identity("desk", networks=(ip_network("127.0.0.1/32"),), notify="desk@example.net")
    async with a_site(tmp_path, policy=replace(POLICY, identities=(desk,))) as site:
        line = await (await site.greeted()).envelope("preview@fax.local", sender="copier@elsewhere.example")
        assert (await line.data()).startswith("250 ")
        assert kept(site) == [("", "", "desk@example.net")]


@pytest.mark.parametrize(
    "field", ["Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <x.example.org>", "X-Fax-Event: preview"]
)
async def test_no_machine_asks(field: str, tmp_path: Path) -> None:
    """Automatic mail, lists, and our own answers start no circle of previews."""
    async with a_site(tmp_path, policy=NAMED) as site:
        line = await (await site.greeted()).envelope("preview@fax.local")
        assert (await line.data(f"{field}\r\n".encode() + MAIL)).startswith("550 5.7.1 ")
        assert site.kept.counts() == (0, 0, 0)


async def test_the_same_twice(tmp_path: Path) -> None:
    """A preview does not count as a fax: asked for again it comes again, and the fax after it is the first."""
    async with a_site(tmp_path, policy=NAMED) as site:
        line = await site.greeted()
        for _ in range(2):
            await line.envelope("preview@fax.local")
            assert (await line.data(FORMAL_MAIL)).startswith("250 ")
        await line.envelope(FAX)
        assert (await line.data(FORMAL_MAIL)).startswith("250 ")
        assert len(kept(site)) == 2
        assert site.kept.faxes() == [(FAX, NUMBER)]


async def test_beside_the_operators_mailbox(tmp_path: Path) -> None:
    """A mail to both is forwarded and previewed."""
    async with a_site(tmp_path, policy=NAMED) as site:
        line = await (await site.greeted()).envelope("postmaster@fax.local", "preview@fax.local")
        assert (await line.data()).startswith("250 ")
        assert len(kept(site)) == 1
        assert site.kept.rows("SELECT event FROM outbox") == [("postmaster",)]
