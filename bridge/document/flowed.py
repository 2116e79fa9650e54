"""Plain texts whose lines were broken to be put together again (RFC 3676, ``format=flowed``). Runs in the child."""

import re

_QUOTED = re.compile(r">*")
_SIGNATURE = "-- "


def joined(text: str, *, delete_space: bool) -> str:
    """The text with each paragraph on one line, and behind each quotation mark the blank that readers show.

    ``delete_space``: the blank at a soft line end is no part of the text (``DelSp=yes``).
    """
    paragraphs: list[str] = []
    flows_into = -1
    for line in text.split("\n"):
        depth, rest = _parted(line)
        flows = rest.endswith(" ") and rest != _SIGNATURE
        said = rest[:-1] if flows and delete_space else rest
        if flows_into == depth and rest != _SIGNATURE:
            paragraphs[-1] += said
        else:
            paragraphs.append(">" * depth + " " * bool(depth) + said)
        flows_into = depth if flows else -1
    return "\n".join(paragraphs)


def _parted(line: str) -> tuple[int, str]:
    """How deep a line is quoted, and the rest of it without the blank that was stuffed in."""
    marks = _QUOTED.match(line)
    depth = marks.end() if marks else 0
    return depth, line[depth:].removeprefix(" ")
