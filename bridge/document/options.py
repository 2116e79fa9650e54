"""What the site wishes of its fax pages."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """``partial``: fax the rest where a part cannot be faxed. ``max_pages``: of one fax.

    ``archives``: unpack ZIP archives. ``pages``: which are brought into black and white here: those with greys or
    colours, all, or none. ``page_bytes``: what one of them may take on the fax line. ``long_pages``: cut a page that is
    longer than any paper into several, or shrink it onto one.
    """

    partial: bool = False
    archives: bool = False
    max_pages: int = 200
    pages: Literal["auto", "fax", "original"] = "auto"
    page_bytes: int = 150_000
    long_pages: Literal["split", "shrink"] = "split"
