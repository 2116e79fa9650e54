"""Rules for whatever listens: who gets in where, under which certificate, and that no address is taken twice."""

import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.fax.options import Network
from bridge.intake.options import Auth, Profile, Tls
from bridge.settings.problems import dotted
from bridge.settings.sections import Listener
from bridge.settings.sources import Path_
from bridge.settings.values import SYSTEMD, is_loopback

if TYPE_CHECKING:
    from bridge.settings import Settings

WIDEST_IPV4 = 24
WIDEST_IPV6 = 64
"""A listener that is open to others trusts no network wider than these unless senders are named."""

MOST_READ = 1_000_000
"""Octets of a file in which a certificate is looked for."""

Broken = tuple[Path_, str]

_REASONS = {
    "KEY_VALUES_MISMATCH": ("key", "is not the key of smtp.certificate"),
    "EE_KEY_TOO_SMALL": ("certificate", "has a key that is too short to be safe; make one of 2048 bits (RSA) or P-256"),
    "CA_MD_TOO_WEAK": ("certificate", "is signed in a way that is no longer safe; make a new one"),
}


def broken(settings: "Settings") -> Iterator[Broken]:
    """Every rule that does not hold among the listeners."""
    for index, listener in enumerate(settings.smtp.listeners):
        for key, text in _listener(listener, settings):
            yield ("smtp", "listeners", index, *key), text
    yield from _certificate(settings)
    yield from _exposure(settings)
    yield from _taken_twice(settings)


def _listener(listener: Listener, settings: "Settings") -> Iterator[Broken]:
    """What one listener's keys say of one another; the key is the one within the listener."""
    if listener.auth is Auth.REQUIRED and not listener.front:
        if not any(each.password_hash.get_secret_value() for each in settings.identities):
            yield ("auth",), "nobody could log in: no identity has a password_hash; see [[identities]]"
        elif listener.profile is Profile.STRICT and listener.tls is Tls.OFF:
            text = (
                "nobody could log in: a strict listener takes passwords through TLS alone; "
                'set tls = "starttls" or "implicit", or profile = "legacy" for machines that know no TLS'
            )
            yield ("auth",), text
    for key in ("proxy", "front_name"):
        if getattr(listener, key) and not listener.front:
            yield (key,), 'counts for peers in front alone; name them, such as front = ["192.0.2.1/32"]'
    if listener.bare_lf and listener.profile is not Profile.LEGACY:
        yield ("bare_lf",), 'is for listeners with profile = "legacy" alone; elsewhere a bare LF ends the connection'
    for index, network in enumerate(listener.front):
        if network.prefixlen == 0:
            text = f"{network} is everybody; name the peers that stand in front, such as 192.0.2.1/32"
            yield ("front", index), text


def _is_local(listener: Listener) -> bool:
    """Whether only this machine gets at it. Where a passed socket listens, systemd alone knows."""
    return not listener.address.startswith(f"{SYSTEMD}:") and is_loopback(listener.address.rpartition(":")[0])


def _certificate(settings: "Settings") -> Iterator[Broken]:
    speaking = [number for number, each in enumerate(settings.smtp.listeners, start=1) if each.tls is not Tls.OFF]
    if not speaking:
        return
    files = {"certificate": settings.smtp.certificate, "key": settings.smtp.key}
    wrong = {
        name: f"must be set where a listener speaks TLS, as smtp.listeners[{speaking[0]}] does: a PEM file"
        for name, path in files.items()
        if not path
    }
    wrong |= {name: text for name, path in files.items() if path and (text := _unreadable(name, Path(path)))}
    if not wrong:
        wrong = dict([found]) if (found := _no_pair(**files)) else {}
    yield from ((("smtp", name), text) for name, text in wrong.items())


def _unreadable(name: str, path: Path) -> str:
    """Why the file cannot be what it should; empty if it may be."""
    try:
        if not path.is_file():
            return f"{path} is not a file" if path.exists() else f"{path} does not exist"
        with path.open("rb") as file:
            held = file.read(MOST_READ)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    wanted = b"CERTIFICATE-----" if name == "certificate" else b"PRIVATE KEY-----"
    what = "certificate" if name == "certificate" else "private key"
    return "" if wanted in held else f"{path} holds no {what} in PEM"


class _Locked(Exception):
    """A key with a passphrase, which nobody could type in when the daemon starts."""


def _ask() -> str:
    raise _Locked


def _no_pair(certificate: str, key: str) -> tuple[str, str] | None:
    """The file to change and why, where the two cannot be used together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_ask)
    except _Locked:
        return "key", f"{key} is locked with a passphrase; write one without: openssl pkey -in OLD -out NEW"
    except ssl.SSLError as error:
        name, text = _REASONS.get(error.reason or "", ("certificate", f"cannot be used: {error.reason or 'not PEM'}"))
        return name, f"{certificate if name == 'certificate' else key} {text}"
    except OSError as error:
        return "certificate", f"{certificate} cannot be read: {error.strerror}"
    return None


def _exposure(settings: "Settings") -> Iterator[Broken]:
    """Never an open relay: where others get in, somebody must be named. A peer in front lets others in."""
    wide = next(_too_wide(settings), None)
    for index, listener in enumerate(settings.smtp.listeners):
        if wide is not None and listener.auth is not Auth.REQUIRED and (listener.front or not _is_local(listener)):
            key, network = wide
            text = (
                f"{listener.address} is open to others, no senders are named and {key} holds {network}: anybody there "
                'could fax at your cost; name the senders, set auth = "required", or use networks of /24 (/64) or less'
            )
            yield ("smtp", "listeners", index, "address"), text
    for index, address in enumerate(settings.admin.listen):
        if not address.startswith("unix:") and not is_loopback(address.rpartition(":")[0]):
            yield ("admin", "listen", index), f"{address} is not loopback; the operator's side has no users yet"


def _too_wide(settings: "Settings") -> Iterator[tuple[str, Network]]:
    """Networks whose every client may fax under any sender, and in which there may be strangers."""
    if settings.policy.senders:
        return
    yield from (("policy.networks", network) for network in settings.policy.networks if _is_wide(network))
    for number, identity in enumerate(settings.identities, start=1):
        if not identity.senders:
            key = f"identities[{number}].networks"
            yield from ((key, network) for network in identity.networks if _is_wide(network))


def _is_wide(network: Network) -> bool:
    return network.prefixlen < (WIDEST_IPV4 if network.version == 4 else WIDEST_IPV6) and not network.is_loopback  # noqa: PLR2004


def _taken_twice(settings: "Settings") -> Iterator[Broken]:
    places: list[tuple[Path_, str]] = [
        *((("smtp", "listeners", at, "address"), each.address) for at, each in enumerate(settings.smtp.listeners)),
        *((("http", "listen", at), each) for at, each in enumerate(settings.http.listen)),
        *((("admin", "listen", at), each) for at, each in enumerate(settings.admin.listen)),
    ]
    first: dict[str, Path_] = {}
    for key, address in places:
        plain = _plain(address)
        if plain.endswith(":0"):  # any free port
            continue
        if (earlier := first.setdefault(plain, key)) != key:
            yield key, f"{address} is taken by {dotted(earlier)} already; give each listener an address of its own"


def _plain(address: str) -> str:
    """An address in one way of writing; what is no host and port ends in a slash."""
    if address.startswith((f"{SYSTEMD}:", "unix:")):
        return f"{address}/"
    host, _, port = address.rpartition(":")
    try:
        host = str(ip_address(host.strip("[]")))
    except ValueError:
        host = host.lower()
    return f"{host}:{int(port)}"
