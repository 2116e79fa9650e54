"""The catalogue in every language: whole, in people's words, and each cause told apart from all others."""

import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

from bridge.fax import outcomes
from bridge.fax.options import LANGUAGES, REDIALS, Language
from bridge.fax.outcomes import Cause, OutcomeClass, in_language
from bridge.fax.outcomes.languages import read_words
from tests.unit.test_outcomes import CONSTANT, sentences

ROOT = Path(__file__).parents[2]
OTHERS: tuple[Language, ...] = tuple(language for language in LANGUAGES if language != "en")
TABLES = ROOT / "bridge" / "fax" / "outcomes"
EVERYTHING = [(language, cause.slug) for language in OTHERS for cause in outcomes.causes()]
JARGON = {
    "de": ("gateway", "trunk", "timeout", "dsn", "isdn", "handshake", "protokoll", "provider"),
    "es": ("gateway", "trunk", "timeout", "dsn", "rdsi", "handshake", "protocolo"),
    "fr": ("gateway", "trunk", "timeout", "dsn", "rnis", "handshake", "protocole"),
}


def told(language: Language, slug: str) -> Cause:
    """A cause in that language."""
    return in_language(outcomes.cause(slug), language)


def test_the_languages_are_those_promised() -> None:
    """English, German, Spanish and French, and each of the others has its table."""
    assert LANGUAGES == ("en", "de", "es", "fr")
    assert {path.stem for path in TABLES.glob("??.toml")} == set(OTHERS)


@pytest.mark.parametrize(("language", "slug"), EVERYTHING)
def test_an_entry_is_whole(language: Language, slug: str) -> None:
    """A title without a full stop, then whole sentences for people; what programs read is as in English."""
    cause, english = told(language, slug), outcomes.cause(slug)
    assert (cause.slug, cause.outcome_class, cause.who, cause.status) == (
        english.slug,
        english.outcome_class,
        english.who,
        english.status,
    )
    assert cause.title[0].isupper()
    assert cause.title[-1].isalnum()
    for text in (cause.explanation, cause.advice):
        assert text.endswith(".")
        assert len(re.split(r"(?<=[.!?])\s+", text)) <= 3
    words = f"{cause.title} {cause.explanation} {cause.advice}"
    assert not CONSTANT.search(words)
    assert not [word for word in JARGON[language] if word in words.casefold()]
    assert words != f"{english.title} {english.explanation} {english.advice}"


@pytest.mark.parametrize("language", OTHERS)
def test_no_two_causes_share_a_sentence(language: Language) -> None:
    """Each different cause reads differently."""
    counted = Counter(sentence for cause in outcomes.causes() for sentence in sentences(in_language(cause, language)))
    assert [sentence for sentence, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("language", OTHERS)
def test_the_order_is_that_of_the_causes(language: Language) -> None:
    """So that a translator finds the place, and a reviewer sees what is missing."""
    found = read_words((TABLES / f"{language}.toml").read_text("utf-8"), language)
    assert list(found) == [cause.slug for cause in outcomes.causes()]


def test_a_table_that_lacks_something_is_an_error() -> None:
    """It says which cause, and which of its words."""
    whole = (TABLES / "de.toml").read_text("utf-8")
    with pytest.raises(ValueError, match="missing or strange: bussy, busy"):
        read_words(whole.replace("[busy]", "[bussy]"), "de.toml")
    with pytest.raises(ValueError, match=r"de.toml, delivered: missing or strange: advice"):
        read_words(whole.replace('advice = "Es ist nichts mehr zu tun."\n', ""), "de.toml")
    with pytest.raises(ValueError, match=r"de.toml, delivered: empty, or with spaces around it: advice"):
        read_words(whole.replace('advice = "Es ist nichts mehr zu tun."', 'advice = " "'), "de.toml")


def test_the_page_of_result_codes_is_the_catalogue() -> None:
    """docs/result-codes.md is what ``make result-codes`` writes; it names each code and each cause."""
    page = runpy.run_path(str(ROOT / "deploy" / "result-codes.py"))["page"]()
    assert (ROOT / "docs" / "result-codes.md").read_text("utf-8") == page
    assert all(f"`{row.code} " in page for row in outcomes.rows())
    assert all(f"**{cause.title}.**" in page for cause in outcomes.causes())
    assert page.count("\n## ") == len(OutcomeClass)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_we_do_is_said_of_every_cause(language: Language) -> None:
    """In whole sentences of that language; what a single cause adds to its class is there, with its figures."""
    for cause in outcomes.causes():
        said = outcomes.what_we_do(cause, language)
        assert said.endswith(".")
        assert "{" not in said
        if language != "en":
            assert said != outcomes.what_we_do(cause)
        if cause.calls is not None:
            assert str(cause.calls) in said
        if cause.wait:
            assert str(int(cause.wait.total_seconds()) // 60) in said


def test_what_we_do_fits_what_is_done() -> None:
    """Of the classes that are called again it is said, and of no other."""
    for cause in outcomes.causes():
        again = "call again by ourselves" in (said := outcomes.what_we_do(cause)) or "call once more" in said
        assert again is (cause.outcome_class in REDIALS), cause.slug
