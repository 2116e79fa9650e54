"""What the site wishes of its fax pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bridge.fax.options import BodyUse, PagesUse, PaperUse


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """``partial``: fax the rest where a part cannot be faxed. ``max_pages``: of one fax.

    ``archives``: unpack ZIP archives. ``pages``: which are brought into black and white here: those with greys or
    colours, all, or none. ``page_bytes``: what one of them may take on the fax line. ``long_pages``: cut a page that is
    longer than any paper into several, or shrink it onto one. ``body``: what becomes of the text of a mail that has
    documents, ``trim``: without the mails it answers, the writer's signature and disclaimers. ``paper``: what is set or
    fitted here goes on; who makes pages says which, and ``auto`` is Letter for whoever does not.
    """

    partial: bool = False
    archives: bool = False
    max_pages: int = 200
    pages: PagesUse = "auto"
    page_bytes: int = 150_000
    long_pages: Literal["split", "shrink"] = "split"
    body: BodyUse = "ignore"
    trim: bool = True
    paper: PaperUse = "auto"


STANDARD_COVER = "standard"
"""The cover page that comes with Faxbridge."""
NO_COVER = "none"
"""For an identity, where the site has one."""
CARRIERS_COVER = "carrier"
"""The carrier makes the cover page."""


@dataclass(frozen=True, slots=True)
class CoverOptions:
    """Which template a fax gets: its identity's, else the site's; empty or ``none``: none, ``carrier``: one by iFax.

    ``folder`` has those that are not ours, ``company`` is whose faxes they are. ``headline``: a line at the head of
    each page.
    """

    site: str = ""
    identities: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("/etc/faxbridge/covers")
    company: str = ""
    headline: bool = False
