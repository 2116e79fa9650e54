"""The child process: what it may do, what it is told, and that nothing of it is left, however it ends."""

import asyncio
import errno
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pikepdf
import pytest
from PIL import Image

from bridge.document import images, pages, warm
from bridge.document.converter import Converter
from bridge.document.job import STATUS, Job, write_job
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.pieces import Piece, Role
from bridge.document.renderer import TOO_COSTLY, DocumentUnusable, Renderer
from bridge.document.report import NO_PROCESS
from tests.support.document_samples import AS_IT_IS, a_converter, a_pdf, inside, mail, make, multipart, part, plain
from tests.support.pdf_samples import built

PATIENCE = 60.0


def a_picture(name: str) -> Piece:
    """What begins as a PNG does."""
    return Piece(name, "image/png", Kind.PICTURE, None, b"\x89PNG\r\n\x1a\n", Role.ATTACHMENT)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The folder in which children get theirs."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


PLANTED = """
import json, os, signal, socket, sys, time
from bridge.document import warm
OUT = {out!r}
def work(job):
    try:
        exec({program!r}, globals() | {{"job": job}})
    except SystemExit as end:
        return end.code
    return 0
with socket.socket(fileno=int(sys.argv[-1])) as control:
    warm.serve(control, work)
"""


@pytest.fixture
def instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Have children run this Python program; ``OUT`` in it is a folder outside the private one."""
    out = tmp_path / "out"
    out.mkdir()

    def plant(program: str) -> Path:
        script = tmp_path / "python"
        script.write_text(f"#!{sys.executable}\n{PLANTED.format(out=str(out), program=program)}")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        return out

    return plant


def open_mail(tmp_path: Path, content: bytes = b"") -> BinaryIO:
    """An open file with a mail."""
    path = tmp_path / "mail"
    path.write_bytes(content or mail(plain("x")))
    return path.open("rb", buffering=0)


def children_in(workspace: Path) -> list[int]:
    """Processes that have a folder of the workspace as theirs."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with suppress(OSError):
                if (each / "cwd").readlink().is_relative_to(workspace):
                    found.append(int(each.name))
    return found


def open_files(process: int) -> list[str]:
    """What a process has open."""
    found = []
    for each in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(each.readlink()))
    return sorted(found)


def variables(process: int) -> list[bytes]:
    """The environment a process was started with."""
    return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")


async def until(holds: Callable[[], object]) -> None:
    """Return as soon as it holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - processes and files have no event
            await asyncio.sleep(0.02)


async def fail(workspace: Path, source: BinaryIO, limits: Limits | None = None) -> str:
    """The words of a rendering that must fail."""
    with source, Converter() as converter, pytest.raises(DocumentUnusable) as raised:
        async with Renderer(workspace, converter, limits).from_mail(source):
            raise AssertionError("there are pages")
    return raised.value.public


async def test_the_real_child_is_fenced_in(workspace: Path) -> None:
    """While it waits for its mail, the child has no_new_privs, its bounds, a bare environment and nothing else open."""
    os.environ["FAXBRIDGE_IFAX__ACCESS_TOKEN"] = "very-secret"
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source, os.fdopen(writing, "wb", buffering=0) as pipe:
        job = asyncio.create_task(fail(workspace, source))
        try:
            await until(lambda: children_in(workspace))
            [child] = children_in(workspace)
            status = Path(f"/proc/{child}/status")
            await until(lambda: "NoNewPrivs:\t1" in status.read_text())
            await until(lambda: resource.prlimit(child, resource.RLIMIT_CORE) == (0, 0))
            limits = Limits()
            assert resource.prlimit(child, resource.RLIMIT_AS) == (limits.memory,) * 2
            assert resource.prlimit(child, resource.RLIMIT_CPU) == (limits.cpu_seconds,) * 2
            assert resource.prlimit(child, resource.RLIMIT_FSIZE) == (limits.file_size,) * 2
            assert resource.prlimit(child, resource.RLIMIT_NOFILE) == (limits.open_files,) * 2
            environment = variables(child)
            assert {line.split(b"=")[0] for line in environment if line} == {
                b"PATH",
                b"HOME",
                b"TMPDIR",
                b"XDG_CACHE_HOME",
                b"LANG",
                b"OPENBLAS_NUM_THREADS",
            }
            # it reads its modules at first, a file after the other
            await until(lambda: [each for each in open_files(child) if each[:5] != "pipe:"] == ["/dev/null"] * 2)
            assert os.getsid(child) == child
        finally:
            del os.environ["FAXBRIDGE_IFAX__ACCESS_TOKEN"]
            os.set_blocking(pipe.fileno(), False)
            with suppress(OSError):
                pipe.write(mail(b"\r\n"))
            pipe.close()
        assert "nothing that could be faxed" in await job
    assert children_in(workspace) == []
    assert inside(workspace) == []


async def test_the_child_is_given_no_secret(
    workspace: Path, tmp_path: Path, instead: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither environment nor arguments nor open files tell the child anything of ours."""
    monkeypatch.setenv("FAXBRIDGE_RELAY__PASSWORD", "very-secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/faxbridge")
    secret = (tmp_path / "secret").open("w+b")
    os.set_inheritable(secret.fileno(), True)
    out = instead(
        "with open(OUT + '/seen', 'w') as f:\n"
        "    json.dump({'env': dict(os.environ), 'argv': sys.argv[1:-1], 'cwd': os.getcwd(),"
        " 'job': [job.task, job.folder],"
        " 'fds': [os.readlink(f'/proc/self/fd/{n}') for n in range(3, 20) if os.path.exists(f'/proc/self/fd/{n}')]}, f)"
    )
    with secret:
        await fail(workspace, open_mail(tmp_path))
    seen = json.loads((out / "seen").read_text())
    assert not [name for name in seen["env"] if "FAXBRIDGE" in name or "CREDENTIALS" in name]
    assert "very-secret" not in json.dumps(seen)
    assert seen["argv"] == ["-I", "-m", "bridge.document.warm"]
    assert seen["job"] == ["mail", seen["cwd"]]
    assert Path(seen["cwd"]).parent == workspace
    assert seen["env"]["HOME"] == seen["env"]["TMPDIR"] == seen["cwd"]
    assert not [name for name in seen["fds"] if name.endswith(("/secret", "/mail"))]


async def test_a_child_that_hangs_is_ended(workspace: Path, tmp_path: Path, instead: Callable[[str], Path]) -> None:
    """When its time is up the child is gone, with the children of its own, and the folder too; the words say why."""
    out = instead(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    open(OUT + '/grandchild', 'w').write(str(os.getpid()))\n"
        "time.sleep(600)"
    )
    said = await fail(workspace, open_mail(tmp_path), Limits(wall_seconds=1.5))
    assert "took too long" in said
    assert inside(workspace) == []
    grandchild = int((out / "grandchild").read_text())
    await until(lambda: not alive(grandchild))


async def test_a_drawing_without_memory_is_called_too_large(
    workspace: Path, tmp_path: Path, instead: Callable[[str], Path]
) -> None:
    """The library that draws can only end its process where it is given none; the words say what it was about."""
    out = instead(
        "import resource, pypdfium2\n"
        "pdf = pypdfium2.PdfDocument(open(OUT + '/large.pdf', 'rb').read())\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000,) * 2)\n"
        "pdf[0].render()"
    )

    def build(pdf: pikepdf.Pdf) -> None:
        page = pdf.add_blank_page()
        page.obj.Contents = pdf.make_stream(b"0 0 m " + b"1 1 l 2 2 l 5 9 l " * 1_000_000 + b"f")

    (out / "large.pdf").write_bytes(built(build))
    assert await fail(workspace, open_mail(tmp_path), Limits()) == TOO_COSTLY
    assert inside(workspace) == []


def alive(process: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


async def test_a_cancelled_rendering_ends_its_child(
    workspace: Path, tmp_path: Path, instead: Callable[[str], Path]
) -> None:
    """When the daemon stops waiting, the child is killed and its folder removed."""
    out = instead(
        "open(OUT + '/new', 'w').write(str(os.getpid())); os.rename(OUT + '/new', OUT + '/pid'); time.sleep(600)"
    )

    async def run() -> None:
        with open_mail(tmp_path) as source, Converter() as converter:
            async with Renderer(workspace, converter).from_mail(source):
                raise AssertionError("there are pages")

    job = asyncio.create_task(run())
    await until((out / "pid").exists)
    child = int((out / "pid").read_text())
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert not alive(child)
    await until(lambda: not inside(workspace))


@pytest.mark.parametrize("moment", range(8))
async def test_a_rendering_cancelled_at_any_moment_leaves_nothing(moment: int, workspace: Path, tmp_path: Path) -> None:
    """A cancel while the child is being started, running or just done leaves neither process nor folder."""

    async def run() -> None:
        with open_mail(tmp_path, mail(part(a_pdf("x"), "application/pdf", "a.pdf"))) as source:
            async with Renderer(workspace, a_converter()).from_mail(source):
                await asyncio.sleep(600)

    job = asyncio.create_task(run())
    for _ in range(moment):
        await asyncio.sleep(0)
    if moment >= 6:
        await until(lambda: inside(workspace))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await until(lambda: not children_in(workspace) and not inside(workspace))


ENDS = {
    "at once": "",
    "with a status": "sys.exit(3)",
    "by a signal": "os.kill(os.getpid(), signal.SIGSEGV)",
    "with half a report": "open('report.json', 'w').write('{\"pages\": 1')",
    "with nonsense": "open('report.json', 'wb').write(b'\\xff\\xfe')",
    "with a strange report": "open('report.json', 'w').write('[1, 2]')",
    "with a field too many": "open('report.json', 'w').write('{\"pages\": 1, \"run\": \"rm\"}')",
    "with a negative count": "open('report.json', 'w').write('{\"pages\": -1}')",
    "with a name too long": "p = {'name': 'x' * 999, 'type': 'a', 'pages': 0}\n"
    "json.dump({'parts': [p]}, open('report.json', 'w'))",
    "with a report and no pages": "open('report.json', 'w').write('{\"pages\": 1}')",
    "with pages none were counted in": "open('out.pdf', 'w').write('x'); open('report.json', 'w').write('{}')",
    "with pages of no bytes": "open('out.pdf', 'w'); json.dump({'pages': 1}, open('report.json', 'w'))",
    "with a link for pages": "os.symlink('/etc/passwd', 'out.pdf'); json.dump({'pages': 1}, open('report.json', 'w'))",
    "with a pipe for a report": "os.mkfifo('report.json'); open('out.pdf', 'w').write('x')",
    "with a link for a report": "os.symlink('/dev/zero', 'report.json'); open('out.pdf', 'w').write('x')",
    "with a report without end": "open('report.json', 'w').write(' ' * 3_000_000 + '{\"pages\": 1}')",
    "with a bad end": "open('out.pdf', 'w'); json.dump({'pages': 1}, open('report.json', 'w')); sys.exit(1)",
}


@pytest.mark.parametrize("program", ENDS.values(), ids=ENDS.keys())
async def test_however_the_child_ends_the_daemon_says_so(
    program: str, workspace: Path, tmp_path: Path, instead: Callable[[str], Path]
) -> None:
    """A child that dies or lies is a document that cannot be faxed, in clean words, and leaves nothing."""
    instead(program)
    said = await fail(workspace, open_mail(tmp_path))
    assert said.isprintable()
    assert inside(workspace) == []


@pytest.mark.parametrize("folded", [200, 3_000])
async def test_a_mail_nested_without_end_fails_in_words(folded: int, workspace: Path) -> None:
    """Parts hundreds and thousands deep are a refusal that speaks of the nesting, whatever the parser made of them."""
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(folded))
    made = await make(workspace, b"Subject: x\r\n" + opening + b"\r\nx\r\n")
    assert "nested" in made.failed


async def test_a_hundred_and_one_parts_fail_in_words(workspace: Path) -> None:
    """Too many parts are a refusal that says how many are allowed."""
    made = await make(workspace, mail(multipart("mixed", *[plain(str(number)) for number in range(101)])))
    assert "more than 100 parts" in made.failed


async def test_one_warm_process_serves_many_and_starts_anew(workspace: Path, tmp_path: Path) -> None:
    """Each document has a child of its own; killed, the warm process is started again for the next document."""
    others = warm_processes()
    with Converter() as converter:
        for _ in range(3):
            with open_mail(tmp_path) as source:
                async with Renderer(workspace, converter).from_mail(source) as made:
                    assert made.pages == 1
        [warm] = warm_processes() - others
        assert threads(warm) == 1, "a fork would lose the others"
        os.kill(warm, signal.SIGKILL)
        await until(lambda: not alive(warm))
        with open_mail(tmp_path) as source:
            async with Renderer(workspace, converter).from_mail(source) as made:
                assert made.pages == 1
        [another] = warm_processes() - others
        assert another != warm
    assert not alive(another)


def test_where_no_process_is_to_be_had_nobody_is_blamed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The asker is told so at once, the warm process goes on, and no descriptor is left open."""

    def none_left() -> int:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", none_left)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    asking, answered = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, asking, answered, open_mail(tmp_path) as source:
        before = len(list(Path("/proc/self/fd").iterdir()))
        socket.send_fds(ours, [write_job(Job("mail", "/nowhere"))], [source.fileno(), answered.fileno()])
        assert warm._take(theirs, lambda _: 0) is None
        assert STATUS.unpack(asking.recv(4)) == (NO_PROCESS,)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_a_child_dies_with_the_warm_process(
    workspace: Path, tmp_path: Path, instead: Callable[[str], Path]
) -> None:
    """When that is killed the document is told of as one whose converter died, and nothing runs on."""
    out = instead(
        "open(OUT + '/new', 'w').write(f'{os.getpid()} {os.getppid()}'); os.rename(OUT + '/new', OUT + '/pids')\n"
        "time.sleep(600)"
    )
    job = asyncio.create_task(fail(workspace, open_mail(tmp_path)))
    await until((out / "pids").exists)
    child, warm = map(int, (out / "pids").read_text().split())
    os.kill(warm, signal.SIGKILL)
    assert "the converter stopped" in await job
    await until(lambda: not alive(child))


def threads(process: int) -> int:
    """How many it has."""
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def warm_processes() -> set[int]:
    """Those that this process has started."""
    found = set()
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with suppress(OSError):
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and b"bridge.document.warm" in (each / "cmdline").read_bytes():
                    found.add(int(each.name))
    return found


def in_the_child(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a few lines behind the child's own fence."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"from bridge.document import child\nfrom bridge.document.limits import Limits\n{program}",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_memory_has_a_bound(tmp_path: Path) -> None:
    """Behind the fence a gigabyte more than allowed cannot be had."""
    done = in_the_child(
        "child.fence(Limits(memory=500_000_000))\n"
        "try:\n    bytearray(1_000_000_000)\nexcept MemoryError:\n    print('none')",
        tmp_path,
    )
    assert done.stdout == "none\n"


def test_time_has_a_bound(tmp_path: Path) -> None:
    """Behind the fence a busy loop is ended by the system."""
    done = in_the_child("child.fence(Limits(cpu_seconds=1))\nwhile True: pass", tmp_path)
    assert done.returncode < 0


def test_files_have_a_bound(tmp_path: Path) -> None:
    """Behind the fence no file grows over its bound."""
    in_the_child("child.fence(Limits(file_size=100_000))\nopen('big', 'wb').write(b'x' * 1_000_000)", tmp_path)
    assert (tmp_path / "big").stat().st_size <= 100_000


def test_privileges_do_not_come_back(tmp_path: Path) -> None:
    """Behind the fence no_new_privs is set, and a filter of system calls is on."""
    done = in_the_child("child.fence(Limits())\nprint(open('/proc/self/status').read())", tmp_path)
    status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


async def test_a_part_too_large_for_the_memory_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a part needs more memory than there is, the notice names the part."""

    def starve(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(images, "frames", starve)
    pdf, report = pages.make_pdf([a_picture("big.png")], Limits())
    assert pdf is None
    assert (report.failed or "").startswith("big.png: ")


@pytest.mark.parametrize("trouble", [KeyError("x"), RecursionError(), OSError(5, "x"), AssertionError()], ids=repr)
def test_whatever_a_part_sets_off_is_told_of_that_part(trouble: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error nobody thought of is a line for its part, the other parts keep theirs, and the mail fails by name."""

    def stumble(*_: object) -> int:
        raise trouble

    monkeypatch.setattr(images, "frames", stumble)
    good = Piece("good.pdf", "application/pdf", Kind.PDF, None, a_pdf("x"), Role.ATTACHMENT)
    odd = a_picture("odd.png")
    pdf, report = pages.make_pdf([good, odd, good], Limits())
    assert pdf is None
    assert (report.failed or "").startswith(f"odd.png: cannot be made into pages ({type(trouble).__name__})")
    assert [part.left_out == pages.NOT_ALONE for part in report.parts] == [True, False, True]


def test_a_full_disk_is_not_the_parts_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """No room on disk ends the child, so that the mail is tried again, and never becomes a refusal."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(images, "frames", full)
    with pytest.raises(OSError, match="No space left"):
        pages.make_pdf([a_picture("a.png")], Limits())


async def test_pages_of_too_many_bytes_are_refused_in_words(workspace: Path) -> None:
    """Where the finished pages are larger than a file may be, the words say so."""
    picture = io.BytesIO()
    Image.effect_noise((2_000, 2_000), 90).save(picture, "JPEG", quality=95)
    message = mail(part(picture.getvalue(), "image/jpeg", "noise.jpg"))
    assert "more than 1 MB" in (await make(workspace, message, Limits(file_size=1_000_000), AS_IT_IS)).failed


async def test_renderings_at_once_do_not_meet(workspace: Path) -> None:
    """Four mails at a time each get their own pages."""
    mails = [mail(part(a_pdf(f"mail {number}"), "application/pdf", "a.pdf")) for number in range(4)]
    made = await asyncio.gather(*[make(workspace, each) for each in mails])
    assert [each.words() for each in made] == [[f"mail {number}"] for number in range(4)]
    assert inside(workspace) == []


async def test_the_pages_last_as_long_as_their_context(workspace: Path, tmp_path: Path) -> None:
    """Inside the context the PDF is there, after it the private folder is gone, also when the user of it fails."""
    message = mail(part(a_pdf("x"), "application/pdf", "a.pdf"))
    with open_mail(tmp_path, message) as source, pytest.raises(KeyError, match="%PDF-"):
        async with Renderer(workspace, a_converter()).from_mail(source) as made:
            raise KeyError(made.path.read_bytes()[:5])
    assert inside(workspace) == []


async def test_a_mail_is_read_from_where_the_file_stands(workspace: Path, tmp_path: Path) -> None:
    """The blob's own header before the mail is not part of it."""
    with open_mail(tmp_path, b"FAXB\x01\0\0\0" + mail(part(a_pdf("x"), "application/pdf", "a.pdf"))) as source:
        source.read(8)
        async with Renderer(workspace, a_converter()).from_mail(source) as made:
            assert [each.name for each in made.parts] == ["a.pdf"]
