"""From word, code, text and pages to a verdict: final words end a fax, codes only say why."""

import csv
from pathlib import Path

import pytest

from bridge.fax import outcomes
from bridge.fax.outcomes import OutcomeClass
from bridge.fax.states import FaxState
from bridge.ifax.models import FaxObject
from bridge.ifax.verdicts import verdict

TABLE = Path(__file__).parents[1] / "data" / "ifax-codes.tsv"
PAGES = 3

ENDS = {
    "delivered": FaxState.DELIVERED,
    "failed": FaxState.FAILED,
    "failed_chargeable": FaxState.FAILED,
    "blocked": FaxState.FAILED,
    "canceled": FaxState.CANCELLED,
    "cancelled": FaxState.CANCELLED,
    "partially_cancelled": FaxState.CANCELLED,
}
GOING_ON = ("sending", "queued", "in progress", "", "undelivered yet", "not delivered", "retrying", "received")


def _code_rows() -> list[tuple[int, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [(int(code), text) for code, text in rows]


CODES = _code_rows()


def _fax(word: object, code: object = 0, text: object = "", **pages: object) -> FaxObject:
    return FaxObject.read({"jobId": 1, "faxStatus": word, "code": code, "message": text, **pages})


def test_the_table_is_there() -> None:
    """The carrier's page has more than two hundred rows, and every one is tried below."""
    assert len(CODES) > 200


@pytest.mark.parametrize("word", ENDS)
def test_final_words_with_every_code(word: str) -> None:
    """A final word ends the fax in its state whatever the code; pending and success codes are never the reason."""
    for code, text in CODES:
        for written in (word, word.capitalize(), word.upper(), f" {word} "):
            for number in (code, str(code)):
                ended = verdict(_fax(written, number, text, faxTotalPages=PAGES, faxTransferredPages=0), PAGES)
                if word == "delivered":
                    ended = verdict(_fax(written, number, text, faxTransferredPages=PAGES), PAGES)
                assert ended is not None
                assert ended.state is ENDS[word], (code, text)
                assert ended.outcome.outcome_class is not OutcomeClass.PENDING, (code, text)
                assert (ended.outcome.outcome_class is OutcomeClass.OK) == (word == "delivered"), (code, text)
                assert outcomes.cause(ended.outcome.cause).outcome_class is ended.outcome.outcome_class
                assert (ended.outcome.code, ended.outcome.text) == (code, FaxObject.read({"message": text}).text)


@pytest.mark.parametrize("word", GOING_ON)
def test_other_words_with_every_code(word: str) -> None:
    """Any other word, known or not, says that the carrier is not done, whatever the code."""
    for code, text in CODES:
        assert verdict(_fax(word, code, text, faxTotalPages=3, faxTransferredPages=3), PAGES) is None, (code, text)


@pytest.mark.parametrize("code", [-3, -11, "-3", "-11"], ids=repr)
@pytest.mark.parametrize("word", ENDS)
def test_pending_codes_are_no_outcome(word: str, code: object) -> None:
    """Codes -3 and -11 never become an outcome, not even beside a final word."""
    ended = verdict(_fax(word, code, "", faxTransferredPages=PAGES if word == "delivered" else 0), PAGES)
    assert ended is not None
    assert ended.outcome.outcome_class is not OutcomeClass.PENDING
    assert outcomes.cause(ended.outcome.cause).final


@pytest.mark.parametrize("word", [None, 1, True, [], {}, "x" * 5000, "\x00", "\ud800"], ids=ascii)
def test_words_that_are_none(word: object) -> None:
    """What is no word ends nothing."""
    assert verdict(_fax(word, 263, "USER_BUSY"), PAGES) is None


@pytest.mark.parametrize(("code", "slug"), [(263, "busy"), (0, "failed-no-reason"), (None, "failed-no-reason")])
def test_why_it_failed(code: int | None, slug: str) -> None:
    """A failed fax has the cause its code names; a code that names success leaves it without a reason."""
    ended = verdict(_fax("failed", code, ""), PAGES)
    assert ended is not None
    assert ended.outcome.cause == slug


PARTIAL: list[tuple[str, object, object, bool, int | None]] = [
    ("delivered", 3, 3, False, 3),
    ("delivered", 3, 2, True, 2),
    ("delivered", "3", "2", True, 2),
    ("delivered", 5, 3, True, 3),
    ("delivered", 2, 2, True, 2),
    ("delivered", None, 2, True, 2),
    ("delivered", 3, 0, True, 0),
    ("delivered", None, None, False, 3),
    ("delivered", 3, None, False, 3),
    ("delivered", 4, 4, False, 4),
    ("failed", 3, 2, True, 2),
    ("failed", 3, "1", True, 1),
    ("failed", 3, 0, False, 0),
    ("failed", 3, 3, False, 3),
    ("failed", None, None, False, None),
    ("failed_chargeable", 3, 1, True, 1),
    ("partially_cancelled", 3, 1, True, 1),
    ("partially_cancelled", 3, 0, False, 0),
]


@pytest.mark.parametrize(("word", "total", "sent", "partial", "counted"), PARTIAL, ids=repr)
def test_partly_transmitted(word: str, total: object, sent: object, partial: bool, counted: int | None) -> None:
    """Partly transmitted is failed, of class partial, with the pages that went; nothing else is."""
    ended = verdict(_fax(word, 0, "", faxTotalPages=total, faxTransferredPages=sent), PAGES)
    assert ended is not None
    assert (ended.outcome.outcome_class is OutcomeClass.PARTIAL) == partial
    assert ended.pages_sent == counted
    if partial:
        assert ended.state is FaxState.FAILED


@pytest.mark.parametrize(
    ("word", "total", "sent", "partial", "counted"),
    [
        ("delivered", 4, 4, False, 3),
        ("delivered", 5, 5, False, 3),
        ("delivered", 3, 3, False, 3),
        ("delivered", None, None, False, 3),
        ("delivered", 4, 3, True, 2),
        ("failed", 4, 3, True, 2),
        ("failed", 4, 1, True, None),
        ("failed", 4, 0, False, 0),
    ],
)
def test_the_carriers_cover_page_is_none_of_ours(
    word: str, total: object, sent: object, partial: bool, counted: int | None
) -> None:
    """Where the carrier puts one before our pages, it counts, and what arrived of ours is told without it."""
    ended = verdict(_fax(word, 0, "", faxTotalPages=total, faxTransferredPages=sent), PAGES, covered=True)
    assert ended is not None
    assert (ended.outcome.outcome_class is OutcomeClass.PARTIAL) == partial
    assert ended.pages_sent == counted


def test_status_word_beside_an_empty_field() -> None:
    """The word is found in ``status`` too where ``faxStatus`` is missing or null."""
    assert FaxObject.read({"status": "Delivered"}).word == "delivered"
    assert FaxObject.read({"faxStatus": None, "status": "Delivered"}).word == "delivered"
