"""Writes docs/result-codes.md anew from the catalogue: ``python deploy/result-codes.py > docs/result-codes.md``."""

import sys
from collections.abc import Iterator

from bridge.fax import outcomes
from bridge.fax.outcomes import Cause, OutcomeClass

_HEAD = """\
# Result codes

What may become of a fax, in the words of its notice. This page is made from the catalogue (`make result-codes`);
`faxbridge codes` shows the same in the shell, by code or by any of these words, and with `--language` in German,
Spanish or French. The numbers are those of iFax's page; those that stand twice there are told apart by their text.
"""

_CLASSES = {
    OutcomeClass.OK: "Delivered",
    OutcomeClass.BUSY: "Busy: tried again soon, and then later",
    OutcomeClass.NO_ANSWER: "No answer: tried again later",
    OutcomeClass.VOICE: "A voice, or no fax tone: tried once more",
    OutcomeClass.LINE: "Trouble on the line: tried again if no page went over",
    OutcomeClass.CARRIER: "Trouble at the carrier or in the phone network: tried again later",
    OutcomeClass.NUMBER: "The number: not tried again",
    OutcomeClass.BLOCKED: "Turned away: not tried again",
    OutcomeClass.DOCUMENT: "The document: not tried again",
    OutcomeClass.MONEY: "Money: not tried again, and the administrator is told at once",
    OutcomeClass.ACCOUNT: "The account: not tried again, and the administrator is told at once",
    OutcomeClass.TEST: "A test account: not tried again",
    OutcomeClass.CANCELLED: "Canceled",
    OutcomeClass.PARTIAL: "In part: not tried again",
    OutcomeClass.UNKNOWN: "Not known: not tried again by itself",
    OutcomeClass.PENDING: "On its way, or on hold: no outcome yet",
}


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for kind in OutcomeClass for line in _section(kind))])


def _section(kind: OutcomeClass) -> Iterator[str]:
    yield f"## {_CLASSES[kind]}\n"
    yield "| what it means | what we do | what to do | up to | status | codes |"
    yield "|---|---|---|---|---|---|"
    yield from (_line(cause) for cause in outcomes.causes() if cause.outcome_class is kind)
    yield ""


def _line(cause: Cause) -> str:
    codes = dict.fromkeys(f"`{row.code} {_plain(row.text)}`" for row in outcomes.rows() if row.cause is cause)
    meaning = f"**{cause.title}.** {cause.explanation}"
    cells = (meaning, outcomes.what_we_do(cause), cause.advice, cause.who, cause.status, ", ".join(codes))
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """As it may stand in a table."""
    return text.replace("|", "/").replace("`", "'")


if __name__ == "__main__":
    sys.stdout.write(page())
