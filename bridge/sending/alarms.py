"""What the operator must know of outgoing faxes: mails that are drafted here and written with what they tell of."""

from datetime import datetime

from bridge.fax import outcomes
from bridge.fax.adoption import Call
from bridge.fax.jobs import Fax, Outcome
from bridge.mail import alarms
from bridge.mail.options import MailOptions
from bridge.mail.wording import in_words
from bridge.runtime.clock import rfc3339
from bridge.sending.allowance import Excess, plural
from bridge.sending.breaker import Outage
from bridge.store.desk import Desk
from bridge.store.outbox import Draft


class Alarms:
    """Drafts mails to the operator; ``purpose`` sees to it that each is written once."""

    def __init__(self, desk: Desk, mail: MailOptions) -> None:
        self._desk = desk
        self._mail = mail

    async def refused(self, outcome: Outcome, now: datetime) -> Draft:
        """What stops every fax (no credit, key refused), for each cause by itself."""
        cause = outcomes.cause(outcome.cause)
        said = " ".join(str(word) for word in (outcome.code, outcome.text) if word is not None)
        return await self._draft(
            f"alarm/{cause.slug}/{rfc3339(now)}",
            now,
            f"Faxes are refused: {cause.title}",
            f"iFax refuses faxes: {cause.title}.",
            cause.explanation,
            "Every fax will fail like this until it is mended; the senders are told each time, you are told once.",
            f"iFax said: {said or 'nothing more'}",
        )

    async def late(self, outcome: Outcome, now: datetime) -> Draft:
        """That faxes run out of time before any call reached the carrier: once an hour for each cause."""
        cause = outcomes.cause(outcome.cause)
        return await self._draft(
            f"late/{cause.slug}/{now:%Y-%m-%dT%H}",
            now,
            f"Faxes fail for want of time: {cause.title}",
            "Faxes have waited for as long as they may (retry.give_up_after), and no call for them reached iFax.",
            f"The cause, as far as it is known: {cause.title}. {cause.explanation}",
            "Each sender is told; you are told once an hour, whatever their number.",
            "What to do: see why nothing goes out (faxbridge list --state ready, the log, /health/ready).",
            "To see what has failed: faxbridge list --state failed; to send one of them once more: faxbridge resend ID",
        )

    async def carrier_down(self, outage: Outage, now: datetime) -> Draft:
        """That iFax does not answer: once an outage."""
        return await self._draft(
            f"carrier-down/{rfc3339(outage.since)}",
            now,
            "iFax does not answer; faxes wait",
            f"Since {in_words(outage.since)} {plural(outage.failures, 'call')} in a row reached nobody, timed out or "
            "ended in trouble at iFax.",
            "Faxes wait and are sent when it answers again; it is tried by itself, every ten minutes at the longest. "
            "Mail is taken on meanwhile. A fax that waits for longer than retry.give_up_after fails, and its sender is "
            "told.",
            "What to do: nothing, if iFax is down. If it is not, look whether this machine reaches it: the network, "
            "the name service, a firewall, ifax.base_url.",
            "You are told once more when it answers again.",
        )

    async def carrier_back(self, outage: Outage, now: datetime) -> Draft:
        """That it does again."""
        return await self._draft(
            f"carrier-back/{rfc3339(outage.since)}",
            now,
            "iFax answers again",
            f"iFax did not answer from {in_words(outage.since)} to {in_words(now)}. It does now, and what waited goes "
            "out.",
            "Faxes that were being handed over when it broke off may be unconfirmed; their senders and you are asked "
            "about each. To see them: faxbridge list --state unconfirmed",
        )

    async def contradicted(self, call: Call, said: str, now: datetime) -> Draft:
        """What iFax says against a decision or an end is told once for each fax."""
        fax, again = call.fax, not (call.latest and call.fax.state.final)
        return await self._draft(
            f"contradicted/{fax.id}",
            now,
            "A fax may arrive twice" if again else "A fax may have been told wrongly",
            f"Call {call.attempt.ordinal} of fax {fax.id}, begun {call.attempt.started_at:%Y-%m-%d %H:%M} UTC, "
            f"counted as {'not sent' if again else fax.state}. Now the fax service says otherwise.",
            f"It said: {said}",
            "The fax was sent again, or will be: the recipient may get it twice. Nothing changes by itself."
            if again
            else "Its sender was told what it ended as. Nothing changes by itself.",
            "What to do: "
            + (
                f"if it has not gone out again yet, stop it: faxbridge cancel {fax.id}. Else tell the recipient."
                if again
                else "find out from the recipient what is true, and tell the sender."
            ),
            f"To see all of it: faxbridge show {fax.id}",
        )

    async def limit(self, excess: Excess, fax_id: str, pages: int, now: datetime) -> Draft:
        """A daily limit of pages is told once a day for each scope, with the first fax that is held for it."""
        whose = f"{excess.identity} has" if excess.identity else "this site has"
        key = f"pages_per_day of identity {excess.identity}" if excess.identity else "limits.pages_per_day"
        return await self._draft(
            f"limit/pages/{f'identity/{excess.identity}' if excess.identity else 'site'}/{now:%Y-%m-%d}",
            now,
            f"A fax is held: it would go over the daily limit of pages of {excess.identity or 'this site'}",
            f"On {now.day} {now:%B %Y} (UTC) {whose} used {excess.used} of {plural(excess.limit, 'page')}, and fax "
            f"{fax_id} with {plural(pages, 'page')} would go over that.",
            "It is held, and so is every other fax today that would go over; smaller ones still go out. "
            "Nothing is lost. Their senders are told each time; you are told once a day.",
            "What to do: find out whether these faxes are meant; a stolen password looks like this. "
            f"If they are, and there will be more, raise {key}.",
            "To see what is held: faxbridge list --state held",
            "To let one of them go, past the limit: faxbridge release ID; to call it off: faxbridge cancel ID",
        )

    async def poison(self, fax: Fax, count: int, why: str, now: datetime) -> Draft:
        """That a fax, or all faxes of a mail, are held because what worked on them died; once for each time."""
        whose = "It is held" if count == 1 else f"All {count} faxes of its mail are held"
        return await self._draft(
            f"poison/{fax.message_id}/{fax.version}",
            now,
            "A fax is set aside: the work on it broke off three times",
            f"Fax {fax.id} is set aside: {why}.",
            f"{whose}, so that the others are not held up. Nothing is lost, and the sender is told.",
            "What to do: look into the mail and the log. If that does not help, report it to the makers of Faxbridge.",
            f"To see it: faxbridge show {fax.id}",
            f"To let it try again: faxbridge release {fax.id}; to call it off: faxbridge cancel {fax.id}",
        )

    async def _draft(self, purpose: str, now: datetime, subject: str, *lines: str) -> Draft:
        mail, content = alarms.alarm(
            subject=subject, lines=lines, options=self._mail, row_id=self._desk.ids.new(), purpose=purpose, now=now
        )
        return await self._desk.draft(mail, content)
