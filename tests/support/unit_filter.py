"""``unit_filter.py PROGRAM ARGUMENT...`` runs it as the unit would, as far as a filter of the kernel's calls goes.

What ``SystemCallFilter=`` and ``RestrictAddressFamilies=`` of the unit do not name ends the process (SIGSYS), as under
systemd. Its groups are those that systemd itself tells.
"""

import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

UNIT = Path(__file__).parents[2] / "systemd" / "faxbridge.service"
HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
"""Of Debian's package linux-libc-dev."""

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_X86_64 = 0xC000003E


def settings(name: str) -> list[str]:
    """The words of every line of the unit that sets it."""
    lines = UNIT.read_text("ascii").splitlines()
    return [word for line in lines if line.startswith(f"{name}=") for word in line.partition("=")[2].split()]


def names(wanted: list[str]) -> set[str]:
    """The calls that these words stand for, groups taken apart."""
    found: set[str] = set()
    for word in wanted:
        found |= names(_group(word)) if word.startswith("@") else {word}
    return found


def _group(name: str) -> list[str]:
    told = subprocess.check_output(["systemd-analyze", "syscall-filter", name], text=True)
    return [line.strip() for line in told.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]


def program() -> bytes:
    """The filter."""
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text("ascii"))}
    allowed = {numbers[name] for name in names(settings("SystemCallFilter")) if name in numbers} - {numbers["socket"]}
    families = [int(getattr(socket, name)) for name in settings("RestrictAddressFamilies")]
    lines = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    for number in sorted(allowed):
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    lines += [(_EQUAL, 1, 0, numbers["socket"]), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 16)]
    for family in families:
        lines += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    lines.append((_RETURN, 0, 0, _KILL))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def main() -> None:
    """Take the filter on and become the program."""
    code = program()
    instructions = ctypes.create_string_buffer(code)
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((38, 1, 0, 0, 0), (22, 2, struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions)), 0, 0)):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), "prctl")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
