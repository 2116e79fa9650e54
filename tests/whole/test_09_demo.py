"""The demo is the first thing anybody runs, so it is run here as they run it."""

import asyncio
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pikepdf

PATIENCE = 100


async def _demo(folder: Path) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge.cli",
        "demo",
        "--once",
        "--folder",
        str(folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_demo_shows_both_ways(tmp_path: Path) -> None:
    """`demo --once` goes through every state both ways, names the files it leaves, and they are what it says."""
    folder = tmp_path / "shown"
    status, out, err = await _demo(folder)
    assert (status, err) == (0, "")
    for step in ("250 2.0.0 Ok", "accepted", "ready", "sending", "delivered", "webhook announced"):
        assert step in out, step
    with pikepdf.open(folder / "fax-as-the-carrier-got-it.pdf") as pdf:
        assert len(pdf.pages) == 2
    with pikepdf.open(folder / "received-fax.pdf") as pdf:
        assert len(pdf.pages) == 2
    assert (folder / "fax-as-the-carrier-got-it.png").read_bytes().startswith(b"\x89PNG")
    events = {
        message_from_bytes(path.read_bytes(), policy=default)["X-Fax-Event"] for path in folder.glob("mail-*.eml")
    }
    assert events == {"delivered", "received"}
    for path in folder.glob("*.p*"):
        assert str(path) in out, path


async def test_a_demo_that_cannot_begin(tmp_path: Path) -> None:
    """Where its folder cannot be made the demo ends with status 1 and one line that says why."""
    taken = tmp_path / "a-file"
    taken.write_text("in the way", encoding="utf-8")
    status, _, err = await _demo(taken)
    assert status == 1
    assert err.count("\n") == 1
    assert str(taken) in err
