"""What mail says around answers to notices: how a fax stands, and the words to answer with."""

from collections.abc import Collection

from bridge.fax import replies
from bridge.fax.jobs import Fax
from bridge.fax.replies import Action
from bridge.fax.states import FaxState
from bridge.mail.tongues import Tongue
from bridge.runtime.phrases import phrase

_STANDINGS = {
    FaxState.ACCEPTED: phrase("It is waiting for its pages to be made."),
    FaxState.READY: phrase("Its pages are made, and it is waiting for the line."),
    FaxState.SUBMITTING: phrase("It is being handed to the fax service right now."),
    FaxState.SENDING: phrase("The fax service has it, and has not said yet how it ends."),
    FaxState.UNCONFIRMED: phrase(
        "It may have been sent or not: that is not known yet, and it is not sent again by itself."
    ),
    FaxState.HELD: phrase("It is on hold: none of it has been sent, and your administrator decides when it goes out."),
    FaxState.DELIVERED: phrase("It was delivered on %(when)s."),
    FaxState.CANCELLED: phrase("It was cancelled on %(when)s."),
    FaxState.FAILED: phrase("It failed on %(when)s."),
}

_MEANINGS = (
    (Action.RESEND, phrase("has it faxed once more")),
    (Action.CANCEL, phrase("calls it off, if it is not too late")),
    (Action.YES, phrase("has it done")),
    (Action.STATUS, phrase("tells how it stands")),
)


def standing(fax: Fax, tongue: Tongue) -> str:
    """How it stands, in a sentence."""
    when = tongue.moment(fax.state_since)
    if fax.state is FaxState.FAILED and fax.outcome is not None:
        title = tongue.cause(fax.outcome.cause).title
        return tongue.say("It failed on %(when)s: %(title)s.", when=when, title=tongue.within(title))
    return tongue.say(_STANDINGS[fax.state], when=when)


def words(actions: Collection[Action], tongue: Tongue) -> list[tuple[str, str]]:
    """The words to answer with, each with what it does, in one order."""
    told = []
    for action, meaning in _MEANINGS:
        if action in actions:
            told.append((replies.word(action, tongue.language), tongue.say(meaning)))
        if action is Action.RESEND and action in actions:
            number = tongue.say("NUMBER")
            told.append(
                (
                    f"{replies.words_before_a_number(tongue.language)} {number}",
                    tongue.say("has it faxed to another number"),
                )
            )
    return told
