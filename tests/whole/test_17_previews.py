"""A mail to ``preview@``: the pages come back as they would leave, and the carrier hears nothing."""

import io

import pikepdf
import pypdfium2

from bridge.fax.numbers import as_people_write
from tests.support.processes import DELIVERED, SENDER, Caught, House, a_pdf_mail, until


async def the_answers(house: House, count: int) -> list[Caught]:
    """So many answers."""

    async def probe() -> list[Caught]:
        found = house.sink.those(event="preview")
        return found if len(found) >= count else []

    return await until("the previews", probe)


def pdf_of(mail: Caught) -> bytes:
    """What is attached."""
    (attached,) = mail.message.iter_attachments()
    content = attached.get_content()
    assert isinstance(content, bytes)
    return content


def words(pdf: bytes) -> str:
    """What stands on its first page."""
    return " ".join(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range().split())


async def test_looked_at_and_then_faxed(house: House) -> None:
    """The pages of the preview are those of the fax that the same mail makes when it is sent to the number."""
    sandbox, daemon = await house.start(
        document={"cover": "standard", "company": "Example Surgery"}, policy={"senders": [SENDER]}
    )
    await daemon.take(a_pdf_mail(f"preview+{DELIVERED}", pages=2), f"preview+{DELIVERED}")
    (mail,) = await the_answers(house, 1)
    assert (mail.sender, mail.recipients) == ("", (SENDER,))
    assert "Nothing was faxed." in mail.text
    pages = pdf_of(mail)
    assert as_people_write(DELIVERED) in words(pages)
    assert await sandbox.taken(DELIVERED) == []

    await daemon.take(a_pdf_mail(DELIVERED, pages=2), DELIVERED)
    await house.fax_in(DELIVERED, "delivered")
    (fax,) = await sandbox.taken(DELIVERED)
    sent = (await house.http.get(f"{sandbox.url}/sandbox/faxes/{fax['jobId']}/file")).content
    with pikepdf.open(io.BytesIO(pages)) as shown, pikepdf.open(io.BytesIO(sent)) as faxed:
        assert len(shown.pages) == len(faxed.pages) == 3
        contents = [[page.Contents.read_bytes() for page in pdf.pages[1:]] for pdf in (shown, faxed)]
        assert contents[0] == contents[1]
    assert await daemon.stop() == 0


async def test_why_it_could_not_be_faxed(house: House) -> None:
    """A locked PDF is answered by its name and the cure, as the fax would have been."""
    _, daemon = await house.start(policy={"senders": [SENDER]})
    locked = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(locked, encryption=pikepdf.Encryption(user="secret", owner="secret"))
    mail = a_pdf_mail("preview")
    mail.add_attachment(locked.getvalue(), maintype="application", subtype="pdf", filename="locked.pdf")
    await daemon.take(mail, "preview")
    (answer,) = await the_answers(house, 1)
    assert "locked.pdf" in answer.text
    assert "password" in answer.text
    assert not list(answer.message.iter_attachments())
    assert await daemon.stop() == 0
