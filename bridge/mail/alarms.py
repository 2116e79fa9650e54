"""Mail to the operator: what went wrong, or what was found, and what to do about it."""

from datetime import datetime

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
