"""Who may fax, and to where. Pure: a verdict is a return, a refusal an error whose text the client may read."""

import re
from ipaddress import IPv6Address, ip_address

from bridge.errors import Refused
from bridge.fax import numbers
from bridge.fax.options import PolicyOptions


class Policy:
    """The site's rules, ready to be asked."""

    def __init__(self, options: PolicyOptions) -> None:
        self.default_country = options.default_country
        self._networks = options.networks
        self._countries = options.countries
        self._senders = tuple(pattern_of(sender) for sender in options.senders)

    def check_client(self, address: str) -> None:
        """Raise Refused unless the client at this IP address may send without a password."""
        try:
            client = ip_address(address.partition("%")[0])
        except ValueError as error:
            raise Refused("this client may not send faxes here") from error
        if isinstance(client, IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        if not any(client in network for network in self._networks if network.version == client.version):
            raise Refused(f"client {client} may not send faxes here; the operator can add it to policy.networks")

    def check_sender(self, address: str) -> None:
        """Raise Refused unless this envelope sender may have faxes sent."""
        self.check_not_null(address)
        if self._senders and not any(pattern.fullmatch(address) for pattern in self._senders):
            raise Refused("this sender may not send faxes here; the operator can add it to policy.senders")

    def check_not_null(self, address: str) -> None:
        """Raise Refused for the null sender of bounces and notices (RFC 5321, 4.5.5)."""
        if not address:
            raise Refused("mail without a sender (a bounce or a notice) is not taken here")

    def check_number(self, number: str) -> None:
        """Raise Refused unless this number (E.164) may be faxed to."""
        if kind := numbers.costly_kind(number):
            raise Refused(f"{number} is {kind}; such numbers are not faxed to")
        country = numbers.country(number)
        if country not in self._countries:
            allowed = ", ".join(sorted(self._countries)) or "no country"
            raise Refused(f"{number} is in {country or 'no country'}; faxes may go to {allowed}")


def pattern_of(written: str) -> re.Pattern[str]:
    """A pattern with ``*`` for anything but an @, to be used with ``fullmatch``; letters match in either case."""
    return re.compile("[^@]*".join(re.escape(piece) for piece in written.split("*")), re.IGNORECASE)
