"""The daemon's side: one child process a document, in a private folder, killed when its time is up."""

import asyncio
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from bridge.document import office
from bridge.document.converter import Converter
from bridge.document.covers import Cover, write_cover
from bridge.document.job import Job, Task
from bridge.document.limits import CORES, Limits
from bridge.document.options import DocumentOptions
from bridge.document.pieces import COVER_NAME, ON_THE_COVER
from bridge.document.places import Places
from bridge.document.report import DISK_FULL, NO_PROCESS, PDF, PICTURE, REPORT, WORDS, Report
from bridge.errors import OutOfSpace, Permanent, Unavailable
from bridge.fax.jobs import Part
from bridge.runtime.phrases import name_of_part, phrase

OFFICE = Limits(memory=4 * 1024**3, open_files=512)
"""What LibreOffice may cost, which reserves more memory than it uses."""

OFFICE_SECONDS = 300.0
"""After that no further document of the same mail is converted."""

COVER_WITH_TEXT = name_of_part("cover page, with the text of the mail")

_STOPPED = phrase("its pages could not be made (the converter stopped {how})")
NO_PAGES = phrase("without any pages")
WITH_STATUS = phrase("with status {status}")
NO_REPORT = phrase("without a report")
HALF_A_REPORT = phrase("with half a report")
TOO_COSTLY = phrase("its pages need too much memory; make them smaller or simpler, or send them in several faxes")
TOO_LONG = phrase("making its pages took too long; send fewer or simpler pages")
_LONGEST_REPORT = 2_000_000
_OUT_OF_MEMORY = {-signal.SIGABRT, -signal.SIGTRAP, -signal.SIGILL}
"""How a library ends its process where it is given no memory: it has no other way to say so."""


class DocumentUnusable(Permanent):
    """What was given cannot become fax pages; ``parts`` tells what became of each part."""

    def __init__(self, public: str, parts: tuple[Part, ...] = ()) -> None:
        super().__init__(public)
        self.parts = parts


class ConverterDied(DocumentUnusable):
    """The child ended without a verdict: it may be the document's doing, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Finished pages: ``path`` lasts as long as the context that gave it."""

    path: Path
    pages: int
    parts: tuple[Part, ...]
    cover_text: str = ""
    """What of the mail is to stand on a cover page."""


class Renderer:
    """Makes pages; ``workspace`` is the folder in which children get their private ones.

    Senders take turns at the places for what goes out; received faxes, and pictures and proofs of finished pages, have
    places of their own and never wait for a sender's document.
    """

    def __init__(
        self,
        workspace: Path,
        converter: Converter,
        limits: Limits | None = None,
        options: DocumentOptions | None = None,
    ) -> None:
        self._workspace = workspace
        self._converter = converter
        self._places = Places(CORES)
        self._own_places = asyncio.Semaphore(CORES)
        self._options = options or DocumentOptions()
        self._limits = limits or _limits(self._options)
        self._office = office.find_program()

    @asynccontextmanager
    async def from_mail(
        self, message: BinaryIO, options: DocumentOptions | None = None, sender: str = ""
    ) -> AsyncIterator[Rendered]:
        """A whole mail (an open file, read from where it stands) as one PDF; raises DocumentUnusable.

        ``options`` stand for those of the site; ``sender`` is whose turn it is.
        """
        place = self._places.place(sender)
        async with self._run("mail", message, options or self._options, place=place) as (folder, report):
            yield Rendered(folder / PDF, report.pages, _parts(report), report.cover_text)

    @asynccontextmanager
    async def with_cover(
        self, rendered: Rendered, cover: Cover, options: DocumentOptions | None = None, sender: str = ""
    ) -> AsyncIterator[Rendered]:
        """Finished pages with what one fax has of its own, and a part for its cover page; raises DocumentUnusable.

        ``options`` stand for those of the site; ``sender`` is whose turn it is.
        """
        options = options or self._options
        with rendered.path.open("rb", buffering=0) as pages:
            place = self._places.place(sender)
            async with self._run("cover", pages, options, write_cover(cover), place) as (folder, report):
                name = COVER_WITH_TEXT if rendered.cover_text else COVER_NAME
                others = (part for part in rendered.parts if part.left_out != ON_THE_COVER)
                page = Part(name, "text/html", report.pages - rendered.pages)
                yield Rendered(folder / PDF, report.pages, (*((page,) if page.pages else ()), *others))

    @asynccontextmanager
    async def from_received(self, file: BinaryIO) -> AsyncIterator[Rendered]:
        """A received PDF or TIFF, opened and counted, as PDF; raises DocumentUnusable."""
        async with self._run("received", file, self._options) as (folder, report):
            yield Rendered(folder / PDF, report.pages, ())

    @asynccontextmanager
    async def proof(self, pages: bytes, sheet: str) -> AsyncIterator[Rendered]:
        """A sheet (HTML) and the finished pages it is about, if any, as one PDF; raises DocumentUnusable."""
        with _file_of(pages) as source:
            async with self._run("proof", source, self._options, sheet) as (folder, report):
                yield Rendered(folder / PDF, report.pages, ())

    async def picture(self, pdf: bytes) -> bytes:
        """Page 1 of a PDF as PNG; raises DocumentUnusable."""
        with _file_of(pdf) as source:
            async with self._run("picture", source, self._options) as (folder, _):
                return (folder / PICTURE).read_bytes()

    @asynccontextmanager
    async def _run(
        self,
        task: Task,
        source: BinaryIO,
        options: DocumentOptions,
        words: str = "",
        place: AbstractAsyncContextManager[None] | None = None,
    ) -> AsyncIterator[tuple[Path, Report]]:
        folder = Path(tempfile.mkdtemp(prefix="pages-", dir=self._workspace))
        try:
            job = Job(task, str(folder), self._limits, options, self._office if task == "mail" else "")
            if words:
                (folder / WORDS).write_text(words, "utf-8")
            async with place or self._own_places:
                report = await self._report(job, source, folder)
            if report.failed is not None:
                raise DocumentUnusable(report.failed, _parts(report))
            if not report.pages or not _size(folder / (PICTURE if task == "picture" else PDF)):
                raise ConverterDied(_STOPPED.format(how=NO_PAGES))
            yield folder, report
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _report(self, job: Job, source: BinaryIO, folder: Path) -> Report:
        """Of the mail, or of the mail once its office documents are converted."""
        start = _place(source)
        if start is None:  # a pipe is read once, and no office document in it can be converted
            return await self._child(replace(job, office=""), source, folder)
        report = await self._child(job, source, folder)
        if not report.office:
            return report
        began = asyncio.get_running_loop().time()
        for at in range(report.office):
            if asyncio.get_running_loop().time() - began > OFFICE_SECONDS:
                break  # as where it cannot be converted
            try:
                await self._child(replace(job, task="office", at=at, limits=OFFICE), source, folder)
            except DocumentUnusable:
                continue  # the mail's own report will say that there is no PDF of it
        os.lseek(source.fileno(), start, os.SEEK_SET)
        return await self._child(replace(job, converted=True), source, folder)

    async def _child(self, job: Job, source: BinaryIO, folder: Path) -> Report:
        (folder / REPORT).unlink(missing_ok=True)
        return _read_report(folder, await self._converter.run(job, source, job.limits.wall_seconds))


def _place(source: BinaryIO) -> int | None:
    """Where an open file is to be read from; None for what has no places."""
    try:
        return os.lseek(source.fileno(), 0, os.SEEK_CUR)
    except OSError:
        return None


def _limits(options: DocumentOptions) -> Limits:
    allowed = Limits(pages=options.max_pages)
    return replace(allowed, archive_files=allowed.parts) if options.archives else allowed


def _read_report(folder: Path, status: int | None) -> Report:
    if status == DISK_FULL:
        raise OutOfSpace("no room on disk to make the pages; tried again later")
    if status == NO_PROCESS:
        raise Unavailable("no process could be had to make the pages; tried again later")
    if status is None:
        raise DocumentUnusable(TOO_LONG)
    if status in _OUT_OF_MEMORY:
        raise ConverterDied(TOO_COSTLY)
    if status != 0:
        raise ConverterDied(_STOPPED.format(how=WITH_STATUS.format(status=status)))
    if not 0 < _size(folder / REPORT) <= _LONGEST_REPORT:
        raise ConverterDied(_STOPPED.format(how=NO_REPORT))
    try:
        return Report.model_validate_json((folder / REPORT).read_bytes())
    except (OSError, ValidationError) as error:
        raise ConverterDied(_STOPPED.format(how=HALF_A_REPORT)) from error


def _size(path: Path) -> int:
    """Of a regular file, its size; 0 for whatever else the child may have put there. (It is dead by now.)"""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


@contextmanager
def _file_of(content: bytes) -> Iterator[BinaryIO]:
    """Bytes as a child reads them: a file without a name, in memory."""
    with os.fdopen(os.memfd_create("pages"), "w+b", buffering=0) as file:
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]
        file.seek(0)
        yield file


def _parts(report: Report) -> tuple[Part, ...]:
    return tuple(Part(part.name, part.type, part.pages, part.left_out) for part in report.parts)
