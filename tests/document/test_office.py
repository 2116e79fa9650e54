"""Office documents become pages through a real LibreOffice, in a box in which it reaches nobody."""

import io
from pathlib import Path

import pikepdf
import pytest

from bridge.document import drawing, office
from bridge.document.kinds import Kind
from bridge.document.options import DocumentOptions
from tests.document.test_box import TRIES, private, run  # noqa: F401 - a fixture
from tests.support.document_samples import (
    AS_IT_IS,
    Made,
    a_pdf,
    inside,
    left_out,
    mail,
    make,
    multipart,
    part,
)
from tests.support.office import KINDS, an_office_document, converted
from tests.support.slides import presentation

WORDS = {
    "writer": ("Referral", "Mrs Example", "500 mg"),
    "calc": ("Name", "Ibuprofen", "400"),
    "impress": ("Ward round",),
}


async def attached(workspace: Path, *files: tuple[str, bytes], options: DocumentOptions = AS_IT_IS) -> Made:
    """What comes of a mail with these."""
    parts = [part(content, "application/octet-stream", name) for name, content in files]
    return await make(workspace, mail(multipart("mixed", *parts)), options=options)


@pytest.mark.parametrize("ending", KINDS)
async def test_an_office_document_becomes_pages(ending: str, tmp_path: Path) -> None:
    """Word, Excel, PowerPoint, OpenDocument and RTF, new and old: their words stand on the page, whatever the name."""
    made = await attached(tmp_path, ("strange name.bin", an_office_document(ending)))
    assert made.failed == ""
    assert made.pages >= 1
    for word in WORDS[KINDS[ending][0]]:
        assert word in " ".join(made.words())
    assert inside(tmp_path) == []


def widest(pdf: bytes | Path) -> int:
    """Dots across the widest picture."""
    with pikepdf.open(pdf if isinstance(pdf, Path) else io.BytesIO(pdf)) as opened:
        return max(int(each.get("/Width", 0)) for page in opened.pages for each in page.get_images().values())


async def test_pictures_come_no_finer_than_a_fax_line(tmp_path: Path) -> None:
    """LibreOffice is told so, also for the next document of a mail; not where pages stay as they are."""
    for at in range(2):
        (tmp_path / f"office-{at}").mkdir()
        (tmp_path / f"office-{at}" / "document.odp").write_bytes(presentation(1))
        office.spare_dots(tmp_path)
        assert office.convert(office.find_program(), tmp_path, at)
        made = widest(tmp_path / f"office-{at}-pdf" / "document.pdf")
        whole = widest((await attached(tmp_path, ("slides.odp", presentation(1)))).pdf)
        assert made == pytest.approx(whole * 204 / 300, rel=0.02)


async def test_several_documents_keep_their_order(tmp_path: Path) -> None:
    """Each office document becomes its own pages, among the others, and has its own line."""
    made = await attached(
        tmp_path,
        ("1.docx", an_office_document("docx")),
        ("2.pdf", a_pdf("between")),
        ("3.ods", an_office_document("ods")),
    )
    assert made.failed == ""
    assert [("Referral" in page, "between" in page, "Ibuprofen" in page) for page in made.words()] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert [(each.name, each.pages) for each in made.parts] == [("1.docx", 1), ("2.pdf", 1), ("3.ods", 1)]


async def test_a_document_that_cannot_be_converted_is_named(tmp_path: Path) -> None:
    """A damaged one fails the fax with its name and the cure; with ``partial`` the rest is faxed."""
    damaged = an_office_document("doc")[:3000]
    made = await attached(tmp_path, ("bad.doc", damaged), ("good.docx", an_office_document("docx")))
    assert made.failed == f"bad.doc: {office.NOT_CONVERTED}"
    rest = await attached(
        tmp_path,
        ("bad.doc", damaged),
        ("good.docx", an_office_document("docx")),
        options=DocumentOptions(partial=True, pages="original"),
    )
    assert left_out(rest.parts) == {"bad.doc": office.NOT_CONVERTED, "good.docx": None}


async def test_without_libreoffice_it_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notice says what to attach instead."""
    document = an_office_document("docx")
    monkeypatch.setattr(office, "PROGRAMS", ("/nowhere/soffice.bin",))
    made = await attached(tmp_path, ("a.docx", document))
    assert made.failed == f"a.docx: {drawing.CURES[Kind.OFFICE]}"


async def test_a_document_fetches_nothing(server: tuple[int, list[str]], tmp_path: Path) -> None:
    """A picture it has on the web, or in a file beside, is not fetched; the rest is drawn."""
    port, came = server
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    text = f'<p>before</p><img src="http://127.0.0.1:{port}/a.png"><img src="file://{secret}"><p>after</p>'
    document = converted("a.html", text, "odt:writer8", "--infilter=HTML (StarWriter)")
    came.clear()
    made = await attached(tmp_path, ("a.odt", document))
    assert made.failed == ""
    assert "before" in made.words()[0]
    assert came == []
    assert b"secret words" not in made.pdf


@pytest.mark.parametrize(
    "attempt", [TRIES[each] for each in TRIES if each not in {"a local socket", "a program by fork"}]
)
def test_the_wider_box_holds(attempt: str, private: Path) -> None:  # noqa: F811 - the fixture
    """Where LibreOffice runs nothing else can be started, nobody reached and nothing of ours read or written."""
    imports = "from pathlib import Path\nfrom bridge.document import box, office"
    closed = "box.close(Path.cwd(), office.find_program())"
    done = run(f"{imports}\n{closed}\n{attempt}\nprint('nothing was stopped')", private)
    assert done.returncode != 0
    assert "nothing was stopped" not in done.stdout
    assert "Permission" in done.stderr or "not permitted" in done.stderr or "AssertionError" in done.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket(socket.AF_UNIX).connect('/run/systemd/notify')",
        "import socket; socket.socket(socket.AF_NETLINK)",
        "import socket; socket.socket(socket.AF_INET6)",
        "import subprocess; subprocess.run(['/bin/sh', '-c', 'true'], stdin=open('/dev/null'))",
        "import os, shutil; shutil.copy('/bin/true', 'mine'); os.execv('mine', ['mine'])",
    ],
)
def test_nothing_else_is_started_or_spoken_to(attempt: str, private: Path) -> None:  # noqa: F811 - the fixture
    """Neither a local socket of another program, nor a shell, nor a program of its own making."""
    test_the_wider_box_holds(attempt, private)
