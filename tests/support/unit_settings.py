"""Configurations for tests: the least that is good, and pieces laid over it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.settings import BadConfiguration, Loaded, load

GOOD = """\
[ifax]
access_token = "key"
[relay]
admin = "operator@example.org"
[receiving]
recipients = ["fallback@example.org"]
"""
"""The three things that must be set, one section each."""

NEEDED = {
    "FAXBRIDGE_IFAX__ACCESS_TOKEN": "key",
    "FAXBRIDGE_RELAY__ADMIN": "operator@example.org",
    "FAXBRIDGE_RECEIVING__RECIPIENTS": "fallback@example.org",
}
"""The same from the environment, for tests whose file is about something else."""


HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""The shape of a password's hash, of no password anybody knows."""


def a_certificate(folder: Path, name: str = "fax", *, bits: int = 2048, passphrase: str = "") -> tuple[Path, Path]:
    """A certificate of its own making and its key, both PEM files; the key locked where there is a passphrase."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    lock = ["-passout", f"pass:{passphrase}"] if passphrase else ["-noenc"]
    make = ["openssl", "req", "-x509", "-newkey", f"rsa:{bits}", *lock, "-subj", "/CN=fax.local", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *files], check=True, capture_output=True, timeout=60)
    return certificate, key


@contextmanager
def shut_out(folder: Path) -> Iterator[None]:
    """Nobody in particular, before a folder that lets nobody in."""
    folder.chmod(0)
    owner = os.geteuid()
    if owner == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(owner)
        folder.chmod(0o700)


def given(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "faxbridge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str, **environment: str) -> Loaded:
    """The configuration of a file with this text and these variables, what must be set being set."""
    return load(given(folder, text), {**NEEDED, **environment})


def problems(folder: Path, text: str, **environment: str) -> list[str]:
    """What is wrong with it, as the operator reads it, the file's folder cut off; empty if it is good."""
    try:
        read(folder, text, **environment)
    except BadConfiguration as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
