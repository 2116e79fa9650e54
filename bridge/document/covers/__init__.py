"""Cover pages as the daemon has them: the templates, and what is to stand on one."""

import base64
import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from bridge.document.options import CARRIERS_COVER, NO_COVER, STANDARD_COVER, CoverOptions
from bridge.errors import Misconfigured

_LOGOS = (".png", ".jpg", ".jpeg")
_LARGEST_LOGO = 5_000_000


@dataclass(frozen=True, slots=True)
class CoverFields:
    """What templates are filled with, beside ``pages`` and ``logo``: as people read it, empty where it is not known."""

    to_name: str = ""
    to_company: str = ""
    to_number: str = ""
    from_name: str = ""
    from_address: str = ""
    from_number: str = ""
    company: str = ""
    subject: str = ""
    date: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands at the head of each page, beside its number: as people read it."""

    date: str
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Cover:
    """What one fax has of its own: a cover page, where there is a template, and a line on each page."""

    template: str
    logo: bytes
    fields: CoverFields
    headline: Headline | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A cover page's HTML with Jinja's marks, and its logo (PNG or JPEG; empty without one)."""

    html: str
    logo: bytes = b""

    def cover(self, fields: CoverFields) -> Cover:
        """The cover page of one fax."""
        return Cover(self.html, self.logo, fields)


class Covers:
    """The templates that are in use, read once at start. Raises Misconfigured where one cannot be read."""

    def __init__(self, options: CoverOptions) -> None:
        self._options = options
        names = {options.site, *options.identities.values()} - {"", NO_COVER, CARRIERS_COVER}
        self._templates = {name: _read(name, options.folder) for name in sorted(names | {STANDARD_COVER})}

    @property
    def has_headline(self) -> bool:
        """Whether each page of a fax has its line."""
        return self._options.headline

    @property
    def company(self) -> str:
        """Whose faxes they are."""
        return self._options.company

    def of(self, identity: str | None, *, asked: bool | None) -> Template | None:
        """The template for a fax of that identity (None: the site's) whose sender asked for a cover, for none, or not.

        Who asks for one where the site has none gets the standard one.
        """
        name = self._name(identity)
        if asked is False or name == CARRIERS_COVER or (name in {"", NO_COVER} and not asked):
            return None
        return self._templates[STANDARD_COVER if name in {"", NO_COVER} else name]

    def by_carrier(self, identity: str | None, *, asked: bool | None) -> bool:
        """Whether the carrier makes the cover page of such a fax."""
        return self._name(identity) == CARRIERS_COVER and asked is not False

    def _name(self, identity: str | None) -> str:
        return self._options.identities.get(identity or "", "") or self._options.site


def _read(name: str, folder: Path) -> Template:
    if name == STANDARD_COVER:
        html, logo = files(__package__).joinpath("standard.html").read_text("utf-8"), b""
        for ending in _LOGOS:  # a logo makes ours a site's own
            if (own := folder / f"{STANDARD_COVER}{ending}").is_file():
                logo = _logo(own)
        return Template(html, logo)
    place = folder / f"{name}.html"
    try:
        html = place.read_text("utf-8")
        SandboxedEnvironment().parse(html)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the cover page {place} cannot be read: {error}") from error
    except TemplateSyntaxError as error:
        raise Misconfigured(f"the cover page {place} is no template: line {error.lineno}: {error.message}") from error
    logos = [_logo(own) for ending in _LOGOS if (own := folder / f"{name}{ending}").is_file()]
    return Template(html, logos[0] if logos else b"")


def _logo(place: Path) -> bytes:
    try:
        content = place.read_bytes()
    except OSError as error:
        raise Misconfigured(f"the logo {place} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_LOGO:
        raise Misconfigured(f"the logo {place} has {len(content) / 1e6:.0f} MB; 5 are the most")
    return content


def write_cover(cover: Cover) -> str:
    """As the child reads it."""
    logo = base64.b64encode(cover.logo).decode("ascii")
    line = None if cover.headline is None else asdict(cover.headline)
    return json.dumps({"template": cover.template, "logo": logo, "fields": asdict(cover.fields), "headline": line})


def read_cover(written: str) -> Cover:
    """As the daemon wrote it."""
    found = json.loads(written)
    line = None if found["headline"] is None else Headline(**found["headline"])
    return Cover(found["template"], base64.b64decode(found["logo"]), CoverFields(**found["fields"]), line)
