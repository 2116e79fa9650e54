"""Who may fax, and to where. Pure: a verdict is a return, a refusal an error whose text the client may read."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from bridge.errors import Refused
from bridge.fax import addresses, numbers
from bridge.fax.addresses import Wanted
from bridge.fax.options import OPTION_NAMES, Identity, Language, PolicyOptions, Privacy, QuietHours
from bridge.runtime.phrases import phrase

COSTLY = phrase("{number} is {kind}; such numbers are not faxed to, unless the operator allows them by a prefix")
ABROAD = phrase("{number} is in {country}; faxes may go to {allowed}; the operator can change {key}")
NO_COUNTRY = phrase("no country")
OWN_COUNTRIES = phrase("the countries of this identity")

_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Permission:
    """What one client or person may have faxed: an identity's rules over the site's, or the site's alone.

    All but the identity are what counts: the identity's, or the site's where it has none of its own.
    """

    identity: Identity | None
    senders: tuple[str, ...]
    countries: frozenset[str]
    quiet_hours: QuietHours | None = None
    options: frozenset[str] = frozenset(OPTION_NAMES)
    privacy: Privacy = Privacy.FULL
    language: Language = "en"

    @property
    def name(self) -> str | None:
        """The identity's name; None for the site's own networks and senders."""
        return self.identity.name if self.identity else None

    @property
    def caller_id(self) -> str | None:
        """The identity's caller id (E.164); None where the site's counts."""
        return (self.identity.caller_id or None) if self.identity else None

    @property
    def automatic(self) -> bool:
        """Whether mail that calls itself automatic, bulk or of a list may be faxed."""
        return self.identity is not None and self.identity.automatic

    def check_sender(self, address: str) -> None:
        """Raise Refused unless this envelope sender may have faxes sent; without patterns any may but the null one."""
        check_not_null(address)
        if self.senders and not _matching(self.senders, address):
            key = "the senders of this identity" if self.identity and self.identity.senders else "policy.senders"
            raise Refused(f"this sender may not send faxes here; the operator can add it to {key}")

    def check_number(self, number: str) -> None:
        """Raise Refused unless this number (E.164) may be faxed to.

        A number that begins with one of the identity's prefixes may, whatever its country and kind. Of the others
        premium, shared-cost and personal ones never may, and the country decides for the rest. Company-wide (UAN),
        VoIP, pager and voicemail numbers are among that rest: they cost what the country costs, and a fax machine may
        well answer there.
        """
        prefixes = self.identity.prefixes if self.identity else ()
        if number.startswith(prefixes):
            return
        if kind := numbers.costly_kind(number):
            raise Refused(COSTLY.format(number=number, kind=kind))
        country = numbers.country(number)
        if country not in self.countries:
            own = self.identity is not None and self.identity.countries is not None
            key = OWN_COUNTRIES if own else "policy.countries"
            allowed = ", ".join(sorted(self.countries)) or NO_COUNTRY
            raise Refused(ABROAD.format(number=number, country=country or NO_COUNTRY, allowed=allowed, key=key))

    def pages_address(self, sender: str) -> str:
        """Where pages may be mailed: the identity's address for notices, else the sender, if a pattern names it.

        Raises Refused: what a client says of itself is enough for a notice, and not for a document; and minimal privacy
        is no pages by mail at all.
        """
        if self.privacy is Privacy.MINIMAL:
            raise Refused("pages are not mailed here: the operator has set privacy to minimal")
        if self.identity and self.identity.notify:
            return self.identity.notify
        check_not_null(sender)
        if not _matching(self.senders, sender):
            key = "the senders of this identity" if self.identity else "policy.senders"
            raise Refused(
                f"pages go only to addresses that the operator has named; the operator can add this one to {key}"
            )
        return sender

    def notice_address(self, sender: str, admin: str) -> str:
        """Where notices go: the identity's address for them, else the sender if it may be used here, else ``admin``."""
        if self.identity and self.identity.notify:
            return self.identity.notify
        try:
            self.check_sender(sender)
        except Refused:
            return admin
        return sender


class Policy:
    """The site's rules, ready to be asked. Raises ValueError for rules that contradict themselves."""

    def __init__(self, options: PolicyOptions) -> None:
        _check(options)
        self.default_country = options.default_country
        self._aliases = options.aliases
        self._networks = options.networks
        self._senders = options.senders
        self.site = Permission(
            None,
            options.senders,
            options.countries,
            options.quiet_hours,
            options.options,
            options.privacy,
            options.language,
        )
        self._identities = tuple(self._permission_of(identity, options) for identity in options.identities)

    @staticmethod
    def _permission_of(identity: Identity, options: PolicyOptions) -> Permission:
        return Permission(
            identity,
            identity.senders or options.senders,
            options.countries if identity.countries is None else identity.countries,
            options.quiet_hours if identity.quiet_hours is None else identity.quiet_hours,
            options.options if identity.options is None else identity.options,
            identity.privacy or options.privacy,
            identity.language or options.language,
        )

    def of_client(self, address: str) -> Permission | None:
        """What the client at this IP address may without a password; None: nothing.

        Among the identities the one with the narrowest network that holds it counts; the site's networks come last.
        """
        client = _client(address)
        if client is None:
            return None
        holding = [
            (network.prefixlen, permission)
            for permission in self._identities
            if permission.identity
            for network in permission.identity.networks
            if client in network
        ]
        if holding:
            return max(holding, key=lambda pair: pair[0])[1]
        return self.site if any(client in network for network in self._networks) else None

    def of_login(self, name: str) -> Permission | None:
        """What the identity of this name may; whether its password was right is asked elsewhere."""
        return next((permission for permission in self._identities if permission.name == name), None)

    def of_sender(self, address: str) -> Permission | None:
        """What an envelope sender may that is proved (SPF, DKIM); None: nothing.

        Only patterns count that were written down: an identity's own, the one that says most first, then the site's.
        """
        if not address:
            return None
        matching = [
            (weight, permission)
            for permission in self._identities
            if permission.identity and (weight := _matching(permission.identity.senders, address))
        ]
        if matching:
            return max(matching, key=lambda pair: pair[0])[1]
        return self.site if _matching(self._senders, address) else None

    def expand(self, local: str) -> Wanted:
        """What the left side of a recipient's address asks for at this site; raises NotAFaxNumber."""
        return addresses.read_local_part(local, self.default_country, self._aliases)


def check_not_null(sender: str) -> None:
    """Raise Refused for the null sender of bounces and notices (RFC 5321, 4.5.5)."""
    if not sender:
        raise Refused("mail without a sender (a bounce or a notice) is not taken here")


def pattern_of(written: str) -> re.Pattern[str]:
    """A pattern with ``*`` for anything but an @, to be used with ``fullmatch``; ASCII letters match in either case."""
    return re.compile("[^@]*".join(re.escape(piece) for piece in written.split("*")), re.IGNORECASE | re.ASCII)


def is_named(address: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns names it; without any nobody is."""
    return _matching(patterns, address) is not None


def _matching(patterns: Iterable[str], address: str) -> tuple[bool, int] | None:
    """How much the pattern says that fits best (without a star, then by its letters); None when none fits."""
    fitting = [written for written in patterns if pattern_of(written).fullmatch(address)]
    return max((("*" not in written, len(written.replace("*", ""))) for written in fitting), default=None)


def _client(address: str) -> IPv4Address | IPv6Address | None:
    try:
        client = ip_address(address)
    except ValueError:
        return None
    return client.ipv4_mapped or client if isinstance(client, IPv6Address) else client


def _check(options: PolicyOptions) -> None:
    names = [identity.name for identity in options.identities]
    if len(names) != len(set(names)):
        raise ValueError("two identities have one name")
    for identity in options.identities:
        for prefix in identity.prefixes:
            if not _PREFIX.fullmatch(prefix):
                raise ValueError(f"{prefix!r} of identity {identity.name!r} is not the beginning of a number in E.164")
    known: set[str] = set()
    for alias in options.aliases:
        if addresses.is_reserved(alias.name):
            raise ValueError(f"alias {alias.name!r} is named like a mailbox of our own")
        if alias.name.lower() in known:
            raise ValueError(f"alias {alias.name!r} stands there twice")
        if not alias.numbers or not all(numbers.is_e164(number) for number in alias.numbers):
            raise ValueError(f"alias {alias.name!r} needs numbers in E.164")
        known.add(alias.name.lower())
