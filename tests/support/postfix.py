"""A real Postfix from Debian with a configuration, a queue and a log of its own, on a free loopback port."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_MASTER = """\
127.0.0.1:{port} inet n - n - 200 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def process_group(leader: int) -> list[int]:
    """The ids of all processes that were started in the group of ``leader``, and still run."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                state, _, their_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(their_group) == leader and state != "Z":
                    found.append(int(folder.name))
    return found


@dataclass(frozen=True, slots=True)
class Postfix:
    """A Postfix that runs. ``master`` is the id of its first process."""

    port: int
    master: int
    log_file: Path

    def processes(self) -> list[int]:
        """The ids of its processes, ``master`` among them: they share a process group."""
        return process_group(self.master)

    def log(self) -> str:
        """All it has logged so far."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@contextmanager
def a_postfix(folder: Path, *, extra_main: Mapping[str, str], transport: str) -> Iterator[Postfix]:
    """Postfix that takes mail from loopback clients for fax.local, and for no other domain.

    It hands all of it to ``transport``: ``discard``, or ``smtp:[127.0.0.1]:PORT``. ``extra_main`` adds parameters to
    main.cf or overrides them. Everything it writes is removed at the end. Needs root, or ``sudo`` without a password.
    """
    home = folder / "postfix"
    # Its own user must get at its data, and the folder of a test is closed to others; the names of its sockets may have
    # a hundred octets at most (unix(7)), and such folders have long names: so both are reached by a path of their own.
    reach = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        port = _free_port()
        _write(home, reach, port, {"relay_transport": transport, **extra_main})
        _as_root("chown", "-R", "root:root", str(home))
        _as_root("chown", "postfix", str(reach / "data"))
        try:
            _start(home)
            master = int(_as_root("cat", str(home / "spool" / "pid" / "master.pid")))
            yield Postfix(port, master, home / "log")
        finally:
            _as_root("postfix", "-c", str(home / "etc"), "stop", check=False)
    finally:
        _as_root("rm", "-rf", str(home), str(reach))


def _write(home: Path, reach: Path, port: int, extra: Mapping[str, str]) -> None:
    (home / "etc").mkdir(parents=True)
    (home / "spool").mkdir()
    reach.chmod(0o755)
    (reach / "data").mkdir()
    (reach / "spool").symlink_to(home / "spool")
    main = {
        "compatibility_level": "3.6",
        "queue_directory": str(reach / "spool"),
        "data_directory": str(reach / "data"),
        "command_directory": "/usr/sbin",
        "daemon_directory": "/usr/lib/postfix/sbin",
        "mail_owner": "postfix",
        "setgid_group": "postdrop",
        "maillog_file": str(home / "log"),
        "maillog_file_prefixes": str(home),
        "myhostname": "front.example.org",
        "mydestination": "",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "mynetworks": "127.0.0.0/8",
        "relay_domains": "fax.local",
        "alias_maps": "",
        "alias_database": "",
        "message_size_limit": "200000000",
        **extra,
    }
    (home / "etc" / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in main.items()))
    (home / "etc" / "master.cf").write_text(_MASTER.format(port=port))


def _start(home: Path) -> None:
    try:
        _as_root("postfix", "-c", str(home / "etc"), "start")
    except RuntimeError as error:  # off a terminal it complains to its log alone
        log = home / "log"
        raise RuntimeError(f"{error}{log.read_text() if log.exists() else 'nothing was logged'}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_root(*command: str, check: bool = True) -> str:
    """Run a command as root and return what it printed; RuntimeError with its complaint where it fails."""
    # Administrators' programs stand in folders that an ordinary user's PATH may lack.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    program = shutil.which(command[0], path=path) or command[0]
    done = subprocess.run(
        [*sudo, program, *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout
