"""Questions to the DNS, asked through a resolver that does the asking around: names and answers are strangers'."""

import dns.exception
import dns.name
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from bridge.intake.proof.terms import Budget, Nameserver

TRY_SECONDS = 2.0
"""How long one try waits for an answer before the next."""

PAYLOAD = 1232
"""Octets taken over UDP (EDNS); what is longer comes over TCP."""

Answer = str | bytes | tuple[int, str]


class Unanswered(Exception):
    """The DNS did not answer, answered that it cannot, or the time is used up."""


class Lookups:
    """The questions of one check, within its budget. Nothing is kept between checks: a resolver does that."""

    def __init__(self, nameserver: Nameserver | None, budget: Budget) -> None:
        self._nameserver = nameserver
        self._budget = budget
        self._resolver: dns.resolver.Resolver | None = None

    def find(self, name: str, kind: str) -> list[Answer]:
        """The records of a kind: A, AAAA and PTR as text, MX with its preference, TXT as the octets of all its strings.

        None for a name that does not exist or cannot. Raises Unanswered.
        """
        if not name.isascii():
            return []
        try:
            wanted = dns.name.from_text(name)
        except dns.exception.DNSException:
            return []
        try:
            self._resolver = self._resolver or _resolver(self._nameserver)
            found = self._resolver.resolve(wanted, kind, raise_on_no_answer=False, lifetime=self._budget.left())
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:  # the last for a resolv.conf that is wrong
            raise Unanswered(str(error)) from error
        return [answer for record in found.rrset or () if (answer := _read(record)) is not None]


def _resolver(nameserver: Nameserver | None) -> dns.resolver.Resolver:
    """A resolver as the system has it now; raises DNSException where the system has none."""
    resolver = dns.resolver.Resolver(configure=nameserver is None)
    if nameserver is not None:
        resolver.nameservers = [nameserver.host]
        resolver.port = nameserver.port
    resolver.timeout = TRY_SECONDS
    resolver.use_edns(0, 0, PAYLOAD)
    return resolver


def _read(record: dns.rdata.Rdata) -> Answer | None:
    match record:
        case A() | AAAA():
            return str(record.address)
        case TXT():
            return b"".join(record.strings)
        case MX():
            return int(record.preference), record.exchange.to_text(omit_final_dot=True)
        case PTR():
            return str(record.target.to_text(omit_final_dot=True))
        case _:
            return None
