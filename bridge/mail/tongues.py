"""What mail says, in its reader's language: sentences from gettext's tables, dates and countries as Babel has them.

English is written where it is said; ``languages/*.po`` have it in the other languages, sentence by sentence.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from gettext import GNUTranslations, NullTranslations
from importlib import resources

from babel import Locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.units import format_unit

from bridge.fax import numbers, outcomes
from bridge.fax.options import Language
from bridge.fax.outcomes import Cause, in_language

_LOCALES: dict[Language, str] = {"en": "en_GB", "de": "de", "es": "es", "fr": "fr"}
"""English has its dates in the one order that is not misread."""

_UNITS = ((86_400, "duration-day"), (3600, "duration-hour"), (60, "duration-minute"), (1, "duration-second"))
MOST_PIECES = 8
"""Phrases that are looked for in one text, and colons in a name before one."""

_PART = "part"
"""The context of names of parts, in gettext's tables."""
_Pattern = tuple[re.Pattern[str], str]
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Tongue:
    """One language."""

    language: Language

    def say(self, sentence: str, /, **fields: object) -> str:
        """The sentence; its fields stand in it as ``%(name)s``."""
        return self._table.gettext(sentence) % fields

    def count(self, one: str, many: str, number: int, /, **fields: object) -> str:
        """The sentence for that many; the number is the field ``count``."""
        return self._table.ngettext(one, many, number) % {**fields, "count": number}

    def part(self, name: str) -> str:
        """The name of a part of a mail; one that a sender gave stays."""
        if (known := self._table.pgettext(_PART, name)) != name or self.language == "en":
            return known
        return self._filled(name, self._names, self.part) or name

    def retold(self, text: str) -> str:
        """A text that was finished in English, of phrases of ours (``runtime/phrases.py``); what is none stays."""
        return text if self.language == "en" else self._several(text) or text

    def within(self, title: str) -> str:
        """A cause's title behind a colon; German has a sentence begin with a capital there, too."""
        return title if self.language == "de" else title[0].lower() + title[1:]

    def cause(self, slug: str) -> Cause:
        """The cause of that name, in the catalogue's words of this language."""
        return in_language(outcomes.cause(slug), self.language)

    def moment(self, at: datetime) -> str:
        """``23 November 2026, 08:15 EST``: by the clock of this machine."""
        local = at.astimezone()
        return f"{format_date(local, 'long', locale=self._locale)}, {local:%H:%M %Z}"

    def duration(self, seconds: float) -> str:
        """``3 minutes 4 seconds``: in the two largest units; a second at least."""
        told, left = [], max(1, round(seconds))
        for size, unit in _UNITS:
            number, left = divmod(left, size)
            if number:
                told.append(format_unit(number, unit, locale=self._locale))
        return " ".join(told[:2]).replace("\xa0", " ")

    def country(self, e164: str) -> str:
        """The name of a number's country; empty when there is none, or none known."""
        return self._locale.territories.get(numbers.country(e164), "") if numbers.is_e164(e164) else ""

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(_LOCALES[self.language])

    @cached_property
    def _catalog(self) -> Catalog:
        source = resources.files("bridge.mail").joinpath("languages", f"{self.language}.po").read_bytes()
        return read_po(io.BytesIO(source), locale=self.language, abort_invalid=True)

    @cached_property
    def _table(self) -> NullTranslations:
        if self.language == "en":
            return NullTranslations()
        compiled = io.BytesIO()
        write_mo(compiled, self._catalog)
        compiled.seek(0)
        return GNUTranslations(compiled)

    @cached_property
    def _phrases(self) -> list[_Pattern]:
        return self._patterns(None)

    @cached_property
    def _names(self) -> list[_Pattern]:
        return self._patterns(_PART)

    def _patterns(self, context: str | None) -> list[_Pattern]:
        """What phrases with fields look like when they are filled, and what is said instead; the most words first."""
        found = [each for each in self._catalog if each.context == context and _FIELD.search(str(each.id))]
        found.sort(key=lambda each: len(_FIELD.sub("", str(each.id))), reverse=True)
        return [(_pattern(str(each.id)), str(each.string)) for each in found]

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {each.title: self.cause(each.slug).title for each in outcomes.causes()}

    def _filled(self, text: str, patterns: list[_Pattern], inner: Callable[[str], str]) -> str | None:
        for pattern, words in patterns:
            if found := pattern.fullmatch(text):
                return words.format(**{name: inner(value) for name, value in found.groupdict().items()})
        return None

    def _several(self, text: str) -> str | None:
        """Phrases with semicolons between, of which a phrase may have some within; None where one is none of ours.

        The time it takes is bounded: senders choose names of files, which stand in such texts.
        """
        pieces = text.split("; ", MOST_PIECES)
        told: list[str | None] = [*(None for _ in pieces), ""]
        for begin in reversed(range(len(pieces))):
            for end in range(len(pieces), begin, -1):
                rest, one = told[end], None
                if rest is not None and (one := self._one("; ".join(pieces[begin:end]))):
                    told[begin] = f"{one}; {rest}" if rest else one
                    break
        return told[0]

    def _one(self, text: str) -> str | None:
        """One phrase, or ``NAME: phrase``."""
        if known := self._phrase(text):
            return known
        pieces = text.split(": ", MOST_PIECES)
        for at in range(1, len(pieces)):
            if known := self._phrase(": ".join(pieces[at:])):
                return self.say("%(name)s: %(reason)s", name=self.part(": ".join(pieces[:at])), reason=known)
        return None

    def _phrase(self, text: str) -> str | None:
        known = self._titles.get(text) or (self._table.gettext(text) if text else "")
        if known and known != text:
            return known
        return self._filled(text, self._phrases, lambda value: self._phrase(value) or value)


def _pattern(phrase: str) -> re.Pattern[str]:
    """Its words, with anything in its fields but what parts one phrase from the next."""
    pieces = _FIELD.split(phrase)
    return re.compile(
        "".join(rf"(?P<{each}>(?:(?!; ).)+?)" if at % 2 else re.escape(each) for at, each in enumerate(pieces))
    )


@cache
def of(language: Language) -> Tongue:
    """That language, its tables read once."""
    return Tongue(language)
