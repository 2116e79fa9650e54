"""What came of an answer to a notice, told to whoever gave it, or to whom the notice had gone."""

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.fax import replies
from bridge.fax.jobs import Fax
from bridge.fax.options import Language, Privacy
from bridge.fax.replies import Result, Said
from bridge.mail import composing, discretion, fields, replies as answering, reports, tongues
from bridge.mail.headers import Headers
from bridge.mail.hypertext import Tone
from bridge.mail.options import MailOptions
from bridge.mail.wording import words_of_fax
from bridge.runtime.phrases import phrase

EVENT = "reply"
"""The word in ``X-Fax-Event``."""

_HEADLINES = {
    Result.DONE: phrase("done as you asked"),
    Result.REFUSED: phrase("not done"),
    Result.UNCLEAR: phrase("your answer was not understood"),
    Result.STATUS: phrase("how it stands"),
    Result.ASKED: phrase("is this number meant?"),
    Result.STRANGER: phrase("somebody answered a notice in your place"),
}

_ADVICE = {
    Result.DONE: phrase("Nothing. You will hear what becomes of it."),
    Result.REFUSED: phrase("If it matters, send the document in a new mail, or ask your administrator."),
    Result.UNCLEAR: phrase("Answer this mail, with nothing but one of the words below in its first line."),
    Result.STATUS: phrase("Nothing, unless it says otherwise above."),
    Result.ASKED: phrase("If it is meant, answer this mail with yes as its first line. If not, do nothing."),
    Result.STRANGER: phrase(
        "If it was you, answer from the address that the notice went to. If not, tell your administrator."
    ),
}

_TONES = {Result.DONE: Tone.GOOD, Result.REFUSED: Tone.BAD, Result.STRANGER: Tone.BAD}


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """All the mail tells, in ``language``, which ``said`` is in already.

    ``headers`` are of the mail that answered; ``reply_to`` is where this one can be answered.
    """

    fax: Fax
    said: Said
    language: Language
    headers: Headers
    may_ask: frozenset[replies.Action] = frozenset()
    reply_to: str = ""


def render(facts: AnswerFacts, options: MailOptions, *, row_id: str, recipient: str, now: datetime) -> bytes:
    """The mail's bytes; the same for the same facts, row and time."""
    fax, headers, result, tongue = facts.fax, facts.headers, facts.said.result, tongues.of(facts.language)
    if fax.privacy is Privacy.MINIMAL:
        fax, headers = discretion.of_fax(fax), discretion.of_headers(headers)
    subject, text = composing.render(
        "answer",
        tongue,
        **words_of_fax(fax, recipient, tongue),
        headline=tongue.say(_HEADLINES[result]),
        said=facts.said.text,
        done=result in {Result.DONE, Result.STATUS},
        advice=tongue.say(_ADVICE[result]),
        answers=answering.words(facts.may_ask, tongue) if facts.reply_to else [],
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
    return b"".join(head) + composing.words_part(text, _TONES.get(result, Tone.OPEN), tongue, row_id)
