"""From an envelope and a message on disk to rows: everything in one transaction, and only then the ``250``."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bridge.errors import Unavailable
from bridge.fax import asked, hours, hylafax
from bridge.fax.asked import Asked, BadOption
from bridge.fax.jobs import Fax, Message, Preview
from bridge.fax.policy import Permission
from bridge.fax.states import FaxState, HoldReason
from bridge.intake import loops
from bridge.intake.content import Content
from bridge.intake.envelopes import FaxEnvelope, FaxRecipient, PreviewRecipient
from bridge.intake.fingerprints import Fingerprint, fingerprint
from bridge.intake.options import IntakeOptions
from bridge.intake.own import Client, OwnMail
from bridge.intake.plan import Found, Plan, Taken, carry_out
from bridge.intake.telling import Teller
from bridge.mail import composing
from bridge.mail.headers import Headers
from bridge.mail.options import MailOptions
from bridge.mail.partial import fragment_of
from bridge.runtime.crash import Point, crash_point
from bridge.runtime.worker import Bell
from bridge.store import StoredBlob
from bridge.store.desk import Desk
from bridge.store.faxes import Stale
from bridge.store.outbox import Draft
from bridge.store.units import Shared, Undecided

ROUNDS = 5
"""How often a plan is made. A second time is rare, a third needs a fax that changes in that very moment."""


class Acceptor:
    """Takes on mails: judges what only their content tells, then writes message, faxes and mails together.

    What came before is no second fax, and what goes over the day's limit is held. Both get their ``250``.
    """

    def __init__(self, desk: Desk, options: IntakeOptions, mail: MailOptions) -> None:
        self._desk = desk
        self._options = options
        self._teller = Teller(desk, options, mail)
        self._own = OwnMail(desk, options)
        self._language = mail.language
        self._hostnames = frozenset(name.lower() for name in (composing.host(mail), options.hostname, *options.domains))

    async def accept(self, client: Client, envelope: FaxEnvelope, content: Content) -> str:
        """The id of the message row, once it is on disk with its faxes; of the first one's, if all came before.

        Raises Refused, TooManyHops or Unavailable; the blob is then removed, as it is after any error that kept the
        rows out (and is not where nobody knows whether it did).
        """
        try:
            plan, taken = await self._take_on(client, envelope, content)
        except Undecided:
            raise  # the rows may be there, and name the blob
        except Exception:
            self._desk.store.blobs.discard(content.stored)
            raise
        # It is on disk: from here on nothing may undo it.
        crash_point(Point.INTAKE_COMMITTED)
        self._discard(taken.unused)
        if not taken.kept:
            self._desk.store.blobs.discard(content.stored)
        self._say(plan, taken)
        return plan.answer

    async def _take_on(self, client: Client, envelope: FaxEnvelope, content: Content) -> tuple[Plan, Taken]:
        stored, headers = content.stored, content.headers
        sender = envelope.sender or ""
        if envelope.for_pages or envelope.answers:
            leave = envelope.permission is not None and envelope.permission.automatic and not envelope.answers
            loops.check_header(headers, sender, self._hostnames, automatic=leave)
        else:
            loops.check_hops(headers)
        now = self._desk.clock.now()
        wishes = _asked(headers, envelope, client, now) if envelope.for_pages else Asked()
        message = replace(self._message(client, envelope, stored, headers, now), asked=wishes)
        where = asked.SUBJECT if "after" in dict(headers.wished.wishes) else asked.FIELD
        fragment = fragment_of(content.head)
        seen = fingerprint(client=client.address, sender=sender, head=headers, body=content.body)
        plan = Plan(
            message=message,
            stored=stored,
            faxes={
                seen.key(each.number): self._fax(message, envelope, _named(each, headers), where)
                for each in envelope.faxes
            },
            since=now - seen.window,
            limit=self._options.limits.faxes_per_day,
            counts=fragment is None or fragment.number == 1,
            own=replace(
                await self._own.plan(client, message, envelope, content),
                previews=tuple(self._preview(message, envelope.permission, each) for each in envelope.previews),
            ),
        )
        return await self._carry_out(plan, seen, content)

    async def _carry_out(self, plan: Plan, seen: Fingerprint, content: Content) -> tuple[Plan, Taken]:
        """The plan as it was written. No mail is drafted, and nothing read, before there is need for it."""
        try:
            for _ in range(ROUNDS):
                try:
                    outcome = await self._desk.store.write(Shared(carry_out, plan))
                except Stale:
                    continue
                if isinstance(outcome, Taken):
                    return plan, outcome
                self._discard(plan.drafted())
                plan = await self._made_anew(plan, outcome, seen, content)
        except Undecided:
            raise
        except Exception:
            self._discard((*plan.own.drafts, *plan.drafted()))
            raise
        self._discard((*plan.own.drafts, *plan.drafted()))
        raise Unavailable("too much happens to this fax at once; try again later")

    async def _made_anew(self, plan: Plan, found: Found, seen: Fingerprint, content: Content) -> Plan:
        """The plan for what was found. Where one fax goes over the limit, each gets its notice: more may, next time."""
        duplicates = {
            key: await self._teller.duplicate(
                earlier, plan.faxes[key], plan.message, content.headers, earlier.first_at + seen.window
            )
            for key, earlier in found.earlier.items()
        }
        held = {
            fax.id: await self._teller.held(fax, plan.message, content.head)
            for key, fax in plan.faxes.items()
            if found.over and key not in found.earlier
        }
        alarm = None if found.alarmed else await self._teller.limit(plan.now)
        return replace(plan, found=found, duplicates=duplicates, held=held, alarm=alarm)

    def _discard(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            if draft.blob is not None:
                self._desk.store.blobs.discard(draft.blob)

    def _message(
        self, client: Client, envelope: FaxEnvelope, stored: StoredBlob, headers: Headers, now: datetime
    ) -> Message:
        return Message(
            id=self._desk.ids.new(),
            blob_id=stored.id,
            received_at=now,
            client=client.address[:64],
            envelope_sender=envelope.sender or "",
            identity=envelope.permission.name if envelope.permission else None,
            header_message_id=headers.message_id,
            size=stored.size,
            ret=envelope.ret,
            envelope_id=envelope.envelope_id,
            language=envelope.permission.language if envelope.permission else self._language,
        )

    def _fax(self, message: Message, envelope: FaxEnvelope, recipient: FaxRecipient, where: str) -> Fax:
        permission = envelope.permission
        assert permission is not None  # no recipient becomes a fax before it is known who may fax
        now, sender, after = message.received_at, message.envelope_sender, message.asked.after
        return Fax(
            id=self._desk.ids.new(),
            message_id=message.id,
            document_id=None,
            recipient=recipient.address,
            number=recipient.number,
            sender=sender,
            identity=permission.name,
            caller_id=permission.caller_id or self._options.caller_id,
            state=FaxState.ACCEPTED,
            state_since=now,
            version=1,
            due_at=now,
            polls=0,
            hold_reason=None,
            pages=None,
            pages_sent=None,
            outcome=None,
            created_at=now,
            updated_at=now,
            person=recipient.person,
            company=recipient.company,
            notify=recipient.notify,
            original_recipient=recipient.original_recipient,
            notice_to=permission.notice_address("" if envelope.bare else sender, self._options.admin),
            not_before=None if after is None else hours.read_after(after, recipient.number, now, where),
            quiet_hours=permission.quiet_hours,
            privacy=permission.privacy,
        )

    def _preview(self, message: Message, permission: Permission | None, wanted: PreviewRecipient) -> Preview:
        assert permission is not None  # as for a fax
        return Preview(
            id=self._desk.ids.new(),
            message_id=message.id,
            recipient=wanted.address,
            number=wanted.number,
            person=wanted.person,
            company=wanted.company,
            sender=message.envelope_sender,
            caller_id=permission.caller_id or self._options.caller_id,
            pages_to=permission.pages_address(message.envelope_sender),
        )

    def _say(self, plan: Plan, taken: Taken) -> None:
        message, events = plan.message, self._desk.events
        events.mail_accepted(client=message.client, message=plan.answer, faxes=len(taken.faxes), size=message.size)
        for fax in taken.faxes:
            events.fax_accepted(fax=fax.id, message=message.id, number=fax.number)
        for fax_id in taken.held:
            events.fax_held(fax=fax_id, reason=HoldReason.LIMIT)
        for earlier in plan.found.earlier.values():
            events.fax_duplicate(fax=earlier.fax.id, client=message.client)
        self._desk.bells.ring(Bell.PREPARE, Bell.PREVIEW, Bell.POST, Bell.BOUNCE, Bell.REPLY)


def _named(recipient: FaxRecipient, headers: Headers) -> FaxRecipient:
    """Whom the fax is for: as the address says (ATTN), else the display name that stands with it in the mail."""
    return recipient if recipient.person else replace(recipient, person=headers.name_of(recipient.address))


def _asked(headers: Headers, envelope: FaxEnvelope, client: Client, now: datetime) -> Asked:
    """What the mail asks for; a copier's program may have learnt to ask HylaFAX. Raises BadOption."""
    pairs, unheeded = hylafax.read(headers.hylafax, now.astimezone()) if client.is_legacy else ([], ())
    allowed = envelope.permission.options if envelope.permission is not None else frozenset()
    wished = headers.wished
    if wished.trouble:
        raise BadOption(wished.trouble)
    address, *others = {each.wishes for each in envelope.for_pages}
    if others:
        raise BadOption(
            "what addresses ask for behind ^ counts for the whole mail; write the same in all, or it in the subject"
        )
    found = asked.read((*pairs, *headers.options), allowed, subject=wished.wishes, address=address)
    return replace(found, unheeded=(*unheeded, *found.unheeded))
