"""What the child tells its parent: one JSON file, checked here as anything from a stranger is."""

from pydantic import BaseModel, ConfigDict, Field

REPORT = "report.json"
PDF = "out.pdf"
PICTURE = "out.png"
WORDS = "words"
"""What is to stand on a cover page, for the child to read."""

DISK_FULL = 75
"""The child's exit status (EX_TEMPFAIL of sysexits.h) when the disk had no room: our trouble, not the document's."""


NO_PROCESS = 71
"""The same (EX_OSERR) where no child could be had at all."""


class PartReport(BaseModel):
    """One part of the mail: so many pages, or left out and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(max_length=300)
    type: str = Field(max_length=200)
    pages: int = Field(ge=0)
    left_out: str | None = Field(default=None, max_length=500)


class Report(BaseModel):
    """The whole: pages of the finished PDF, or in ``failed`` why there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pages: int = Field(default=0, ge=0)
    parts: tuple[PartReport, ...] = Field(default=(), max_length=1000)
    cover_text: str = Field(default="", max_length=200_000)
    office: int = Field(default=0, ge=0, le=1000)
    """Office documents that are laid down, to be converted before there can be pages."""
    failed: str | None = Field(default=None, max_length=500)
