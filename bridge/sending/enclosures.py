"""What goes with a notice beside its words, where the site wishes it: page 1 as a picture, the fax, its proof.

Pages go to addresses alone that policy names, and to nobody under minimal privacy. A notice never waits for what
cannot be had: it goes without.
"""

import hashlib
from dataclasses import replace
from datetime import datetime
from functools import partial

from bridge.document.renderer import Renderer
from bridge.errors import BridgeError
from bridge.fax.jobs import Attempt, Fax
from bridge.fax.options import Privacy
from bridge.fax.policy import is_named
from bridge.fax.states import FaxState
from bridge.mail import proofs
from bridge.mail.notices import NoticeEvent, NoticeFacts
from bridge.mail.proofs import HandedOver, ProofFacts
from bridge.mail.reports import NOTHING, Enclosed
from bridge.sending.options import SendingOptions
from bridge.store import faxes
from bridge.store.desk import Desk

LARGEST = 10_000_000
"""Octets of a fax that is enclosed; a longer one is not, for relays would refuse the notice."""

FINAL = {
    NoticeEvent.DELIVERED: FaxState.DELIVERED,
    NoticeEvent.PARTIAL: FaxState.FAILED,
    NoticeEvent.FAILED: FaxState.FAILED,
    NoticeEvent.CANCELLED: FaxState.CANCELLED,
}


class Enclosures:
    """Makes them."""

    def __init__(self, desk: Desk, renderer: Renderer, options: SendingOptions) -> None:
        self._desk = desk
        self._renderer = renderer
        self._options = options

    async def of(self, facts: NoticeFacts, recipient: str, now: datetime) -> Enclosed:
        """What goes with that notice to that address."""
        wanted = self._options.enclosed
        if not wanted or facts.fax.privacy is Privacy.MINIMAL or not is_named(recipient, self._options.senders):
            return NOTHING
        try:
            return await self._made(facts, now)
        except BridgeError as error:
            self._desk.events.notice_bare(fax=facts.fax.id, error=error)
            return NOTHING

    async def _made(self, facts: NoticeFacts, now: datetime) -> Enclosed:
        wanted, fax = self._options.enclosed, facts.fax
        pages = await self._pages(fax)
        picture = b""
        if "thumbnail" in wanted and pages:
            picture = await self._renderer.picture(pages)
        files: list[tuple[str, bytes]] = []
        if facts.event in FINAL and len(pages) <= LARGEST:
            if "document" in wanted and pages:
                files.append((f"fax-{fax.id}.pdf", pages))
            if "proof" in wanted:
                files.append((f"proof-{fax.id}.pdf", await self._proof(facts, pages, now)))
        return Enclosed(picture, tuple(files))

    async def _pages(self, fax: Fax) -> bytes:
        """As they were made for the carrier; nothing where there are none."""
        if fax.document_id is None:
            return b""
        document = await self._desk.store.read(partial(faxes.document_of, document_id=fax.document_id))
        return await self._desk.store.read_blob(document.blob_id)

    async def _proof(self, facts: NoticeFacts, pages: bytes, now: datetime) -> bytes:
        told = ProofFacts(
            fax=facts.fax,
            state=FINAL[facts.event],
            outcome=facts.outcome,
            ended_at=now,
            pages=facts.pages,
            pages_sent=facts.pages_sent,
            parts=facts.parts,
            attempts=_ended(facts, now),
            message=facts.message,
            subject=facts.headers.subject,
            handed_over=handed_over(pages),
        )
        async with self._renderer.proof(pages, proofs.render(told, now)) as made:
            return made.path.read_bytes()


def _ended(facts: NoticeFacts, now: datetime) -> tuple[Attempt, ...]:
    """The calls, the last of which is about to be written down as ended so."""
    if not facts.attempts or facts.attempts[-1].cause is not None:
        return facts.attempts
    outcome, last = facts.outcome, facts.attempts[-1]
    ended = replace(last, ended_at=now, cause=outcome.cause, code=outcome.code, message=outcome.text)
    return (*facts.attempts[:-1], ended)


def handed_over(pages: bytes) -> HandedOver | None:
    """What identifies the file that went to the carrier; None without one."""
    return HandedOver(len(pages), hashlib.sha256(pages).hexdigest()) if pages else None
