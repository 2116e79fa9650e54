"""One tree of errors: each is permanent or transient, and carries a text that may be shown to a stranger.

BridgeError
  Transient             try again later; nothing is wrong with what was asked
    OutOfSpace          no room on disk
    Unavailable         a part we need (database, carrier, relay) does not answer
    Paused              an operator stopped this work for now
    LeaseLost           somebody else works on this row now
  Permanent             trying again changes nothing
    Refused             the request breaks a rule; says which
    NotAFaxNumber       what was given cannot be read as a fax number
    Misconfigured       the operator must change something
"""

from typing import ClassVar


class BridgeError(Exception):
    """What went wrong, in words fit for whoever is told (``public``); details belong into ``__cause__``.

    ``reply`` is the SMTP reply code with its RFC 3463 status that stands before the text where a mail client is told.
    """

    permanent: ClassVar[bool] = False
    reply: ClassVar[str] = "451 4.3.0"

    def __init__(self, public: str) -> None:
        super().__init__(public)
        self.public = public

    @property
    def smtp(self) -> str:
        """The whole SMTP reply line, without CR LF."""
        return f"{self.reply} {self.public}"


class Transient(BridgeError):
    """Trying again later may do."""


class OutOfSpace(Transient):
    """The disk is full, or would be."""

    reply = "452 4.3.1"


class Unavailable(Transient):
    """A part we need does not answer."""


class Paused(Transient):
    """An operator stopped this work for now."""

    reply = "451 4.3.2"


class LeaseLost(Transient):
    """The row was taken over, or changed, by another worker; what we did about it must not be written.

    Nothing is wrong then, and nobody need be told: whoever was first has done it.
    """


class Permanent(BridgeError):
    """Trying again changes nothing."""

    permanent = True
    reply = "550 5.0.0"


class Refused(Permanent):
    """Policy says no."""

    reply = "550 5.7.1"


class NotAFaxNumber(Permanent):
    """The text says what was understood and what is wrong with it."""

    reply = "550 5.1.3"


class Misconfigured(Permanent):
    """The operator must change something before this can work."""
