"""How notices, and other mail about faxes, put numbers, parts and moments: one way for all."""

from datetime import datetime

from bridge.fax import numbers
from bridge.fax.asked import LONGEST_REFERENCE
from bridge.fax.jobs import Fax, Message, Part
from bridge.mail import tongues
from bridge.mail.options import MailOptions
from bridge.mail.tongues import Tongue
from bridge.runtime import foreign
from bridge.runtime.phrases import phrase

NOBODY = phrase("an unknown sender")


def is_senders(fax: Fax, recipient: str) -> bool:
    """Whether mail about the fax to ``recipient`` is its sender's own, and not the operator's copy."""
    return not fax.sender or recipient == (fax.notice_to or fax.sender)


def tongue_for(fax: Fax, message: Message, recipient: str, options: MailOptions) -> Tongue:
    """The sender's own mail is in the language of its identity, the operator's copy in that of the site."""
    return tongues.of(message.language if is_senders(fax, recipient) else options.language)


def words_of_fax(fax: Fax, recipient: str, tongue: Tongue, reference: str = "") -> dict[str, object]:
    """What the templates may say of any fax; whatever is foreign in it is one line."""
    number, sender = numbers.as_people_write(fax.number), foreign.one_line(fax.sender, 320)
    for_sender = recipient == fax.sender
    written = foreign.one_line(fax.recipient, 320)
    whom = sender or tongue.say(NOBODY)
    if for_sender:
        begins, within = tongue.say("Your fax to %(number)s", number=number), phrase("your fax to %(number)s")
    else:
        begins = tongue.say("The fax from %(sender)s to %(number)s", sender=whom, number=number)
        within = phrase("the fax from %(sender)s to %(number)s")
    return {
        "number": number,
        "country": tongue.country(fax.number),
        "pages": fax.pages,
        "sender": whom,
        "for_sender": for_sender,
        "whose_fax": begins,
        "whose_fax_within": tongue.say(within, sender=whom, number=number),
        "written": "" if written.startswith(f"{fax.number}@") else written,
        "person": ", ".join(filter(None, (foreign.one_line(fax.person), foreign.one_line(fax.company)))),
        "reference": reference,
        "took": "",
        "next_call": "",
        "accepted_at": tongue.moment(fax.created_at),
        "fax": fax.id,
    }


def parts_in_words(parts: tuple[Part, ...], tongue: Tongue) -> dict[str, object]:
    """What the templates say of a mail's parts: those that have pages, and those that are left out and why."""
    return {
        "parts": [
            (_pages(first, last, tongue), tongue.part(foreign.one_line(name)))
            for first, last, name in page_ranges(parts)
        ],
        "left_out": [
            (tongue.part(foreign.one_line(part.name)), tongue.retold(foreign.one_line(part.left_out, 500)))
            for part in parts
            if part.left_out is not None
        ],
    }


def _pages(first: int, last: int, tongue: Tongue) -> str:
    if first == last:
        return tongue.say("page %(page)s", page=first)
    return tongue.say("pages %(first)s-%(last)s", first=first, last=last)


def page_ranges(parts: tuple[Part, ...]) -> list[tuple[int, int, str]]:
    """For each part that was faxed, its first and last page and its name: ``(1, 1, "a.pdf")``, ``(2, 4, "b.tif")``."""
    ranges, page = [], 1
    for part in parts:
        if part.pages:
            ranges.append((page, page + part.pages - 1, part.name))
            page += part.pages
    return ranges


def in_words(moment: datetime) -> str:
    """``23 November 2026, 08:15 EST``: by the clock of this machine, for operators."""
    return tongues.of("en").moment(moment)


def reference_of(message: Message) -> str:
    """The sender's own; empty where it gave none."""
    return foreign.one_line(message.asked.reference or "", LONGEST_REFERENCE)
