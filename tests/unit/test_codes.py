"""``faxbridge codes``: by number, by words, in four languages."""

import json

import pytest
from typer.testing import CliRunner

from bridge.cli import app


def ran(*words: str) -> tuple[int, str, str]:
    """Exit status, standard output and error."""
    done = CliRunner().invoke(app, ["codes", *words])
    return done.exit_code, done.stdout, done.stderr


def test_one_code() -> None:
    """In whole sentences, with what to do; a code below zero is no option; one that nobody knows is said to be so."""
    status, out, _ = ran("263")
    assert status == 0
    assert out.startswith("The line was busy\n")
    assert "What to do: Wait a little" in out
    assert "iFax says: 263 USER_BUSY" in out
    assert "What we do: We call again by ourselves, first after a few minutes" in out
    assert "Was wir tun: Wir rufen von selbst wieder an" in ran("263", "--language", "de")[1]
    assert ran("-3")[1].startswith("The fax is on its way\n")
    assert ran("99999")[1].startswith("The carrier gave a reason we do not know\n")


@pytest.mark.parametrize("words", [("user_busy",), ("BUSY", "line"), ("line", "busy"), ("besetzt", "--language", "de")])
def test_by_words(words: tuple[str, ...]) -> None:
    """All of the words, in any order and case, in the number, the text or the meaning of a code."""
    status, out, _ = ran(*words)
    assert status == 0
    assert out.splitlines()[0].split("\t") == ["code", "class", "meaning", "iFax says"]
    assert "263\tbusy\t" in out
    assert "8021" not in out


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "The line was busy"),
        ("de", "Die Leitung war besetzt"),
        ("es", "La línea estaba ocupada"),
        ("fr", "La ligne"),
    ],
)
def test_in_each_language(language: str, title: str) -> None:
    """As JSON too, with the keys and the classes that programs know."""
    status, out, _ = ran("263", "--language", language, "--json")
    (row,) = json.loads(out)
    assert status == 0
    assert row["title"].startswith(title)
    assert (row["code"], row["class"], row["cause"]) == (263, "busy", "busy")


def test_what_is_not_found() -> None:
    """Words that stand nowhere, and a language that there is not, are said in a line."""
    assert ran("besetzt") == (1, "", "faxbridge: no code has 'besetzt' in its number, its text or its meaning\n")
    status, _, err = ran("263", "--language", "it")
    assert status == 2
    assert "'it' is no language here; there are en, de, es, fr" in err
