"""Reading dialogue files; what may stand in one is told at the top of test_dialogues.py."""

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
PROFILES = ("strict", "legacy")

_STEP = re.compile(r"([CD])(\\?)(?:\*([0-9]+))?:(?: (.*))?", re.ASCII)
_OTHER = re.compile(r"(S|strict|legacy|ends): (.+)", re.ASCII)
_HEAD = {"device", "habit", "source", "listener", "site", "packets"}


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes from the client; ``data`` when they are part of a message."""

    octets: bytes
    data: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """How a reply begins, what words it must have, and what words it must not have."""

    begins: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @classmethod
    def read(cls, written: str) -> "Reply":
        """From ``CODE ... +WORD -WORD``."""
        words = written.split()
        return cls(
            " ".join(word for word in words if word[0] not in "+-"),
            tuple(word[1:] for word in words if word[0] == "+"),
            tuple(word[1:] for word in words if word[0] == "-"),
        )

    def check(self, answer: str) -> None:
        """Fail unless ``answer``, lines joined by newlines, is such a reply."""
        assert answer.startswith(self.begins), f"expected {self.begins!r}, got {answer!r}"
        assert all(word in answer for word in self.has), f"{answer!r} should have {self.has}"
        assert not any(word in answer for word in self.lacks), f"{answer!r} should not have {self.lacks}"


@dataclass(frozen=True, slots=True)
class Expect:
    """A reply; by profile the refusal that comes in its stead, at which the device gives up."""

    reply: Reply
    refusals: dict[str, Reply] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartTls:
    """The handshake, now."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How the connection ends, or is shut: ``server``, ``client``, ``reset``, ``half``."""

    how: str


Step = Send | Expect | StartTls | Ends


@dataclass(frozen=True, slots=True)
class Script:
    """One dialogue file."""

    name: str
    head: dict[str, str]
    steps: tuple[Step, ...]
    faxes: tuple[str, ...]
    refused: str

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles it is played against."""
        only = self.listener.get("profile")
        return (only,) if only else PROFILES

    @property
    def listener(self) -> dict[str, str]:
        """What is said of the listener, by name."""
        return dict(word.split("=", 1) for word in self.head.get("listener", "").split())

    @property
    def site(self) -> dict[str, str]:
        """What is said of the site, by name."""
        return dict(word.split("=", 1) for word in self.head.get("site", "").split())


def read(path: Path) -> Script:
    """A dialogue file; ValueError tells what in it cannot be read."""
    top, _, rest = path.read_text(encoding="ascii").partition("\n\n")
    head = {}
    for line in top.splitlines():
        name, colon, value = line.partition(": ")
        if not colon or name not in _HEAD:
            raise ValueError(f"{path.name}: {line!r} is no line of a head")
        head[name] = value
    *lines, last = [line for line in rest.splitlines() if not line.startswith("#")]
    expected = re.fullmatch(r"expect: (?:faxes ((?:\+[0-9]+ ?)+)|refused ([0-9][0-9. ]*)|none)", last)
    if expected is None:
        raise ValueError(f"{path.name}: {last!r} does not say what to expect")
    return Script(path.stem, head, tuple(_steps(path, lines)), tuple((expected[1] or "").split()), expected[2] or "")


def _steps(path: Path, lines: list[str]) -> list[Step]:
    steps: list[Step] = []
    refusals: dict[str, Reply] = {}
    for line in lines:
        if sent := _STEP.fullmatch(line):
            steps.append(Send(_octets(sent[4] or "", raw=bool(sent[2])) * int(sent[3] or 1), sent[1] == "D"))
        elif line == "tls":
            steps.append(StartTls())
        elif other := _OTHER.fullmatch(line):
            if other[1] == "S":
                steps.append(Expect(Reply.read(other[2]), refusals))
                refusals = {}
            elif other[1] == "ends":
                steps.append(Ends(other[2]))
            else:
                refusals[other[1]] = Reply.read(other[2])
        else:
            raise ValueError(f"{path.name}: {line!r} is no step")
    return steps


def _octets(written: str, *, raw: bool) -> bytes:
    if not raw:
        return written.encode("ascii") + b"\r\n"
    return codecs.decode(written.encode("ascii"), "unicode_escape").encode("latin-1")


def messages(steps: tuple[Step, ...]) -> list[bytes]:
    """Each message as it should be kept: dots taken away, and every line end CR LF."""
    found, message = [], b""
    for step in steps:
        if isinstance(step, Send) and step.data:
            message += step.octets
        elif isinstance(step, Send) and step.octets.startswith(b"."):
            found.append(re.sub(rb"(?m)^\.", b"", re.sub(rb"\r?\n", b"\r\n", message)))
            message = b""
    return found
