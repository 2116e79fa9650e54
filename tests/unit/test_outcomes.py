import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from bridge.fax import outcomes
from bridge.fax.outcomes import Actor, Cause, OutcomeClass, catalogue

PAGE = Path(__file__).parents[1] / "data" / "ifax-codes.tsv"

RAISED_BY_US = {
    "stored-copy-damaged",
    "blocked-by-carrier",
    "cancelled",
    "carrier-key-refused",
    "delivered",
    "delivered-on-a-persons-word",
    "document-too-large",
    "document-unusable",
    "fragments-missing",
    "fragment-joined",
    "failed-no-reason",
    "fictional-number",
    "held-limit",
    "held-operator",
    "held-poison",
    "no-turn",
    "not-reached",
    "partial",
    "pending",
    "rate-limited",
    "unconfirmed",
    "unknown-code",
    "waiting",
}

# Not telling what became of a fax: still going on, or the good answer to a call about something else.
PENDING_CODES = {
    *(-11, -3),
    *(12026, 12029, 12032, 12034, 12036, 12037, 12043, 12103, 12104, 12105, 12106),
    *(12109, 12110, 12112, 12115, 12132, 12144),
}

JARGON = ("trunk", "isdn", "dcs", "tcf", "t.38", "t.30", "q.850", "far end", "spool", "api", "http", "sip ", "webhook")
BRITISH = re.compile(r"cancell|colour|honour|recognis|organis|authoris|centre|favour|licence|cheque|towards|afterwards")
CONSTANT = re.compile(r"[A-Z0-9]{2,}_[A-Z0-9_]+")
SHOUTED = re.compile(r"\b[A-Z]{4,}\b")

EVERY_CAUSE = pytest.mark.parametrize("cause", outcomes.causes(), ids=lambda cause: cause.slug)


def page() -> list[tuple[int, str]]:
    with PAGE.open(encoding="utf-8", newline="") as lines:
        table = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        assert next(table) == ["code", "text"]
        return [(int(code), text) for code, text in table]


def sentences(cause: Cause) -> list[str]:
    """Title, and each sentence of explanation and advice, without what doesn't tell sentences apart."""
    parts = [cause.title, *re.split(r"(?<=[.!?])\s+", cause.explanation), *re.split(r"(?<=[.!?])\s+", cause.advice)]
    return [re.sub(r"[\W_]+", " ", part.casefold()).strip() for part in parts]


def test_the_catalogue_holds_the_page() -> None:
    """The table of codes holds every row of the carrier's page, in its order, and nothing beside it."""
    expected = page()

    assert expected == [(row.code, row.text) for row in outcomes.rows()]
    assert len(set(expected)) == len(expected) == 232


def test_every_cause_is_reachable() -> None:
    """Every cause is either pointed at by a row or raised by ourselves."""
    pointed_at = {row.cause.slug for row in outcomes.rows()}

    assert pointed_at | RAISED_BY_US == {cause.slug for cause in outcomes.causes()}


def test_every_class_has_a_cause() -> None:
    """Every class of outcome has at least one cause."""
    assert set(OutcomeClass) == {cause.outcome_class for cause in outcomes.causes()}


@pytest.mark.parametrize("slug", sorted(RAISED_BY_US))
def test_causes_are_found_by_name(slug: str) -> None:
    """A cause we raise ourselves is found under its name."""
    assert outcomes.cause(slug).slug == slug


def test_a_strange_name_is_an_error() -> None:
    """A name that the catalogue doesn't have is a KeyError."""
    with pytest.raises(KeyError):
        outcomes.cause("no-such-cause")


@pytest.mark.parametrize(
    ("slug", "outcome_class"),
    [
        ("blocked-by-carrier", OutcomeClass.BLOCKED),
        ("cancelled", OutcomeClass.CANCELLED),
        ("carrier-key-refused", OutcomeClass.ACCOUNT),
        ("delivered", OutcomeClass.OK),
        ("document-unusable", OutcomeClass.DOCUMENT),
        ("document-too-large", OutcomeClass.DOCUMENT),
        ("failed-no-reason", OutcomeClass.UNKNOWN),
        ("fictional-number", OutcomeClass.NUMBER),
        ("no-turn", OutcomeClass.CARRIER),
        ("not-reached", OutcomeClass.CARRIER),
        ("partial", OutcomeClass.PARTIAL),
        ("pending", OutcomeClass.PENDING),
        ("rate-limited", OutcomeClass.CARRIER),
        ("unconfirmed", OutcomeClass.UNKNOWN),
        ("unknown-code", OutcomeClass.UNKNOWN),
    ],
)
def test_causes_of_ours_have_their_class(slug: str, outcome_class: OutcomeClass) -> None:
    """A cause we raise ourselves has the class that the rest of the house counts on."""
    assert outcomes.cause(slug).outcome_class is outcome_class


@EVERY_CAUSE
def test_words_are_for_people(cause: Cause) -> None:
    """Nothing a person reads holds a constant of the carrier, a shouted word, jargon or British spelling."""
    words = f"{cause.title} {cause.explanation} {cause.advice}"
    constants = {row.text for row in outcomes.rows() if re.fullmatch(r"[A-Z_]+", row.text)}

    assert not CONSTANT.search(words)
    assert not SHOUTED.search(words)
    assert not [constant for constant in constants if constant in words]
    assert not [word for word in JARGON if word in words.casefold()]
    assert not BRITISH.search(words.casefold())


@EVERY_CAUSE
def test_sentences_are_whole(cause: Cause) -> None:
    """A title has a capital and no full stop; explanation and advice are one to three whole sentences each."""
    assert cause.title[0].isupper()
    assert cause.title[-1].isalnum()
    for text in (cause.explanation, cause.advice):
        assert text[0].isupper()
        assert text.endswith(".")
        assert len(re.split(r"(?<=[.!?])\s+", text)) <= 3


def test_no_two_causes_share_a_sentence() -> None:
    """Every title and every sentence of explanation and advice stands in the catalogue once."""
    counted = Counter(sentence for cause in outcomes.causes() for sentence in sentences(cause))

    assert [sentence for sentence, times in counted.items() if times > 1] == []


@EVERY_CAUSE
def test_status_fits_the_class(cause: Cause) -> None:
    """Only ok has a status of success, only what is still open has a passing one, all else has a final one."""
    still_open = cause.slug in {"held-limit", "held-operator", "held-poison", "pending", "unconfirmed", "waiting"}
    expected = "2" if cause.outcome_class is OutcomeClass.OK else "4" if still_open else "5"

    assert re.fullmatch(r"[245]\.\d\.\d", cause.status)
    assert expected == cause.status[0]
    assert cause.final is (cause.outcome_class is not OutcomeClass.PENDING)
    assert isinstance(cause.who, Actor)


def test_pending_is_never_an_outcome() -> None:
    """The codes of a fax that goes on, and the page's sentences of success, are pending, and no others are."""
    pending = {row.code for row in outcomes.rows() if not row.cause.final}

    assert pending == PENDING_CODES


@pytest.mark.parametrize("text", ["Normal clearing of fax.", "NORMAL_CLEARING", "delivered", None, "anything"])
def test_code_zero_is_delivered(text: str | None) -> None:
    """Code 0 says delivered, whatever text came with it."""
    assert outcomes.look_up(0, text).slug == "delivered"


def test_only_code_zero_is_ok() -> None:
    """No code but 0 is a success, so that no other row can make a failed fax look delivered."""
    assert {row.code for row in outcomes.rows() if row.cause.outcome_class is OutcomeClass.OK} == {0}


@pytest.mark.parametrize(
    ("code", "text", "slug"),
    [
        (6002, "NO_ROUTE_TRANSIT_NET", "no-path-through-network"),
        (6002, "no route destination", "no-route-to-number"),
        (6021, "CALL_REJECTED", "call-rejected"),
        (6021, "Wrong-call  state.", "networks-misunderstood"),
        (6100, "UNSPECIFIED", "call-ended-unexplained"),
        (6100, " incompatible_DESTINATION ", "line-refuses-fax-calls"),
        (-1005, "fax_id not found in this request.", "request-incomplete"),
        (-1005, "Fax not found for this fax id", "no-record-of-fax"),
        (-1008, "File count and total file data/name are not equal.", "file-details-refused"),
        (-1008, "file_count is not valid in request data.", "file-details-refused"),
        (-2075, "INVALID_NUMBER_FORMAT", "number-incomplete"),
        (-2075, "invalidnumber", "number-invalid"),
        (-3, "Fax processed for sending", "pending"),
        (-3, "processed", "pending"),
        (-3, "sent", "pending"),
    ],
)
def test_text_tells_rows_of_a_code_apart(code: int, text: str, slug: str) -> None:
    """Where a code has several texts, the text decides; case, punctuation, underscores and spaces don't matter."""
    assert outcomes.look_up(code, text).slug == slug


@pytest.mark.parametrize("text", [None, "", "nothing on the page"])
@pytest.mark.parametrize("code", [6002, 6021, 6100, -1005, -1008, -2075, 0, -3])
def test_first_row_stands_in(code: int, text: str | None) -> None:
    """Where a code has several texts and the one that came fits none, the code's first row decides."""
    first = next(row for row in outcomes.rows() if row.code == code)

    assert outcomes.look_up(code, text) is first.cause


@pytest.mark.parametrize("row", outcomes.rows(), ids=lambda row: f"{row.code}-{row.text[:24]}")
def test_rows_find_their_cause(row: outcomes.CodeRow) -> None:
    """Each row of the page, with its code and text as printed, is found with the cause it points at."""
    assert outcomes.look_up(row.code, row.text) is row.cause


@pytest.mark.parametrize("text", [None, "", "NO_ANSWER", "delivered", "\ud800"])
def test_code_with_one_text_decides_alone(text: str | None) -> None:
    """A code that has one text only is decided by the code, whatever text came with it."""
    assert outcomes.look_up(263, text).slug == "busy"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("USER_BUSY", "busy"),
        ("user busy", "busy"),
        ("Far end is not compatible", "machines-incompatible"),
        ("country iso not found in request data.", "request-incomplete"),
        ("never heard of", "unknown-code"),
    ],
)
def test_text_without_a_code(text: str, slug: str) -> None:
    """Without a code the text decides if it has one meaning on the page; a strange text is an unknown one."""
    assert outcomes.look_up(None, text).slug == slug


@pytest.mark.parametrize("text", [None, "", "  ", "_-."])
def test_nothing_given(text: str | None) -> None:
    """Neither code nor text means that the carrier gave no reason."""
    assert outcomes.look_up(None, text).slug == "failed-no-reason"


@pytest.mark.parametrize("text", [None, "USER_BUSY", "delivered"])
@pytest.mark.parametrize("code", [1, -1, 404, 999_999_999_999])
def test_unknown_codes_are_called_unknown(code: int, text: str | None) -> None:
    """A code that the page doesn't have is unknown, even beside a familiar text."""
    assert outcomes.look_up(code, text).slug == "unknown-code"


@given(
    code=st.none() | st.integers() | st.sampled_from([row.code for row in outcomes.rows()]), text=st.none() | st.text()
)
def test_look_up_is_total(code: int | None, text: str | None) -> None:
    """Whatever number and text a carrier sends, there is a cause, and it is one of the catalogue's."""
    found = outcomes.look_up(code, text)

    assert outcomes.cause(found.slug) is found


@pytest.mark.parametrize(
    ("code", "outcome_class"),
    [
        *((code, OutcomeClass.BUSY) for code in (263, 3931, 3937)),
        *((code, OutcomeClass.NO_ANSWER) for code in (3935, 8021, 9024)),
        (9011, OutcomeClass.NO_ANSWER),
        *((code, OutcomeClass.VOICE) for code in (9014, 9015)),
        *((code, OutcomeClass.LINE) for code in (3211, 9002, 9009, 9012, 9013, 9028, 12084)),
        *((code, OutcomeClass.CARRIER) for code in (261, 7200, 9000, 9001, 9007, 12057)),
        *((code, OutcomeClass.NUMBER) for code in (3912, 6002, 6022, 9006, 12051, 120100, -2075, -2028)),
        *((code, OutcomeClass.BLOCKED) for code in (6021, 12062, 12063, 120101)),
        (9036, OutcomeClass.CARRIER),
        *((code, OutcomeClass.DOCUMENT) for code in (-1004, -123, -1063, 9010, 9042, 204000, -3004, -3003)),
        *((code, OutcomeClass.DOCUMENT) for code in (120107, 120108, 120109)),
        *((code, OutcomeClass.MONEY) for code in (-22, -2037, 9023, 9040, 12012, 205000)),
        *((code, OutcomeClass.ACCOUNT) for code in (12001, 12015, 120103, 120104)),
        *((code, OutcomeClass.TEST) for code in (-111, 120105, 120106)),
        *((code, OutcomeClass.CANCELLED) for code in (403, 9030, 12077)),
    ],
)
def test_codes_have_their_class(code: int, outcome_class: OutcomeClass) -> None:
    """The codes that people meet have the class that decides rightly whether and when to try again."""
    assert outcomes.look_up(code, None).outcome_class is outcome_class


GOOD_CAUSE = """\
[[cause]]
slug = "delivered"
class = "ok"
title = "The fax was delivered"
explanation = "It arrived."
advice = "Rest."
who = "nobody"
status = "2.0.0"
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('slug = "delivered"', 'slug = "Delivered_"'),
        ('class = "ok"', 'class = "fine"'),
        ('who = "nobody"', 'who = "somebody"'),
        ('status = "2.0.0"', 'status = "2.0"'),
        ('status = "2.0.0"', 'status = "5.0.0"'),
        ('advice = "Rest."', 'advice = ""'),
        ('advice = "Rest."', "advice = 1"),
        ('advice = "Rest."\n', ""),
        ('advice = "Rest."', 'advice = "Rest."\nmore = "x"'),
    ],
)
def test_a_broken_cause_is_named(old: str, new: str) -> None:
    """A cause that is not in order is an error that names the line where the cause begins."""
    table = f"# a comment\n\n{GOOD_CAUSE}".replace(old, new)

    with pytest.raises(ValueError, match=r"causes\.toml, the cause at line 3: "):
        catalogue._read_causes(table)


def test_a_second_cause_of_a_name_is_named() -> None:
    """Two causes of one name are an error that names the second."""
    with pytest.raises(ValueError, match="line 9: a second delivered"):
        catalogue._read_causes(GOOD_CAUSE + GOOD_CAUSE)


def test_a_class_without_a_cause_is_an_error() -> None:
    """A table of causes that leaves out a class is an error."""
    with pytest.raises(ValueError, match="no cause of class account, blocked"):
        catalogue._read_causes(GOOD_CAUSE)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("code\ttext\n", "line 1: "),
        ("code\ttext\tcause\n0\tdelivered\n", "line 2: "),
        ("code\ttext\tcause\n0\tdelivered\tdelivered\n\n", "line 3: "),
        ("code\ttext\tcause\nzero\tdelivered\tdelivered\n", "line 2: "),
        ("code\ttext\tcause\n0\t?\tdelivered\n", "line 2: no text"),
        ("code\ttext\tcause\n0\tdelivered\tno-such\n", "line 2: no cause no-such"),
        ("code\ttext\tcause\n0\tdelivered\tdelivered\n0\tDelivered.\tdelivered\n", "line 3: a second 0"),
    ],
)
def test_a_broken_row_is_named(table: str, message: str) -> None:
    """A row that is not in order is an error that names its line."""
    with pytest.raises(ValueError, match=f"codes\\.tsv, {message}"):
        catalogue._read_rows(table, {"delivered": outcomes.cause("delivered")})
