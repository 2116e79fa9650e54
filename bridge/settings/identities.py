"""Identities and aliases: the kinds of values they have, and what must hold among them.

What stands in a password's place is never quoted in an error: somebody may have put the password itself there.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, SecretStr

from bridge.document.options import CARRIERS_COVER, NO_COVER, STANDARD_COVER
from bridge.fax.options import OPTION_NAMES, RESERVED_NAMES, Privacy
from bridge.settings.sources import Path_
from bridge.settings.values import at_least_one, is_e164

if TYPE_CHECKING:
    from bridge.settings import Settings

HASH_COMMAND = "python3 -c 'import argon2, getpass; print(argon2.PasswordHasher().hash(getpass.getpass()))'"
"""Makes a password's hash; wants the Python of the virtual environment, which has argon2-cffi."""

MOST_MEMORY = 256 * 1024
MOST_PASSES = 16
MOST_LANES = 16
"""What one check of a password may cost: KiB, passes over them, lanes. Anybody who can connect can set one off."""

NO_OPTIONS = "none"

LONGEST_NAME = 80
LONGEST_LOCAL_PART = 64
"""Octets (RFC 5321, 4.5.3.1.1)."""

_HASH = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,19}),t=([1-9][0-9]{0,19}),p=([1-9][0-9]{0,19})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})",
    re.ASCII,
)
"""Salt and hash are base64 without padding: 8 octets and 16 octets at least."""

_NAME = re.compile(r"[!-9;-~](?:[ -9;-~]*[!-9;-~])?", re.ASCII)
"""ASCII, since letters beyond it can be sent in two ways; no colon, since HTTP Basic ends a name there."""

_PREFIX = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
_COVER = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*", re.ASCII)
_LEFT_OUT = re.compile(r"[^a-z0-9]+", re.ASCII)


def _name(value: str) -> str:
    if not _NAME.fullmatch(value) or len(value) > LONGEST_NAME:
        raise ValueError(
            f"{value!r} is not a name; write 1 to {LONGEST_NAME} characters of ASCII, without a colon and without "
            "spaces at the ends, such as front-desk"
        )
    return value


def _password_hash(value: SecretStr) -> SecretStr:
    written = value.get_secret_value()
    if not written:
        return value
    found = _HASH.fullmatch(written)
    if found is None or any(len(piece) % 4 == 1 for piece in found.groups()[3:]):
        raise ValueError(
            f"is not an argon2 hash, $argon2id$v=19$m=...,t=...,p=...$...$...; make one with: {HASH_COMMAND}"
        )
    memory, passes, lanes = (int(number) for number in found.groups()[:3])
    if not (1 <= lanes <= MOST_LANES and 1 <= passes <= MOST_PASSES and 8 * lanes <= memory <= MOST_MEMORY):
        raise ValueError(
            f"costs m={memory},t={passes},p={lanes} a check; m may be from 8 times p to {MOST_MEMORY} (KiB), "
            f"t to {MOST_PASSES}, p to {MOST_LANES}; make one with: {HASH_COMMAND}"
        )
    return value


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} is not the beginning of a number in E.164: + and 2 to 15 digits, such as +1900")
    return value


def _privacy(value: str) -> str:
    if value not in {"", *Privacy}:
        raise ValueError(f"{value!r} is no level of privacy; write {' or '.join(Privacy)}, or leave it out")
    return value


def _cover(value: str) -> str:
    if value and not _COVER.fullmatch(value):
        raise ValueError(
            f"{value!r} is no name of a cover page; write {STANDARD_COVER!r}, {CARRIERS_COVER!r}, "
            "or that of a template in document.covers: small letters, digits and hyphens"
        )
    return value


def _option(value: str) -> str:
    if value not in {*OPTION_NAMES, NO_OPTIONS}:
        raise ValueError(f"{value!r} is no option; there are {', '.join(OPTION_NAMES)}, and {NO_OPTIONS!r} alone")
    return value


def _options(value: tuple[str, ...]) -> tuple[str, ...]:
    if NO_OPTIONS in value and len(value) > 1:
        raise ValueError(f"{NO_OPTIONS!r} stands alone, or not at all")
    return value


def _alias_number(value: str) -> str:
    if not is_e164(value):
        also = "; an alias stands for numbers alone, not for other names" if re.search(r"[^\W\d_]", value) else ""
        raise ValueError(f"{value!r} is not a number in E.164; write it like +14155550123{also}")
    return value


Name = Annotated[str, AfterValidator(_name)]
PasswordHash = Annotated[SecretStr, AfterValidator(_password_hash)]
Prefix = Annotated[str, AfterValidator(_prefix)]
PrivacyOrSites = Annotated[str, AfterValidator(_privacy)]
Cover = Annotated[str, AfterValidator(_cover)]
SenderOptions = Annotated[tuple[Annotated[str, AfterValidator(_option)], ...], AfterValidator(_options)]
AliasNumbers = Annotated[tuple[Annotated[str, AfterValidator(_alias_number)], ...], AfterValidator(at_least_one)]


def broken(settings: "Settings") -> Iterator[tuple[Path_, str]]:
    """Every rule among identities and aliases that does not hold."""
    yield from _broken_identities(settings)
    yield from _broken_aliases(settings)
    yield from _broken_covers(settings)


def _broken_identities(settings: "Settings") -> Iterator[tuple[Path_, str]]:
    # a peer in front may say under what login a mail came (XCLIENT, Authentication-Results): then a name is enough
    name_is_enough = any(listener.front for listener in settings.smtp.listeners)
    first: dict[str, int] = {}
    for index, identity in enumerate(settings.identities):
        number = first.setdefault(identity.name.lower(), index)
        if number != index:
            text = f"{identity.name!r} is the name of identities[{number + 1}] already; case makes no difference"
            yield ("identities", index, "name"), text
        known_by = (identity.password_hash.get_secret_value(), identity.networks, identity.senders)
        if not any(known_by) and not name_is_enough:
            text = f"nobody could ever be {identity.name!r}; give it a password_hash, networks or senders"
            yield ("identities", index), text


def _broken_covers(settings: "Settings") -> Iterator[tuple[Path_, str]]:
    named: list[tuple[Path_, str]] = [(("document", "cover"), settings.document.cover)]
    named += [(("identities", at, "cover"), identity.cover) for at, identity in enumerate(settings.identities)]
    for key, name in named:
        if name in {"", STANDARD_COVER, CARRIERS_COVER} or (name == NO_COVER and key[0] == "identities"):
            continue
        template = Path(settings.document.covers) / f"{name}.html"
        if not template.is_file():
            yield key, f"{name!r} is no cover page here: {template} does not exist"


def _broken_aliases(settings: "Settings") -> Iterator[tuple[Path_, str]]:
    first: dict[str, str] = {}
    for name, numbers in settings.aliases.numbers.items():
        if len(numbers) > settings.limits.recipients:
            text = f"stands for {len(numbers)} numbers, and limits.recipients is {settings.limits.recipients}"
            yield ("aliases", name), text
        if not _DOT_ATOM.fullmatch(name) or len(name) > LONGEST_LOCAL_PART:
            yield ("aliases", name), f"cannot stand left of an @; {_nearest_name(name)}"
        elif name.partition("+")[0].lower() in RESERVED_NAMES:
            yield ("aliases", name), f"is an address of our own; not to be aliases are {', '.join(RESERVED_NAMES)}"
        elif (earlier := first.setdefault(name.lower(), name)) != name:
            text = f"is the same alias as {earlier}, in other letters; write both in lower case, and one of them only"
            yield ("aliases", name), text


def _nearest_name(name: str) -> str:
    near = _LEFT_OUT.sub("-", name.lower()).strip("-")[:LONGEST_LOCAL_PART].strip("-")
    return f"did you mean {near}?" if near else "write letters and digits, such as front-desk"
