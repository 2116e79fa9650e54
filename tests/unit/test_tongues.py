"""Mail in four languages: none lacks a sentence, none mixes two, and what was said in English is said again."""

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as modern
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bridge.fax import outcomes, replies
from bridge.fax.jobs import Fax, Part, Preview
from bridge.fax.options import LANGUAGES, Language
from bridge.fax.replies import Action, Result, Said
from bridge.fax.states import FaxState
from bridge.mail import answers, arrivals, notices, previews, summaries, tongues
from bridge.mail.answers import AnswerFacts
from bridge.mail.headers import read_headers
from bridge.mail.notices import NoticeEvent
from bridge.mail.options import MailOptions
from bridge.mail.previews import PreviewFacts
from bridge.mail.replies import words
from bridge.mail.summaries import Ended, SummaryFacts
from tests.support.sentences import OTHERS, ROOT, extracted, lacking, table
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    OUTCOMES,
    ROW,
    SENDER,
    a_delivery,
    a_duplicate,
    a_fax,
    a_message,
    a_received,
    an_attempt,
    facts,
)

MAIL = b"Message-ID: <a@example.org>\r\n\r\n"
FIELD = re.compile(r"%\(\w+\)s|\{\w+\}")
PHRASES = [(each.context, str(each.id)) for each in extracted() if each.id and FIELD.search(str(each.id))]
BRACED = [phrase for context, phrase in PHRASES if context is None and "{" in phrase]
PARTS = (
    Part("text of the mail", "text/plain", 1),
    Part("a.pdf", "application/pdf", 2),
    Part("a.pdf, page 3", "application/pdf", 0, "blank: nothing would be seen on the paper"),
    Part("b.xyz", "application/x", 0, "the fonts for its Tibetan letters are not installed here; attach it as PDF"),
)


def forms(words: object) -> list[str]:
    """A sentence, or its forms for one and for many."""
    return [words] if isinstance(words, str) else [str(each) for each in words or ()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", OTHERS)
def test_no_table_lacks_a_sentence(language: Language) -> None:
    """Each sentence of the code has words in each language, none is left from before, and none is only guessed."""
    said = table(language)
    assert {(each.context, each.id) for each in said if each.id} == {(e.context, e.id) for e in extracted() if e.id}
    assert lacking(said) == []
    assert not [each.id for each in said if each.id and each.fuzzy]


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_keeps_its_fields_and_its_end(language: Language) -> None:
    """What is filled in is the same; what ends with a full stop or a colon does so in every language."""
    for each in table(language):
        if not each.id:
            continue
        english, told = forms(each.id), forms(each.string)
        for words_ in told:
            assert sorted(FIELD.findall(words_)) == sorted(FIELD.findall(english[-1])), each.id
            assert words_ == words_.strip()
            assert "  " not in words_
            assert (words_[-1] in ".:?") == (english[-1][-1] in ".:?"), each.id


@pytest.mark.parametrize("language", OTHERS)
def test_the_languages_differ(language: Language) -> None:
    """Few sentences are the same as in English, and those are names and fields."""
    same = {str(each.id) for each in table(language) if each.id and each.id == each.string}
    assert all(len(FIELD.sub("", sentence).split()) <= 2 for sentence in same), same


@given(st.sampled_from(BRACED), st.sampled_from(OTHERS), st.data())
def test_a_finished_phrase_is_told_again(phrase: str, language: Language, data: st.DataObject) -> None:
    """Whatever stands in its fields, the text a room finished in English is said in the reader's language."""
    tongue = tongues.of(language)
    filling = st.from_regex(r"[0-9A-Za-z+.-]{1,12}", fullmatch=True).filter(lambda text: tongue.retold(text) == text)
    fields = {name: data.draw(filling) for name in re.findall(r"\{(\w+)\}", phrase)}
    told = str(table_of(language)[phrase]).format(**fields)
    assert tongue.retold(phrase.format(**fields)) == told
    named = tongue.retold(f"scan.pdf: {phrase.format(**fields)}")
    assert named.startswith("scan.pdf") and named.endswith(told)  # noqa: PT018 - one thing
    both = tongue.retold(f"{phrase.format(**fields)}; the PDF has no pages")
    assert both == f"{told}; {tongue.say('the PDF has no pages')}"


@cache
def table_of(language: Language) -> dict[str, object]:
    """Words by sentence; read once."""
    return {str(each.id): each.string for each in table(language) if each.context is None}


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_no_phrase_of_ours_stays(language: Language) -> None:
    """The carrier's words and the senders' names of files are nobody's to translate; nothing stays nothing."""
    tongue = tongues.of(language)
    for text in ("", "NO_USER_RESPONSE", "What they said: no phrase of ours", "a; b", "{pages}", "%(number)s"):
        assert tongue.retold(text) == text
    for name in ("", "delivered", "empty", "letter.pdf", "is damaged", "no connection"):
        assert tongue.part(name) == name
    assert tongue.part("cover page") != "cover page"
    assert "7" in tongue.part("letter.pdf, page 7")
    assert tongue.part("letter.pdf, page 7").startswith("letter.pdf, ")


HOSTILE = st.sampled_from(
    [": ", "; ", "a", "within 5 hours", ", page ", ", 3 times in a row", "is damaged; ", " is in "]
)


@given(st.lists(HOSTILE, max_size=200).map("".join), st.sampled_from(OTHERS))
def test_no_text_takes_long(text: str, language: Language) -> None:
    """Senders choose names of files, and so these texts: whatever they choose, it is told in a moment."""
    begun = process_time()
    tongues.of(language).retold(text[:500])
    tongues.of(language).part(text[:320])
    assert process_time() - begun < 2


@pytest.mark.parametrize("language", OTHERS)
def test_a_cause_within_a_phrase_is_told_again(language: Language) -> None:
    """The number's memory names the cause of the last failure, by its title."""
    cause = outcomes.cause("number-not-in-use")
    title = outcomes.in_language(cause, language).title
    assert title in tongues.of(language).retold(f"the last 5 faxes to this number failed: {cause.title}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_that_are_offered_are_understood(language: Language) -> None:
    """Whatever a notice offers as a first line does what it says."""
    offered = words(frozenset(Action), tongues.of(language))
    assert [replies.read(word) for word, _ in offered if "NU" not in word and "NÚ" not in word] == [
        replies.Wish(action) for action in (Action.RESEND, Action.CANCEL, Action.YES, Action.STATUS)
    ]
    elsewhere = f"{replies.words_before_a_number(language)} +1 415-555-0124"
    assert replies.read(elsewhere) == replies.Wish(Action.RESEND, "+1 415-555-0124")


def test_times_and_countries() -> None:
    """As each language has them; a number without a country has none, and a masked one neither."""
    at = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
    assert [tongues.of(language).moment(at) for language in LANGUAGES] == [
        "23 November 2026, 08:15 UTC",
        "23. November 2026, 08:15 UTC",
        "23 de noviembre de 2026, 08:15 UTC",
        "23 novembre 2026, 08:15 UTC",
    ]
    assert [tongues.of(language).duration(3 * 3600 + 61) for language in LANGUAGES] == [
        "3 hours 1 minute",
        "3 Stunden 1 Minute",
        "3 horas 1 minuto",
        "3 heures 1 minute",
    ]
    assert tongues.of("en").duration(0) == "1 second"
    assert tongues.of("de").country("+4930123456") == "Deutschland"
    assert [tongues.of("en").country(number) for number in ("+881612345678", "+1415*****23", "+9999999999", "")] == [
        *("", "", "", ""),
    ]


Mails = list[tuple[str, bytes]]


def every_mail(language: Language) -> Mails:
    """One of each mail that a sender or a mailbox may get, in that language."""
    options = replace(OPTIONS, language=language)
    return [*of_faxes(language, options), *of_answers(language, options), *of_received(options)]


def of_faxes(language: Language, options: MailOptions) -> Mails:
    """Every notice, in its variants, for its sender and the operator."""
    message = a_message(language=language)
    calls = (an_attempt(cause="busy"), an_attempt(cause=None), an_attempt(cause="busy"))
    asked: dict[str, Any] = {"reply_to": "reply+x@fax.local", "may_ask": frozenset(Action), "in_a_row": 3}
    made: Mails = []
    for event in OUTCOMES:
        told = facts(event, MAIL, message=message, attempts=calls, parts=PARTS, why="the PDF has no pages", **asked)
        for changed in ({"refused_now": True}, {"pages_sent": 0, "fax": called()}, {"pages_sent": None}):
            variant = replace(told, **changed)
            made.append((event, notices.render(variant, options, row_id=ROW, recipient=SENDER, now=START)))
        made.append((f"{event}, copy", notices.render(told, options, row_id=ROW, recipient=options.admin, now=START)))
    for state in FaxState:
        for again_from in (None, START):
            first = replace(a_duplicate(state, MAIL, message=message), again_from=again_from)
            again = notices.render_duplicate(first, options, row_id=ROW, recipient=SENDER, now=START)
            made.append((f"duplicate, {state}", again))
    ended = tuple(Ended(a_fax(state=state_of(event)), OUTCOMES[event], None) for event in notices.ENDS)
    digest = SummaryFacts(message, ended, PARTS, read_headers(MAIL))
    made.append(("digest", summaries.render(digest, options, row_id=ROW, recipient=SENDER, now=START)))
    return made


def of_answers(language: Language, options: MailOptions) -> Mails:
    """What came of an answer, and of a preview that was asked for."""
    made: Mails = []
    for result in Result:
        said = Said(result, tongues.of(language).say("It is faxed once more."))
        answer = AnswerFacts(a_fax(), said, language, read_headers(MAIL), frozenset(Action), "reply+x@fax.local")
        told = answers.render(answer, options, row_id=ROW, recipient=SENDER, now=START)
        made.append((f"answer, {result}", told))
    message = a_message(language=language)
    preview = Preview("06D1ZN8K7Q1V", message.id, "preview@fax.local", "", "", "", SENDER, None, SENDER)
    for pages in (0, 1, 2):
        why = "a.pdf: the PDF has no pages"
        shown = PreviewFacts(preview, message, read_headers(MAIL), PARTS, pages, why, names_nobody=True)
        made.append((f"preview, {pages}", previews.render(shown, options, row_id=ROW, recipient=SENDER, now=START)))
    return made


def of_received(options: MailOptions) -> Mails:
    """Received faxes, whole or not, and what is told of those that are not to be had."""
    kinds: tuple[dict[str, Any], ...] = (
        {"file_pages": 3},
        {"pages": 2, "file_pages": 5},
        {"pages_total": 5, "file_pages": 3},
        {"damaged": True},
    )
    made: Mails = []
    for kind in kinds:
        fax = a_received(**{"file_pages": None, **kind})
        mail = arrivals.render_received(fax, a_delivery(), b"%PDF-", options, row_id=ROW, now=START)
        made.append((f"received, {kind}", mail))
    lost = a_received(blob_id=None, caller="", called="", file_pages=None)
    why = "no file within a day; the last answer said: HTTP 404"
    made.append(("lost", arrivals.render_lost(lost, SENDER, why, options, row_id=ROW, now=START, pdf=b"x")))
    return made + [(f"backlog of {n}", arrivals.render_backlog(n, options, row_id=ROW, now=START)) for n in (1, 2)]


def called() -> Fax:
    """A fax with all that may be told of one."""
    return a_fax(person="Ada", company="Ward 3", due_at=START.replace(hour=23), sender=SENDER)


def state_of(event: NoticeEvent) -> FaxState:
    """Where a fax of that end stands."""
    return FaxState.DELIVERED if event is NoticeEvent.DELIVERED else FaxState.FAILED


ENGLISH = re.compile(r"\b(?:the|were|what|have|not|and|with|your|which|it|is|of|to|this|that|nothing|again|sent|at)\b")
"""Words of which every sentence has one, and that are none in the other languages."""
FOREIGN = re.compile(r"iFax (?:sagte|dijo|a dit)[^\n]*|<a@example\.org>|faxbridge settle[^\n]*--(?:not-)?sent|HTTP 404")


@pytest.mark.parametrize("language", OTHERS)
def test_no_mail_mixes_two_languages(language: Language) -> None:
    """In no mail of ours is a word left in English: subject, text and HTML, which says what it is in."""
    for name, mail in every_mail(language):
        message = message_from_bytes(mail, policy=modern)
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text is not None, name
        told = FOREIGN.sub("", f"{message['Subject']}\n{text.get_content()}")
        assert not ENGLISH.search(told.lower()), (name, ENGLISH.search(told.lower()), told)
        if html is not None:
            page = html.get_content()
            assert f'<html lang="{language}">' in page
            advice = tongues.of(language).say("What to do:")
            assert (f"<strong>{advice}</strong>" in page) is (f"\n{advice} " in text.get_content()), name


def text_in(mail: bytes) -> str:
    """Its part for people."""
    text = message_from_bytes(mail, policy=modern).get_body(("plain",))
    assert text is not None
    return str(text.get_content())


def test_a_copy_for_the_operator_is_in_the_sites_language() -> None:
    """A sender reads its own language, the operator the site's, of the same fax."""
    told = facts(NoticeEvent.FAILED, MAIL, message=a_message(language="fr"))
    options = replace(OPTIONS, language="de")
    own = notices.render(told, options, row_id=ROW, recipient=SENDER, now=START)
    copy = notices.render(told, options, row_id=ROW, recipient=OPTIONS.admin, now=START)
    assert "Que faire :" in text_in(own)
    assert "Was zu tun ist:" in text_in(copy)
    assert "Der Absender erfährt:" in text_in(copy)


TOLD_BY = re.compile(
    r"(?:[A-Z]\w*)?(?:Unusable|Unopenable|TooComplex)|ConverterDied|OutcomeUnknown|NotAFaxNumber|BlobDamaged|Said"
)
"""What raises, or holds, a text that a sender may read."""
TOLD_AS = {"reason", "left_out"}
UNTOLD = {
    *("bridge/fax/addresses.py", "bridge/fax/elements.py", "bridge/fax/flags.py", "bridge/fax/imcea.py"),
    "bridge/intake/recipients.py",
}
"""They read addresses: what they say stands in replies of SMTP, which has no language but English."""


@pytest.mark.parametrize("path", sorted((ROOT / "bridge").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_for_senders_is_written_on_the_spot(path: Path) -> None:
    """A reason that a sender may read is a marked phrase with a name, for only such a one has words elsewhere."""
    if str(path.relative_to(ROOT)) in UNTOLD:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [word.value for word in node.keywords if word.arg in TOLD_AS]
        if TOLD_BY.fullmatch(name):
            texts += node.args
        for text in texts:
            assert not is_literal(text), f"{path}:{node.lineno}: mark it with phrase()"


def is_literal(text: ast.expr) -> bool:
    """Whether words stand there as they are; nothing is no words, nor is a phrase with a full stop behind it."""
    if isinstance(text, ast.Constant):
        return isinstance(text.value, str) and bool(text.value)
    if isinstance(text, ast.JoinedStr):
        return any(isinstance(piece, ast.Constant) and re.search(r"\w", str(piece.value)) for piece in text.values)
    return False
