"""What the site wishes of its fax pages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """``partial``: fax the rest where a part cannot be faxed. ``max_pages``: of one fax.

    ``archives``: unpack ZIP archives.
    """

    partial: bool = False
    archives: bool = False
    max_pages: int = 200
