"""The walls around the child: a seccomp filter and Landlock. What a hostile file can do there is make bad pages.

Both hold for an ordinary user as for root, and are never taken down again. Numbers are those of Linux's own headers.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.document import calls

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_FILTER = 2

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
_OTHER_NUMBERING = 0x40000000
"""Calls of the x32 kind, which would slip past the numbers below."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ = 1 << 2 | 1 << 3
_ALL = (1 << 13) - 1
_SINCE = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Rights over files that later versions of Landlock know: to link across folders, to cut off, to talk to devices."""
_NETWORK_SINCE, _SCOPE_SINCE = 4, 6
_TO_A_FILE = 1 | 1 << 1 | 1 << 2
_EXECUTE = 1
_REMOVE_FILE, _MAKE_SOCKET = 1 << 5, 1 << 9

_OF_PROGRAMS = ("execve", "execveat", "socket", "bind", "listen", "accept", "accept4")
"""Calls that a box in which a program runs cannot refuse; to connect is refused there too."""
_AF_UNIX = 1
_LOADERS = tuple(map(Path, ("/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu")))
"""Where what starts programs lies."""

_SYSTEM = (
    *("/etc/libreoffice", "/var/lib/libreoffice", "/var/spool/libreoffice"),
    *("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types"),
    *("/var/cache/fontconfig", "/dev/null", "/dev/zero", "/dev/urandom", "/proc/self", "/proc/cpuinfo"),
)
"""Programs, fonts and their settings; nothing of ours, nobody's home."""


def close(folder: Path, program: str = "") -> int:
    """Shut this process in: it reads the system's programs and fonts, writes to ``folder``, and reaches nobody.

    ``program``, if any, may be started there, with what lies beside it; and it may listen, though to nobody.

    Returns the version of Landlock that holds, 0 where the kernel has none (files are then guarded by their owners
    alone). Raises OSError where the rest cannot be had.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
    version = landlock_version()
    if version:
        _restrict_files(libc, version, folder, program)
    _refuse_calls(libc, () if not program else _OF_PROGRAMS)
    return version


def landlock_version() -> int:
    """What the kernel offers; 0 if nothing, be it too old, told not to, or kept from us by a filter above."""
    version: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, 0, 1)
    return max(version, 0)


def _restrict_files(libc: ctypes.CDLL, version: int, folder: Path, program: str) -> None:
    rights = _ALL | sum(right for since, right in _SINCE.items() if version >= since)
    attributes = struct.pack("<QQQ", rights, 3 if version >= _NETWORK_SINCE else 0, 3 if version >= _SCOPE_SINCE else 0)
    known = 8 if version < _NETWORK_SINCE else 16 if version < _SCOPE_SINCE else 24
    ruleset = _checked(libc.syscall(_CREATE, attributes[:known], known, 0), "landlock_create_ruleset")
    readable = {*_SYSTEM, sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path)}
    try:
        for path in sorted(readable):
            if Path(path).exists():
                _allow(libc, ruleset, Path(path), _READ)
        _allow(libc, ruleset, folder, rights & ~_EXECUTE)
        if program:
            for place in (Path(program).parent, *filter(Path.exists, _LOADERS)):
                _allow(libc, ruleset, place, _READ | _EXECUTE)
            _allow(libc, ruleset, Path("/tmp"), _MAKE_SOCKET | _REMOVE_FILE)  # noqa: S108 - where it insists on one
        _checked(libc.syscall(_RESTRICT, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    """These rights to what lies beneath."""
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            rights &= _TO_A_FILE
        _checked(libc.syscall(_ADD, ruleset, 1, struct.pack("<Qi", rights, opened), 0), "landlock_add_rule")
    finally:
        os.close(opened)


def _refuse_calls(libc: ctypes.CDLL, allowed: Iterable[str]) -> None:
    machine = platform.machine()
    if machine not in calls.MACHINES:
        raise OSError(errno.ENOSYS, f"no seccomp filter is written for {machine}")
    numbers = calls.numbers(machine)
    first = {numbers[name]: 0 for name in calls.LIMITED}
    if allowed:
        first[numbers["socket"]] = _AF_UNIX
    refused = [number for name, number in numbers.items() if name not in {*allowed, *calls.LIMITED}]
    code = _program(calls.AUDIT[machine], refused, first)
    instructions = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    _checked(libc.prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0), "prctl(PR_SET_SECCOMP)")


def _program(audit: int, refused: Iterable[int], first: Mapping[int, int]) -> bytes:
    """The filter: another architecture dies, these calls get EPERM, all others pass.

    ``first``: calls that pass only with that as their first argument.
    """
    numbers = sorted(refused)
    lines = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    for call, argument in first.items():
        lines += [(_EQUAL, 0, 4, call), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, argument), (_RETURN, 0, 0, _REFUSE)]
        lines.append((_RETURN, 0, 0, _ALLOW))
    lines.append((_AT_LEAST, len(numbers) + 1, 0, _OTHER_NUMBERING))
    lines += [(_EQUAL, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _checked(result: int, call: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), call)
    return result
