"""A whole fax with its cover page, from the mail to what the carrier got, and what its notice says of it."""

import io
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import pikepdf
import pypdfium2

from bridge.fax.numbers import as_people_write
from tests.support.processes import (
    DELIVERED,
    DELIVERED_TOO,
    SPLIT,
    Caught,
    House,
    Json,
    Sandbox,
    a_pdf_mail,
    until,
    with_split_subject,
)


def words(pdf: bytes, page: int) -> str:
    """What stands on a page."""
    document = pypdfium2.PdfDocument(pdf)
    return " ".join(document[page].get_textpage().get_text_range().split())


async def sent(house: House, sandbox: Sandbox, fax: Json) -> bytes:
    """What the carrier got."""
    return (await house.http.get(f"{sandbox.url}/sandbox/faxes/{fax['jobId']}/file")).content


def told(house: House) -> Callable[[], Awaitable[list[Caught]]]:
    """The mails that say it arrived, once there is one."""

    async def probe() -> list[Caught]:
        return house.sink.those(event="delivered")

    return probe


def a_letter(*options: str) -> EmailMessage:
    """A mail with a PDF and a text with a signature."""
    mail = a_pdf_mail(DELIVERED)
    body = mail.get_body(("plain",))
    assert body is not None
    body.set_content("Dear colleague,\n\nplease see the attached.\n\n-- \nAnna\n")
    for option in options:
        mail["X-Fax-Option"] = option
    return mail


async def test_a_fax_with_a_cover_page(house: House) -> None:
    """To whom, from whom, what the mail says without its signature, and how many pages; the notice counts it too."""
    sandbox, daemon = await house.start(document={"cover": "standard", "company": "Example Surgery"})
    await daemon.take(a_letter("colour=red"), DELIVERED)
    await house.fax_in(DELIVERED, "delivered")
    (fax,) = await sandbox.taken(DELIVERED)
    pdf = await sent(house, sandbox, fax)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        pages = len(opened.pages)
    first = words(pdf, 0)
    for each in (
        as_people_write(DELIVERED),
        "Example Surgery",
        "Dear colleague, please see the attached.",
        f"{pages}, this one",
    ):
        assert each in first
    assert "Anna -" not in first
    (mail,) = await until("the notice", told(house))
    notice = mail.text
    assert "page 1: cover page, with the text of the mail" in notice.lower()
    assert "X-Fax-Option: colour=red" in notice
    assert await daemon.stop() == 0


async def test_the_carriers_own_cover_page(house: House) -> None:
    """It gets the words for it, and our pages without one; the notice counts those, and says where the text went."""
    sandbox, daemon = await house.start(document={"cover": "carrier"})
    await daemon.take(with_split_subject(a_letter()), DELIVERED)
    await house.fax_in(DELIVERED, "delivered")
    (fax,) = await sandbox.taken(DELIVERED)
    assert (fax["cover"], fax["pages"]) == (True, 2)
    asked = fax["request"]
    assert asked["message"] == "Dear colleague,\n\nplease see the attached."
    assert (asked["to_name"], asked["subject"]) == (as_people_write(DELIVERED), SPLIT)
    (row,) = house.rows("SELECT pages, pages_sent FROM fax")
    assert (row["pages"], row["pages_sent"]) == (1, 1)
    (mail,) = await until("the notice", told(house))
    assert "1 page arrived" in mail.text
    assert "it goes to iFax, which puts it on a cover page" in " ".join(mail.text.split())

    await daemon.take(a_letter("cover=no"), DELIVERED_TOO)
    await house.fax_in(DELIVERED_TOO, "delivered")
    (other,) = await sandbox.taken(DELIVERED_TOO)
    assert (other["cover"], other["pages"]) == (False, 1)
    assert await daemon.stop() == 0


async def test_a_sender_may_do_without(house: House) -> None:
    """``cover=no`` leaves it off; what cannot be read is refused before the mail is taken on."""
    sandbox, daemon = await house.start(document={"cover": "standard"})
    await daemon.take(a_letter("cover=no"), DELIVERED)
    await house.fax_in(DELIVERED, "delivered")
    (fax,) = await sandbox.taken(DELIVERED)
    assert "Dear colleague" not in words(await sent(house, sandbox, fax), 0)
    assert await daemon.stop() == 0


async def test_wishes_in_the_subject(house: House) -> None:
    """They reach the pages and the carrier, and stand neither on the cover page nor in the notice."""
    sandbox, daemon = await house.start()
    mail = a_letter()
    del mail["Subject"]
    mail["Subject"] = "Fwd: Überweisung Müller [fax: cover=yes, quality=fine, paper=a4, reference=4711]"
    await daemon.take(mail, DELIVERED)
    await house.fax_in(DELIVERED, "delivered")
    (fax,) = await sandbox.taken(DELIVERED)
    assert fax["request"]["faxQuality"] == "HD"
    pdf = await sent(house, sandbox, fax)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        left, bottom, right, top = (float(edge) for edge in opened.pages[0].mediabox)
    assert (round(right - left), round(top - bottom)) == (595, 842)
    assert "Subject Fwd: Überweisung Müller Date" in words(pdf, 0)
    (notice,) = await until("the notice", told(house))
    assert "[fax:" not in notice.text
    assert "[4711]" in str(notice.message["Subject"])
    assert await daemon.stop() == 0
