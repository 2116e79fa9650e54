"""Mail about received faxes: the fax itself as a PDF, or, where there is none to be had, all that is known of it."""

from datetime import datetime
from email.message import EmailMessage

from bridge.fax import numbers
from bridge.fax.arrivals import Delivery, Received
from bridge.mail import composing
from bridge.mail.notices import in_words
from bridge.mail.options import MailOptions


def render_received(
    fax: Received, delivery: Delivery, pdf: bytes, options: MailOptions, *, row_id: str, now: datetime
) -> bytes:
    """One received fax for one mailbox."""
    event = "received-partial" if fax.partial else "received"
    return _render(event, fax, options, row_id=row_id, recipient=delivery.target.address, now=now, pdf=pdf)


def render_lost(
    fax: Received, recipient: str, why: str, options: MailOptions, *, row_id: str, now: datetime, pdf: bytes | None
) -> bytes:
    """For the fallback mailbox: a fax that cannot be fetched, with the file its hook brought, if it brought one."""
    return _render("received-lost", fax, options, row_id=row_id, recipient=recipient, now=now, pdf=pdf, why=why)


def render_backlog(count: int, options: MailOptions, *, row_id: str, now: datetime) -> bytes:
    """For the operator, once: what the first look at the carrier's list found."""
    subject, body = _split(composing.render("backlog", count=count))
    mail = composing.begin(
        options, row_id=row_id, recipient=options.admin, subject=subject, now=now, automatic="auto-generated"
    )
    mail["X-Fax-Event"] = "backlog"
    mail.set_content(body, charset="utf-8", cte="quoted-printable")
    return composing.to_bytes(mail)


def _render(
    event: str,
    fax: Received,
    options: MailOptions,
    *,
    row_id: str,
    recipient: str,
    now: datetime,
    pdf: bytes | None,
    why: str = "",
) -> bytes:
    facts = {
        "fax": fax,
        "caller": numbers.as_people_write(fax.caller) if fax.caller else "an unknown number",
        "called": numbers.as_people_write(fax.called) if fax.called else "one of our numbers",
        "when": in_words(fax.started_at or fax.created_at),
        "why": why,
        "attached": pdf is not None,
    }
    subject, body = _split(composing.render(event, **facts))
    mail = composing.begin(
        options, row_id=row_id, recipient=recipient, subject=subject, now=now, automatic="auto-generated"
    )
    mail["X-Fax-Event"] = event
    mail["X-Fax-Id"] = fax.id
    mail["X-Fax-Number"] = composing.ascii_line(fax.caller) or "unknown"
    mail["X-Fax-To"] = composing.ascii_line(fax.called) or "unknown"
    composing.multipart(mail, "mixed", row_id)
    mail.attach(composing.text_part(body))
    if pdf is not None:
        mail.attach(_file(pdf, fax.id))
    return composing.to_bytes(mail)


def _file(content: bytes, fax_id: str) -> EmailMessage:
    """The fax as an attachment: a PDF, or, where it came damaged or unchecked, what it looks like."""
    if content.startswith((b"II*\x00", b"MM\x00*")):
        return composing.file_part(content, "image", "tiff", f"fax-{fax_id}.tif")
    return composing.file_part(content, "application", "pdf", f"fax-{fax_id}.pdf")


def _split(text: str) -> tuple[str, str]:
    subject, _, body = text.partition("\n")
    return subject.strip(), body.lstrip("\n")
