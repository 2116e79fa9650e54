"""Who speaks on a connection: the peer itself, or, where that one stands in front of others, whom it speaks for."""

import asyncio
import re
import socket
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiosmtpd.proxy_protocol import get_proxy

from bridge.errors import Permanent, Refused
from bridge.fax.options import Network
from bridge.fax.policy import Permission
from bridge.intake.envelopes import BadSyntax
from bridge.intake.parameters import decode_xtext

PROXY_SECONDS = 10.0
PROXY_LINE = 107
"""Octets of the longest PROXY header of version 1."""

XCLIENT_NAMES = ("ADDR", "LOGIN", "HELO", "NAME", "PORT", "PROTO", "DESTADDR", "DESTPORT")
_UNKNOWN = {"[UNAVAILABLE]", "[TEMPUNAVAIL]"}
_UNSEEN = re.compile(r"[^!-~]", re.ASCII)

Address = IPv4Address | IPv6Address


class BadProxyHeader(Permanent):
    """A peer that must begin with a PROXY header did not, or with one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who speaks. ``peer`` is the address of the connection, ``address`` the client's own: None where a peer in front
    has not said whose mail it brings. ``helo`` is the name it gave, or ``handed_helo``, which that peer was given.
    ``login`` is under what password, or under what login that peer saw.
    """

    peer: str
    address: str | None
    front: bool = False
    helo: str = ""
    handed_helo: str = ""
    login: Permission | None = None

    @property
    def shown(self) -> str:
        """The client as logs and rows name it."""
        return self.address or self.peer


@lru_cache(maxsize=1024)
def read_address(text: str) -> Address | None:
    """An IP address as the wire has it, IPv4 in IPv6 clothes as IPv4; None where it is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def household(text: str) -> str:
    """What counts as one client: of IPv6 the network of one household, in which anybody may pick any address."""
    found = read_address(text)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else text


def lies_in(text: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address belongs to one of these networks."""
    address = read_address(text)
    return address is not None and any(address in net for net in networks if net.version == address.version)


def of_peer(peer: str, front: tuple[Network, ...]) -> Standing:
    """The standing of a connection that has said nothing yet. The address of a peer in front proves nothing."""
    found = read_address(peer)
    plain = str(found) if found is not None else peer
    in_front = lies_in(peer, front)
    return Standing(plain, None if in_front else plain, front=in_front)


async def of_proxied(connection: socket.socket, standing: Standing) -> Standing:
    """The standing after the PROXY header (versions 1 and 2) that this peer in front has to send first.

    Not a byte behind the header is read. Raises BadProxyHeader, also when it does not come in time.
    """
    try:
        async with asyncio.timeout(PROXY_SECONDS):
            data = await get_proxy(_Bytewise(connection))
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        raise BadProxyHeader("no PROXY header came") from error
    if not data.valid:
        raise BadProxyHeader("the PROXY header cannot be read")
    source = data.src_addr
    known = isinstance(source, Address) and data.command in {None, 1}
    found = read_address(str(source)) if known else None
    return replace(standing, address=None if found is None else str(found))


class _Bytewise:
    """A socket as aiosmtpd's reader of PROXY headers wants it, which must not read ahead."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    async def read(self, n: int = -1) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._connection, max(n, 1))

    async def readexactly(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            piece = await self.read(n - len(data))
            if not piece:
                raise asyncio.IncompleteReadError(data, n)
            data += piece
        return data

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        data = b""
        while not data.endswith(separator) and len(data) < PROXY_LINE:
            data += await self.readexactly(1)
        return data


@dataclass(frozen=True, slots=True)
class Handed:
    """What XCLIENT handed on (Postfix, XCLIENT_README): None for what it did not name, empty for what is not known."""

    address: str | None = None
    helo: str | None = None
    login: str | None = None


def read_xclient(argument: str | None, standing: Standing) -> Handed:
    """The attributes of XCLIENT. Raises Refused unless the peer stands in front, and BadSyntax."""
    if not standing.front:
        raise Refused("XCLIENT is for the peers that smtp.listeners.front names")
    words = (argument or "").split()
    if not words:
        raise BadSyntax("write XCLIENT NAME=value")
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name.upper() not in XCLIENT_NAMES:
            raise BadSyntax(f"XCLIENT knows {' '.join(XCLIENT_NAMES)}")
        found[name.upper()] = "" if value.upper() in _UNKNOWN or not value else decode_xtext("XCLIENT", value)
    address = found.get("ADDR")
    if address:
        read = read_address(address[5:] if address.upper().startswith("IPV6:") else address)
        if read is None:
            raise BadSyntax("ADDR is no address")
        address = str(read)
    return Handed(address, found.get("HELO"), found.get("LOGIN"))
