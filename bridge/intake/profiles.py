"""What a strict listener insists on and a legacy one forgives."""

import re

from bridge.errors import Permanent
from bridge.intake.content import Content
from bridge.intake.dots import LINE_LIMIT
from bridge.intake.envelopes import BadSyntax
from bridge.intake.options import Profile
from bridge.mail.headers import HEADER_LIMIT, Headers

_NAME_LIMIT = 255
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"(?=.*[A-Za-z]){_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_LITERAL = re.compile(r"\[(?:[0-9.]{7,15}|IPv6:[0-9A-Fa-f:.]{2,45})\]", re.ASCII | re.IGNORECASE)


class BadForm(Permanent):
    """The message is not what RFC 5322 asks of one."""

    reply = "550 5.6.0"


class LinesTooLong(BadForm):
    """Its lines are longer than those of mail may be."""

    reply = "554 5.6.0"


def check_greeting(verb: str, hostname: str | None, profile: Profile) -> None:
    """Raise BadSyntax for a name that is none: strict wants a domain or an address literal (RFC 5321, 4.1.1.1)."""
    if profile is Profile.LEGACY:
        return
    name = hostname or ""
    if len(name) > _NAME_LIMIT or not (_DOMAIN.fullmatch(name) or _LITERAL.fullmatch(name)):
        raise BadSyntax(f"write {verb} and this machine's name, or its address in brackets: {verb} [192.0.2.1]")


def check_header_ends(content: Content) -> None:
    """Raise BadForm for a header that goes on beyond what is read of it: in there, anything could hide."""
    if len(content.head) >= HEADER_LIMIT and b"\r\n\r\n" not in content.head and content.head[:2] != b"\r\n":
        raise BadForm(f"the mail's header is longer than {HEADER_LIMIT // 1024} KiB")


def check_form(fields: Headers, *, too_long: bool) -> None:
    """Raise BadForm for a message without Date or Message-ID, or with lines longer than they may be (RFC 5322, 3.6)."""
    for name in ("Date", "Message-ID"):
        if fields.raw(name) is None:
            raise BadForm(f"the mail has no {name} field; copiers that leave it out need a listener of profile legacy")
    if too_long:
        raise LinesTooLong(
            f"the mail has lines of more than {LINE_LIMIT} octets (RFC 5322, 2.1.1); "
            "machines that write such lines need a listener of profile legacy"
        )
