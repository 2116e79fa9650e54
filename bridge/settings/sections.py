"""The sections of the configuration file, each key with its default, each value checked where it is read.

This is the file's shape and nothing else; what the rooms are given is built from it in ``rooms``.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bridge.settings import values
from bridge.settings.units import Duration, Size, read_duration, read_size


class Section(BaseModel):
    """Frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Ifax(Section):
    """The carrier's account and how it is called."""

    base_url: values.WebUrl = "https://api.ifaxapp.com/v1"
    access_token: SecretStr = SecretStr("")
    caller_id: values.E164 = ""
    quality: Literal["Low", "Standard", "HD"] = "Standard"
    connect_timeout: Duration = read_duration("10s")
    stall_timeout: Duration = read_duration("60s")
    call_timeout: Duration = read_duration("10m")
    uploads: int = Field(default=2, ge=1, le=20)
    downloads: int = Field(default=2, ge=1, le=20)
    calls_per_second: float = Field(default=5, ge=0.01, le=100)
    max_document: Size = read_size("15MB")
    first_poll: Duration = read_duration("30s")


class Listener(Section):
    """One address that takes mail."""

    address: values.HostPort = "127.0.0.1:2525"


class Smtp(Section):
    """Mail comes in."""

    listeners: Annotated[tuple[Listener, ...], AfterValidator(values.at_least_one)] = (Listener(),)
    domains: Annotated[tuple[values.Domain, ...], AfterValidator(values.at_least_one)] = ("fax.local",)
    hostname: values.HostNameOrNone = ""
    max_message_size: Size = read_size("50MB")


class Relay(Section):
    """Mail leaves."""

    url: values.RelayUrl = "smtp://127.0.0.1:25"
    username: str = ""
    password: SecretStr = SecretStr("")
    from_: values.Mailbox = Field(default="Fax <fax@fax.local>", alias="from")
    admin: values.AddressOrNone = ""


class Http(Section):
    """The public HTTP side: hooks."""

    listen: tuple[values.HostPort, ...] = ("127.0.0.1:8080",)
    public_url: values.WebUrlOrNone = ""
    hook_secrets: tuple[values.HookSecret, ...] = ()
    hook_user: str = ""
    hook_password: SecretStr = SecretStr("")


class Admin(Section):
    """The operator's HTTP side."""

    listen: tuple[values.HostPortOrSocket, ...] = ("127.0.0.1:8081",)


class StoreSection(Section):
    """Where things are kept."""

    database: str = "sqlite:////var/lib/faxbridge/faxbridge.db"
    blobs: str = "/var/lib/faxbridge/blobs"


class Policy(Section):
    """Who may fax to where."""

    networks: tuple[values.Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    senders: tuple[str, ...] = ()
    countries: tuple[values.Country, ...] = ("US", "CA")
    default_country: values.Country = "US"


class Route(Section):
    """One rule for received faxes."""

    name: str
    number: values.E164 = ""
    caller: str = ""
    deliver: Annotated[tuple[values.TargetText, ...], AfterValidator(values.at_least_one)]


class Receiving(Section):
    """Faxes come in."""

    poll_interval: Duration = read_duration("5m")
    recipients: tuple[values.Address, ...] = ()
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
