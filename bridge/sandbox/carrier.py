"""The carrier at work: it takes faxes, calls, ends them and tells of it; faxes come in for it."""

import asyncio
import contextlib
import json
import math
from datetime import timedelta
from pathlib import Path

from bridge.sandbox.actions import Action
from bridge.sandbox.background import Background
from bridge.sandbox.checks import Order
from bridge.sandbox.hooks import Attachment, Hooks
from bridge.sandbox.numbers import DELIVERED, failed, outcome_of
from bridge.sandbox.options import SandboxOptions
from bridge.sandbox.pages import as_one_pdf, draw_fax
from bridge.sandbox.plan import Plan
from bridge.sandbox.state import Ledger, ReceivedFax, SentFax

PENDING_SECONDS = 30
"""So long a fax that ends after some polls waits for them."""


class Carrier:
    """All of the stand-in but its HTTP."""

    def __init__(
        self, options: SandboxOptions, *, ledger: Ledger, plan: Plan, hooks: Hooks, background: Background
    ) -> None:
        self.options = options
        self.ledger = ledger
        self.plan = plan
        self.hooks = hooks
        self.background = background
        self._polled: dict[int, asyncio.Event] = {}

    # Out

    async def take(self, order: Order) -> SentFax:
        """Take on a fax whose order has passed all checks."""
        files = order.files
        return await self._take_on(
            SentFax(
                job_id=next(self.ledger.sent_ids),
                transaction_id=next(self.ledger.transaction_ids),
                to_number=order.body["faxNumber"],
                from_number=order.body.get("callerId") or self.options.numbers[0],
                quality=order.body.get("faxQuality", "Standard"),
                files=files,
                cover=order.cover,
                pdf=await asyncio.to_thread(as_one_pdf, files),
                request=order.without_bytes(),
                outcome=outcome_of(order.body["faxNumber"]),
                received_at=self.ledger.now(),
            )
        )

    async def take_again(self, old: SentFax) -> SentFax:
        """Send the same once more, as a fax of its own."""
        return await self._take_on(
            SentFax(
                job_id=next(self.ledger.sent_ids),
                transaction_id=next(self.ledger.transaction_ids),
                to_number=old.to_number,
                from_number=old.from_number,
                quality=old.quality,
                files=old.files,
                cover=old.cover,
                pdf=old.pdf,
                request={"resendOf": old.job_id},
                outcome=old.outcome,
                received_at=self.ledger.now(),
            )
        )

    async def _take_on(self, fax: SentFax) -> SentFax:
        if self.options.keep is not None:
            await asyncio.to_thread(_keep, self.options.keep, fax)
        self.ledger.sent[fax.job_id] = fax
        hook = self.plan.peek("hook", (fax.to_number,)) or fax.outcome.hook
        if hook is not None and hook.early:
            await self._end_early(fax)
        else:
            self._polled[fax.job_id] = asyncio.Event()
            self.background.start(self._call(fax), f"call {fax.job_id}")
        return fax

    def polled(self, fax: SentFax) -> None:
        """Somebody asked how it stands, and was told."""
        fax.polls += 1
        if fax.polls >= fax.outcome.polls and fax.job_id in self._polled:
            self._polled[fax.job_id].set()

    async def _call(self, fax: SentFax) -> None:
        seconds = fax.outcome.seconds
        await asyncio.sleep(fax.pages * self.options.page_seconds if seconds is None else seconds)
        if fax.outcome.end is None:
            await asyncio.sleep(math.inf)
        if fax.outcome.polls:
            with contextlib.suppress(TimeoutError):  # nobody asks, so nobody is misled
                await asyncio.wait_for(self._polled[fax.job_id].wait(), PENDING_SECONDS)
        self._end(fax)
        self.hooks.announce(fax.hook_object(), self._hook_action(fax))

    async def _end_early(self, fax: SentFax) -> None:
        self._end(fax)
        action = self._hook_action(fax)
        assert action is not None
        await self.hooks.announce_now(fax.hook_object(), action)

    def _end(self, fax: SentFax) -> None:
        planned = self.plan.take("end", (fax.to_number,))
        if planned is not None and planned.fail is not None:
            fax.end = failed(planned.fail.code, planned.fail.went)
        else:
            fax.end = fax.outcome.end or DELIVERED
        fax.ended_at = self.ledger.now()
        self._polled.pop(fax.job_id, None)

    def _hook_action(self, fax: SentFax) -> Action | None:
        return self.plan.take("hook", (fax.to_number,)) or fax.outcome.hook

    # In

    async def receive(
        self, *, caller: str | None, called: str, pages: int, text: str, tiff: bool, job_id: int | None
    ) -> ReceivedFax:
        """A fax comes in; nobody is told of it yet."""
        data = await asyncio.to_thread(
            draw_fax, pages=pages, caller=caller or "UNKNOWN", called=called, text=text, tiff=tiff
        )
        now = self.ledger.now()
        fax = ReceivedFax(
            fax_id=next(self.ledger.fax_ids),
            job_id=next(self.ledger.received_ids) if job_id is None else job_id,
            transaction_id=next(self.ledger.transaction_ids),
            from_number=caller,
            to_number=called,
            pages=pages,
            data=data,
            media="image/tiff" if tiff else "application/pdf",
            started_at=now - timedelta(seconds=32 * pages),
            received_at=now,
        )
        self.ledger.received.append(fax)
        return fax

    def announce_received(self, fax: ReceivedFax, action: Action) -> None:
        """Tell the customer that a fax is there; a step of the script for its webhook goes first."""
        ending = "tiff" if fax.media == "image/tiff" else "pdf"
        planned = self.plan.take("hook", (fax.from_number, fax.to_number))
        if planned is not None:
            action = planned.model_copy(update={"form": planned.form or action.form})
        self.hooks.announce(
            fax.hook_object(),
            action,
            Attachment(f"fax-{fax.job_id}.{ending}", fax.data, fax.media),
        )


def _keep(folder: Path, fax: SentFax) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{fax.job_id}.pdf").write_bytes(fax.pdf)
    facts = {"jobId": fax.job_id, "transactionId": fax.transaction_id, **fax.request}
    (folder / f"{fax.job_id}.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
