"""Who our mail is from, and whom it concerns."""

from dataclasses import dataclass

from bridge.fax.options import Language


@dataclass(frozen=True, slots=True)
class MailOptions:
    """``sender`` is the From field as configured; ``hostname`` the right side of our Message-IDs.

    ``domain`` is the first of our own, under which bounces come back; ``admin`` is told what an operator must know.
    Answers to notices come under ``reply_domain``; empty: they cannot be answered. ``language`` is the site's.
    """

    sender: str
    hostname: str
    domain: str
    admin: str
    default_country: str = "US"
    reply_domain: str = ""
    language: Language = "en"
