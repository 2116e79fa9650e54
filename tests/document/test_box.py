"""The box around the child: what a hostile file that took it over would try, tried."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bridge.document import box, calls

NOTHING = "nothing was stopped"
HEADERS = Path("/usr/include")
"""Of Debian's package linux-libc-dev."""

LIBC = "import ctypes, os; c = ctypes.CDLL(None)"

TRIES: dict[str, str] = {
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "a datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "a local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "a pair of sockets": "import socket; socket.socketpair()",
    "a program": "import os; os.execv('/bin/true', ['true'])",
    "a program by fork": "import subprocess; subprocess.run(['/bin/true'], check=True)",
    "a signal to its parent": "import os, signal; os.kill(os.getppid(), signal.SIGTERM)",
    "the list of users": "open('/etc/passwd').read()",
    "a file beside its folder": "open('../secret').read()",
    "the folder beside its own": "import os; os.listdir('..')",
    "another's command line": "import os; open(f'/proc/{os.getppid()}/cmdline').read()",
    "another's environment": "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "a write beside its folder": "open('../planted', 'w')",
    "a write to /tmp": "open('/tmp/faxbridge-planted', 'w')",
    "a write into the programs": "import sys; open(sys.prefix + '/planted', 'w')",
    "a link to elsewhere": "import os; os.symlink('/etc/passwd', 'mine'); open('mine').read()",
    "a name space": "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "a session of its own": "import os; os.setsid()",
    "a group of its own": "import os; os.setpgid(0, 0)",
    "a signal to a thread of its parent": f"{LIBC}; p = os.getppid(); assert c.syscall(234, p, p, 0) == 0",
    "a signal with words": f"{LIBC}; assert c.syscall(129, os.getppid(), 0, bytes(8) + b'\\xff' * 4 + bytes(116)) == 0",
    "a limit for its parent": "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (9999, 9999))",
    "its parent's place in the queue": "import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "its parent's cores": "import os; os.sched_setaffinity(os.getppid(), {0})",
    "shared memory": f"{LIBC}; assert c.shmget(0, 4096, 0o1600) != -1",
    "a queue of messages": f"{LIBC}; assert c.msgget(0, 0o1600) != -1",
    "another process's memory": "import ctypes; assert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
}


def behind_it(program: str, folder: Path, *, before: str = "") -> "subprocess.CompletedProcess[str]":
    """What these lines do in a process that has shut itself in; ``before`` is done first."""
    imports = "from pathlib import Path\nfrom bridge.document import box"
    return run("\n".join([imports, before, "box.close(Path.cwd())", program, f"print('{NOTHING}')"]), folder)


def run(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What these lines do."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """The child's folder, with a secret of ours beside it."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "private"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("attempt", TRIES.values(), ids=TRIES.keys())
def test_the_box_holds(attempt: str, private: Path) -> None:
    """Each attempt fails, for want of permission and for no other reason, and leaves nothing behind."""
    done = behind_it(attempt, private)
    assert NOTHING not in done.stdout
    assert "PermissionError" in done.stderr or "AssertionError" in done.stderr
    assert sorted(each.name for each in private.parent.iterdir()) == ["private", "secret"]


def test_without_it_the_same_attempts_do_something(private: Path) -> None:
    """So that the test above cannot pass because an attempt is broken."""
    harmless = (
        *("a program by fork", "the list of users", "a file beside its folder", "another's command line"),
        *("a signal to a thread of its parent", "a signal with words", "a limit for its parent", "shared memory"),
        "a queue of messages",
    )
    for attempt in harmless:
        assert run(f"{TRIES[attempt]}\nprint('{NOTHING}')", private).stdout.strip() == NOTHING, attempt


def test_what_pages_need_is_still_there(private: Path) -> None:
    """Files of its own, the fonts, random numbers, a thread: all as ever."""
    done = behind_it(
        "import os, threading\nopen('mine', 'w').write('x')\nos.rename('mine', 'other')\nos.remove('other')\n"
        "assert os.listdir('/usr/share/fonts')\nos.urandom(8)\n"
        "import resource\nassert resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "thread = threading.Thread(target=int)\nthread.start()\nthread.join()",
        private,
    )
    assert (done.stdout.strip(), done.stderr) == (NOTHING, "")


@pytest.mark.parametrize(
    ("machine", "header"),
    [("x86_64", "x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "asm-generic/unistd.h")],
)
def test_the_numbers_are_the_kernels(machine: str, header: str) -> None:
    """Each call has the number that Linux's own header has for that machine, or none if that has none."""
    text = (HEADERS / header).read_text("ascii")
    known = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", text)}
    numbers = calls.numbers(machine)
    for name in (*calls.REFUSED, *calls.LIMITED):
        assert numbers.get(name) == known.get(name), name


def test_an_ordinary_user_has_it_too() -> None:
    """No privilege is needed to be shut in: it is given up first, and the box holds and its folder is there."""
    give_up = "os.setgroups([]), os.setresgid(*[65534] * 3), os.setresuid(*[65534] * 3)"
    drop = f"import os\nos.geteuid() or ({give_up})"
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        for attempt in ("a connection", "a program", "the list of users"):
            done = behind_it(TRIES[attempt], Path(folder), before=drop)
            assert "PermissionError" in done.stderr
        assert behind_it("open('mine', 'w').write('x')", Path(folder), before=drop).stdout.strip() == NOTHING


def test_this_kernel_has_landlock() -> None:
    """Else the tests above would not show what they say."""
    assert box.landlock_version() > 0


def test_a_kernel_without_landlock_still_has_the_filter(private: Path) -> None:
    """Then files are guarded by their owners alone, but nothing is reached and nothing started."""
    without = "box.landlock_version = lambda: 0"
    assert "PermissionError" in behind_it(TRIES["a connection"], private, before=without).stderr
    assert "PermissionError" in behind_it(TRIES["a program"], private, before=without).stderr
    assert behind_it(TRIES["the list of users"], private, before=without).stdout.strip() == NOTHING
