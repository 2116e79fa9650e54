"""The kinds of values a key may have, each read with words for whoever wrote it wrongly.

What an address or URL holds is never quoted in an error: somebody may have put a password into it.
"""

import re
from email.policy import SMTP
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from bridge.fax.options import QuietHours, Target, is_mail_address

_COUNTRY = re.compile(r"[A-Z]{2}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_HOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{22,200}", re.ASCII)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_LAST_PORT = 65535
_SOCKET_NAME = re.compile(r"[!-9;-~]{1,255}", re.ASCII)
"""FileDescriptorName= of systemd.socket(5), without spaces."""

SYSTEMD = "systemd"
RELAY_SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""With their usual ports."""


def is_host_name(text: str) -> bool:
    """Whether ``text`` can stand for a machine or a mail domain on the wire. Underscores are seen in the wild."""
    return _HOST.fullmatch(text) is not None


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        raise ValueError(f"{value!r} is not a country; write two capital letters, such as US")
    return value


def is_e164(text: str) -> bool:
    """Whether ``text`` has the shape of E.164: a plus and 7 to 15 digits."""
    return _E164.fullmatch(text) is not None


def _e164_or_empty(value: str) -> str:
    if value and not is_e164(value):
        raise ValueError(f"{value!r} is not a number in E.164; write it like +14155550123")
    return value


def _address(value: str) -> str:
    return Target.mail(value).address


def _address_or_empty(value: str) -> str:
    return _address(value) if value else value


def _target(value: str) -> str:
    Target.read(value)
    return value


def _quiet_hours_or_empty(value: str) -> str:
    if value:
        QuietHours.read(value)
    return value


def _mailbox(value: str) -> str:
    """One mailbox as a From field holds it, with or without a name."""
    if not value.isprintable() or not _is_one_mailbox(value):
        raise ValueError(f"{value!r} is not one mailbox; write Fax <fax@fax.local>")
    return value


def _is_one_mailbox(value: str) -> bool:
    try:
        field = SMTP.header_factory("from", value)
        found, groups = field.addresses, field.groups
        defects = {type(defect).__name__ for defect in field.defects}
    except Exception:  # noqa: BLE001 - the library's parser stumbles over strange text in many ways
        return False
    # an obsolete form is one that everybody writes: "Dr. Fax <fax@fax.local>"
    plain = len(found) == 1 and groups[0].display_name is None and defects <= {"ObsoleteHeaderDefect"}
    return plain and is_mail_address(found[0].addr_spec)


def _host_name(value: str) -> str:
    if not is_host_name(value):
        raise ValueError(f"{value!r} is not a host name; write fax.example.org")
    return value


def _host_name_or_empty(value: str) -> str:
    return _host_name(value) if value else value


def _domain(value: str) -> str:
    return _host_name(value).lower()


def _domain_or_empty(value: str) -> str:
    return _domain(value) if value else value


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not _is_host(host) or not _PORT.fullmatch(port) or int(port) > _LAST_PORT:
        raise ValueError("is not an address to listen on; write 127.0.0.1:2525 or [::1]:2525")
    return value


def _is_host(text: str) -> bool:
    if not text.startswith("["):
        return is_host_name(text)
    try:
        return text.endswith("]") and ip_address(text[1:-1]).version == 6  # noqa: PLR2004 - IPv6
    except ValueError:
        return False


def _host_port_or_socket(value: str) -> str:
    if not value.startswith("unix:"):
        return _host_port(value)
    if not value.startswith("unix:/") or value.endswith("/") or not value.isprintable():
        raise ValueError("is not a socket to listen on; write unix:/run/faxbridge/admin.sock")
    return value


def _smtp_address(value: str) -> str:
    """``systemd:NAME`` is a socket that systemd passes under that name."""
    scheme, colon, name = value.partition(":")
    if not colon or scheme != SYSTEMD:
        return _host_port(value)
    if not _SOCKET_NAME.fullmatch(name):
        raise ValueError("names no passed socket; write systemd:NAME with the FileDescriptorName= of the socket unit")
    return value


def _file_or_empty(value: str) -> str:
    if value and (not value.startswith("/") or value.endswith("/") or not value.isprintable()):
        raise ValueError(f"{value!r} is not the whole path of a file; begin it with /")
    return value


def _sender_pattern(value: str) -> str:
    """A pattern of addresses that names somebody: what it leaves open in a domain lies below a domain of two labels."""
    if not is_mail_address(value.replace("*", "a"), utf8=True):
        raise ValueError(f"{value!r} is not a pattern of addresses; {_nearest_pattern(value)}")
    _, star, rest = value.rpartition("@")[2].rpartition("*")
    if star and not (rest.startswith(".") and "." in rest[1:]):
        raise ValueError(f"{value!r} fits addresses of strangers too; write *@example.org, or *@*.example.org")
    return value


def _nearest_pattern(value: str) -> str:
    text = value.strip()
    if text in {"", "*"}:
        return "write *@example.org; no pattern at all lets any sender in"
    domain = text.lstrip("@*.")
    if "@" not in domain and "." in domain and is_host_name(domain):
        return f"did you mean *@{'*.' if text.lstrip('@').startswith(('*.', '.')) else ''}{domain}?"
    return "write name@example.org, or *@example.org"


def _web_url(value: str) -> str:
    parts = _split(value, "is not a web address; write https://...", ("http", "https"))
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("holds more than scheme, host, port and path; a login has no place in it")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("would send secrets in the clear; write https://... (http only on loopback)")
    return value.rstrip("/")


def _web_url_or_empty(value: str) -> str:
    return _web_url(value) if value else value


def _relay_url(value: str) -> str:
    way_out = "is not a relay; write smtp://host:25, smtp+starttls://host:587 or smtps://host:465"
    parts = _split(value, way_out, tuple(RELAY_SCHEMES))
    if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("holds more than scheme, host and port; put the login into relay.username and relay.password")
    return value


def _split(value: str, otherwise: str, schemes: tuple[str, ...]) -> SplitResult:
    """A URL's parts; urlsplit alone drops line ends, and raises where somebody looks at a part."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        raise ValueError(otherwise) from None
    if not value.isascii() or not value.isprintable() or " " in value or parts.scheme not in schemes or not host:
        raise ValueError(otherwise)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"its port is not a number from 1 to {_LAST_PORT}")
    return parts


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError("is not a network; write 192.0.2.0/24 in quotes")  # noqa: TRY004 - pydantic's way to tell
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a network; {_nearest_network(value)}") from None


def _nearest_network(value: str) -> str:
    try:
        return f"did you mean {ip_network(value, strict=False)}?"
    except ValueError:
        return "write 192.0.2.0/24 or 2001:db8::/64"


def _secret(value: SecretStr) -> SecretStr:
    if not _HOOK_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError(
            "a hook secret is 22 or more of A-Z a-z 0-9 - _; make one with: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return value


def at_least_one(values: tuple[object, ...]) -> tuple[object, ...]:
    """For lists that may not be empty; looked at only when every item is good."""
    if not values:
        raise ValueError("must hold at least one")
    return values


Address = Annotated[str, AfterValidator(_address)]
DomainOrNone = Annotated[str, AfterValidator(_domain_or_empty)]
AddressOrNone = Annotated[str, AfterValidator(_address_or_empty)]
Country = Annotated[str, AfterValidator(_country)]
Domain = Annotated[str, AfterValidator(_domain)]
E164 = Annotated[str, AfterValidator(_e164_or_empty)]
FileOrNone = Annotated[str, AfterValidator(_file_or_empty)]
HookSecret = Annotated[SecretStr, AfterValidator(_secret)]
HostNameOrNone = Annotated[str, AfterValidator(_host_name_or_empty)]
HostPort = Annotated[str, AfterValidator(_host_port)]
HostPortOrSocket = Annotated[str, AfterValidator(_host_port_or_socket)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
QuietHoursOrNone = Annotated[str, AfterValidator(_quiet_hours_or_empty)]
RelayUrl = Annotated[str, AfterValidator(_relay_url)]
SenderPattern = Annotated[str, AfterValidator(_sender_pattern)]
SmtpAddress = Annotated[str, AfterValidator(_smtp_address)]
TargetText = Annotated[str, AfterValidator(_target)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
WebUrlOrNone = Annotated[str, AfterValidator(_web_url_or_empty)]
