"""A DNS server on loopback, UDP and TCP on one port, in threads: it answers as told and counts what it is asked."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from bridge.intake.proof import Nameserver

TTL = 60


@dataclass
class Zone:
    """What the server knows: records by name and kind, and how it misbehaves."""

    nameserver: Nameserver = field(default_factory=lambda: Nameserver("127.0.0.1", 0))
    records: dict[tuple[str, str], list[str | bytes]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    """Names about which no answer ever comes."""

    failing: set[str] = field(default_factory=set)
    """Names about which the answer is SERVFAIL."""

    garbled: set[str] = field(default_factory=set)
    """Names about which the answer is noise."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, kind and transport of each question."""

    def add(self, name: str, kind: str, *values: str | bytes) -> None:
        """Records as in a zone file; a text as it is, cut into strings of 255 octets."""
        self.records.setdefault((name.lower(), kind), []).extend(values)

    def clear(self) -> None:
        """Know nothing and misbehave no more."""
        for part in (self.records, self.silent, self.failing, self.garbled, self.asked):
            part.clear()

    def questions(self, name: str) -> int:
        """How often a name was asked about."""
        return sum(1 for asked, _, _ in self.asked if asked == name)

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """The reply to a question, None for silence."""
        question = dns.message.from_wire(wire)
        [asked] = question.question
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind, transport))
        if name in self.silent:
            return None
        if name in self.garbled:
            return wire[:2] + b"\xff" * 40
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.RA
        if name in self.failing:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply.to_wire()
        if alias := self.records.get((name, "CNAME")):
            reply.answer.append(_rrset(asked.name, "CNAME", alias))
            name = str(alias[0]).lower().removesuffix(".")
        if values := self.records.get((name, kind)):
            reply.answer.append(_rrset(dns.name.from_text(name), kind, values))
        elif not any(known == name for known, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        if transport == "tcp":
            return reply.to_wire(max_size=0xFFFF)
        try:
            return reply.to_wire(max_size=max(question.payload, 512))
        except dns.exception.TooBig:
            short = dns.message.make_response(question)
            short.flags |= dns.flags.TC
            return short.to_wire()


def _rrset(name: dns.name.Name, kind: str, values: list[str | bytes]) -> dns.rrset.RRset:
    """Built by hand where it is text, so that any octets can stand in it."""
    records: list[dns.rdata.Rdata] = []
    for value in values:
        if kind == "TXT":
            octets = value.encode() if isinstance(value, str) else value
            pieces = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
            records.append(TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces))
        else:
            records.append(dns.rdata.from_text("IN", kind, str(value)))
    return dns.rrset.from_rdata_list(name, TTL, records)


class _Datagrams(socketserver.ThreadingUDPServer):
    daemon_threads = True
    zone: Zone


class _Streams(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    zone: Zone


class _Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, bound = self.request
        server: Any = self.server
        reply = server.zone.answer(wire, "udp")
        if reply is not None:
            bound.sendto(reply, self.client_address)


class _Stream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        while len(size := self.rfile.read(2)) == 2:
            reply = server.zone.answer(self.rfile.read(struct.unpack("!H", size)[0]), "tcp")
            if reply is None:
                return
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


def _both() -> tuple[_Datagrams, _Streams]:
    """A datagram and a stream server on one port; another's may be taken, so more than one is tried."""
    for _ in range(50):
        streams = _Streams(("127.0.0.1", 0), _Stream)
        try:
            return _Datagrams(("127.0.0.1", streams.server_address[1]), _Datagram), streams
        except OSError:
            streams.server_close()
    raise OSError("no port is free for both UDP and TCP")


@contextmanager
def a_dns() -> Iterator[Zone]:
    """A server that knows nothing yet, for the length of a test."""
    datagrams, streams = _both()
    zone = Zone(Nameserver("127.0.0.1", int(streams.server_address[1])))
    datagrams.zone = streams.zone = zone
    threads = [
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        for server in (datagrams, streams)
    ]
    for thread in threads:
        thread.start()
    try:
        yield zone
    finally:
        for server in (datagrams, streams):
            server.shutdown()
        for thread in threads:
            thread.join()
        datagrams.server_close()
        streams.server_close()


def unused_nameserver() -> Nameserver:
    """A loopback port where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        return Nameserver("127.0.0.1", int(bound.getsockname()[1]))
