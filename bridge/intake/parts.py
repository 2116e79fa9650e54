"""The parts that every session of the SMTP server shares, built once."""

from dataclasses import dataclass

from bridge.fax.options import PolicyOptions
from bridge.fax.policy import Policy
from bridge.intake.acceptance import Acceptor
from bridge.intake.alarms import Refusals
from bridge.intake.gate import Gate
from bridge.intake.logins import Logins
from bridge.intake.options import IntakeOptions
from bridge.intake.proof import Prover
from bridge.mail.options import MailOptions
from bridge.runtime.clock import Clock
from bridge.store.desk import Desk
from bridge.store.failing import FailingWatch
from bridge.store.pauses import Watch


@dataclass(frozen=True, slots=True)
class Intake:
    """What every session needs. ``close`` it in the end: some of it has threads."""

    desk: Desk
    options: IntakeOptions
    gate: Gate
    prover: Prover
    logins: Logins
    acceptor: Acceptor
    refusals: Refusals
    watch: Watch
    failing: FailingWatch

    @classmethod
    def build(
        cls,
        desk: Desk,
        options: IntakeOptions,
        policy: PolicyOptions,
        mail: MailOptions,
        *,
        prover: Prover | None = None,
        clock: Clock | None = None,
    ) -> "Intake":
        """All parts. ``prover`` asks the machine's own DNS, and ``clock``, by which logins count, is the desk's."""
        rules, asked = Policy(policy), prover or Prover(desk.clock)
        return cls(
            desk=desk,
            options=options,
            gate=Gate(rules, asked, desk.store.blobs),
            prover=asked,
            logins=Logins(rules, clock or desk.clock, policy.identities),
            acceptor=Acceptor(desk, options, mail),
            refusals=Refusals(desk, mail),
            watch=Watch(desk.store, desk.clock),
            failing=FailingWatch(desk.store, desk.clock),
        )

    def close(self) -> None:
        """Let go of the threads."""
        self.logins.close()
        self.prover.close()
