"""The child's work: fence itself in, read one file from standard input, leave a PDF and a report in its own folder.

It begins with its private folder as working directory and nothing else open. It writes ``report.json`` last: without
one it has died.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bridge.document import box, office
from bridge.document.covers import read_cover
from bridge.document.job import Job
from bridge.document.limits import Limits
from bridge.document.report import DISK_FULL, PDF, PICTURE, REPORT, WORDS, Report

if TYPE_CHECKING:
    import pikepdf

_PR_SET_PDEATHSIG = 1
_PICTURE_DPI = 100


def die_with_parent() -> None:
    """A daemon that is killed takes its children with it, and these theirs."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def fence(limits: Limits, program: str = "") -> None:
    """Bounds on memory, time and files, and the box: what a hostile document costs is this process.

    In the box no program may be started but that one, if any.
    """
    for kind, bound in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (bound, bound))
    box.close(Path.cwd(), program)


def run(job: Job) -> int:
    """Do the one task; the exit status."""
    try:
        fence(job.limits, job.office if job.task == "office" else "")
        warnings.simplefilter("ignore")
        report = _report(job)
        Path(REPORT).write_text(json.dumps(report.model_dump()), encoding="utf-8")
    except OSError as trouble:
        if trouble.errno in {errno.ENOSPC, errno.EDQUOT}:
            return DISK_FULL  # our trouble, not the document's
        raise
    return 0


def _report(job: Job) -> Report:
    with os.fdopen(0, "rb", closefd=False) as document:
        if job.task == "mail":
            return _mail(document, job)
        if job.task == "cover":
            return _cover(document, job)
        if job.task == "office":
            if job.options.pages != "original":
                office.spare_dots(Path.cwd())
            return Report(office=int(office.convert(job.office, Path.cwd(), job.at)))
        if job.task == "proof":
            return _proof(document, job)
        if job.task == "received":
            return _received(document, job.limits)
        return _picture(document)


def _mail(document: BinaryIO, job: Job) -> Report:
    from bridge.document import covertext, mime, pages, pieces  # noqa: PLC0415 - loaded behind the fence

    try:
        found = mime.read(document, job.limits, job.options.body)
    except pieces.TooComplex as error:
        return Report(failed=str(error))
    if job.converted:
        found = office.take_up(found, Path.cwd())
    elif job.office and (count := office.lay_down(found, Path.cwd())):
        return Report(office=count)
    text = "\n\n".join(
        covertext.read(piece, trim=job.options.trim) for piece in found if piece.role is pieces.Role.COVER
    )
    if len(text) > covertext.LONGEST:
        return Report(failed="the text of the mail is too long for a cover page; attach it as a file")
    pdf, report = pages.make_pdf(found, job.limits, job.options)
    return report if pdf is None else _saved(pdf, report.model_copy(update={"cover_text": text}), job.limits)


def _cover(document: BinaryIO, job: Job) -> Report:
    """A finished fax with its cover page before it."""
    from bridge.document import coverpage  # noqa: PLC0415 - loaded behind the fence

    cover = read_cover(Path(WORDS).read_text("utf-8"))
    pdf, report = coverpage.put_before(document.read(), cover, job.limits, job.options)
    return report if pdf is None else _saved(pdf, report, job.limits)


def _proof(document: BinaryIO, job: Job) -> Report:
    """A sheet, and the pages it is about."""
    from bridge.document import binding  # noqa: PLC0415 - loaded behind the fence

    pdf, report = binding.bind(document.read(), Path(WORDS).read_text("utf-8"))
    return report if pdf is None else _saved(pdf, report, job.limits)


def _received(document: BinaryIO, limits: Limits) -> Report:
    from bridge.document import pages  # noqa: PLC0415 - loaded behind the fence

    pdf, report = pages.check_received(document.read(), limits)
    return report if pdf is None else _saved(pdf, report, limits)


def _saved(pdf: "pikepdf.Pdf", report: Report, limits: Limits) -> Report:
    """The report of pages that are on disk; another one where they are too many bytes for that."""
    try:
        pdf.save(PDF)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return Report(failed=f"its pages take more than {limits.file_size // 1_000_000} MB; send it in several faxes")
    return report


def _picture(document: BinaryIO) -> Report:
    """Page 1 of a PDF as PNG."""
    import pypdfium2  # noqa: PLC0415 - loaded behind the fence

    pdf = pypdfium2.PdfDocument(document.read())
    pdf[0].render(scale=_PICTURE_DPI / 72).to_pil().convert("L").save(PICTURE)
    return Report(pages=len(pdf))
