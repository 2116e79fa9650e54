"""What becomes of a fax, by the number it is for: looked up in tables, never computed from digits.

All numbers that mean something are fictional, ``+1 AAA 555-01NN``. Area 415: 00-49 are delivered, 50-99 are the cases
below. Areas 212, 213, 214: one number per row of the page's code table, in the page's order.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from bridge.sandbox.actions import Action, Refuse, Transferred
from bridge.sandbox.codes import code_rows, text_of

# NANP areas outside the United States and Canada; the carrier sends to these two countries only.
_ELSEWHERE = frozenset(
    "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876".split()  # noqa: SIM905
)

# Rows that are no failure: the fax is on its way (-3, -11), or something quite different went well.
_PENDING = frozenset(
    {-11, -3, 12026, 12029, 12032, 12034, 12036, 12037, 12043, 12103, 12104, 12105, 12106, 12109, 12110, 12112}
    | {12115, 12132, 12144}
)


@dataclass(frozen=True)
class Word:
    """How a fax stands or ended: the carrier's word, its code, its text, and how much of the fax went over."""

    word: str
    code: int
    text: str
    transferred: Transferred = "all"


DELIVERED = Word("delivered", 0, "NORMAL_CLEARING")
SENDING = Word("sending", -3, text_of(-3), "none")


@dataclass(frozen=True)
class Outcome:
    """What happens to a fax to one number."""

    says: str
    end: Word | None = DELIVERED
    """How it ends; ``None``: it doesn't."""
    hook_says: Word | None = None
    """What the webhook claims, where that isn't the truth."""
    meanwhile: Word = SENDING
    seconds: float | None = None
    """How long it is in sending, where that doesn't depend on its pages."""
    polls: int = 0
    """It ends only after so many answers of fax-status (or half a minute)."""
    send: Action | None = None
    send_every: int = 1
    """``send`` holds for the first of each so many calls."""
    status: Action | None = None
    status_times: int = 0
    """``status`` holds for so many answers; 0: for all."""
    hook: Action | None = None


def failed(code: int, transferred: Transferred = "none") -> Word:
    """The carrier's word for a failure with this code of the page."""
    return Word("failed", code, text_of(code), transferred)


_CASES: Mapping[int, Outcome] = {
    50: Outcome("busy", failed(263)),
    51: Outcome("no answer", failed(8021)),
    52: Outcome("a voice answers", failed(9015)),
    53: Outcome("dead number", failed(3912)),
    54: Outcome("number changed", failed(6022)),
    55: Outcome("partial: delivered, but one page fewer", Word("delivered", 0, "NORMAL_CLEARING", "all but one")),
    56: Outcome("failed after all pages but one", failed(9012, "all but one")),
    57: Outcome("time-out: no answer to fax-send, not taken", send=Action(hang="before")),
    58: Outcome("time-out: no answer to fax-send, taken and delivered", send=Action(hang="after")),
    59: Outcome("connection dropped, not taken", send=Action(drop="before")),
    60: Outcome("connection dropped, taken and delivered", send=Action(drop="after")),
    61: Outcome("delivered, without a webhook", hook=Action(withhold=True)),
    62: Outcome("delivered, webhook twice", hook=Action(repeat=2)),
    63: Outcome("delivered, webhook before the answer to fax-send", hook=Action(early=True)),
    64: Outcome("slow: ten seconds in sending, then delivered", seconds=10),
    65: Outcome("delivered, job id is text", send=Action(shape=("job-id-text",))),
    66: Outcome("delivered, words capitalised", status=Action(shape=("capitals",)), hook=Action(shape=("capitals",))),
    67: Outcome(
        'delivered, "status" is the text "1"',
        send=Action(shape=("status-text",)),
        status=Action(shape=("status-text",)),
    ),
    68: Outcome("500 with HTML, taken and delivered", send=Action(http=500, taken=True)),
    69: Outcome("500 with HTML, not taken", send=Action(http=500)),
    70: Outcome(
        "429 at every other call (the first, the third ...), else delivered", send=Action(too_many=1), send_every=2
    ),
    71: Outcome("429 always, not taken", send=Action(too_many=1)),
    72: Outcome("200 with HTML, taken and delivered", send=Action(nonsense="html")),
    73: Outcome("cut-off JSON, taken and delivered", send=Action(nonsense="cut-json")),
    74: Outcome("answer without a job id, taken and delivered", send=Action(shape=("no-job-id",))),
    75: Outcome("refused: out of credit", send=Action(refuse=Refuse(code=-22))),
    76: Outcome("canceled by the carrier", Word("canceled", 403, text_of(403), "none")),
    77: Outcome('ends with the word "blocked"', Word("blocked", 12001, text_of(12001), "none")),
    78: Outcome(
        'unknown word "queued_far_away" for three polls, then delivered',
        meanwhile=Word("queued_far_away", -11, text_of(-11), "none"),
        polls=3,
    ),
    79: Outcome("delivered, numbers in the webhook without +", hook=Action(shape=("no-plus",))),
    80: Outcome("200 with HTML, not taken", send=Action(nonsense="html", taken=False)),
    81: Outcome("cut-off JSON, not taken", send=Action(nonsense="cut-json", taken=False)),
    82: Outcome("refused: invalid number", send=Action(refuse=Refuse(code=120100))),
    83: Outcome("200 with nothing in it, taken and delivered", send=Action(nonsense="empty")),
    84: Outcome("a JSON array, taken and delivered", send=Action(nonsense="array")),
    85: Outcome("busy, while the webhook claims it was delivered", failed(263), hook_says=DELIVERED),
    86: Outcome("delivered, while the webhook claims it failed", hook_says=failed(263)),
    87: Outcome("delivered, webhook as a form", hook=Action(form="multipart")),
    88: Outcome("delivered, webhook wrapped in data", hook=Action(shape=("wrapped",))),
    89: Outcome(
        'delivered, webhook without transaction id, direction "sent"',
        hook=Action(shape=("no-transaction-id", "direction-sent")),
    ),
    90: Outcome(
        'ends with the word "partially_cancelled"', Word("partially_cancelled", 403, text_of(403), "all but one")
    ),
    91: Outcome('ends with the word "failed_chargeable"', Word("failed_chargeable", 9009, text_of(9009), "none")),
    92: Outcome('canceled, spelt "cancelled"', Word("cancelled", 403, text_of(403), "none")),
    93: Outcome('failed with code 12007 and the text "failed"', failed(12007)),
    94: Outcome("delivered, no code and no message", status=Action(shape=("bare",)), hook=Action(shape=("bare",))),
    95: Outcome("refused: the free trial is used up", send=Action(refuse=Refuse(code=120105))),
    96: Outcome("in sending for ever", end=None),
    97: Outcome(
        "fax-status doesn't know the fax at three polls; delivered",
        status=Action(refuse=Refuse(code=12021)),
        status_times=3,
    ),
    98: Outcome("fax-status says 500 at three polls; delivered", status=Action(http=500), status_times=3),
    99: Outcome("delivered, fax-send answers after three seconds", send=Action(delay=3)),
}


def outcome_of(number: str) -> Outcome:
    """What becomes of a fax to this number; any number that means nothing else is delivered."""
    return _table().get(number, Outcome("delivered"))


def numbers_table() -> list[tuple[str, str]]:
    """Every number that means something, and what happens to a fax for it."""
    return [(number, outcome.says) for number, outcome in _table().items()]


def is_e164(number: object) -> bool:
    """A plus, a country code, seven to fifteen digits; with country code 1 a whole North American number."""
    if not isinstance(number, str):
        return False
    whole = r"\+1[2-9][0-9]{2}[2-9][0-9]{6}" if number.startswith("+1") else r"\+[2-9][0-9]{6,14}"
    return re.fullmatch(whole, number) is not None


def is_us_or_canada(number: object) -> bool:
    """Whether an E.164 number lies where the carrier sends to."""
    return isinstance(number, str) and number.startswith("+1") and number[2:5] not in _ELSEWHERE


@cache
def _table() -> Mapping[str, Outcome]:
    return dict([*_area_415(), *_code_numbers()])


def _area_415() -> Iterator[tuple[str, Outcome]]:
    for last in range(50):
        yield f"+141555501{last:02}", Outcome("delivered")
    for last, outcome in _CASES.items():
        yield f"+141555501{last:02}", outcome


def _code_numbers() -> Iterator[tuple[str, Outcome]]:
    for at, row in enumerate(code_rows()):
        area, last = divmod(at, 100)
        says = f"{row.code} {row.text}"
        if row.code == 0:
            outcome = Outcome(f"delivered: {says}", Word("delivered", row.code, row.text))
        elif row.code in _PENDING:
            meanwhile = Word("sending", row.code, row.text, "none")
            outcome = Outcome(f"sending for three polls, then delivered: {says}", meanwhile=meanwhile, polls=3)
        else:
            outcome = Outcome(f"failed: {says}", Word("failed", row.code, row.text, "none"))
        yield f"+1{212 + area}55501{last:02}", outcome
