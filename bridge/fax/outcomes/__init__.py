"""The catalogue of outcomes: what the carrier's codes mean, in words for the people who sent the fax."""

from bridge.fax.outcomes.catalogue import Actor, Cause, CodeRow, OutcomeClass, cause, causes, look_up, rows
from bridge.fax.outcomes.doing import what_we_do
from bridge.fax.outcomes.languages import in_language

__all__ = [
    "Actor",
    "Cause",
    "CodeRow",
    "OutcomeClass",
    "cause",
    "causes",
    "in_language",
    "look_up",
    "rows",
    "what_we_do",
]
