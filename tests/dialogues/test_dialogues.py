r"""How real devices and programs talk SMTP, each habit a file in corpus/, played against a real listener.

A file begins with its head: ``device``, ``habit`` and ``source`` (where the fact stands; told in our own words), and
if need be

- ``listener: tls=starttls auth=optional profile=legacy bare_lf=127.0.0.0/8``: what differs from a listener without TLS
  and logins. Where no profile is named the dialogue is played twice, against a strict and against a legacy listener;
- ``site: login=NAME:PASSWORD networks=none alias=NAME:NUMBER``: an identity, whether 127.0.0.1 may fax without it, an
  alias;
- ``packets: lines`` or ``packets: bytes``: each line, or each byte, goes out by itself. Otherwise all that the client
  says between two replies goes out in one piece.

After an empty line come the steps, one in a line:

- ``C: text``: a line from the client; CR LF is added. ``D: text``: the same, as part of a message (dots doubled where
  the client doubles them). ``C\: text`` and ``D\: text`` are raw: escapes as in Python, and nothing is added.
  ``D*9: text`` says it nine times;
- ``S: CODE ...``: how the next reply begins; ``+WORD`` must be in it, ``-WORD`` must not;
- ``strict: CODE ...`` (or ``legacy:``) before an ``S:``: on that profile this is the reply instead, the device gives
  up, and nothing is faxed;
- ``tls``: the handshake, with nothing of the time before it left over;
- ``ends: server``: the server has closed the connection; ``ends: client`` and ``ends: reset``: the client does;
  ``ends: half``: the client closes its own side, and reads on.

The last line tells what has come of it: ``expect: faxes NUMBER...``, ``expect: none``, or ``expect: refused CODE`` (so
did some reply begin, and nothing was faxed). Every message kept must be what was sent, to the byte. ``#`` comments.
"""

import asyncio
import re
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from bridge.fax.options import Alias, Identity, PolicyOptions
from bridge.intake.options import Auth, ListenerOptions, Profile, Tls
from tests.dialogues.script import CORPUS, Ends, Expect, Script, Send, StartTls, messages, read
from tests.support.intake_stand import PATIENCE, POLICY, SENDER, Kept, Pair, a_pair, a_site

SCRIPTS = [read(path) for path in sorted(CORPUS.glob("*.txt"))]
PLAYED = [(script, profile) for script in SCRIPTS for profile in script.profiles]
ENOUGH = 45
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_NUMBER = re.compile(r"\+?1?415-?555-?[0-9]{4}")
_FICTIONAL = re.compile(r"\+?1?415-?555-?01[0-9]{2}")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate for all dialogues."""
    return a_pair(tmp_path_factory.mktemp("certificate"))


class Line:
    """The client's end of one connection."""

    def __init__(self, port: int, pair: Pair) -> None:
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._context = ssl.create_default_context(cafile=str(pair.certificate))
        self._read = b""

    def start_tls(self) -> None:
        """The handshake; whatever came in the clear has been read by then."""
        assert self._read == b""
        self._socket = self._context.wrap_socket(self._socket, server_hostname="mx.fax.local")

    def send(self, octets: bytes, packets: str) -> None:
        """Bytes, in one piece or torn."""
        size = 1 if packets == "bytes" else max(len(octets), 1)
        for start in range(0, len(octets), size):
            self._socket.sendall(octets[start : start + size])

    def reply(self) -> str:
        """The next whole reply, its lines joined by newlines; empty when the connection has ended."""
        lines: list[str] = []
        while True:
            line = self._line()
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def _line(self) -> str:
        while b"\r\n" not in self._read:
            with suppress(ConnectionResetError, ssl.SSLEOFError):
                if octets := self._socket.recv(4096):
                    self._read += octets
                    continue
            assert self._read == b"", "the connection ended within a line"
            return ""
        line, _, self._read = self._read.partition(b"\r\n")
        return line.decode("ascii")

    def end(self, how: str) -> None:
        """End the connection, or see that the server has."""
        if how == "server":
            assert self.reply() == "", "the server should have closed the connection"
        elif how == "half":
            self._socket.shutdown(socket.SHUT_WR)
        elif how == "reset":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.close()
        else:
            assert how == "client"
            self._socket.close()

    def close(self) -> None:
        self._socket.close()


def play(script: Script, profile: str, line: Line) -> tuple[bool, list[str]]:
    """Carry a dialogue through; whether it went to its end, and all replies there were."""
    waiting: list[bytes] = []
    replies: list[str] = []
    packets = script.head.get("packets", "whole")
    if script.listener.get("tls") == Tls.IMPLICIT:
        line.start_tls()
    for step in script.steps:
        if isinstance(step, Send):
            waiting.append(step.octets)
            continue
        for octets in waiting if packets == "lines" else [b"".join(waiting)]:
            line.send(octets, packets)
        waiting = []
        if isinstance(step, StartTls):
            line.start_tls()
        elif isinstance(step, Ends):
            line.end(step.how)
        elif isinstance(step, Expect):
            replies.append(line.reply())
            expected = step.refusals.get(profile, step.reply)
            expected.check(replies[-1])
            if expected is not step.reply:
                return False, replies
    return True, replies


def the_listener(script: Script, profile: str) -> ListenerOptions:
    """The listener that a script asks for."""
    said = script.listener
    return ListenerOptions(
        "127.0.0.1",
        0,
        tls=Tls(said.get("tls", "off")),
        profile=Profile(profile),
        auth=Auth(said.get("auth", "off")),
        bare_lf=(ip_network(said["bare_lf"]),) if "bare_lf" in said else (),
    )


def the_policy(script: Script) -> PolicyOptions:
    """The site's rules that a script asks for."""
    changes: dict[str, Any] = {}
    if "login" in script.site:
        name, _, password = script.site["login"].partition(":")
        changes["identities"] = (Identity(name, password_hash=CHEAP.hash(password)),)
    if "alias" in script.site:
        name, _, number = script.site["alias"].partition(":")
        changes["aliases"] = (Alias(name, (number,)),)
    if script.site.get("networks") == "none":
        changes["networks"] = ()
    return replace(POLICY, **changes)


def check_kept(kept: Kept, script: Script) -> None:
    """What is on disk is what the script tells: faxes by number, messages to the byte."""
    numbers = [str(number) for (number,) in kept.rows("SELECT number FROM fax ORDER BY number")]
    assert numbers == sorted(script.faxes)
    found = [(str(sender), kept.plain(str(blob))) for sender, blob in kept.rows(_MESSAGES)]
    assert found == [(SENDER, content) for content in messages(script.steps)]


_MESSAGES = "SELECT envelope_sender, blob_id FROM message ORDER BY id"


@pytest.mark.parametrize(("script", "profile"), PLAYED, ids=[f"{one.name}-{profile}" for one, profile in PLAYED])
async def test_each_device_gets_its_answers(script: Script, profile: str, pair: Pair, tmp_path: Path) -> None:
    """Every reply is the one expected, the connection ends as told, and what was to be faxed is on disk."""
    async with a_site(tmp_path, the_policy(script), listener=the_listener(script, profile), pair=pair) as site:
        line = await asyncio.to_thread(Line, site.port, pair)
        try:
            to_its_end, replies = await asyncio.to_thread(play, script, profile, line)
        finally:
            line.close()
        await site.until_no_sessions()
        if to_its_end and script.faxes:
            check_kept(site.kept, script)
        else:
            assert site.kept.counts() == (0, 0, 0)
            assert site.kept.files() == []
        if to_its_end and script.refused:
            assert any(reply.startswith(script.refused) for reply in replies)


def test_the_corpus_is_wide() -> None:
    """There are enough dialogues, each with a habit of its own and a source, and some told apart by the profile."""
    assert len(SCRIPTS) >= ENOUGH
    habits = [script.head["habit"] for script in SCRIPTS]
    assert len(set(habits)) == len(habits)
    assert all(script.head["source"] and script.head["device"] for script in SCRIPTS)
    parted = [one for one in SCRIPTS if any(isinstance(step, Expect) and step.refusals for step in one.steps)]
    assert len(parted) > 10


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_dialogue_names_a_real_number(script: Script) -> None:
    """Every number in a dialogue is one of those set aside for stories."""
    text = (CORPUS / f"{script.name}.txt").read_text(encoding="ascii")
    assert all(_FICTIONAL.fullmatch(number) for number in _NUMBER.findall(text))
