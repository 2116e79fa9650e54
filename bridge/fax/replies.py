"""What a sender may have done by answering a notice: one word in the first line, and who may say it. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.fax import outcomes
from bridge.fax.jobs import Fax
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


_WORDS = {
    Action.RESEND: (
        *("resend", "send again", "erneut senden", "nochmal senden", "noch einmal senden"),
        *("reenviar", "renvoyer"),
    ),
    Action.CANCEL: ("cancel", "abbrechen", "stornieren", "cancelar", "annuler"),
    Action.STATUS: ("status", "stand", "estado", "état", "etat", "statut"),
    Action.YES: ("yes", "ja", "sí", "si", "oui"),
}
"""In the four languages of the catalogue."""

_TO = r"(?:to|an|a|à)"
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
        for word in words:
            if said == word:
                return Wish(action)
            if action is Action.RESEND and (found := re.fullmatch(rf"{re.escape(word)}\s+{_TO}\s+(.+)", said)):
                return Wish(action, found[1].strip())
    return None


def offered(state: FaxState) -> frozenset[Action]:
    """What may be asked of a fax that is so far."""
    if state.final:
        return frozenset({Action.RESEND, Action.STATUS})
    if state in {FaxState.ACCEPTED, FaxState.READY, FaxState.HELD}:
        return frozenset({Action.CANCEL, Action.STATUS})
    return frozenset({Action.STATUS})


_STANDINGS = {
    FaxState.ACCEPTED: "It is waiting for its pages to be made.",
    FaxState.READY: "Its pages are made, and it is waiting for the line.",
    FaxState.SUBMITTING: "It is being handed to the fax service right now.",
    FaxState.SENDING: "The fax service has it, and has not said yet how it ends.",
    FaxState.UNCONFIRMED: "It may have been sent or not: that is not known yet, and it is not sent again by itself.",
    FaxState.HELD: "It is on hold: none of it has been sent, and your administrator decides when it goes out.",
    FaxState.DELIVERED: "It was delivered.",
    FaxState.CANCELLED: "It was cancelled.",
}


def standing(fax: Fax) -> str:
    """How it stands, in a sentence."""
    if fax.state is FaxState.FAILED and fax.outcome is not None:
        title = outcomes.cause(fax.outcome.cause).title
        return f"It failed: {title[0].lower()}{title[1:]}."
    return _STANDINGS.get(fax.state, "It failed.")


def may_ask(known: Answerable, sender: str, identity: str | None, fax: Fax, *, admitted: bool) -> bool:
    """Whether an answer comes from whom the notice went to: from that address, and let in as its fax was.

    ``identity`` is whose the session or the proof said the mail is; ``admitted``: it was let in at all.
    """
    return admitted and sender.casefold() == known.notified.casefold() and identity == fax.identity


def in_words(actions: Collection[Action]) -> Iterable[tuple[str, str]]:
    """The words to answer with, each with what it does, in one order."""
    told = (
        (Action.RESEND, "resend", "has it faxed once more"),
        (Action.RESEND, "resend to NUMBER", "has it faxed to another number"),
        (Action.CANCEL, "cancel", "calls it off, if it is not too late"),
        (Action.YES, "yes", "has it done"),
        (Action.STATUS, "status", "tells how it stands"),
    )
    return [(word, meaning) for action, word, meaning in told if action in actions]
