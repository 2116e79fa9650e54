"""How a fax is dressed: its pages as the site, its identity and its sender wish them, with a cover page or without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol

from bridge.document.covers import Cover, CoverFields, Covers, Headline, Template
from bridge.document.options import DocumentOptions
from bridge.document.pieces import ON_THE_COVER
from bridge.document.renderer import DocumentUnusable, Rendered, Renderer
from bridge.errors import Permanent
from bridge.fax import numbers, papers
from bridge.fax.jobs import Message, Part
from bridge.fax.papers import Paper
from bridge.mail.headers import Headers
from bridge.runtime.clock import Clock
from bridge.runtime.phrases import phrase

TOO_LARGE = phrase("the pages make {size} MB, and a fax may have {most} MB")

ON_THE_CARRIERS_COVER = phrase("on no page of ours: it goes to iFax, which puts it on a cover page of its own")

OPTION = "option"
"""The type of a line that tells what was asked for and is not done."""


class TooLarge(Permanent):
    """The finished pages are more than the carrier may be sent."""

    def __init__(self, text: str, parts: tuple[Part, ...]) -> None:
        super().__init__(text)
        self.parts = parts


class Addressed(Protocol):
    """Whom pages are for, and from whom: a fax, or a preview of one (then ``number`` may be empty)."""

    @property
    def number(self) -> str: ...

    @property
    def person(self) -> str: ...

    @property
    def company(self) -> str: ...

    @property
    def sender(self) -> str: ...

    @property
    def caller_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Look:
    """What one mail's faxes are to look like."""

    options: DocumentOptions
    template: Template | None
    by_carrier: bool


class Dresser:
    """Has the pages of mails made."""

    def __init__(
        self, renderer: Renderer, covers: Covers, options: DocumentOptions, clock: Clock, default_country: str
    ) -> None:
        self._renderer = renderer
        self._covers = covers
        self._options = options
        self._clock = clock
        self._default_country = default_country

    def paper_of(self, message: Message, number: str) -> Paper:
        """What a mail's fax to that number (empty: to nobody in particular) is set on and fitted onto."""
        wished = message.asked.paper or self._options.paper
        return papers.usual_for(number, self._default_country) if wished == "auto" else wished

    @asynccontextmanager
    async def pages_of(self, message: Message, paper: Paper, source: BinaryIO) -> AsyncIterator[Rendered]:
        """The pages of all a mail's faxes on that paper; raises DocumentUnusable, whose parts tell what was asked."""
        look = self._look(message)
        try:
            options = replace(look.options, paper=paper)
            async with self._renderer.from_mail(source, options, message.envelope_sender) as rendered:
                parts = _handed_on(rendered.parts) if look.by_carrier else rendered.parts
                yield replace(rendered, parts=(*parts, *_unheeded(message)))
        except DocumentUnusable as error:
            error.parts = (*error.parts, *_unheeded(message))
            raise

    def has_cover(self, message: Message) -> bool:
        """Whether each fax of the mail has something of its own: a page before the others, or a line on each."""
        return self._covers.has_headline or self._look(message).template is not None

    def text_for_carrier(self, message: Message, rendered: Rendered) -> str | None:
        """What the carrier is to put on its cover page; None where it is to make none."""
        return rendered.cover_text if self._look(message).by_carrier else None

    @asynccontextmanager
    async def covered(
        self, message: Message, fax: Addressed, headers: Headers, rendered: Rendered
    ) -> AsyncIterator[Rendered]:
        """The pages with what one fax has of its own; ``headers`` are its mail's. Raises DocumentUnusable."""
        template = self._look(message).template
        fields = self._fields(fax, headers, rendered.cover_text)
        cover = Cover("", b"", fields) if template is None else template.cover(fields)
        if self._covers.has_headline:
            cover = replace(cover, headline=_headline(fields))
        options = replace(self._options, paper=self.paper_of(message, fax.number))
        async with self._renderer.with_cover(rendered, cover, options, message.envelope_sender) as covered:
            yield covered

    def _look(self, message: Message) -> Look:
        asked = message.asked
        template = self._covers.of(message.identity, asked=asked.cover)
        by_carrier = self._covers.by_carrier(message.identity, asked=asked.cover)
        body = asked.body or self._options.body
        if body == "cover" and template is None and not by_carrier:
            body = "ignore"
        options = replace(self._options, body=body, pages=asked.pages or self._options.pages)
        return Look(options, template, by_carrier)

    def _fields(self, fax: Addressed, headers: Headers, text: str) -> CoverFields:
        return CoverFields(
            to_name=fax.person,
            to_company=fax.company,
            to_number=numbers.as_people_write(fax.number),
            from_name=headers.writer,
            from_address=fax.sender,
            from_number=numbers.as_people_write(fax.caller_id) if fax.caller_id else "",
            company=self._covers.company,
            subject=headers.subject,
            date=self._clock.now().astimezone().strftime("%-d %B %Y, %H:%M %Z"),
            text=text,
        )


def _headline(fields: CoverFields) -> Headline:
    """From the company, or whoever wrote, to the name and the number."""
    sender = " ".join(filter(None, (fields.company or fields.from_name or fields.from_address, fields.from_number)))
    return Headline(fields.date, sender, " ".join(filter(None, (fields.to_name, fields.to_number))))


def _handed_on(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The text that stands on the carrier's cover page stands on no page of ours."""
    return tuple(
        replace(part, left_out=ON_THE_CARRIERS_COVER) if part.left_out == ON_THE_COVER else part for part in parts
    )


def _unheeded(message: Message) -> tuple[Part, ...]:
    """A line for each thing that was asked for and is not done."""
    return tuple(Part(each.written, OPTION, 0, each.why) for each in message.asked.unheeded)


def check_size(rendered: Rendered, most: int) -> None:
    """Raise TooLarge for pages of more than ``most`` octets."""
    size = rendered.path.stat().st_size
    if size > most:
        raise TooLarge(TOO_LARGE.format(size=f"{size / 1_000_000:.1f}", most=f"{most / 1_000_000:.1f}"), rendered.parts)
