"""The sections of the configuration file, each key with its default, each value checked where it is read.

This is the file's shape and nothing else; what the rooms are given is built from it in ``rooms``.
"""

import re
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bridge.fax.options import Target
from bridge.settings.units import Duration, Size, read_duration, read_size

_COUNTRY = re.compile(r"[A-Z]{2}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_HOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{22,200}", re.ASCII)


def _country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        raise ValueError(f"{value!r} is not a country; write two capital letters, such as US")
    return value


def _e164_or_empty(value: str) -> str:
    if value and not _E164.fullmatch(value):
        raise ValueError(f"{value!r} is not a number in E.164; write it like +14155550123")
    return value


def _address(value: str) -> str:
    return Target.mail(value).address


def _address_or_empty(value: str) -> str:
    return _address(value) if value else value


def _mailbox(value: str) -> str:
    _address(parseaddr(value)[1])
    return value


def _target(value: str) -> str:
    Target.read(value)
    return value


def _host_port(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the highest port
        raise ValueError(f"{value!r} is not an address to listen on; write 127.0.0.1:2525")
    return value


def _host_port_or_socket(value: str) -> str:
    return value if value.startswith("unix:/") else _host_port(value)


def _https_or_loopback(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{value!r} is not a web address; write https://...")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(f"{value!r} would send secrets in the clear; write https://... (http only on loopback)")
    return value.rstrip("/")


def _domain(value: str) -> str:
    if not value or value != value.strip() or "@" in value or not value.isascii():
        raise ValueError(f"{value!r} is not a mail domain")
    return value.lower()


def _secret(value: SecretStr) -> SecretStr:
    if not _HOOK_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError(
            "a hook secret is 22 or more of A-Z a-z 0-9 - _; make one with: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return value


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


E164 = Annotated[str, AfterValidator(_e164_or_empty)]
Address = Annotated[str, AfterValidator(_address)]
HostPort = Annotated[str, AfterValidator(_host_port)]
HttpUrl = Annotated[str, AfterValidator(_https_or_loopback)]


class Section(BaseModel):
    """Frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Ifax(Section):
    """The carrier's account and how it is called."""

    base_url: HttpUrl = "https://api.ifaxapp.com/v1"
    access_token: SecretStr = SecretStr("")
    caller_id: E164 = ""
    quality: Literal["Low", "Standard", "HD"] = "Standard"
    connect_timeout: Duration = read_duration("10s")
    stall_timeout: Duration = read_duration("60s")
    call_timeout: Duration = read_duration("10m")
    uploads: int = Field(default=2, ge=1, le=20)
    downloads: int = Field(default=2, ge=1, le=20)
    calls_per_second: float = Field(default=5, gt=0, le=100)
    max_document: Size = read_size("15MB")
    first_poll: Duration = read_duration("30s")


class Listener(Section):
    """One address that takes mail."""

    address: HostPort = "127.0.0.1:2525"


class Smtp(Section):
    """Mail comes in."""

    listeners: tuple[Listener, ...] = Field(default=(Listener(),), min_length=1)
    domains: tuple[Annotated[str, AfterValidator(_domain)], ...] = Field(default=("fax.local",), min_length=1)
    hostname: str = ""
    max_message_size: Size = read_size("50MB")


class Relay(Section):
    """Mail leaves."""

    url: str = "smtp://127.0.0.1:25"
    username: str = ""
    password: SecretStr = SecretStr("")
    from_: Annotated[str, AfterValidator(_mailbox)] = Field(default="Fax <fax@fax.local>", alias="from")
    admin: Annotated[str, AfterValidator(_address_or_empty)] = ""


class Http(Section):
    """The public HTTP side: hooks."""

    listen: tuple[HostPort, ...] = ("127.0.0.1:8080",)
    public_url: Annotated[str, AfterValidator(lambda value: value and _https_or_loopback(value))] = ""
    hook_secrets: tuple[Annotated[SecretStr, AfterValidator(_secret)], ...] = ()
    hook_user: str = ""
    hook_password: SecretStr = SecretStr("")


class Admin(Section):
    """The operator's HTTP side."""

    listen: tuple[Annotated[str, AfterValidator(_host_port_or_socket)], ...] = ("127.0.0.1:8081",)


class StoreSection(Section):
    """Where things are kept."""

    database: str = "sqlite:////var/lib/faxbridge/faxbridge.db"
    blobs: str = "/var/lib/faxbridge/blobs"


class Policy(Section):
    """Who may fax to where."""

    networks: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    senders: tuple[str, ...] = ()
    countries: tuple[Annotated[str, AfterValidator(_country)], ...] = ("US", "CA")
    default_country: Annotated[str, AfterValidator(_country)] = "US"


class Route(Section):
    """One rule for received faxes."""

    name: str
    number: E164 = ""
    caller: str = ""
    deliver: tuple[Annotated[str, AfterValidator(_target)], ...] = Field(min_length=1)


class Receiving(Section):
    """Faxes come in."""

    poll_interval: Duration = read_duration("5m")
    recipients: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()


class Notices(Section):
    """What senders are told."""

    delivered: bool = True


class Log(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Service(Section):
    """The process itself."""

    shutdown_timeout: Duration = read_duration("150s")
