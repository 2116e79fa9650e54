"""One leaf of a mail, and what it is to the fax. Runs in the child."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bridge.document.kinds import Kind
from bridge.runtime.phrases import name_of_part, phrase


class Role(StrEnum):
    """What a part is to the fax. ``UNUSABLE``: it should be faxed, and cannot be."""

    ATTACHMENT = "attachment"
    BODY = "body"
    COVER = "cover text"
    LEFT_OUT = "left out"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Piece:
    """One leaf of the mail. ``reason`` tells why it is left out or unusable.

    ``heading`` are fields of an attached mail, to stand above its text; ``location`` is its Content-Location (RFC
    2557); ``pictures`` are those that an HTML text shows, by what it names them by; ``attached`` whether its
    disposition says so, ``packed`` whether it was inside another file; ``of_mail`` that it is a text of the mail
    itself, or of one that is attached to it.
    """

    name: str
    type: str
    kind: Kind
    charset: str | None
    content: bytes
    role: Role
    reason: str = ""
    content_id: str = ""
    location: str = ""
    attached: bool = False
    of_mail: bool = False
    packed: bool = False
    heading: tuple[tuple[str, str], ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict)


class TooComplex(Exception):
    """More parts, or deeper ones, than a mail from a person has."""


COVER_NAME = name_of_part("cover page")
BODY_NAME = name_of_part("text of the mail")
OTHER_FORM = phrase("the same text in another form")
ON_THE_COVER = phrase("stands on the cover page")
BODY_NOT_FAXED = phrase("only the attachments are faxed")
IN_THE_TEXT = phrase("stands within the text of the mail")
HIDDEN = phrase("hidden in the text of the mail by its writer; attach it as a file if it is to be faxed")
DECORATION = phrase("belongs to the writer's signature or letterhead; attach it as a file if it is to be faxed")
DRAWING = phrase("a drawing that only Microsoft Office shows; if it matters, print the mail to a PDF and attach that")
EMPTY = phrase("empty")
RUNS_ON = phrase("stands below the text before it")
BLANK = phrase("blank: nothing would be seen on the paper")
