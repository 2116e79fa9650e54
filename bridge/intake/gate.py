"""Who may fax: a login, a client's network, or a sender that something better than its own word proves."""

from bridge.errors import Refused, Transient
from bridge.fax.policy import Permission, Policy
from bridge.intake.content import Content
from bridge.intake.envelopes import FaxEnvelope
from bridge.intake.options import Auth, ListenerOptions
from bridge.intake.proof import Prover, Verdict
from bridge.intake.standing import Standing
from bridge.mail import results
from bridge.mail.headers import Headers
from bridge.store import StoredBlob
from bridge.store.blobs import Blobs

ADDRESSING = (b"to", b"cc")
"""The fields that say whom a mail is for."""


class LoginNeeded(Refused):
    """A password would open the door."""

    reply = "530 5.7.0"


class DnsTrouble(Transient):
    """Whether the sender is who it says cannot be looked up just now."""

    reply = "451 4.4.3"


class Gate:
    """Finds under whose permission a mail is faxed, and refuses where there is none."""

    def __init__(self, policy: Policy, prover: Prover, blobs: Blobs) -> None:
        self.policy = policy
        self._prover = prover
        self._blobs = blobs

    async def admit(
        self, standing: Standing, listener: ListenerOptions, sender: str, *, may_log_in: bool
    ) -> tuple[Permission | None, bool]:
        """The permission for mail from ``sender``, and whether the mail itself has still to prove it (``prove``).

        It is None where even whose permission it would be shows only then. Raises LoginNeeded, Refused or DnsTrouble.
        """
        if standing.login is not None:
            return standing.login, False
        if listener.auth is not Auth.REQUIRED:
            if standing.address is not None and (permission := self.policy.of_client(standing.address)) is not None:
                return permission, False
            if standing.front and listener.front_name:
                return None, True
            wanted = self.policy.of_sender(sender)
            if wanted is not None and self._prover.available:
                return wanted, not await self._passes_spf(standing, sender)
        if may_log_in:
            raise LoginNeeded("log in first; this client may send faxes only with a password")
        if standing.address is None:
            raise Refused("the server in front does not say whose mail this is; see smtp.listeners.front")
        raise Refused(f"client {standing.shown} may not send faxes here; the operator can add it to policy.networks")

    async def _passes_spf(self, standing: Standing, sender: str) -> bool:
        if standing.address is None:
            return False
        verdict = await self._prover.spf(client=standing.address, helo=standing.helo, sender=sender)
        if verdict is Verdict.TEMPORARY:
            raise DnsTrouble("the sender's SPF record cannot be looked up just now; try again later")
        return verdict is Verdict.PASS

    async def prove(
        self, standing: Standing, listener: ListenerOptions, mail: FaxEnvelope, content: Content
    ) -> Permission:
        """The permission that the mail itself proves. Raises Refused, or DnsTrouble."""
        fields, sender = content.headers, mail.sender or ""
        addressed = _is_addressed(fields, mail)
        if standing.front and listener.front_name:
            found = self._by_results(fields, listener.front_name, sender, addressed=addressed)
            if found is not None:
                return found
        wanted = self.policy.of_sender(sender)
        if wanted is not None and addressed and self._prover.available:
            verdict = await self._prover.dkim(
                head=content.head, message=lambda: self._bytes(content.stored), sender=sender, signed=ADDRESSING
            )
            if verdict is Verdict.TEMPORARY:
                raise DnsTrouble("the signature's key cannot be looked up just now; try again later")
            if verdict is Verdict.PASS:
                return wanted
        raise Refused(
            "nothing proves that this sender sent the mail to this number: SPF does not pass, "
            "and no good DKIM signature of its domain covers a To or Cc with it"
        )

    def _by_results(self, fields: Headers, front_name: str, sender: str, *, addressed: bool) -> Permission | None:
        """What the server in front found out (RFC 8601)."""
        found = results.read_results(fields, front_name)
        if found is None:
            return None
        if found.login is not None and (permission := self.policy.of_login(found.login)) is not None:
            return permission
        return self.policy.of_sender(sender) if results.proves(found, sender, addressed=addressed) else None

    def _bytes(self, stored: StoredBlob) -> bytes:
        with self._blobs.open_plain(stored) as file:
            return file.read()


def _is_addressed(fields: Headers, mail: FaxEnvelope) -> bool:
    """Whether every recipient stands in To or Cc: else anybody who got a signed mail could send it to other numbers."""
    shown = {address for name in ADDRESSING for address in fields.addresses(name.decode("ascii"))}
    return all(each.address.lower() in shown for each in mail.for_pages)
