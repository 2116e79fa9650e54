"""Proof of transmission: from the shell and with the notice, with the very file that iFax got."""

import hashlib
import io
import subprocess
from pathlib import Path

import pikepdf

from tests.support.processes import DELIVERED, SENDER, SPLIT, Caught, House, a_pdf_mail, with_split_subject

DEAD = "+14155550153"


def words(pdf: bytes, folder: Path) -> str:
    """What stands on its pages, in one line."""
    file = folder / "words.pdf"
    file.write_bytes(pdf)
    said = subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True)
    return " ".join(said.stdout.split())


def bound(pdf: bytes) -> bytes:
    """The file within."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return opened.attachments["fax.pdf"].get_file().read_bytes()


def files(mail: Caught) -> dict[str, bytes]:
    """What is attached, by name."""
    found = {}
    for part in mail.message.walk():
        if part.get_content_disposition() is not None:
            content = part.get_content()
            assert isinstance(content, bytes)
            found[str(part.get_filename())] = content
    return found


async def test_what_goes_with_a_notice(house: House, tmp_path: Path) -> None:
    """Picture, fax and proof for the address that policy names, and the proof from the shell says the same."""
    sandbox, daemon = await house.start(
        policy={"senders": ["*@example.org"]},
        notices={"thumbnail": True, "attach_document": True, "attach_proof": True},
    )
    await daemon.take(with_split_subject(a_pdf_mail(DELIVERED, pages=2)), DELIVERED)
    [mail] = await house.sink.wait(event="delivered", to=SENDER)
    assert mail.message.get_content_type() == "multipart/report"
    kinds = [part.get_content_type() for part in mail.message.iter_parts()]
    assert kinds == ["multipart/mixed", "message/delivery-status"]
    fax_id = mail.message["X-Fax-Id"]
    attached = files(mail)
    assert set(attached) == {"page-1.png", f"fax-{fax_id}.pdf", f"proof-{fax_id}.pdf"}
    html = str(mail.message.get_body(("related", "html")))
    assert 'src="cid:page-1.' in html.replace("=3D", "=").replace("=\n", "")
    assert attached["page-1.png"].startswith(b"\x89PNG")

    [call] = (await house.run_json("show", fax_id, "--json"))["attempts"]
    [taken] = await sandbox.taken(DELIVERED)
    handed_over = (await house.http.get(f"{sandbox.url}/sandbox/faxes/{taken['jobId']}/file")).content
    fax = attached[f"fax-{fax_id}.pdf"]
    assert fax == handed_over
    ran = await house.run("proof", fax_id, "--out", str(tmp_path / "own.pdf"))
    assert (ran.status, ran.err) == (0, "")
    for proof in (attached[f"proof-{fax_id}.pdf"], (tmp_path / "own.pdf").read_bytes()):
        said = words(proof, tmp_path)
        for fact in (
            DELIVERED,
            SENDER,
            "Delivered",
            SPLIT,
            call["carrier_job_id"],
            hashlib.sha256(fax).hexdigest(),
        ):
            assert fact in said, fact
        assert "was delivered, with 2 of 2 pages" in said
        assert bound(proof) == fax
        with pikepdf.open(io.BytesIO(proof)) as opened:
            assert len(opened.pages) == 3
    again = await house.run("proof", fax_id, "--out", str(tmp_path / "own.pdf"))
    assert (again.status, "is there already" in again.err) == (1, True)
    assert await daemon.stop() == 0


async def test_pages_go_to_nobody_else(house: House, tmp_path: Path) -> None:
    """An address that nobody named gets the words alone; a failure is proved as well, and what has not ended is not."""
    _, daemon = await house.start(notices={"thumbnail": True, "attach_document": True, "attach_proof": True})
    await daemon.take(a_pdf_mail(DEAD), DEAD)
    [mail] = await house.sink.wait(event="failed", to=SENDER)
    assert files(mail) == {}
    assert (await house.run("proof", mail.message["X-Fax-Id"], "--out", str(tmp_path / "failed.pdf"))).status == 0
    said = words((tmp_path / "failed.pdf").read_bytes(), tmp_path)
    assert "Not delivered: the number is not in service" in said
    await house.run("pause", "sending")
    await daemon.take(a_pdf_mail(DELIVERED, subject="waits"), DELIVERED)

    accepted = await daemon.event("fax.accepted", number="+1415*****01")
    ran = await house.run("proof", accepted["fax"])
    assert (ran.status, "has not ended; there is nothing to prove yet" in ran.err) == (1, True)
    assert await daemon.stop() == 0
