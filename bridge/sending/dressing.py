"""How a fax is dressed: its pages as the site, its identity and its sender wish them, with a cover page or without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from bridge.document.covers import Cover, CoverFields, Covers, Headline, Template
from bridge.document.options import DocumentOptions
from bridge.document.renderer import DocumentUnusable, Rendered, Renderer
from bridge.fax import numbers
from bridge.fax.jobs import Fax, Message, Part
from bridge.mail.headers import Headers
from bridge.runtime.clock import Clock

OPTION = "option"
"""The type of a line that tells what was asked for and is not done."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one mail's faxes are to look like."""

    options: DocumentOptions
    template: Template | None


class Dresser:
    """Has the pages of mails made."""

    def __init__(self, renderer: Renderer, covers: Covers, options: DocumentOptions, clock: Clock) -> None:
        self._renderer = renderer
        self._covers = covers
        self._options = options
        self._clock = clock

    @asynccontextmanager
    async def pages_of(self, message: Message, source: BinaryIO) -> AsyncIterator[Rendered]:
        """The pages that all faxes of a mail have; raises DocumentUnusable, whose parts tell of all that was asked."""
        try:
            async with self._renderer.from_mail(source, self._look(message).options) as rendered:
                yield replace(rendered, parts=(*rendered.parts, *_unheeded(message)))
        except DocumentUnusable as error:
            error.parts = (*error.parts, *_unheeded(message))
            raise

    def has_cover(self, message: Message) -> bool:
        """Whether each fax of the mail has something of its own: a page before the others, or a line on each."""
        return self._covers.has_headline or self._look(message).template is not None

    @asynccontextmanager
    async def covered(
        self, message: Message, fax: Fax, headers: Headers, rendered: Rendered
    ) -> AsyncIterator[Rendered]:
        """The pages with what one fax has of its own; ``headers`` are its mail's. Raises DocumentUnusable."""
        template = self._look(message).template
        fields = self._fields(fax, headers, rendered.cover_text)
        cover = Cover("", b"", fields) if template is None else template.cover(fields)
        if self._covers.has_headline:
            cover = replace(cover, headline=_headline(fields))
        async with self._renderer.with_cover(rendered, cover) as covered:
            yield covered

    def _look(self, message: Message) -> Look:
        asked = message.asked
        template = self._covers.of(message.identity, asked=asked.cover)
        body = asked.body or self._options.body
        if body == "cover" and template is None:
            body = "ignore"
        return Look(replace(self._options, body=body, pages=asked.pages or self._options.pages), template)

    def _fields(self, fax: Fax, headers: Headers, text: str) -> CoverFields:
        return CoverFields(
            to_name=fax.person,
            to_company=fax.company,
            to_number=numbers.as_people_write(fax.number),
            from_name=headers.writer,
            from_address=fax.sender,
            from_number=numbers.as_people_write(fax.caller_id) if fax.caller_id else "",
            company=self._covers.company,
            subject=headers.text("subject"),
            date=self._clock.now().astimezone().strftime("%-d %B %Y, %H:%M %Z"),
            text=text,
        )


def _headline(fields: CoverFields) -> Headline:
    """From the company, or whoever wrote, to the name and the number."""
    sender = " ".join(filter(None, (fields.company or fields.from_name or fields.from_address, fields.from_number)))
    return Headline(fields.date, sender, " ".join(filter(None, (fields.to_name, fields.to_number))))


def _unheeded(message: Message) -> tuple[Part, ...]:
    """A line for each thing that was asked for and is not done."""
    return tuple(Part(each.written, OPTION, 0, each.why) for each in message.asked.unheeded)
