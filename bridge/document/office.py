"""Office documents, converted by LibreOffice where it is installed. In a child of its own, where programs may run.

The child that reads the mail may start nothing. So it lays office documents down as files of its folder, and ends;
another child has one converted, in a box that lets programs run but reaches nobody; then the mail is read once more,
with the PDFs beside it. What a hostile document makes of LibreOffice is a bad PDF, opened like any stranger's.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from bridge.document.kinds import Kind
from bridge.document.paper import DOTS
from bridge.document.pieces import Piece, Role
from bridge.runtime.phrases import phrase

PROGRAMS = (
    *("/usr/lib/libreoffice/program/soffice.bin", "/usr/lib64/libreoffice/program/soffice.bin"),
    *("/opt/libreoffice/program/soffice.bin", "/usr/local/lib/libreoffice/program/soffice.bin"),
)
"""Where distributions have it; the script on the PATH starts more processes than are needed here."""

NOT_CONVERTED = phrase(
    "LibreOffice could not convert it; it may be damaged or protected: open it, and attach it as PDF"
)

_AGAIN = 81
"""LibreOffice's exit status when it has laid out a new profile, and wants to be started again."""

_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Filter/PDF/Export">
<prop oor:name="ReduceImageResolution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="MaxImageResolution" oor:op="fuse"><value>{dots}</value></prop></item></oor:items>
"""
"""What differs from LibreOffice's defaults; it has pictures of 300 dots an inch."""

_NAMED = {".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odp", ".dot", ".dotx", ".odg"}


def find_program() -> str:
    """LibreOffice's program; empty where it is not installed."""
    return next((path for path in PROGRAMS if os.access(path, os.X_OK)), "")


def lay_down(found: list[Piece], folder: Path) -> int:
    """Write each office document of a mail into the folder; how many there are."""
    documents = [piece for piece in found if _is_to_be_converted(piece)]
    for at, piece in enumerate(documents):
        (folder / _source(at)).mkdir()
        ending = Path(piece.name).suffix.lower()
        (folder / _source(at) / f"document{ending if ending in _NAMED else ''}").write_bytes(piece.content)
    return len(documents)


def take_up(found: list[Piece], folder: Path) -> list[Piece]:
    """The pieces with what became of the office documents: PDFs, or unusable."""
    at = -1
    pieces = []
    for piece in found:
        if not _is_to_be_converted(piece):
            pieces.append(piece)
            continue
        at += 1
        made = folder / _made(at) / "document.pdf"
        if made.is_file() and not made.is_symlink():
            pieces.append(replace(piece, kind=Kind.PDF, content=made.read_bytes()))
        else:
            pieces.append(replace(piece, role=Role.UNUSABLE, reason=NOT_CONVERTED))
    return pieces


def spare_dots(folder: Path) -> None:
    """Have pictures come no finer than a fax line is, which saves LibreOffice, and whoever draws them, a tenth."""
    settings = folder / "profile" / "user" / "registrymodifications.xcu"
    if not settings.parent.exists():
        settings.parent.mkdir(parents=True)
        settings.write_text(_PROFILE.format(dots=DOTS[0]), encoding="utf-8")


def convert(program: str, folder: Path, at: int) -> bool:
    """Have LibreOffice make a PDF of the document laid down at that place; whether there is one."""
    (source,) = (folder / _source(at)).iterdir()
    command = [
        program,
        f"-env:UserInstallation=file://{folder}/profile",
        *("--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck"),
        *("--convert-to", "pdf", "--outdir", str(folder / _made(at)), str(source)),
    ]
    with Path(os.devnull).open("rb") as nothing:
        for _ in range(2):
            done = subprocess.run(command, check=False, stdin=nothing)  # noqa: S603 - its outputs lead nowhere as ours do
            if done.returncode != _AGAIN:
                break
    return (folder / _made(at) / "document.pdf").is_file()


def _is_to_be_converted(piece: Piece) -> bool:
    """The text of a winmail.dat may be rich text; it is one where the mail has no other form of it."""
    return piece.kind is Kind.OFFICE and piece.role in {Role.ATTACHMENT, Role.BODY}


def _source(at: int) -> str:
    return f"office-{at}"


def _made(at: int) -> str:
    return f"office-{at}-pdf"
