"""What stays unsaid in mail under minimal privacy: whom a fax is for or from, its subject, names of files.

It is taken out of the facts before a mail is written, so no template and no field can let it slip. The fax's id is
the handle by which whoever may know the rest finds it.
"""

from dataclasses import replace

from bridge.fax.arrivals import Received
from bridge.fax.asked import Asked
from bridge.fax.jobs import Fax, Message, Outcome, Part
from bridge.fax.options import Privacy
from bridge.mail.headers import Headers
from bridge.mail.returned import Returned
from bridge.runtime.events import masked
from bridge.runtime.phrases import name_of_part

_PLACE = name_of_part("part {place}")

KEPT_FIELDS = {
    "date": b"Date",
    "from": b"From",
    "message-id": b"Message-ID",
    "in-reply-to": b"In-Reply-To",
    "references": b"References",
}
"""Of a mail's header: what tells which mail it was. All others may name people, numbers, files or matters."""


def of_fax(fax: Fax) -> Fax:
    """As a notice may tell of it: the addresses that name its number are written with the masked one."""
    recipient = of_recipient(fax.recipient, fax.number)
    return replace(fax, number=masked(fax.number), recipient=recipient, original_recipient="", person="", company="")


def of_recipient(recipient: str, number: str) -> str:
    """An address that names ``number`` (E.164), with the masked number in its place."""
    return f"{masked(number)}@{recipient.rpartition('@')[2]}"


def of_message(message: Message) -> Message:
    """Without the sender's own word for it."""
    return replace(message, asked=Asked())


def of_parts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts by their place in the mail, for their names say what they are about."""
    return tuple(replace(part, name=_PLACE.format(place=place)) for place, part in enumerate(parts, 1))


def of_outcome(outcome: Outcome) -> Outcome:
    """Without the carrier's text, which may name anything; its code says as much."""
    return replace(outcome, text=None)


def of_headers(headers: Headers) -> Headers:
    """The few fields that a thread needs."""
    return Headers(tuple((name, value) for name, value in headers.fields if name in KEPT_FIELDS))


def of_returned(headers: Headers) -> Returned:
    """What a sender gets back of its mail, whatever it asked for."""
    lines = (KEPT_FIELDS[name] + b": " + value + b"\r\n" for name, value in of_headers(headers).fields)
    return Returned(b"".join(lines), whole=False)


def of_received(fax: Received, privacy: Privacy) -> Received:
    """As the mail around it may tell of it: what is on its pages is not looked at."""
    return fax if privacy is Privacy.FULL else replace(fax, caller=masked(fax.caller))
