"""The parts lists of mails as one checkout makes them, a line of JSON each: run by ``tests.benchmarks.parts``.

It asks for nothing but what every checkout since the parts list has: ``mime.read`` and ``pages.make_pdf``.
"""

import hashlib
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from bridge.document import mime, pages
from bridge.document.limits import Limits
from bridge.document.pieces import Role

_SECONDS = 60
"""For one mail; one that takes longer has a line that says so."""
_FAXED = {Role.ATTACHMENT, Role.BODY, Role.COVER}


class TooSlow(BaseException):
    """Not to be taken for the failure of one part."""


def parts_of(mail: Path) -> Iterator[str]:
    """What the parts list says, one part a line, and below it whether the fax fails."""
    with mail.open("rb") as file:
        found = mime.read(file, Limits())
    _, report = pages.make_pdf(found, Limits())
    for part in report.parts:
        yield f"{part.name}: {part.left_out or f'{part.pages} p.'}"
    if report.failed:
        yield f"the fax fails: {report.failed}"


def contents_of(mail: Path) -> list[list[str]]:
    """Of what is faxed, the name and a digest: the same lines may stand for other words."""
    with mail.open("rb") as file:
        found = mime.read(file, Limits())
    return [[each.name, hashlib.sha256(each.content).hexdigest()] for each in found if each.role in _FAXED]


def look(mail: Path) -> dict[str, object]:
    """Both; whatever is raised is a line of the list."""
    lines, contents = list[str](), list[list[str]]()
    signal.alarm(_SECONDS)
    try:
        lines = list(parts_of(mail))
        contents = contents_of(mail)
    except TooSlow:
        lines = [f"took longer than {_SECONDS} s"]
    except Exception as error:  # noqa: BLE001 - a fault is what is looked for
        lines = [f"{type(error).__name__}: {error}"[:300]]
    finally:
        signal.alarm(0)
    return {"mail": str(mail), "lines": lines, "contents": contents}


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _too_slow)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(look(Path(line.rstrip("\n")))) + "\n")
        sys.stdout.flush()
