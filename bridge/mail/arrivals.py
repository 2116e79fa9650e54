"""Mail about received faxes: the fax itself as a PDF, or, where there is none to be had, all that is known of it."""

import re
from dataclasses import dataclass
from datetime import datetime

from bridge.fax import numbers
from bridge.fax.arrivals import Delivery, Received
from bridge.mail import composing, fields, tongues
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

_DIALLED = re.compile(r"[A-Za-z0-9+*#(](?:[A-Za-z0-9+*#(). -]{0,38}[A-Za-z0-9*#.)])?", re.ASCII)


def render_received(
    fax: Received, delivery: Delivery, pdf: bytes, options: MailOptions, *, row_id: str, now: datetime
) -> bytes:
    """One received fax for one mailbox."""
    event = "received-partial" if fax.partial else "received"
    return _render(event, fax, options, row_id=row_id, recipient=delivery.target.address, now=now, content=pdf)


def render_lost(
    fax: Received, recipient: str, why: str, options: MailOptions, *, row_id: str, now: datetime, pdf: bytes | None
) -> bytes:
    """For the fallback mailbox: a fax that cannot be fetched, with the file its hook brought, if it brought one."""
    return _render("received-lost", fax, options, row_id=row_id, recipient=recipient, now=now, content=pdf, why=why)


def render_backlog(count: int, options: MailOptions, *, row_id: str, now: datetime) -> bytes:
    """For the operator, once: what the first look at the carrier's list found."""
    subject, text = composing.render("backlog", tongues.of(options.language), found=count)
    return composing.letter(
        text, options, row_id=row_id, recipient=options.admin, now=now, subject=subject, event="backlog"
    )


@dataclass(frozen=True, slots=True)
class _File:
    """What a fax looks like from its first bytes: a PDF as a rule; damaged or unchecked files may be anything."""

    kind: str
    ending: str
    words: str


_PDF = _File("application/pdf", "pdf", phrase("as a PDF"))
_TIFF = _File("image/tiff", "tif", phrase("as it came, a TIFF file"))
_OTHER = _File("application/octet-stream", "bin", phrase("as it came, a file of unknown kind"))


def _file(content: bytes) -> _File:
    if content.startswith((b"II*\x00", b"MM\x00*")):
        return _TIFF
    return _PDF if b"%PDF-" in content[:1024] else _OTHER


def _render(
    event: str,
    fax: Received,
    options: MailOptions,
    *,
    row_id: str,
    recipient: str,
    now: datetime,
    content: bytes | None,
    why: str = "",
) -> bytes:
    tongue, file = tongues.of(options.language), None if content is None else _file(content)
    differs = fax.pages is not None and fax.file_pages is not None and fax.pages != fax.file_pages
    subject, text = composing.render(
        event,
        tongue,
        fax=fax,
        caller=_number(fax.caller) or tongue.say("an unknown number"),
        called=_number(fax.called) or tongue.say("one of our numbers"),
        when=tongue.moment(fax.started_at or fax.created_at),
        pages=fax.file_pages if fax.pages is None else fax.pages,
        differs=differs,
        file_pages=fax.file_pages,
        why=tongue.retold(foreign.one_line(why, 500).rstrip(".")),
        attached=None if file is None else tongue.say(file.words),
        job=foreign.one_line(fax.carrier_job_id),
        transaction=foreign.one_line(fax.transaction_id),
    )
    head = b"".join(
        [
            composing.begin(
                options, row_id=row_id, recipient=recipient, subject=subject, now=now, automatic="auto-generated"
            ),
            fields.unstructured("X-Fax-Event", event),
            fields.unstructured("X-Fax-Id", fax.id),
            fields.unstructured("X-Fax-Number", _for_programs(fax.caller)),
            fields.unstructured("X-Fax-To", _for_programs(fax.called)),
        ]
    )
    parts = [composing.words_part(text, Tone.GOOD if event == "received" else Tone.BAD, tongue, row_id)]
    if content is not None and file is not None:
        parts.append(composing.file_part(content, file.kind, f"fax-{fax.id}.{file.ending}"))
    return composing.multipart(head, "mixed", row_id, *parts)


def _number(raw: str) -> str:
    """A number as people write it; what is none stands as the carrier wrote it, on one line."""
    return numbers.as_people_write(foreign.one_line(raw, 40))


def _for_programs(raw: str) -> str:
    """A number in a field: as it is, unless it has characters that no number has."""
    return raw if _DIALLED.fullmatch(raw) else "unknown"
