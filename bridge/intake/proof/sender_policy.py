"""SPF (RFC 7208) by pyspf, with look-ups of ours: whether a client may send for the domain of an envelope sender.

The library reads records and walks through them. It is spared explanations, which would be shown to nobody, records and
terms so long that its patterns would hold up the whole process, and the question where a sender's domain begins.
"""

import re
import warnings
from ipaddress import ip_address

from bridge.intake.proof.lookups import Answer, Lookups, Unanswered
from bridge.intake.proof.terms import Verdict

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library's texts have escapes in them that Python no longer likes
    import spf

RECORD_LIMIT = 4096
"""Octets of a record. RFC 7208, 3.4, asks for 450; those that list all their networks have some thousand."""

TERM_LIMIT = 400
"""Octets of one term. A domain has 253 at most, macros somewhat more than what they become."""

VOID_LIMIT = 2
"""Questions without an answer (RFC 7208, 4.6.4)."""

_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,30}", re.ASCII)
_RECORD = re.compile(rb"v=spf1(?: |$)", re.IGNORECASE)
_VERDICTS = {"pass": Verdict.PASS, "none": Verdict.NONE, "temperror": Verdict.TEMPORARY}


def check(*, client: str, helo: str, sender: str, lookups: Lookups) -> Verdict:
    """Whether ``client`` may send for ``sender``, whose domain is one. Never raises, whatever the DNS holds."""
    try:
        address = str(ip_address(client.partition("%")[0]))
    except ValueError:
        return Verdict.NONE
    try:
        result, _, _ = _Query(address, helo if _HOST.fullmatch(helo) else "unknown", sender, lookups).check()
    except Exception:  # noqa: BLE001 - whatever a stranger's record sets off in the library, it is no pass
        return Verdict.FAIL
    return _VERDICTS.get(result, Verdict.FAIL)


class _Query(spf.query):  # type: ignore[misc] # the library has no types
    """One evaluation: three methods of the library's are replaced, each with a test."""

    def __init__(self, client: str, helo: str, sender: str, lookups: Lookups) -> None:
        super().__init__(i=client, s=sender, h=helo)
        self.l, _, self.o = sender.rpartition("@")  # the library takes the first @, which may be a quoted one
        self.d = self.o
        self._lookups = lookups
        self._kept: dict[tuple[str, str], list[Answer | tuple[bytes]]] = {}

    def dns(
        self,
        name: str,
        qtype: str,
        cnames: object = None,  # noqa: ARG002 - the resolver follows them
        ignore_void: bool = False,  # noqa: FBT001, FBT002 - the library's signature
    ) -> list[Answer | tuple[bytes]]:
        """The records of a kind, each looked up once."""
        key = name.lower().removesuffix("."), qtype
        if key not in self._kept:
            self._kept[key] = self._look_up(*key)
        found = self._kept[key]
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > VOID_LIMIT:
                raise spf.PermError("too many questions without an answer")
        return list(found)

    def _look_up(self, name: str, kind: str) -> list[Answer | tuple[bytes]]:
        if not name:
            return []
        try:
            found = self._lookups.find(name, kind)
        except Unanswered as error:
            raise spf.TempError(str(error)) from error
        return [(answer,) if isinstance(answer, bytes) else answer for answer in found]

    def dns_txt(self, domainname: str, rr: str = "TXT", ignore_void: bool = False) -> list[bytes]:  # noqa: FBT001, FBT002
        """The SPF records among the texts; one that is too long to be read is an error."""
        records = [text for text in super().dns_txt(domainname, rr, ignore_void) if _RECORD.match(text)]
        for record in records:
            if len(record) > RECORD_LIMIT or any(len(term) > TERM_LIMIT for term in record.split(b" ")):
                raise spf.PermError("the record, or a term of it, is too long")
        return records

    def get_explanation(self, spec: str) -> None:
        """Nothing: it would be shown to nobody, and is not counted among the look-ups."""
