"""The order in which a mail reaches the disk, as the kernel saw it."""

import random
import re
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.support.processes import DELIVERED, SENDER, House, a_mail, a_pdf_mail

_CALL = re.compile(r"\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)")


@dataclass(frozen=True)
class Call:
    """One system call that has come back: its name and all that strace wrote of its arguments and result."""

    name: str
    rest: str


_WATCHED = "fsync,fdatasync,sync_file_range,rename,renameat,renameat2,mkdir,write,pwrite64,sendto,sendmsg,openat"


async def traced(house: House, mail: EmailMessage) -> tuple[str, str, list[Call]]:
    """One mail taken by a daemon under strace: the ids of its message and blob, and the calls."""
    trace = house.folder / "trace"
    house.configure()
    daemon = await house.start_daemon(
        *("strace", "-D", "-f", "-y", "-s", "4200", "-o", str(trace)),  # -D: what we signal is the daemon itself
        *("-e", f"trace={_WATCHED}"),
    )
    await daemon.event("poll.failed")  # no carrier: the daemon has nothing else to do
    message = await daemon.take(mail, DELIVERED, sender=SENDER)
    (blob,) = (row["id"] for row in house.rows("SELECT blob_id AS id FROM message WHERE id = ?", message))
    assert await daemon.stop() == 0
    calls = _calls(trace)
    assert not [call for call in calls if call.name.endswith("sync") and "= -1" in call.rest]
    return message, blob, calls


async def test_a_small_mail_is_synced_with_its_row_before_the_250(house: House) -> None:
    """A mail that lies in its row: the database's log is written with its bytes and synced, and then comes the 250."""
    subject = "Lab results of the third week"
    message, blob, calls = await traced(house, a_pdf_mail(DELIVERED, subject=subject))
    log = f"{house.database}-wal"
    ok = _first(calls, 0, "sendto|write|sendmsg", rf"250 2\.0\.0 Ok: {message}")
    logged = _first(calls, 0, "pwrite64", re.escape(f"<{log}>") + f".*{message}")
    mail = _first(calls, 0, "pwrite64", re.escape(f"<{log}>") + f".*{re.escape(subject)}")
    durable = _first(calls, max(logged, mail), "fsync|fdatasync", re.escape(f"<{log}>"))
    assert max(logged, mail) < durable < ok
    assert not [call for call in calls if blob in call.rest and call.name == "openat"], "it needs no file"


async def test_a_large_mail_is_synced_under_way_and_before_the_250(house: House) -> None:
    """A mail in a file: syncs as it comes, of the file, of its folder, of the database's log, and then the 250."""
    content = random.Random(6).randbytes(4_000_000)
    message, blob, calls = await traced(
        house, a_mail(DELIVERED, files=[("scan.bin", "application/octet-stream", content)])
    )
    blobs = house.folder / "store" / "blobs"
    home, log, file = blobs / blob[:2], f"{house.database}-wal", re.escape(f"<{blobs}/tmp/{blob}>")
    ok = _first(calls, 0, "sendto|write|sendmsg", rf"250 2\.0\.0 Ok: {message}")
    under_way = _first(calls, _first(calls, 0, "write", file), "fdatasync", file)
    went_on = _first(calls, under_way, "write", file)
    synced = _first(calls, went_on, "fsync", file)
    renamed = _first(calls, synced, "rename.*", re.escape(blob))
    folder = _first(calls, renamed, "fsync", re.escape(f"<{home}>"))
    logged = _first(calls, folder, "pwrite64", re.escape(f"<{log}>") + f".*{message}")
    durable = _first(calls, logged, "fsync|fdatasync", re.escape(f"<{log}>"))
    assert under_way < went_on < synced < renamed < folder < logged < durable < ok
    made = _first(calls, 0, "mkdir", re.escape(str(home)))
    parent = _first(calls, made, "fsync", re.escape(f"<{blobs}>"))
    assert made < parent < renamed, "the new folder's own entry is synced too"
    earlier = [call for call in calls[:folder] if call.name == "pwrite64" and message in call.rest]
    assert not earlier, "no row names a file that is not safe yet"
    assert not [call for call in calls[synced + 1 :] if call.name == "write" and re.search(file, call.rest)]


def _calls(trace: Path) -> list[Call]:
    """The calls in the order in which they came back: one that was interrupted in the log counts where it ended."""
    calls, begun = [], {}
    for line in trace.read_text(errors="replace").splitlines():
        pid, _, rest = line.partition(" ")
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest.strip()
            continue
        match = _CALL.fullmatch(line)
        if match:
            before = begun.pop(pid, "") if "resumed>" in line else ""
            calls.append(Call(match[1], before + match[2]))
    return calls


def _first(calls: list[Call], start: int, name: str, pattern: str) -> int:
    for at in range(start, len(calls)):
        if re.fullmatch(name, calls[at].name) and re.search(pattern, calls[at].rest):
            return at
    raise AssertionError(f"no {name} of {pattern} after call {start} of {len(calls)}")
