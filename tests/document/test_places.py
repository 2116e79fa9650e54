"""The places of the converter go round the senders, and what takes minutes holds up nobody but its sender."""

import asyncio
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pikepdf

from bridge.document.limits import CORES, Limits
from bridge.document.places import Places
from bridge.document.renderer import DocumentUnusable, Renderer
from tests.support.document_samples import a_converter, a_pdf, mail, part

LONG = 1000.0


class Work:
    """Documents of senders, named by number; who began, in order. One ends when it is told to."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.begun: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}

    async def add(self, *names: str) -> None:
        """Have these wait for a place; their first letter is their sender."""
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._run(name))
            await asyncio.sleep(0)
        await settled()

    async def end(self, *names: str) -> None:
        """Have these give up their places."""
        for name in names:
            self.ends[name].set()
            await self.tasks[name]
        await settled()

    async def _run(self, name: str) -> None:
        async with self.places.place(name[0]):
            self.begun.append(name)
            await self.ends[name].wait()


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - of what is looked at nobody tells
            await asyncio.sleep(0.01)


async def test_whoever_has_one_document_waits_for_one_of_each_other() -> None:
    """A hundred of one sender's stand before it in time, and one of them at most in turn."""
    work = Work(Places(1, LONG))
    await work.add("a1", "a2", "a3", "b1", "c1", "a4")
    for name in ("a1", "a2", "b1", "c1", "a3"):
        await work.end(name)
    assert work.begun == ["a1", "a2", "b1", "c1", "a3", "a4"]
    await work.end("a4")


async def test_a_sender_alone_has_all_places() -> None:
    """Nothing is kept free for nobody."""
    work = Work(Places(3, LONG))
    await work.add("a1", "a2", "a3", "a4")
    assert work.begun == ["a1", "a2", "a3"]
    await work.end("a1", "a2", "a3", "a4")


async def test_what_takes_long_leaves_its_place_and_its_sender_begins_no_other() -> None:
    """Two that never end hold up only the rest of their sender's."""
    work = Work(Places(2, 0.01))
    await work.add("a1", "a2", "a3")
    await until(lambda: sum(turn.beside for turn in work.places._in_hand) == 2)
    await work.add("b1", "c1")
    assert work.begun == ["a1", "a2", "b1", "c1"]
    await work.end("b1", "a1")
    assert "a3" not in work.begun
    await work.end("a2")
    assert work.begun[-1] == "a3"
    await work.end("c1", "a3")


async def test_beside_there_is_room_for_so_many_and_no_more() -> None:
    """Else memory were nobody's bound."""
    work = Work(Places(1, 0.01))
    await work.add("a1", "b1", "c1")
    await until(lambda: len(work.begun) == 2)
    await asyncio.sleep(0.1)
    assert work.begun == ["a1", "b1"]
    await work.end("a1")
    await until(lambda: len(work.begun) == 3)
    await work.end("b1", "c1")


async def test_one_that_is_given_up_leaves_its_place_in_the_queue_and_on_the_line() -> None:
    """A daemon that stops, or a lease that is lost, cancels what waits and what runs."""
    work = Work(Places(1, LONG))
    await work.add("a1", "b1", "c1")
    for name in ("b1", "a1"):
        work.tasks[name].cancel()
        await asyncio.gather(work.tasks[name], return_exceptions=True)
    await settled()
    assert work.begun == ["a1", "c1"]
    await work.end("c1")
    assert not work.places._waiting
    assert not work.places._in_hand


def endless() -> bytes:
    """A small PDF whose one page takes minutes to draw: a shade that is worked out dot by dot, over and over."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        function = pdf.make_stream(
            b"{ " + b"2 copy mul sin add cos exch 2 copy mul cos add sin exch " * 400 + b"pop abs dup dup }",
            FunctionType=4,
            Domain=[0, 1, 0, 1],
            Range=[0, 1, 0, 1, 0, 1],
        )
        shading = pikepdf.Dictionary(
            ShadingType=1,
            ColorSpace=pikepdf.Name.DeviceRGB,
            Domain=[0, 1, 0, 1],
            Matrix=[612, 0, 0, 792, 0, 0],
            Function=pdf.make_indirect(function),
        )
        page = pdf.add_blank_page(page_size=(612, 792))
        page.obj.Resources = pikepdf.Dictionary(Shading=pikepdf.Dictionary(S=pdf.make_indirect(shading)))
        page.obj.Contents = pdf.make_stream(b"/S sh\n" * 500)
        pdf.save(out)
    return out.getvalue()


async def test_files_that_compute_for_minutes_do_not_hold_up_the_others(tmp_path: Path) -> None:
    """One sender's, in real children and at all places: another's mail and a received fax are done before them."""
    renderer = Renderer(tmp_path, a_converter(), Limits(cpu_seconds=600, wall_seconds=600.0))
    renderer._places = Places(CORES, 0.2)
    order: list[str] = []

    async def faxed(name: str, content: bytes, sender: str) -> None:
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(mail(part(content, "application/pdf", "a.pdf")))
            file.seek(0)
            try:
                async with renderer.from_mail(file, sender=sender):
                    order.append(name)
            except DocumentUnusable:
                order.append(name)

    slow = [asyncio.create_task(faxed("slow", endless(), "a@example.org")) for _ in range(CORES)]
    try:
        await asyncio.sleep(0)
        await faxed("quick", a_pdf("quick"), "b@example.org")
        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(a_pdf("received"))
            file.seek(0)
            async with renderer.from_received(file):
                order.append("received")
        assert order == ["quick", "received"]
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
