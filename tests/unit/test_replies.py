"""What an answer asks for is read from its first line alone, and never guessed."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern

import pytest
from hypothesis import given, strategies as st

from bridge.fax import outcomes, replies
from bridge.fax.jobs import Outcome
from bridge.fax.options import LANGUAGES, Privacy
from bridge.fax.replies import Action, Answerable, Result, Said, Wish
from bridge.fax.states import FaxState
from bridge.mail import answers, bodies, tongues
from bridge.mail.answers import AnswerFacts
from bridge.mail.headers import read_headers
from bridge.mail.replies import standing
from tests.support.unit_clock import START
from tests.support.unit_mail import OPTIONS, ROW, SENDER, a_fax, field, parts_in, text_of, well_formed

WORDS = {
    "resend": Wish(Action.RESEND),
    "  Resend!": Wish(Action.RESEND),
    "RESEND TO +1 (415) 555-0123.": Wish(Action.RESEND, "+1 (415) 555-0123"),
    "resend to 4155550123": Wish(Action.RESEND, "4155550123"),
    "send again": Wish(Action.RESEND),
    "erneut senden": Wish(Action.RESEND),
    "Nochmal senden an +49 30 1234567": Wish(Action.RESEND, "+49 30 1234567"),
    "reenviar a +34 912345678": Wish(Action.RESEND, "+34 912345678"),
    "Renvoyer à +33 1 23 45 67 89": Wish(Action.RESEND, "+33 1 23 45 67 89"),
    "cancel": Wish(Action.CANCEL),
    "Abbrechen": Wish(Action.CANCEL),
    "*cancelar*": Wish(Action.CANCEL),
    '"annuler"': Wish(Action.CANCEL),
    "Status": Wish(Action.STATUS),
    "état": Wish(Action.STATUS),
    "yes": Wish(Action.YES),
    "Ja,": Wish(Action.YES),
    "sí": Wish(Action.YES),
    "OUI": Wish(Action.YES),
}
NOT_WORDS = (
    *("", "please resend", "resend it", "resend it to +14155550123", "do not cancel", "cancel the other one", "no"),
    *(
        "resend to",
        "yes please do not",
        "statuses",
        "cancel? I am not sure",
        "resend" + " " * 200 + "to +14155550123 now ok",
    ),
)


@pytest.mark.parametrize(("line", "wish"), WORDS.items(), ids=WORDS)
def test_the_words_are_understood(line: str, wish: Wish) -> None:
    """In four languages, whatever stands around them, with a number or without."""
    assert replies.read(line) == wish


@pytest.mark.parametrize("line", NOT_WORDS, ids=lambda line: line[:30] or "nothing")
def test_nothing_else_is(line: str) -> None:
    """A sentence that only has such a word in it does nothing."""
    assert replies.read(line) is None


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    """Whatever stands there: a wish that was written out, or none."""
    line = replies.first_line(text)
    assert "\n" not in line
    wish = replies.read(line)
    assert wish is None or wish.action in Action


FIRST_LINES = {
    "resend\n\n> resend": "resend",
    "\n \n\ufeffcancel\r\nOn Monday": "cancel",
    "> cancel\nresend": "",
    "On Mon, 23 Nov 2026, Fax <fax@fax.local> wrote:\n> resend": "",
    "Am 23.11.2026 schrieb Fax:\n> resend": "",
    "-----Original Message-----\nresend": "",
    "From: Fax\nresend": "",
    "": "",
}


@pytest.mark.parametrize(("text", "line"), FIRST_LINES.items())
def test_what_is_quoted_is_no_order(text: str, line: str) -> None:
    """The first line with anything in it; where that quotes somebody, there is none."""
    assert replies.first_line(text) == line


def a_mail(plain: str = "", html: str = "") -> bytes:
    """An answer."""
    mail = EmailMessage()
    if plain:
        mail.set_content(plain)
    if html:
        mail.add_alternative(html, subtype="html") if plain else mail.set_content(html, subtype="html")
    return mail.as_bytes()


def test_its_text_is_found() -> None:
    """Plain text goes before HTML; of HTML the words that are seen; of what cannot be read, nothing."""
    html = "<html><head><style>p{}</style><title>x</title></head><body><div>resend</div><p>Best, A</p></body></html>"
    assert replies.first_line(bodies.text_of(a_mail("cancel\n", html))) == "cancel"
    assert replies.first_line(bodies.text_of(a_mail(html=html))) == "resend"
    assert bodies.text_of(b"Content-Type: application/pdf\r\n\r\nresend") == ""
    assert bodies.text_of(b"Content-Type: text/plain; charset=none-such\r\n\r\nresend") in {"", "resend"}
    assert bodies.text_of(b"") == ""


@given(st.binary(max_size=400))
def test_any_bytes_have_a_text(mail: bytes) -> None:
    """Whatever came in, this returns."""
    assert isinstance(bodies.text_of(mail), str)


KNOWN = Answerable("ab" * 32, "06D1ZN8K7Q1X", SENDER, frozenset(Action), START + timedelta(days=14))


@pytest.mark.parametrize(
    ("sender", "identity", "admitted", "may"),
    [
        (SENDER, None, True, True),
        (SENDER.upper(), None, True, True),
        (SENDER, None, False, False),
        (SENDER, "front-desk", True, False),
        ("mallory@example.org", None, True, False),
        ("", None, True, False),
    ],
)
def test_who_may_ask(sender: str, identity: str | None, admitted: bool, may: bool) -> None:
    """The address that the notice went to, let in as the fax was: nobody else, and not under another identity."""
    assert replies.may_ask(KNOWN, sender, identity, a_fax(), admitted=admitted) is may


@pytest.mark.parametrize("state", FaxState)
def test_what_is_offered_fits(state: FaxState) -> None:
    """How a fax stands can always be asked; resent is what has ended, cancelled what is not with the carrier."""
    offered = replies.offered(state)
    assert Action.STATUS in offered
    assert (Action.RESEND in offered) is state.final
    assert (Action.CANCEL in offered) is (state in {FaxState.ACCEPTED, FaxState.READY, FaxState.HELD})
    cause = outcomes.cause("number-not-in-use")
    fax = a_fax(state=state, outcome=Outcome(cause.outcome_class, cause.slug))
    told = {language: standing(fax, tongues.of(language)) for language in LANGUAGES}
    assert len(set(told.values())) == len(LANGUAGES)
    assert all(said.endswith(".") for said in told.values())
    assert ("not in service" in told["en"]) is (state is FaxState.FAILED)


@pytest.mark.parametrize("result", Result)
def test_the_mail_that_tells_it(result: Result) -> None:
    """A mail by itself, in the thread of the answer, that says what to do; nothing of the sender's adds a field."""
    head = read_headers(b"Message-ID: <a@example.org>\r\nSubject: Re: x\r\n\r\n")
    facts = AnswerFacts(
        a_fax(), Said(result, "A sentence."), "en", head, frozenset({Action.YES}), "reply+abc@fax.local"
    )
    mail = answers.render(facts, OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    assert well_formed(mail)
    assert field(mail, "Auto-Submitted") == "auto-replied"
    assert field(mail, "X-Fax-Event") == "reply"
    assert field(mail, "Reply-To") == "reply+abc@fax.local"
    assert field(mail, "In-Reply-To") == "<a@example.org>"
    [plain, html] = parts_in(message_from_bytes(mail, policy=modern))
    text = text_of(plain)
    assert text.startswith("A sentence.\n")
    assert "What to do: " in text
    assert ("Nothing was done." in text) is (result not in {Result.DONE, Result.STATUS})
    assert "yes" in text_of(html)


def test_under_minimal_privacy_it_names_nothing() -> None:
    """The number is masked, and the subject of the answer stays out."""
    head = read_headers(b"Message-ID: <a@example.org>\r\nSubject: Re: tumour\r\n\r\n")
    fax = replace(a_fax(), privacy=Privacy.MINIMAL, person="Margaret")
    facts = AnswerFacts(fax, Said(Result.STATUS, "It was delivered."), "en", head)
    mail = answers.render(facts, OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    assert not [secret for secret in (b"tumour", b"Margaret", b"5550123", b"555-0123") if secret in mail]
    assert field(mail, "X-Fax-Number") == "+1415*****23"
