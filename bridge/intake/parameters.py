"""The parameters of MAIL and RCPT that EHLO offers: SIZE, BODY, SMTPUTF8, AUTH, and those of DSN (RFC 3461)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import Permanent
from bridge.fax.wishes import Notify, Ret
from bridge.intake.envelopes import BadSyntax

ENVELOPE_ID_LIMIT = 100
ORIGINAL_RECIPIENT_LIMIT = 500

_SIZE = re.compile(r"[0-9]{1,20}", re.ASCII)
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*", re.ASCII)
_HEX = re.compile(r"\+([0-9A-F]{2})", re.ASCII)
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)
_UTF8_ADDRESS = re.compile(r"(?:[^\s\\+=]|\\x\{[0-9A-F]{2,6}\})+")


class UnknownParameter(Permanent):
    """A parameter we did not offer."""

    reply = "555 5.5.4"


class TooLarge(Permanent):
    """More than the site takes."""

    reply = "552 5.3.4"


@dataclass(frozen=True, slots=True)
class MailWishes:
    """What MAIL asks for. ``size`` is what the client says is to come, 0 where it does not say."""

    size: int = 0
    ret: Ret | None = None
    envelope_id: str = ""
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class RecipientWishes:
    """What RCPT asks for: of what to notify (None: nothing was said), and ORCPT as ``TYPE;ADDRESS``, decoded."""

    notify: frozenset[Notify] | None = None
    original_recipient: str = ""


def read_mail_wishes(parameters: dict[str, str], max_size: int) -> MailWishes:
    """SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), AUTH (RFC 4954, 5), RET and ENVID (RFC 3461, 4.3-4.4).

    Raises UnknownParameter, TooLarge, BadSyntax.
    """
    wishes = MailWishes()
    for name, value in parameters.items():
        if name not in _MAIL_PARAMETERS:
            raise UnknownParameter(f"{name[:30]} is not offered here")
        wishes = replace(wishes, **_MAIL_PARAMETERS[name](value))
    if wishes.size > max_size:
        raise too_large(max_size)
    return wishes


def read_recipient_wishes(parameters: dict[str, str]) -> RecipientWishes:
    """NOTIFY and ORCPT (RFC 3461, 4.1-4.2; utf-8 addresses RFC 6533, 3). Raises UnknownParameter, BadSyntax."""
    notify, original = None, ""
    for name, value in parameters.items():
        if name == "NOTIFY":
            notify = _notify(value)
        elif name == "ORCPT":
            original = _original_recipient(value)
        else:
            raise UnknownParameter(f"{name[:30]} is not offered here")
    return RecipientWishes(notify, original)


def too_large(max_size: int) -> TooLarge:
    """The refusal, with the limit in it."""
    return TooLarge(f"the message is too large; {max_size / 1_000_000:g} MB at most, encoding included")


def decode_xtext(name: str, value: str) -> str:
    """The text that xtext stands for (RFC 3461, 4). Raises BadSyntax, also where it stands for control characters."""
    if not value or not _XTEXT.fullmatch(value):
        raise BadSyntax(f"{name} is not xtext (RFC 3461)")
    decoded = _HEX.sub(lambda match: chr(int(match[1], 16)), value)
    if not decoded.isprintable() or not decoded.isascii():
        raise BadSyntax(f"{name} holds characters that cannot be printed")
    return decoded


def _size(value: str) -> dict[str, Any]:
    if not _SIZE.fullmatch(value):
        raise BadSyntax("SIZE takes a number of bytes")
    return {"size": int(value)}


def _body(value: str) -> dict[str, Any]:
    if value.upper() not in {"7BIT", "8BITMIME"}:
        raise BadSyntax("BODY can be 7BIT or 8BITMIME")
    return {}


def _utf8(value: str) -> dict[str, Any]:
    if value:
        raise BadSyntax("SMTPUTF8 takes no value")
    return {"utf8": True}


def _vouched(value: str) -> dict[str, Any]:
    """AUTH=: whom the client vouches for. We go by its own login."""
    decode_xtext("AUTH", value)
    return {}


def _ret(value: str) -> dict[str, Any]:
    if value.upper() not in set(Ret):
        raise BadSyntax("RET can be FULL or HDRS")
    return {"ret": Ret(value.upper())}


def _envelope_id(value: str) -> dict[str, Any]:
    return {"envelope_id": _printable("ENVID", decode_xtext("ENVID", value), ENVELOPE_ID_LIMIT)}


_MAIL_PARAMETERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": _utf8,
    "AUTH": _vouched,
    "RET": _ret,
    "ENVID": _envelope_id,
}


def _notify(value: str) -> frozenset[Notify]:
    words = value.upper().split(",")
    if any(word not in set(Notify) for word in words) or (Notify.NEVER in words and len(words) > 1):
        raise BadSyntax("NOTIFY can be NEVER, or some of SUCCESS,FAILURE,DELAY")
    return frozenset(Notify(word) for word in words)


def _original_recipient(value: str) -> str:
    kind, semicolon, written = value.partition(";")
    if not semicolon or not _ADDRESS_TYPE.fullmatch(kind):
        raise BadSyntax("ORCPT is TYPE;ADDRESS, such as rfc822;name@example.org")
    if kind.lower() == "utf-8":
        if not _UTF8_ADDRESS.fullmatch(written):
            raise BadSyntax("ORCPT is not an address of type utf-8 (RFC 6533)")
        return _printable("ORCPT", f"{kind};{written}", ORIGINAL_RECIPIENT_LIMIT)
    return _printable("ORCPT", f"{kind};{decode_xtext('ORCPT', written)}", ORIGINAL_RECIPIENT_LIMIT)


def _printable(name: str, text: str, limit: int) -> str:
    if not text.isprintable() or len(text) > limit:
        raise BadSyntax(f"{name} is longer than {limit} characters, or cannot be printed")
    return text
