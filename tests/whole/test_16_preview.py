"""``faxbridge preview``: the pages as they would be faxed, and nothing else happens."""

import io
import json
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from typer.testing import CliRunner

from bridge.cli import app
from tests.support.document_samples import a_pdf, mail, multipart, part, plain
from tests.support.pictures import letter_scan


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some files, in which the command is run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").write_bytes(a_pdf("first", "second"))
    letter_scan().save(tmp_path / "scan.png", dpi=(300, 300))
    (tmp_path / "letter.eml").write_bytes(
        mail(multipart("mixed", plain("x"), part(a_pdf("third"), "application/pdf", "b.pdf")))
    )
    (tmp_path / "odd.bin").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "config.toml").write_text('[document]\npages = "original"\n')
    return tmp_path


def ran(*words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    done = CliRunner().invoke(app, ["preview", *words])
    return done.exit_code, done.stdout, done.stderr


def test_the_pages_are_written(here: Path) -> None:
    """Those of all files in order, and a line for each; nothing is left behind but the PDF."""
    before = set(here.iterdir())
    status, out, _ = ran("a.pdf", "scan.png")
    assert status == 0
    assert "a.pdf\t2\t\nscan.png\t1\t\n" in out
    assert "3 pages, " in out
    assert "text of the mail" not in out
    assert set(here.iterdir()) - before == {here / "preview.pdf"}
    with pikepdf.open(here / "preview.pdf") as pdf:
        assert len(pdf.pages) == 3
        assert "/CCITTFaxDecode" in str(pdf.pages[2].resources["/XObject"]["/Fax"].get("/Filter"))


def test_a_mail_is_taken_as_one(here: Path) -> None:
    """With what it says of its parts, by the site's settings, as JSON if wished, where it is told to go."""
    status, out, _ = ran("letter.eml", "--json", "--out", "mine.pdf", "--config", "config.toml")
    assert status == 0
    assert [(each["name"], each["pages"]) for each in json.loads(out)] == [("text of the mail", 0), ("b.pdf", 1)]
    document = pypdfium2.PdfDocument(io.BytesIO((here / "mine.pdf").read_bytes()))
    assert document[0].get_textpage().get_text_range().strip() == "third"


def test_nothing_is_written_over(here: Path) -> None:
    """A file that is there stays what it was."""
    (here / "preview.pdf").write_text("mine")
    status, _, err = ran("a.pdf")
    assert (status, (here / "preview.pdf").read_text()) == (1, "mine")
    assert "is there already" in err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("odd.bin", "a.pdf"), "this could not be faxed: odd.bin: this type of file cannot be faxed"),
        (("nothing.pdf",), "nothing.pdf cannot be read: No such file"),
        (("a.pdf", "--out", "no/such.pdf"), "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], why: str, here: Path) -> None:
    """In one line, with exit status 1, and no pages are written."""
    status, _, err = ran(*words)
    assert status == 1
    assert why in err
    assert not (here / "preview.pdf").exists()
