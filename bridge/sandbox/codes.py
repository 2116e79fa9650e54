"""The carrier's table of codes, as its page prints it: our own copy, so that a slip in another one shows here."""

from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class CodeRow:
    """One row of the page. Codes repeat, texts repeat: only the row is one of its kind."""

    code: int
    text: str


@cache
def code_rows() -> tuple[CodeRow, ...]:
    """All rows, in the page's order."""
    table = resources.files(__package__).joinpath("codes.tsv").read_text(encoding="utf-8")
    return tuple(_row(line) for line in table.splitlines())


def text_of(code: int) -> str:
    """The text of the first row with this code; a code the page doesn't have is a mistake of ours."""
    return next(row.text for row in code_rows() if row.code == code)


def _row(line: str) -> CodeRow:
    code, text = line.split("\t")
    return CodeRow(int(code), text)
