"""What can come of a call instead of success. For ``fax-send`` the difference decides whether a fax may go out twice.

CarrierError
  CallRefused      the carrier said no; nothing was sent
  NotTaken         the call surely never reached the carrier's work: it may be made again
  OutcomeUnknown   the fax may be going out: never to be sent again without evidence
"""

from bridge.errors import BridgeError
from bridge.ifax.answers import Answer


class CarrierError(BridgeError):
    """Base; ``answer`` is what came back, if anything did."""

    def __init__(self, public: str, answer: Answer | None = None) -> None:
        super().__init__(public)
        self.answer = answer


class CallRefused(CarrierError):
    """A refusal in the carrier's words; ``cause`` is the catalogue's key for it."""

    permanent = True

    def __init__(self, public: str, cause: str, answer: Answer | None = None) -> None:
        super().__init__(public, answer)
        self.cause = cause


class NotTaken(CarrierError):
    """No byte of the request's body was handed over, or the carrier said that it does not take calls now."""

    def __init__(self, public: str, cause: str, answer: Answer | None = None, retry_after: float | None = None) -> None:
        super().__init__(public, answer)
        self.cause = cause
        self.retry_after = retry_after


class OutcomeUnknown(CarrierError):
    """The call broke after its body began, or its answer does not say whether the fax was taken."""
