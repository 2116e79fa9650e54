"""What came of an answer to a notice, told to whoever gave it, or to whom the notice had gone."""

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.fax import replies
from bridge.fax.jobs import Fax
from bridge.fax.options import Privacy
from bridge.fax.replies import Result, Said
from bridge.mail import composing, discretion, fields, reports
from bridge.mail.headers import Headers
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.mail.wording import words_of_fax

EVENT = "reply"
"""The word in ``X-Fax-Event``."""

_HEADLINES = {
    Result.DONE: "done as you asked",
    Result.REFUSED: "not done",
    Result.UNCLEAR: "your answer was not understood",
    Result.STATUS: "how it stands",
    Result.ASKED: "is this number meant?",
    Result.STRANGER: "somebody answered a notice in your place",
}

_ADVICE = {
    Result.DONE: "Nothing. You will hear what becomes of it.",
    Result.REFUSED: "If it matters, send the document in a new mail, or ask your administrator.",
    Result.UNCLEAR: "Answer this mail, with nothing but one of the words below in its first line.",
    Result.STATUS: "Nothing, unless it says otherwise above.",
    Result.ASKED: "If it is meant, answer this mail with yes as its first line. If not, do nothing.",
    Result.STRANGER: "If it was you, answer from the address that the notice went to. If not, tell your administrator.",
}

_TONES = {Result.DONE: Tone.GOOD, Result.REFUSED: Tone.BAD, Result.STRANGER: Tone.BAD}


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """All the mail tells: ``headers`` are of the mail that answered; ``reply_to`` where this one can be answered."""

    fax: Fax
    said: Said
    headers: Headers
    may_ask: frozenset[replies.Action] = frozenset()
    reply_to: str = ""


def render(facts: AnswerFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime) -> bytes:
    """The mail's bytes; the same for the same facts, row and time."""
    fax, headers, result = facts.fax, facts.headers, facts.said.result
    if fax.privacy is Privacy.MINIMAL:
        fax, headers = discretion.of_fax(fax), discretion.of_headers(headers)
    subject, text = composing.render(
        "answer",
        **words_of_fax(fax, recipient),
        headline=_HEADLINES[result],
        said=facts.said.text,
        done=result in {Result.DONE, Result.STATUS},
        advice=_ADVICE[result],
        answers=list(replies.in_words(facts.may_ask)) if facts.reply_to else [],
    )
    head = [
        reports.begin_answer(
            replace(headers, fields=tuple(field for field in headers.fields if field[0] != "subject")),
            subject,
            options,
            row_id=row_id,
            recipient=recipient,
            now=now,
        ),
        fields.address("Reply-To", facts.reply_to) if facts.reply_to else b"",
        fields.unstructured("X-Fax-Event", EVENT),
        fields.unstructured("X-Fax-Id", fax.id),
        fields.unstructured("X-Fax-Number", fax.number),
    ]
    return b"".join(head) + composing.words_part(text, _TONES.get(result, Tone.OPEN), row_id)
