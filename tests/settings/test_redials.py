"""[retry]: tables within a section, each with defaults of its own."""

from datetime import timedelta
from pathlib import Path

from bridge.fax.options import Redial, RetryOptions
from bridge.settings import Settings, load, rooms
from tests.support.unit_settings import GOOD, given, problems


def test_the_defaults_are_those_of_the_policy() -> None:
    """What stands in no file is what the policy has by itself, so that tests and daemon try alike."""
    assert rooms.retry_options(Settings()) == RetryOptions()


def test_a_table_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    """Of a table that is written in part the rest stays as it is for that class; other classes stay as they are."""
    config = given(tmp_path, GOOD + '[retry]\ngive_up_after = "2h"\n[retry.no_answer]\nattempts = 2\n')
    options = rooms.retry_options(load(config, {}).settings)
    assert options.give_up_after == timedelta(hours=2)
    assert options.classes["no_answer"] == Redial(2, RetryOptions().classes["no_answer"].delays)
    assert options.classes["busy"] == RetryOptions().classes["busy"]


def test_from_the_environment(tmp_path: Path) -> None:
    """A key of a table is set by a variable with its whole path; lists with commas or as JSON."""
    config = given(tmp_path, GOOD + "[retry.busy]\nattempts = 2\n")
    environment = {
        "FAXBRIDGE_RETRY__BUSY__DELAYS": "1m, 2m",
        "FAXBRIDGE_RETRY__VOICE__ATTEMPTS": "1",
        "FAXBRIDGE_RETRY__LINE__DELAYS": '["9m"]',
    }
    loaded = load(config, environment)
    classes = rooms.retry_options(loaded.settings).classes
    assert classes["busy"] == Redial(2, (timedelta(minutes=1), timedelta(minutes=2)))
    assert (classes["voice"].attempts, classes["line"].delays) == (1, (timedelta(minutes=9),))
    (shown,) = [value for key, value, _ in loaded.show() if key == "retry.busy"]
    assert shown == "{ attempts = 2, delays = [1m, 2m] }"


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    """Unknown classes and keys name the nearest right one; numbers and delays have bounds; a class is a table."""
    for written, said in (
        ("[retry.bussy]\nattempts = 2\n", "did you mean busy?"),
        ("[retry.number]\nattempts = 2\n", "unknown key"),
        ("[retry.busy]\nattemps = 2\n", "did you mean attempts?"),
        ("[retry.busy]\nattempts = 13\n", "less than or equal to 12"),
        ("[retry.busy]\nattempts = 0\n", "greater than or equal to 1"),
        ("[retry.busy]\ndelays = []\n", "must hold at least one"),
        ('[retry.busy]\ndelays = ["soon"]\n', "is not a duration"),
        ("[retry]\nbusy = 3\n", "must be a table of keys"),
    ):
        (found,) = problems(tmp_path, written)
        assert said in found, found
