"""RFC 3834 both ways: our mail says that it is automatic, and nothing automatic is ever answered or faxed."""

import asyncio
import smtplib
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import make_msgid

from tests.support.processes import ALSO_DELIVERED, DELIVERED, OUR_NUMBER, SENDER, Caught, Daemon, House, a_pdf_mail

DEAD = "+14155550153"


def handed_back(daemon: Daemon, content: bytes, sender: str, recipient: str) -> int:
    """The reply that ends the transaction, wherever it comes."""
    with smtplib.SMTP(*daemon.smtp, timeout=30) as client:
        client.ehlo("client.example.org")
        for code, _ in (client.mail(sender), client.rcpt(recipient)):
            if code != 250:
                return code
        return client.data(content)[0]


def on_holiday(mail: Caught) -> bytes:
    """What a careless program answers to a mail of ours: to whom it is from, and as automatic as they come."""
    answer = EmailMessage()
    answer["From"], answer["To"] = SENDER, f"{DELIVERED}@fax.local"
    answer["Subject"] = f"Out of office: {mail.message['Subject']}"
    answer["Auto-Submitted"] = "auto-replied (vacation)"
    answer["In-Reply-To"], answer["Message-ID"] = mail.message["Message-ID"], make_msgid(domain="example.org")
    answer.set_content("I am away.\n")
    return answer.as_bytes(policy=SMTP_POLICY)


async def test_no_notice_about_a_notice(house: House) -> None:
    """Every kind of mail we wrote, come back as a bounce, resent by its recipient or answered by a program, is refused;
    nothing is faxed, and nobody hears of it.
    """
    sandbox, daemon = await house.start(policy={"senders": ["*@example.org"]}, notices={"accepted": True})
    twice = a_pdf_mail(DELIVERED)
    await daemon.take(twice, DELIVERED)
    await daemon.take(twice, DELIVERED)
    await daemon.take(a_pdf_mail(DEAD, subject="to nobody"), DEAD)
    await daemon.take(a_pdf_mail("preview", subject="looked at"), "preview@fax.local")
    await sandbox.receive(from_="+12125550177", to=OUR_NUMBER, form="json")
    for event in ("accepted", "delivered", "duplicate", "failed", "preview", "received"):
        await house.sink.wait(event=event)
    ours = list(house.sink.mails)
    for mail in ours:
        assert mail.message["Auto-Submitted"] in {"auto-replied", "auto-generated"}
        assert mail.sender == "" or mail.sender.startswith("bounce+")
        for content, sender in ((mail.content, ""), (mail.content, SENDER), (on_holiday(mail), SENDER)):
            for recipient in (f"{ALSO_DELIVERED}@fax.local", "preview@fax.local"):
                assert await asyncio.to_thread(handed_back, daemon, content, sender, recipient) == 550, mail.event
    await daemon.take(a_pdf_mail(ALSO_DELIVERED, subject="the last"), ALSO_DELIVERED)
    await house.sink.wait(2, event="delivered")
    fresh = [mail.event for mail in house.sink.mails[len(ours) :] if "the last" not in str(mail.message["Subject"])]
    assert fresh == []
    assert await daemon.stop() == 0
