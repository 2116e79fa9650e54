"""From (word, code, text, pages) to a verdict: still going, or ended and how. Only here iFax's words are read.

Words are compared in lower case. Final are ``delivered`` and every word with "cancel", "fail" or "block" in it; all
others, known or not, mean that the carrier is not done. Codes decide the cause, never whether a fax has ended.
"""

from dataclasses import dataclass
from enum import StrEnum

from bridge.fax import outcomes
from bridge.fax.jobs import Outcome
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.ifax.answers import Answer
from bridge.ifax.models import FaxObject

_NO_OUTCOME = {OutcomeClass.PENDING, OutcomeClass.OK}


@dataclass(frozen=True, slots=True)
class Ended:
    """The carrier's final word on a fax. ``pages_sent`` is None where the carrier did not say."""

    state: FaxState
    outcome: Outcome
    pages_sent: int | None


def verdict(fax: FaxObject, pages: int, *, covered: bool = False) -> Ended | None:
    """How a fax of ``pages`` pages ended; None while the carrier has not said its final word.

    Some pages transferred but not all is partial, whatever the word: failed, and told so. ``covered``: the carrier puts
    a cover page of its own before them, which it counts, and which is none of ours.
    """
    sent = fax.pages_transferred
    state, outcome = _by_word(fax)
    if state is None or outcome is None:
        return None
    if sent is not None and sent < max(pages, fax.pages_total or 0) and (sent > 0 or state is FaxState.DELIVERED):
        ours = _without_cover(fax, sent, pages) if covered else sent
        return Ended(FaxState.FAILED, _outcome(fax, "partial", set()), ours)
    if sent is None:
        return Ended(state, outcome, pages if state is FaxState.DELIVERED else None)
    return Ended(state, outcome, (_without_cover(fax, sent, pages) or sent) if covered else sent)


def _without_cover(fax: FaxObject, sent: int, pages: int) -> int | None:
    """How many pages of ours went over behind the carrier's cover page; None where it may be that alone."""
    cover = max(0, (fax.pages_total or 0) - pages)
    return sent - cover if sent > cover else None


def _by_word(fax: FaxObject) -> tuple[FaxState | None, Outcome | None]:
    """The final state the status word names, with its cause; nothing while the word is not final."""
    if fax.word == "delivered":
        return FaxState.DELIVERED, _outcome(fax, "delivered", set())
    if "cancel" in fax.word:
        return FaxState.CANCELLED, _outcome(fax, "cancelled", {OutcomeClass.CANCELLED})
    if "block" in fax.word:
        return FaxState.FAILED, _outcome(fax, "blocked-by-carrier", {OutcomeClass.BLOCKED})
    return (FaxState.FAILED, _failure(fax)) if "fail" in fax.word else (None, None)


def _outcome(fax: FaxObject, slug: str, better: set[OutcomeClass]) -> Outcome:
    """The cause ``slug``, or the one the code names if that is of a class in ``better``."""
    named = outcomes.look_up(fax.code, fax.text or None)
    cause = named if named.outcome_class in better else outcomes.cause(slug)
    return Outcome(cause.outcome_class, cause.slug, fax.code, fax.text or None)


def _failure(fax: FaxObject) -> Outcome:
    """The cause behind a failed fax; a code that names no failure leaves it without a reason."""
    cause = outcomes.look_up(fax.code, fax.text or None)
    if cause.outcome_class in _NO_OUTCOME:
        cause = outcomes.cause("failed-no-reason")
    return Outcome(cause.outcome_class, cause.slug, fax.code, fax.text or None)


def refusal_cause(answer: Answer) -> str:
    """The catalogue's key for a refused call: by code and text, else by what HTTP said."""
    if answer.code is not None or answer.message:
        cause = outcomes.look_up(answer.code, answer.message or None)
        if cause.outcome_class not in _NO_OUTCOME and cause.slug != "unknown-code":
            return cause.slug
    if answer.http_status in {401, 403}:
        return "carrier-key-refused"
    if answer.http_status == 413:  # noqa: PLR2004 - Content Too Large
        return "document-too-large"
    return "unknown-code" if answer.code is not None or answer.message else "failed-no-reason"


def is_refusal_in_words(answer: Answer) -> bool:
    """Whether neither code nor text of a refusal is one the carrier uses for a fax on its way or delivered."""
    if answer.code is None and not answer.message:
        return True
    return outcomes.look_up(answer.code, answer.message or None).outcome_class not in _NO_OUTCOME


class Fate(StrEnum):
    """What a refused download says of the received fax."""

    GONE = "gone"
    NEVER_WAS = "never was"
    NOT_YET = "not yet"


_GONE_CODES = {-1011, 12092, 12094, -3003}
_AMBIGUOUS_CODES = {12092, 12094}
_UNKNOWN_CODES = {12021, 12091, 12097, 12098, 12130, -1005, -311}


def download_fate(answer: Answer, *, listed: bool) -> Fate:
    """Whether the carrier says that the file is gone, that it knows no such fax, or nothing so final.

    "File not found" about ids that the carrier's list has never shown may mean either, and is taken for the second.
    """
    code = answer.code
    if code is None and answer.message:
        wanted = answer.message.casefold().strip(" .")
        code = next((row.code for row in outcomes.rows() if row.text.casefold().strip(" .") == wanted), None)
    if code in _GONE_CODES and (listed or code not in _AMBIGUOUS_CODES):
        return Fate.GONE
    if code in _AMBIGUOUS_CODES:
        return Fate.NEVER_WAS
    return Fate.NEVER_WAS if code in _UNKNOWN_CODES else Fate.NOT_YET
