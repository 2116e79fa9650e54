"""A stand-in fax carrier that speaks the iFax wire over real HTTP, for trying out and for tests.

It knows no other room of the house, so that a mistake on one side shows on the other.
"""

from bridge.sandbox.numbers import numbers_table
from bridge.sandbox.options import SandboxOptions
from bridge.sandbox.server import run

__all__ = ["SandboxOptions", "numbers_table", "run"]
