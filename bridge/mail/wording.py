"""How notices, and other mail about faxes, put numbers, parts and moments: one way for all."""

from datetime import datetime

from bridge.fax import numbers
from bridge.fax.asked import LONGEST_REFERENCE
from bridge.fax.jobs import Fax, Message, Part
from bridge.runtime import foreign


def words_of_fax(fax: Fax, recipient: str, reference: str = "") -> dict[str, object]:
    """What the templates may say of any fax; whatever is foreign in it is one line."""
    number, sender = numbers.as_people_write(fax.number), foreign.one_line(fax.sender, 320)
    for_sender = recipient == fax.sender
    written = foreign.one_line(fax.recipient, 320)
    return {
        "number": number,
        "country": numbers.country_name(fax.number),
        "pages": fax.pages,
        "sender": sender,
        "for_sender": for_sender,
        "whose": f"fax to {number}" if for_sender else f"fax from {sender or 'an unknown sender'} to {number}",
        "written": "" if written.startswith(f"{fax.number}@") else written,
        "person": ", ".join(filter(None, (foreign.one_line(fax.person), foreign.one_line(fax.company)))),
        "reference": reference,
        "took": "",
        "next_call": "",
        "accepted_at": in_words(fax.created_at),
        "fax": fax.id,
    }


def parts_in_words(parts: tuple[Part, ...]) -> dict[str, object]:
    """What the templates say of a mail's parts: those that have pages, and those that are left out and why."""
    return {
        "parts": [(pages, foreign.one_line(name)) for pages, name in page_ranges(parts)],
        "left_out": [
            (foreign.one_line(part.name), foreign.one_line(part.left_out, 500))
            for part in parts
            if part.left_out is not None
        ],
    }


def page_ranges(parts: tuple[Part, ...]) -> list[tuple[str, str]]:
    """For each part that was faxed, its pages and its name: ``("page 1", "a.pdf")``, ``("pages 2-4", "b.tif")``."""
    ranges, page = [], 1
    for part in parts:
        if part.pages:
            last = page + part.pages - 1
            ranges.append((f"page {page}" if part.pages == 1 else f"pages {page}-{last}", part.name))
            page = last + 1
    return ranges


def in_words(moment: datetime) -> str:
    """``23 November 2026, 08:15 EST``: by the clock of this machine."""
    local = moment.astimezone()
    return f"{local.day} {local:%B %Y, %H:%M %Z}"


def reference_of(message: Message) -> str:
    """The sender's own; empty where it gave none."""
    return foreign.one_line(message.asked.reference or "", LONGEST_REFERENCE)
