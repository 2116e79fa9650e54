"""What a sender asked of its delivery status notifications (RFC 3461, section 4)."""

from enum import StrEnum


class Notify(StrEnum):
    """Of what a sender wants to hear, for one recipient; ``NEVER`` stands alone."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


class Ret(StrEnum):
    """How much of the mail a notice of failure gives back: all of it, or its header."""

    FULL = "FULL"
    HDRS = "HDRS"
