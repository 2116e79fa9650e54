"""Mail to the operator: what went wrong, or what was found, and what to do about it."""

from datetime import datetime

from bridge.fax.arrivals import Mail, MailKind
from bridge.mail import composing
from bridge.mail.options import MailOptions
from bridge.runtime import foreign

LINE_LIMIT = 1000


def render_alarm(
    *, subject: str, lines: tuple[str, ...], options: MailOptions, row_id: str, now: datetime, event: str
) -> bytes:
    """Each line is a paragraph; whatever stands in them, it is one line each."""
    paragraphs = [clean for line in lines if (clean := foreign.one_line(line, LINE_LIMIT))]
    text = "\n\n".join([*paragraphs, f"-- \nFaxbridge on {composing.host(options)}\n"])
    return composing.letter(
        text, options, row_id=row_id, recipient=options.admin, now=now, subject=foreign.one_line(subject), event=event
    )


def alarm(
    *,
    subject: str,
    lines: tuple[str, ...],
    options: MailOptions,
    row_id: str,
    purpose: str,
    now: datetime,
    event: str = "alarm",
) -> tuple[Mail, bytes]:
    """The row and the bytes of such a mail; ``purpose`` is what there is only one for."""
    content = render_alarm(subject=subject, lines=lines, options=options, row_id=row_id, now=now, event=event)
    mail = Mail(
        id=row_id,
        kind=MailKind.ADMIN,
        purpose=purpose,
        event=event,
        envelope_sender="",
        recipient=options.admin,
        message_id=composing.message_id(row_id, options),
    )
    return mail, content
