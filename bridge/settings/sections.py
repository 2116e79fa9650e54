"""The sections of the configuration file, each key with its default, each value checked where it is read.

This is the file's shape and nothing else; what the rooms are given is built from it in ``rooms``.
"""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from bridge.fax.options import MOST_TRANSMISSIONS, Language, Privacy
from bridge.intake.options import Auth, Profile, Tls
from bridge.settings import identities, values
from bridge.settings.units import Duration, Size, read_duration, read_size

MOST_A_DAY = 1_000_000_000
"""A number that every database can count to."""


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
    settle_window: Duration = read_duration("4h")


class Listener(Section):
    """One address that takes mail."""

    address: values.SmtpAddress = "127.0.0.1:2525"
    tls: Tls = Tls.OFF
    profile: Profile = Profile.STRICT
    auth: Auth = Auth.OPTIONAL
    front: tuple[values.Network, ...] = ()
    proxy: bool = False
    front_name: values.HostNameOrNone = ""
    bare_lf: tuple[values.Network, ...] = ()


class Smtp(Section):
    """Mail comes in."""

    listeners: Annotated[tuple[Listener, ...], AfterValidator(values.at_least_one)] = (Listener(),)
    domains: Annotated[tuple[values.Domain, ...], AfterValidator(values.at_least_one)] = ("fax.local",)
    hostname: values.HostNameOrNone = ""
    certificate: values.FileOrNone = ""
    key: values.FileOrNone = ""
    max_message_size: Size = read_size("50MB")


class Relay(Section):
    """Mail leaves."""

    url: values.RelayUrl = "smtp://127.0.0.1:25"
    username: str = ""
    password: SecretStr = SecretStr("")
    from_: values.Mailbox = Field(default="Fax <fax@fax.local>", alias="from")
    admin: values.AddressOrNone = ""
    reply_domain: values.DomainOrNone = ""


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
    senders: tuple[values.SenderPattern, ...] = ()
    countries: tuple[values.Country, ...] = ("US", "CA")
    default_country: values.Country = "US"
    quiet_hours: values.QuietHoursOrNone = ""
    options: identities.SenderOptions = ("after", "body", "cover", "pages", "paper", "quality", "reference")
    refuse_after: int = Field(default=5, ge=0, le=1000)


class Identity(Section):
    """One client or person who may fax. Empty values leave it to the site's, as far as there is one."""

    name: identities.Name
    password_hash: identities.PasswordHash = SecretStr("")
    networks: tuple[values.Network, ...] = ()
    senders: tuple[values.SenderPattern, ...] = ()
    caller_id: values.E164 = ""
    countries: tuple[values.Country, ...] = ()
    prefixes: tuple[identities.Prefix, ...] = ()
    pages_per_day: int = Field(default=500, ge=1, le=MOST_A_DAY)
    cover: identities.Cover = ""
    automatic: bool = False
    notify: values.AddressOrNone = ""
    language: Literal["", Language] = ""
    privacy: identities.PrivacyOrSites = ""
    quiet_hours: values.QuietHoursOrNone = ""
    options: identities.SenderOptions = ()


class Aliases(Section):
    """Names of the site's own choosing, each for one number or several."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, identities.AliasNumbers] = Field(init=False)

    @property
    def numbers(self) -> dict[str, tuple[str, ...]]:
        """The numbers of each name, names as they were written."""
        return self.__pydantic_extra__


class Limits(Section):
    """How much is taken at once, and how much is faxed in a day."""

    sessions: int = Field(default=200, ge=1, le=5000)
    recipients: int = Field(default=100, ge=1, le=5000)
    faxes_per_day: int = Field(default=5000, ge=1, le=MOST_A_DAY)
    pages_per_day: int = Field(default=20_000, ge=1, le=MOST_A_DAY)
    reserve: Size = read_size("500MB")


class Document(Section):
    """What becomes fax pages."""

    body: Literal["cover", "page", "ignore"] = "cover"
    trim: bool = True
    pages: Literal["auto", "fax", "original"] = "auto"
    paper: Literal["auto", "letter", "a4"] = "auto"
    page_bytes: Annotated[Size, Field(ge=20_000)] = read_size("150kB")
    long_pages: Literal["split", "shrink"] = "split"
    partial: bool = False
    cover: identities.Cover = ""
    covers: str = "/etc/faxbridge/covers"
    company: str = Field(default="", max_length=200)
    header: bool = False
    archives: bool = False
    max_pages: int = Field(default=200, ge=1, le=1000)


class Route(Section):
    """One rule for received faxes."""

    name: str
    number: values.E164 = ""
    caller: str = ""
    privacy: identities.PrivacyOrSites = ""
    deliver: Annotated[tuple[values.TargetText, ...], AfterValidator(values.at_least_one)]


def _delays(*written: str) -> tuple[timedelta, ...]:
    return tuple(read_duration(each) for each in written)


Delays = Annotated[tuple[Duration, ...], AfterValidator(values.at_least_one)]


class Redial(Section):
    """How often a fax is called for while its calls end in one class of outcome, and with what delays between."""

    attempts: int = Field(default=1, ge=1, le=MOST_TRANSMISSIONS)
    delays: Delays = _delays("5m")


class RedialBusy(Redial):
    """Another call was using the line."""

    attempts: int = Field(default=5, ge=1, le=MOST_TRANSMISSIONS)
    delays: Delays = _delays("2m", "5m", "15m", "30m")


class RedialNoAnswer(Redial):
    """Nothing picked up."""

    attempts: int = Field(default=4, ge=1, le=MOST_TRANSMISSIONS)
    delays: Delays = _delays("5m", "15m", "1h")


class RedialVoice(Redial):
    """No fax machine answered: perhaps a person, who is not to be rung again and again."""

    attempts: int = Field(default=2, ge=1, le=MOST_TRANSMISSIONS)
    delays: Delays = _delays("30m")


class RedialLine(Redial):
    """The two machines lost each other."""

    attempts: int = Field(default=3, ge=1, le=MOST_TRANSMISSIONS)
    delays: Delays = _delays("5m", "30m")


class RedialCarrier(Redial):
    """Congestion, trouble at the carrier's."""

    attempts: int = Field(default=5, ge=1, le=MOST_TRANSMISSIONS)
    delays: Delays = _delays("10m", "30m", "1h", "2h")


class Retry(Section):
    """What is tried again; one table for each class of outcome that can be."""

    give_up_after: Duration = read_duration("24h")
    busy: RedialBusy = RedialBusy()
    no_answer: RedialNoAnswer = RedialNoAnswer()
    voice: RedialVoice = RedialVoice()
    line: RedialLine = RedialLine()
    carrier: RedialCarrier = RedialCarrier()


class Receiving(Section):
    """Faxes come in."""

    poll_interval: Duration = read_duration("5m")
    recipients: tuple[values.Address, ...] = ()
    routes: tuple[Route, ...] = ()


class Notices(Section):
    """What senders are told."""

    accepted: bool = False
    delivered: bool = True
    delayed_after: Duration = read_duration("1h")
    duplicate: bool = True
    language: Language = "en"
    privacy: Privacy = Privacy.FULL
    thumbnail: bool = False
    attach_document: bool = False
    attach_proof: bool = False
    digest: bool = False


class Log(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Service(Section):
    """The process itself."""

    shutdown_timeout: Duration = read_duration("150s")
