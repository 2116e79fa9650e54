"""Authentication-Results (RFC 8601): what the peer in front of us found out about who sent a mail.

Only what that peer wrote counts: the topmost field under its name, above the second ``Received``. Everything else may
come from the sender. A field is read whole or not at all, and one that cannot be read ends the search: what stands
below it is not taken in its place. Values hold what strangers chose; only their place in the grammar is trusted.
"""

import re
from dataclasses import dataclass

from bridge.mail.alignment import aligned, read_domain, sender_domain
from bridge.mail.headers import Headers

FIELD = "authentication-results"
VALUE_LIMIT = 8000
"""Octets of a field; a longer one is not read. (Less than what ``headers`` keeps, so none has lost its end.)"""

NAME_LIMIT = 254
COMMENT_DEPTH = 8
FINDINGS_LIMIT = 50

_PRINTABLE = re.compile(r"[\t -~]*", re.ASCII)
_SPACE = re.compile(r"[ \t]*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+", re.ASCII)
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,4}", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_AT_DOMAIN = re.compile(r"@[A-Za-z0-9_.-]+", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9!#$%&'*+./:=?@^_`{|}~\[\]-]+", re.ASCII)
"""An unquoted value: an address, a domain, a token. Base64 and IP addresses ought to be quoted, but are not always."""

PASS = "pass"  # noqa: S105 - a result


@dataclass(frozen=True, slots=True)
class Results:
    """What the peer in front proved.

    ``spf_sender``: the ``smtp.mailfrom`` that passed SPF, an address or only its domain. ``dkim_domains``: those whose
    signatures passed. ``login``: the name under which the client logged in there.
    """

    spf_sender: str | None = None
    dkim_domains: tuple[str, ...] = ()
    login: str | None = None


@dataclass(frozen=True, slots=True)
class _Finding:
    """One method's result and its properties, ``smtp.mailfrom`` and the like; names in lower case."""

    method: str
    result: str
    properties: dict[str, str]


class _Odd(ValueError):
    """Not what the grammar has there."""


def read_results(headers: Headers, authserv_id: str) -> Results | None:
    """What the topmost field under ``authserv_id`` says; None if there is none that counts, or it cannot be read."""
    if not authserv_id:
        return None
    received = 0
    for name, value in headers.fields:
        received += name == "received"
        if received > 1:
            return None
        if name != FIELD:
            continue
        try:
            reader = _Reader(value)
            if reader.server().lower() == authserv_id.lower():
                return _judge(reader.findings())
        except _Odd:
            return None
    return None


def proves(results: Results, sender: str, *, addressed: bool) -> bool:
    """Whether ``sender`` is who sent the mail: SPF passed for that very address, or a signature that speaks for it.

    A signature counts only for a mail that is ``addressed`` to its recipients: whoever got it can send it on to others.
    """
    domain = sender_domain(sender)
    if domain is None:
        return False
    if results.spf_sender is not None:
        passed = results.spf_sender.lower()
        if passed == (sender.lower() if "@" in passed else domain):
            return True
    return addressed and any(aligned(signing, sender) for signing in results.dkim_domains)


def _judge(findings: list[_Finding]) -> Results:
    """What is proved: where findings contradict one another, nothing is."""
    return Results(
        spf_sender=_agreed(findings, "spf", "smtp.mailfrom"),
        dkim_domains=_signers([finding for finding in findings if finding.method == "dkim"]),
        login=_agreed(findings, "auth", "smtp.auth"),
    )


def _agreed(findings: list[_Finding], method: str, name: str) -> str | None:
    """The one value of a property if all findings of that method passed, and those that have it agree."""
    found = [finding for finding in findings if finding.method == method]
    values = {finding.properties[name] for finding in found if name in finding.properties}
    if len(values) != 1 or any(finding.result != PASS for finding in found):
        return None
    [value] = values
    return value if 0 < len(value) <= NAME_LIMIT else None


def _signers(findings: list[_Finding]) -> tuple[str, ...]:
    """The domains all of whose signatures passed; none at all where a signature that did not has no name."""
    passed: list[str] = []
    others: set[str | None] = set()
    for finding in findings:
        domain = _signer(finding.properties)
        if finding.result != PASS:
            others.add(domain)
        elif domain is not None:
            passed.append(domain)
    if None in others:
        return ()
    return tuple(dict.fromkeys(domain for domain in passed if domain not in others))


def _signer(properties: dict[str, str]) -> str | None:
    """The domain of ``header.d``, or of ``header.i`` where only that is given; None if they do not fit together."""
    agent = properties.get("header.i")
    identity = read_domain(agent.rpartition("@")[2]) if agent is not None else None
    if "header.d" not in properties:
        return identity
    domain = read_domain(properties["header.d"])
    if domain is None or agent is None:
        return domain
    fits = identity is not None and (identity == domain or identity.endswith(f".{domain}"))
    return domain if fits else None


class _Reader:
    """Goes once over a field, from left to right, and never back. Every method raises _Odd."""

    def __init__(self, value: bytes) -> None:
        self._text = value.decode("latin-1")
        self._at = 0
        self._sound = len(value) <= VALUE_LIMIT

    def server(self) -> str:
        """The authserv-id. A field under another name is not looked at further, whatever it holds."""
        if not self._sound:
            raise _Odd
        self._blank()
        quoted = self._quoted()
        server = self._take(_TOKEN) if quoted is None else quoted
        apart = self._blank()
        if apart and self._matches(_DIGITS):
            if int(self._take(_DIGITS)) != 1:
                raise _Odd
            self._blank()
        if not self._sees(";"):
            raise _Odd
        return server

    def findings(self) -> list[_Finding]:
        """All that stands behind the authserv-id."""
        if not _PRINTABLE.fullmatch(self._text):
            raise _Odd
        found: list[_Finding] = []
        while self._at < len(self._text):
            self._expect(";")
            self._blank()
            method = self._take(_KEYWORD).lower()
            self._blank()
            if method == "none" and not found and self._at == len(self._text):
                return found
            found.append(self._finding(method))
            if len(found) > FINDINGS_LIMIT:
                raise _Odd
        return found

    def _finding(self, method: str) -> _Finding:
        """A resinfo, from behind its method up to the next semicolon."""
        if self._sees("/"):
            self._expect("/")
            self._blank()
            if int(self._take(_DIGITS)) != 1:
                raise _Odd
            self._blank()
        self._expect("=")
        self._blank()
        result = self._take(_KEYWORD).lower()
        properties: dict[str, str] = {}
        reasons = 0
        while self._blank() and not self._ends():
            kind = self._take(_KEYWORD).lower()
            self._blank()
            if kind == "reason" and self._sees("="):
                self._expect("=")
                self._value()
                reasons += 1
                if properties or reasons > 1:
                    raise _Odd
                continue
            self._expect(".")
            self._blank()
            name = f"{kind}.{self._take(_KEYWORD).lower()}"
            self._blank()
            self._expect("=")
            if name in properties:
                raise _Odd
            properties[name] = self._value()
        return _Finding(method, result, properties)

    def _value(self) -> str:
        """A quoted string without its quotes, an address with a quoted left part as it stands, or a word."""
        self._blank()
        start = self._at
        quoted = self._quoted()
        if quoted is None:
            return self._take(_WORD)
        if self._matches(_AT_DOMAIN):
            self._take(_AT_DOMAIN)
            return self._text[start : self._at]
        return quoted

    def _quoted(self) -> str | None:
        """The content of a quoted string, if one stands here."""
        if not self._sees('"'):
            return None
        match = _QUOTED.match(self._text, self._at)
        if match is None:
            raise _Odd
        self._at = match.end()
        return _ESCAPED.sub(r"\1", match[1])

    def _blank(self) -> bool:
        """Pass over white space and comments (CFWS); whether there was any."""
        start, depth = self._at, 0
        while True:
            if depth == 0:
                self._at = self._end_of(_SPACE)
                if not self._sees("("):
                    return self._at > start
            if self._at >= len(self._text):
                raise _Odd
            sign = self._text[self._at]
            self._at += 2 if sign == "\\" else 1
            depth += (sign == "(") - (sign == ")")
            if depth > COMMENT_DEPTH:
                raise _Odd

    def _ends(self) -> bool:
        return self._at >= len(self._text) or self._sees(";")

    def _sees(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _expect(self, sign: str) -> None:
        if not self._sees(sign):
            raise _Odd
        self._at += len(sign)

    def _matches(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self._text, self._at) is not None

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _Odd
        self._at = match.end()
        return match[0]

    def _end_of(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        return match.end() if match else self._at
