"""The HTML form of a text of ours: the same words in the same order, so that neither form says more than the other.

A text is made of blocks with blank lines between them: the first is the verdict; one that begins with "What to do:", in
its language, is advice; lines that are indented, or have a label and a colon each, are a table, under the line above
them that ends with a colon; what follows a line "-- " is small print. All else are paragraphs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

import jinja2

from bridge.mail.tongues import Tongue

_SMALL_PRINT = "-- "
_BLANK_LINES = re.compile(r"\n{2,}")
_LABEL = re.compile(r"(.{1,60}?):\s+(\S.*)")
_COMMAND = re.compile(r"(\S.*?\S)\s{3,}(\S.*)")


class Tone(StrEnum):
    """What kind of news it is."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Block:
    """One block: ``kind`` is paragraph, advice or table; a table has rows of two cells, the first may be empty."""

    kind: str
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()
    is_command: bool = False


def what_to_do(tongue: Tongue) -> str:
    """What advice begins with."""
    return tongue.say("What to do:")


def page(text: str, tone: Tone, tongue: Tongue, picture: str = "") -> str:
    """A whole HTML page, which fetches nothing; ``picture`` is the Content-ID of one of page 1 in the same mail."""
    body, _, small = f"\n{text}".partition(f"\n{_SMALL_PRINT}\n")
    advice = what_to_do(tongue)
    first, *others = [block.strip("\n").split("\n") for block in _BLANK_LINES.split(body.strip("\n"))]
    return _template().render(
        verdict=" ".join(first),
        tone=tone,
        picture=picture,
        picture_says=tongue.say("Page 1 of the fax"),
        language=tongue.language,
        what_to_do=advice,
        blocks=[block for lines in others for block in _blocks(lines, advice)],
        small=[line for line in small.split("\n") if line.strip()],
    )


def _blocks(lines: list[str], advice: str) -> Iterator[Block]:
    if lines[0].startswith(advice):
        yield Block("advice", (lines[0].removeprefix(advice).strip(), *lines[1:]))
        return
    heading = lines[:1] if len(lines) > 1 and lines[0].endswith(":") and lines[1].startswith("  ") else []
    rows = lines[len(heading) :]
    if heading:
        yield Block("heading", (heading[0].removesuffix(":").rstrip(),))
    if all(line.startswith("  ") for line in rows):
        yield _table([line.strip() for line in rows])
    elif len(rows) > 1 and all(_LABEL.fullmatch(line) for line in rows):
        yield _table(rows)
    else:
        yield Block("paragraph", tuple(rows))


def _table(lines: list[str]) -> Block:
    """Commands with what they do, or labels with what they label."""
    if all(_COMMAND.fullmatch(line) for line in lines):
        return Block("table", rows=tuple(_split(_COMMAND, line) for line in lines), is_command=True)
    return Block("table", rows=tuple(_split(_LABEL, line) for line in lines))


def _split(pattern: re.Pattern[str], line: str) -> tuple[str, str]:
    found = pattern.fullmatch(line)
    return ("", line) if found is None else (found[1].rstrip(), found[2])


@cache
def _template() -> jinja2.Template:
    source = resources.files("bridge.mail").joinpath("templates", "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
