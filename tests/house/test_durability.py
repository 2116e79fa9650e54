import re
from pathlib import Path

from bridge.fax.arrivals import MailState
from bridge.fax.states import FaxState, ReceivedState
from bridge.runtime.crash import Point
from tests.crash import lives, test_points

PAGE = Path(__file__).parents[2] / "docs" / "durability.md"
ROWS = re.compile(r"^\| `([a-z_.]+)` \|(.*)\| `(\w+)` \|$", re.MULTILINE)

VISITED = {
    "test_deaths_on_the_way_in": lives.INTAKE,
    "test_deaths_on_the_way_to_the_final_word": tuple(life for row in lives.SENDING for life in row),
    "test_deaths_at_the_joining_of_a_divided_mail": lives.JOINING,
    "test_deaths_on_the_way_to_a_preview": lives.LOOKING,
    "test_deaths_on_the_way_to_an_answer": lives.ANSWERING,
    "test_deaths_with_the_call_in_hand": lives.CALLING,
    "test_deaths_on_the_way_to_the_proof": lives.EVIDENCE,
    "test_deaths_on_the_way_to_the_mailbox": tuple(life for row in lives.RECEIVING for life in row),
    "test_deaths_at_start_and_in_any_transaction": (*lives.STARTING, *lives.ASKING),
}


def listed() -> list[tuple[str, str, str]]:
    """Each row of the page's tables: the point, what is said of it, the test."""
    return [match.groups() for match in ROWS.finditer(PAGE.read_text(encoding="utf-8"))]  # type: ignore[misc]


def test_every_crash_point_is_listed_once() -> None:
    """docs/durability.md has one row for each named crash point, and for nothing else."""
    assert sorted(point for point, _, _ in listed()) == sorted(Point)


def test_the_test_named_visits_the_point() -> None:
    """The test that a row names is there, and one of its lives ends at the row's point."""
    for point, _, test in listed():
        assert hasattr(test_points, test), test
        assert point in {life.point for life in VISITED[test]}, (point, test)


def test_what_is_left_is_what_the_test_looks_for() -> None:
    """Where a row says in which state a fax is left, a life that ends there is looked at for that state."""
    states = {*FaxState, *ReceivedState, *MailState}
    for point, said, test in listed():
        left = re.search(r"`(\w+)`", said.split("|")[1])
        if left is not None and left[1] in states:
            assert any(left[1] in life.left for life in VISITED[test] if life.point == point), (point, left[1])
