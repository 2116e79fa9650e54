"""DKIM (RFC 6376) by dkimpy: whether a domain that speaks for the envelope sender has signed the mail.

The library reads tags and keys and checks the signature over the header. What it is given has been measured before: its
patterns and its arithmetic hold up the whole process for as long as a stranger likes. The body is hashed by ``bodies``,
and not even fetched before the signature over the header, which holds that hash, has been found good.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

from bridge.intake.proof.bodies import BareLineEnd, body_hash
from bridge.intake.proof.lookups import Lookups, Unanswered
from bridge.intake.proof.terms import Verdict
from bridge.mail.alignment import aligned, read_domain

SIGNATURES_READ = 20
SIGNATURES_TRIED = 4
"""Signatures of a mail that are looked at, and those among them whose keys are asked for."""

FIELDS_LIMIT = 1000
SIGNED_NAMES_LIMIT = 200
SIGNATURE_LIMIT = 4096
BLANKS_LIMIT = 40
"""Octets of one signature, and of white space at one place of it."""

KEY_LIMIT = 2048
"""Octets of a key record; one for 8192 bits has 1400."""

SMALLEST_KEY, LARGEST_KEY = 1024, 8192
LARGEST_EXPONENT = 1 << 32
CLOCK_SECONDS = 3600
"""How far in the future a signature may have been made, by a clock that is ahead of ours."""

ALGORITHM = b"rsa-sha256"
"""The one there is: rsa-sha1 proves nothing any more (RFC 8301), and who signs with ed25519 signs with this as well."""

_HEADER_END = b"\r\n\r\n"
_FIELD = re.compile(rb"([!-9;-~]{1,100}):((?:[^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)*)")
_BLANKS = re.compile(rb"\s{%d}" % BLANKS_LIMIT)
_SELECTOR = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,10}", re.ASCII)
_NAME = re.compile(rb"[!-9;-~]{1,100}")
_SECONDS = re.compile(rb"[0-9]{1,12}")
_FORMS = re.compile(rb"(?:simple|relaxed)(?:/(simple|relaxed))?")

_Field = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Signature:
    """One that may count once its key is known: well-formed, of a domain that speaks for the sender, in force now."""

    field: _Field
    tags: dict[bytes, bytes]
    domain: str
    selector: str
    names: tuple[bytes, ...]
    body_hash: bytes
    relaxed: bool


class _Bad(ValueError):
    """Not good, for good: the signature or its key proves nothing."""


def check(
    *,
    head: bytes,
    message: Callable[[], bytes],
    sender: str,
    lookups: Lookups,
    now: float,
    signed: tuple[bytes, ...] = (),
) -> Verdict:
    """Whether a domain aligned with that of ``sender`` signed the mail that begins with ``head``.

    Fields of the names ``signed`` (lower case) may stand once, and then the signature covers them.

    ``message`` gives the whole mail; what it raises goes through. No mail and no key makes this raise anything else.
    """
    end = head.find(_HEADER_END)
    fields = _fields(head[: end + 2]) if end >= 0 else None
    if fields is None:
        return Verdict.FAIL
    verdicts = {Verdict.NONE}
    whole: bytes | None = None
    for field, tags in islice(_own(fields, sender), SIGNATURES_TRIED):
        try:
            signature = _read(field, tags, now)
            _check_signed(signature, fields, signed)
            _check_header(signature, fields, lookups)
            whole = message() if whole is None else whole
            _check_body(signature, whole, head[: end + len(_HEADER_END)])
        except _Bad:
            verdicts.add(Verdict.FAIL)
        except Unanswered:
            verdicts.add(Verdict.TEMPORARY)
        else:
            return Verdict.PASS
    return next(verdict for verdict in (Verdict.TEMPORARY, Verdict.FAIL, Verdict.NONE) if verdict in verdicts)


def _fields(header: bytes) -> list[_Field] | None:
    """Names and values, these with their folds and line ends; None where anything stands between fields."""
    fields: list[_Field] = []
    at = 0
    while at < len(header):
        match = _FIELD.match(header, at)
        if match is None or len(fields) >= FIELDS_LIMIT:
            return None
        fields.append((match[1], match[2]))
        at = match.end()
    return fields


def _own(fields: list[_Field], sender: str) -> Iterator[tuple[_Field, dict[bytes, bytes]]]:
    """The signatures, read as far as their tags, of domains that speak for the sender; others say nothing of it."""
    signatures = [field for field in fields if field[0].lower() == b"dkim-signature"]
    for field in signatures[:SIGNATURES_READ]:
        if len(field[1]) > SIGNATURE_LIMIT or _BLANKS.search(field[1]):
            continue
        try:
            tags = parse_tag_value(field[1])
        except InvalidTagValueList:
            continue
        if aligned(tags.get(b"d", b"").decode("latin-1"), sender):
            yield field, tags


def _read(field: _Field, tags: dict[bytes, bytes], now: float) -> _Signature:
    """The signature, if it is one we take. Raises _Bad."""
    domain = read_domain(tags[b"d"].decode("latin-1"))
    selector = tags.get(b"s", b"").decode("latin-1")
    names = tuple(name.lower() for name in re.split(rb"\s*:\s*", tags.get(b"h", b"")))
    forms = _FORMS.fullmatch(tags.get(b"c", b"simple"))
    if domain is None or forms is None or not _SELECTOR.fullmatch(selector) or tags.get(b"a") != ALGORITHM:
        raise _Bad
    if b"l" in tags:  # what comes after that length anybody can add
        raise _Bad
    if b"from" not in names or len(names) > SIGNED_NAMES_LIMIT or not all(map(_NAME.fullmatch, names)):
        raise _Bad
    if _seconds(tags, b"x", now + 1) <= now or _seconds(tags, b"t", now) > now + CLOCK_SECONDS:
        raise _Bad
    try:
        dkim.validate_signature_fields(tags)
        body = base64.b64decode(re.sub(rb"\s+", b"", tags[b"bh"]), validate=True)
    except (dkim.DKIMException, binascii.Error, IndexError, KeyError) as error:
        raise _Bad from error
    return _Signature(field, tags, domain, selector, names, body, forms[1] == b"relaxed")


def _seconds(tags: dict[bytes, bytes], name: bytes, otherwise: float) -> float:
    if name not in tags:
        return otherwise
    if not _SECONDS.fullmatch(tags[name]):
        raise _Bad
    return float(tags[name])


def _check_signed(signature: _Signature, fields: list[_Field], signed: tuple[bytes, ...]) -> None:
    """Raises _Bad where one of these fields could be anybody's: not covered, or there twice."""
    present = [name.lower() for name, _ in fields]
    for name in signed:
        if present.count(name) > 1 or (name in present and name not in signature.names):
            raise _Bad


def _check_header(signature: _Signature, fields: list[_Field], lookups: Lookups) -> None:
    """Raises _Bad, or Unanswered where the key cannot be had now."""
    if sum(1 for name, _ in fields if name.lower() == b"from") != 1:
        raise _Bad
    place = f"{signature.selector}._domainkey.{signature.domain}"
    texts = lookups.find(place, "TXT")
    if len(texts) != 1 or not isinstance(texts[0], bytes) or len(texts[0]) > KEY_LIMIT:
        raise _Bad
    try:
        good = _verifies(signature, fields, texts[0], place)
    except _Bad:
        raise
    except Exception as error:  # whatever a stranger's key sets off in the library, it proves nothing
        raise _Bad from error
    if not good:
        raise _Bad


def _verifies(signature: _Signature, fields: list[_Field], text: bytes, place: str) -> bool:
    """Whether the key made the signature over the header; the hash of the body is one of the things signed."""
    _check_record(parse_tag_value(text), signature.tags)
    verifier = dkim.DKIM(minkey=SMALLEST_KEY)
    verifier.headers = fields
    verifier.pk, verifier.keysize, verifier.ktag, verifier.seqtlsrpt = dkim.evaluate_pk(place, text)
    if verifier.ktag != b"rsa" or verifier.keysize > LARGEST_KEY:
        raise _Bad
    exponent = verifier.pk["publicExponent"]
    if not 1 < exponent < LARGEST_EXPONENT or exponent % 2 == 0:
        raise _Bad
    # Without the tag the library leaves the body alone; what it hashes is the field as it stands, with the tag.
    over_header: dict[bytes, Any] = {name: value for name, value in signature.tags.items() if name != b"bh"}
    return bool(verifier.verify_sig_process(over_header, list(signature.names), signature.field, None))


def _check_record(record: dict[bytes, bytes], tags: dict[bytes, bytes]) -> None:
    """What the library passes over in a key record (RFC 6376, 3.6.1). Raises _Bad."""
    flags = re.split(rb"\s*:\s*", record.get(b"t", b""))
    hashes = re.split(rb"\s*:\s*", record.get(b"h", b"sha256"))
    services = re.split(rb"\s*:\s*", record.get(b"s", b"*"))
    if b"y" in flags or b"sha256" not in hashes or not {b"*", b"email"} & set(services):
        raise _Bad  # a domain that is trying out signing is to be treated as one that does not sign
    agent = tags.get(b"i", b"@" + tags[b"d"])
    if b"s" in flags and agent.rpartition(b"@")[2].lower() != tags[b"d"].lower():
        raise _Bad


def _check_body(signature: _Signature, message: bytes, head: bytes) -> None:
    """Raises _Bad."""
    if not message.startswith(head):
        raise _Bad
    try:
        found = body_hash(message, len(head), relaxed=signature.relaxed)
    except BareLineEnd as error:
        raise _Bad from error
    if found != signature.body_hash:
        raise _Bad
