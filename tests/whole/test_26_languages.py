"""Each sender is written to in the language of its identity, the operator and the mailboxes in that of the site."""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from tests.support.processes import ADMIN, DELIVERED, SENDER, Caught, House, a_mail

DEAD = "+14155550153"
OTHER_HOST = "127.0.0.2"
PRAXIS = "praxis@example.org"
CABINET = "cabinet@example.org"


def an_answer(notice: Caught, line: str) -> EmailMessage:
    """Its sender's, with nothing but the line."""
    answer = EmailMessage()
    answer["From"], answer["To"] = notice.message["To"], notice.message["Reply-To"]
    answer["Date"], answer["Message-ID"] = formatdate(), make_msgid(domain="client.example.org")
    answer.set_content(f"{line}\n")
    return answer


async def test_everybody_reads_their_own(house: House) -> None:
    """A practice in German, one in French, the site in Spanish: failures, previews, answers, received faxes."""
    sandbox = await house.start_sandbox()
    house.configure(
        notices={"language": "es"},
        relay={"reply_domain": "fax.local"},
        policy={"senders": ["*@example.org"]},
        receiving={"recipients": [ADMIN]},
        identities=[
            {"name": "praxis", "senders": [PRAXIS], "networks": ["127.0.0.1/32"], "language": "de"},
            {"name": "cabinet", "senders": [CABINET], "networks": [f"{OTHER_HOST}/32"], "language": "fr"},
        ],
    )
    daemon = await house.start_daemon()
    await daemon.event("poll.done")
    await daemon.take(
        a_mail(DELIVERED, files=[("kaputt.pdf", "application/pdf", b"%PDF-1.4 kaputt")]), DELIVERED, sender=PRAXIS
    )
    [failed] = await house.sink.wait(event="failed", to=PRAXIS)
    words = (
        "kaputt.pdf: die PDF-Datei ist beschädigt; erzeugen Sie sie neu, oder drucken Sie sie in eine neue PDF-Datei."
    )
    assert words in " ".join(failed.text.split())
    assert str(failed.message["Subject"]).startswith("Fax an +1 415-555-0101 ist misslungen")

    await daemon.take(
        a_mail(DEAD, files=[("a.txt", "text/plain", b"un mot")]), DEAD, sender=CABINET, client_at=OTHER_HOST
    )
    [dead] = await house.sink.wait(event="failed", to=CABINET)
    assert "Que faire :" in dead.text
    assert "page 1: a.txt" in dead.text
    assert "renvoyer à NUMÉRO" in dead.text
    await daemon.take(an_answer(dead, "État"), dead.message["Reply-To"], sender=CABINET, client_at=OTHER_HOST)
    [status] = await house.sink.wait(event="reply", to=CABINET)
    assert "Il a échoué le " in status.text
    assert "le numéro n'est pas" in status.text

    preview = a_mail("preview", files=[("a.txt", "text/plain", b"ein Wort")])
    await daemon.take(preview, "preview@fax.local", sender=PRAXIS)
    [shown] = await house.sink.wait(event="preview", to=PRAXIS)
    assert str(shown.message["Subject"]).startswith("Vorschau, 1 Seite")

    await sandbox.receive(from_="+12125550188", to="+14155550100", pages=2, form="json")
    [received] = await house.sink.wait(event="received", to=ADMIN)
    assert "Llegó un fax. Va adjunto como PDF." in received.text
    assert "Páginas:  2" in received.text
    assert await daemon.stop() == 0


async def test_it_is_settled_when_the_mail_is_taken_on(house: House) -> None:
    """A fax that was taken on in German is told of in German, whatever the settings say when it ends."""
    await house.start_sandbox()
    house.configure(notices={"language": "de"})
    daemon = await house.start_daemon()
    assert (await house.run("pause", "sending")).status == 0
    await daemon.take(a_mail(DELIVERED, files=[("a.txt", "text/plain", b"ein Wort")]), DELIVERED)
    assert await daemon.stop() == 0
    house.configure(notices={"language": "fr"})
    assert (await house.run("resume", "sending")).status == 0
    daemon = await house.start_daemon()
    [mail] = await house.sink.wait(event="delivered", to=SENDER)
    assert "1 Seite ist angekommen; der Faxdienst hat es bestätigt am" in mail.text
    assert await daemon.stop() == 0
