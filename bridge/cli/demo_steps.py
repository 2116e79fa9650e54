"""The two ways of the demo: a mail that becomes a fax, and a fax that becomes a mail."""

import asyncio
import smtplib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from importlib import resources
from pathlib import Path

from bridge.cli.demo_parts import OUR_NUMBER, DemoFailed, MailSink, Progress, StandIn
from bridge.document.converter import Converter
from bridge.document.renderer import Renderer
from bridge.fax.states import FaxState
from bridge.settings import Settings, rooms
from bridge.store import Store, overview
from bridge.store.overview import Sent

STEP_SECONDS = 60.0
SENDER = "you@example.org"
NUMBER = "+14155550123"
CALLER = "+12125550177"

_WORDS = {
    FaxState.ACCEPTED: "accepted: the mail is on disk",
    FaxState.READY: "ready: its pages are made",
    FaxState.SENDING: "sending: the carrier has it",
    FaxState.DELIVERED: "delivered: the carrier has confirmed it",
}


async def send_a_fax(  # noqa: PLR0917 - the parts of the demo, one by one
    folder: Path, settings: Settings, smtp: tuple[str, int], standin: StandIn, sink: MailSink, progress: Progress
) -> None:
    """A two-page PDF by SMTP, followed until its delivery notice is in the mailbox."""
    progress.say("")
    progress.say(f"Mail in, fax out: {SENDER} mails a two-page PDF to {NUMBER}@fax.local")
    reply = await asyncio.to_thread(_send_mail, smtp)
    progress.done(f"SMTP server: {reply}")
    fax = await _follow(settings, progress)
    job_id = fax.attempts[-1].carrier_job_id
    pdf = folder / "fax-as-the-carrier-got-it.pdf"
    pdf.write_bytes(await standin.ask("GET", f"/sandbox/faxes/{job_id}/file"))
    picture = pdf.with_suffix(".png")
    with Converter() as converter:
        picture.write_bytes(await Renderer(folder, converter).picture(pdf.read_bytes()))
    notice, mail = await progress.wait_for("the delivery notice", lambda: sink.find("delivered"), STEP_SECONDS)
    progress.done(f"notice to {mail['To']}: {mail['Subject']}")
    for what, path in (
        ("the pages as the carrier got them", pdf),
        ("page 1 as a picture", picture),
        ("the notice", notice),
    ):
        progress.say(f"      {what}: {path}")


async def receive_a_fax(folder: Path, standin: StandIn, sink: MailSink, progress: Progress) -> None:
    """A fax from outside, announced by webhook, followed until its mail is in the mailbox."""
    progress.say("")
    progress.say(f"Fax in, mail out: {CALLER} faxes two pages to {OUR_NUMBER}")
    await standin.ask("POST", "/sandbox/receive", {"from": CALLER, "to": OUR_NUMBER, "pages": 2})
    progress.done("the carrier's webhook announced it")
    path, mail = await progress.wait_for("the mail with the fax", lambda: sink.find("received"), STEP_SECONDS)
    attached = next((part for part in mail.iter_attachments() if part.get_content_type() == "application/pdf"), None)
    if attached is None:
        raise DemoFailed(f"the mail {path} has no PDF attached")
    pdf = folder / "received-fax.pdf"
    pdf.write_bytes(attached.get_content())
    progress.done(f"mail to {mail['To']}: {mail['Subject']}")
    progress.say(f"      the mail: {path}")
    progress.say(f"      the fax in it: {pdf}")


def _send_mail(smtp: tuple[str, int]) -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER, f"{NUMBER}@fax.local", "My first fax"
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="example.org")
    mail.set_content("The document is attached.")
    sample = resources.files("bridge.cli").joinpath("data/sample.pdf").read_bytes()
    mail.add_attachment(sample, "application", "pdf", filename="sample.pdf")
    with smtplib.SMTP(*smtp, timeout=STEP_SECONDS) as client:
        client.ehlo()
        client.mail(SENDER)
        client.rcpt(f"{NUMBER}@fax.local")
        code, text = client.data(mail.as_bytes(policy=SMTP))
    if code != 250:  # noqa: PLR2004 - taken
        raise DemoFailed(f"the SMTP server said {code} {text.decode(errors='replace')}")
    return f"{code} {text.decode(errors='replace')}"


async def _follow(settings: Settings, progress: Progress) -> Sent:
    """Show each state the fax comes to, until the final one."""
    shown: set[str] = set()
    store = Store.open_beside(rooms.store_options(settings.store))
    try:
        while True:
            fax = await progress.wait_for("the fax to move on", lambda: _moved(store, shown), STEP_SECONDS)
            for entry in fax.history:
                state = _STATE_OF_EVENT.get(entry.event)
                if state is not None and state not in shown:
                    shown.add(state)
                    progress.done(_WORDS[state])
            if fax.fax.state.final:
                if fax.fax.state is not FaxState.DELIVERED:
                    raise DemoFailed(f"the fax ended as {fax.fax.state}; see `faxbridge show {fax.fax.id}`")
                return fax
    finally:
        store.close()


_STATE_OF_EVENT = {
    "accepted": FaxState.ACCEPTED,
    "prepared": FaxState.READY,
    "taken": FaxState.SENDING,
    "delivered": FaxState.DELIVERED,
}


def _moved(store: Store, shown: set[str]) -> Sent | None:
    """The fax, if it has come further than was shown."""
    rows = store.read_now(lambda connection: overview.outgoing(connection, state=None, since=None, limit=1))
    if not rows:
        return None
    reached = {_STATE_OF_EVENT[entry.event] for entry in rows[0].history if entry.event in _STATE_OF_EVENT}
    return rows[0] if reached - shown or rows[0].fax.state.final else None
