"""What a sender may have done by answering a notice: one word in the first line, and who may say it. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain

from bridge.fax.jobs import Fax
from bridge.fax.options import Language
from bridge.fax.states import FaxState

LASTS = timedelta(days=14)
"""So long a notice can be answered."""

LONGEST_LINE = 120
"""Characters of a first line that is looked at; an order is short."""


class Action(StrEnum):
    """One thing that may be asked. ``YES`` has done what was asked back about."""

    RESEND = "resend"
    CANCEL = "cancel"
    STATUS = "status"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a first line asks for: ``to`` is a number as written, empty where there is none."""

    action: Action
    to: str = ""


@dataclass(frozen=True, slots=True)
class Answerable:
    """A notice that can be answered: what may be asked of which fax, and by whom alone.

    ``hashed`` is the token's digest. ``to`` is the number (E.164) that a yes stands for. ``said`` is what came of the
    one answer that had something done; None: there was none yet.
    """

    hashed: str
    fax_id: str
    notified: str
    actions: frozenset[Action]
    expires_at: datetime
    to: str = ""
    said: str | None = None


class Result(StrEnum):
    """What came of an answer: ``ASKED`` is asked back, ``STRANGER`` came from elsewhere than the notice had gone to."""

    DONE = "done"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    STATUS = "status"
    ASKED = "asked"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of it; ``number`` (E.164) is the one that is asked about."""

    result: Result
    text: str
    number: str = ""


_WORDS: dict[Action, dict[Language, tuple[str, ...]]] = {
    Action.RESEND: {
        "en": ("resend", "send again"),
        "de": ("erneut senden", "nochmal senden", "noch einmal senden"),
        "es": ("reenviar",),
        "fr": ("renvoyer",),
    },
    Action.CANCEL: {"en": ("cancel",), "de": ("abbrechen", "stornieren"), "es": ("cancelar",), "fr": ("annuler",)},
    Action.STATUS: {"en": ("status",), "de": ("status", "stand"), "es": ("estado",), "fr": ("état", "etat", "statut")},
    Action.YES: {"en": ("yes",), "de": ("ja",), "es": ("sí", "si"), "fr": ("oui",)},
}
"""All are understood, whatever a notice is written in; it offers the first of its language."""

_TO: dict[Language, str] = {"en": "to", "de": "an", "es": "a", "fr": "à"}
_ANY_TO = "|".join([*_TO.values()])
_ENDS = " \t.!,;:\"'*_"

_QUOTING = re.compile(
    r"^(?:>|-{2,}|_{5,}|On .*wrote:|Am .*schrieb|El .*escribi|Le .*écrit|From:|Von:|De:|-+ ?Original)", re.IGNORECASE
)


def first_line(text: str) -> str:
    """The first line that is not blank and quotes nobody; empty where an answer has none."""
    for line in text.splitlines():
        bare = line.strip("\ufeff\u200b\xa0 \t")
        if bare:
            return "" if _QUOTING.match(bare) else bare
    return ""


def read(line: str) -> Wish | None:
    """What the line asks for; None where it is anything else, for a guess could fax to somebody."""
    said = line.strip(_ENDS).casefold()
    if len(said) > LONGEST_LINE:
        return None
    for action, words in _WORDS.items():
        for word in chain.from_iterable(words.values()):
            if said == word:
                return Wish(action)
            if action is Action.RESEND and (found := re.fullmatch(rf"{re.escape(word)}\s+(?:{_ANY_TO})\s+(.+)", said)):
                return Wish(action, found[1].strip())
    return None


def word(action: Action, language: Language) -> str:
    """The one to offer."""
    return _WORDS[action][language][0]


def words_before_a_number(language: Language) -> str:
    """To have it sent elsewhere; the number follows."""
    return f"{word(Action.RESEND, language)} {_TO[language]}"


def offered(state: FaxState) -> frozenset[Action]:
    """What may be asked of a fax that is so far."""
    if state.final:
        return frozenset({Action.RESEND, Action.STATUS})
    if state in {FaxState.ACCEPTED, FaxState.READY, FaxState.HELD}:
        return frozenset({Action.CANCEL, Action.STATUS})
    return frozenset({Action.STATUS})


def may_ask(known: Answerable, sender: str, identity: str | None, fax: Fax, *, admitted: bool) -> bool:
    """Whether an answer comes from whom the notice went to: from that address, and let in as its fax was.

    ``identity`` is whose the session or the proof said the mail is; ``admitted``: it was let in at all.
    """
    return admitted and sender.casefold() == known.notified.casefold() and identity == fax.identity
