"""The daemon and all that it starts make do with what the unit lets through, LibreOffice and the boxes included."""

import asyncio
import io
import signal
import sys
from pathlib import Path

from PIL import Image

from tests.support import unit_filter
from tests.support.office import an_office_document
from tests.support.processes import ADMIN, DELIVERED, OUR_NUMBER, SENDER, House, a_mail, a_pdf, until

UNDER = (sys.executable, str(Path(unit_filter.__file__)))
KINDS = ("letter.docx", "results.pdf", "page.jpg", "page.html", "notes.txt")


async def test_a_whole_day_under_the_units_filter(house: House) -> None:
    """Mail in, office document and all else to pages, fax out, fax in, a preview: no call ends a process."""
    sandbox = await house.start_sandbox()
    house.configure(document={"cover": "standard"}, policy={"senders": [SENDER]})
    daemon = await house.start_daemon(*UNDER)
    picture = io.BytesIO()
    Image.linear_gradient("L").save(picture, "JPEG")
    contents = (an_office_document("docx"), a_pdf(), picture.getvalue(), b"<p>hello</p>", b"hello")
    files = [(name, "application/octet-stream", content) for name, content in zip(KINDS, contents, strict=True)]
    await daemon.take(a_mail(DELIVERED, files=files), DELIVERED)
    await daemon.take(a_mail("preview", files=files), "preview")
    await sandbox.receive(to=OUR_NUMBER)
    await house.fax_in(DELIVERED, "delivered")
    (fax,) = await sandbox.taken(DELIVERED)
    assert fax["pages"] == 1 + len(KINDS)

    async def all_mailed() -> bool:
        return {"delivered", "preview", "received"} <= {mail.event for mail in house.sink.mails}

    await until("the mails", all_mailed)
    (preview,) = house.sink.those(event="preview")
    assert "6 pages" in preview.text
    assert not [mail for mail in house.sink.mails if ADMIN in mail.recipients and mail.event == "alarm"]
    assert not daemon.events("preview.converter_died") + daemon.events("fax.converter_died")
    assert await daemon.stop() == 0


async def test_the_filter_is_one() -> None:
    """What the unit does not name ends a process: else the test above would show nothing."""
    program = "import ctypes; ctypes.CDLL(None).syscall(165, 0, 0, 0, 0, 0)"
    child = await asyncio.create_subprocess_exec(*UNDER, sys.executable, "-c", program)
    assert await child.wait() == -signal.SIGSYS
    child = await asyncio.create_subprocess_exec(*UNDER, sys.executable, "-c", "import socket; socket.socket(17)")
    assert await child.wait() == -signal.SIGSYS
