"""The catalogue of outcomes: what the carrier's codes mean, in words for the people who sent the fax."""

from bridge.fax.outcomes.catalogue import Actor, Cause, CodeRow, OutcomeClass, cause, causes, look_up, rows

__all__ = ["Actor", "Cause", "CodeRow", "OutcomeClass", "cause", "causes", "look_up", "rows"]
