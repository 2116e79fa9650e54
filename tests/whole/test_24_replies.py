"""Notices are answered: what the first line asks for is done, once, for whom the notice went to and nobody else."""

import re
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from tests.support.processes import ALSO_DELIVERED, DELIVERED, SENDER, Caught, Daemon, House, a_pdf_mail, talk_to


def an_answer(notice: Caught, line: str) -> EmailMessage:
    """As a mail program writes it: the line, and the notice quoted below."""
    answer = EmailMessage()
    answer["From"], answer["To"] = SENDER, notice.message["Reply-To"]
    answer["Subject"] = f"Re: {notice.message['Subject']}"
    answer["Date"], answer["Message-ID"] = formatdate(), make_msgid(domain="client.example.org")
    answer["In-Reply-To"] = notice.message["Message-ID"]
    quoted = "".join(f"> {each}\n" for each in notice.text.splitlines())
    answer.set_content(f"\n{line}\n\nOn Saturday Fax wrote:\n{quoted}")
    return answer


async def answered(house: House, daemon: Daemon, notice: Caught, line: str, sender: str = SENDER) -> Caught:
    """Answer it, and wait for what comes back."""
    before = len(house.sink.those(event="reply"))
    await daemon.take(an_answer(notice, line), notice.message["Reply-To"], sender=sender)
    return (await house.sink.wait(before + 1, event="reply"))[-1]


async def test_a_notice_is_answered(house: House) -> None:
    """Status, misunderstanding, resending, a replay, a new number asked back about, and a stranger."""
    sandbox, daemon = await house.start(relay={"reply_domain": "fax.local"})
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    [notice] = await house.sink.wait(event="delivered", to=SENDER)
    assert re.fullmatch(r"reply\+[0-9a-z]{26}@fax\.local", notice.message["Reply-To"])
    assert "resend to NUMBER" in notice.text

    status = await answered(house, daemon, notice, "Status")
    assert "It was delivered on " in status.text
    assert status.message["Auto-Submitted"] == "auto-replied"
    assert (status.sender, status.recipients) == ("", (SENDER,))
    unclear = await answered(house, daemon, notice, "please fax this again to my aunt")
    assert "please fax this again to my aunt" in unclear.text
    assert "Nothing was done." in unclear.text

    stranger = await answered(house, daemon, notice, "resend", sender="mallory@example.net")
    assert "mallory@example.net" in stranger.text
    assert stranger.recipients == (SENDER,)
    assert len(await sandbox.taken()) == 1

    done = await answered(house, daemon, notice, "RESEND.")
    assert "It is faxed once more." in done.text
    [_, again] = await house.sink.wait(2, event="delivered", to=SENDER)
    assert again.message["X-Fax-Id"] != notice.message["X-Fax-Id"]
    replay = await answered(house, daemon, notice, "resend")
    assert "answered before, and then: It is faxed once more." in " ".join(replay.text.split())
    assert len(await sandbox.taken(DELIVERED)) == 2

    question = await answered(house, daemon, again, f"resend to {ALSO_DELIVERED}")
    assert "+1 415-555-0102" in question.text
    assert await sandbox.taken(ALSO_DELIVERED) == []
    yes = await answered(house, daemon, question, "yes")
    assert "It is faxed once more." in yes.text
    await house.fax_in(ALSO_DELIVERED, "delivered")
    assert len(await sandbox.taken(ALSO_DELIVERED)) == 1
    shown = await house.run_json("show", again.message["X-Fax-Id"], "--json")
    assert f"sender {SENDER}" in {line["actor"] for line in shown["history"]}
    assert await daemon.stop() == 0


async def test_a_fax_is_called_off(house: House) -> None:
    """While it waits it is cancelled in German; afterwards it is too late, and the number must be one."""
    sandbox, daemon = await house.start(relay={"reply_domain": "fax.local"}, notices={"accepted": True})
    assert (await house.run("pause", "sending")).status == 0
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    [accepted] = await house.sink.wait(event="accepted", to=SENDER)
    assert "resend" not in accepted.text
    refused = await answered(house, daemon, accepted, "resend")
    assert "That cannot be asked of this notice." in refused.text
    done = await answered(house, daemon, accepted, "Abbrechen")
    assert "It is cancelled. None of it was sent." in done.text
    [cancelled] = await house.sink.wait(event="cancelled", to=SENDER)
    assert "you called it off by mail" in cancelled.text
    no_number = await answered(house, daemon, cancelled, "resend to 12")
    assert "Nothing was done." in no_number.text
    abroad = await answered(house, daemon, cancelled, "resend to +49 30 123456")
    assert "Nothing was done." in abroad.text or "yet" in abroad.text
    assert await sandbox.taken() == []
    assert await daemon.stop() == 0


async def test_without_a_domain_nothing_is_offered(house: House) -> None:
    """No Reply-To, no word of it; an address that was never given is refused."""
    _, daemon = await house.start()
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    [notice] = await house.sink.wait(event="delivered", to=SENDER)
    assert notice.message["Reply-To"] is None
    assert "answer this mail" not in notice.text
    async with talk_to(daemon) as line:
        await line.say(f"MAIL FROM:<{SENDER}>")
        assert (await line.say(f"RCPT TO:<reply+{'a' * 26}@fax.local>")).startswith("550 5.1.1 ")
    assert await daemon.stop() == 0


async def test_a_fax_over_the_limit_is_called_off(house: House) -> None:
    """The notice that a fax is held, which is written as its mail is taken on, can be answered as well."""
    _, daemon = await house.start(relay={"reply_domain": "fax.local"}, limits={"faxes_per_day": 1})
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    await daemon.take(a_pdf_mail(ALSO_DELIVERED), ALSO_DELIVERED)
    [held] = await house.sink.wait(event="held", to=SENDER)
    assert "calls it off" in held.text
    done = await answered(house, daemon, held, "cancel")
    assert "It is cancelled. None of it was sent." in done.text
    await house.sink.wait(event="cancelled", to=SENDER)
    assert await daemon.stop() == 0
