"""Minimal privacy, from end to end: secrets are planted in a mail, and looked for wherever somebody might read them."""

import asyncio
import smtplib
import tempfile
from email.message import EmailMessage
from pathlib import Path

from tests.support.processes import ADMIN, DELIVERED, FRONT_DESK, SENDER, Caught, House, a_mail

OUR_NUMBER = "+14155550100"
CALLER = "+12125550188"
SECRETS = ("margaret", "hollis", "biopsy", "tumour", "oncology")
TEXT = b"tumour of Margaret Hollis\n"


def secrets_in(*texts: str, numbers: tuple[str, ...]) -> list[str]:
    """What somebody who reads these learns; a number in any spelling is its last seven digits."""
    told = "\n".join(texts).casefold()
    digits = "".join(char for char in told if char not in " -().")
    return [word for word in SECRETS if word in told] + [each for each in numbers if each[-7:] in digits]


def everything(mail: Caught) -> str:
    """Fields and parts, decoded."""
    fields = [str(value) for part in mail.message.walk() for value in part.values()]
    texts = [part.get_content() for part in mail.message.walk() if part.get_content_maintype() == "text"]
    blocks = [str(part) for part in mail.message.walk() if part.get_content_type() == "message/delivery-status"]
    return "\n".join([*fields, *map(str, texts), *blocks, "".join(mail.recipients)])


def a_secret_mail(number: str) -> EmailMessage:
    """A fax whose every corner says what it is about."""
    files = [("biopsy Hollis.txt", "text/plain", TEXT), ("tumour.bin", "application/octet-stream", b"\x7fELF")]
    name = f"Margaret Hollis <{number}@fax.local>"
    return a_mail(name, subject="biopsy of Margaret Hollis", files=files, Keywords="oncology")


def titles_and_folders() -> set[str]:
    """The command lines of all our processes, what they have open, and what lies in the temporary folder."""
    seen = {str(path) for path in Path(tempfile.gettempdir()).glob("*")}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode("utf-8", "replace")
            names = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if "bridge" in line:
            seen.update([line, *names])
    return seen


async def watch(seen: set[str]) -> None:
    """Look again and again, for as long as this runs."""
    while True:
        seen |= titles_and_folders()
        await asyncio.sleep(0.02)


async def test_nobody_on_the_way_learns_a_secret(house: House) -> None:
    """No log, metric, process title, temporary folder or notice names the number, the person, the matter or the file;
    the mailbox of a route that is discreet gets the fax without the caller's number in the mail around it.
    """
    route = {"name": "desk", "privacy": "minimal", "deliver": [f"mailto:{FRONT_DESK}"]}
    sandbox = await house.start_sandbox()
    house.configure(
        notices={"privacy": "minimal", "accepted": True, "delayed_after": "1s"},
        document={"partial": True},
        retry={"busy": {"attempts": 3, "delays": ["2s"]}},
        log={"level": "debug", "format": "json"},
        receiving={"poll_interval": "1h", "recipients": [ADMIN], "routes": [route]},
    )
    daemon = await house.start_daemon()
    await daemon.event("poll.done")
    await sandbox.plan({"on": "end", "number": DELIVERED, "times": 1, "do": {"fail": {"code": 263}}})
    found: set[str] = set()
    watching = asyncio.create_task(watch(found))
    try:
        secret = a_secret_mail(DELIVERED)
        await daemon.take(secret, DELIVERED)
        [mail] = await house.sink.wait(event="delivered", to=SENDER)
        await daemon.take(secret, DELIVERED)
        await house.sink.wait(event="duplicate", to=SENDER)
        await sandbox.receive(from_=CALLER, to=OUR_NUMBER, pages=2, form="json")
        [received] = await house.sink.wait(to=FRONT_DESK)
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    metrics = (await house.http.get(f"{daemon.admin_url}/metrics")).text
    assert await daemon.stop() == 0
    numbers = (DELIVERED, CALLER)
    told = {caught.event for caught in house.sink.mails}
    assert told == {"accepted", "delayed", "delivered", "duplicate", "received"}
    for caught in house.sink.mails:
        assert secrets_in(everything(caught), numbers=numbers) == [], caught.event
    assert received.pdf
    assert mail.message["X-Fax-Id"] in mail.text
    assert secrets_in(daemon.output, metrics, numbers=numbers) == []
    assert len(daemon.log) > len(told)
    assert [line for line in found if "serve" in line]
    assert secrets_in(*found, numbers=numbers) == []


async def test_no_pages_by_mail(house: House) -> None:
    """A preview is refused, for it is pages by mail; an identity that may tell more gets one."""
    house.configure(
        notices={"privacy": "minimal"},
        policy={"senders": ["*@example.org"]},
        document={"partial": True},
        identities=[{"name": "open", "senders": ["open@example.org"], "networks": ["127.0.0.1/32"], "privacy": "full"}],
    )
    daemon = await house.start_daemon()
    try:
        with smtplib.SMTP(*daemon.smtp, timeout=30, source_address=("127.0.0.2", 0)) as client:
            client.ehlo("client.example.org")
            client.mail(SENDER)
            code, words = client.rcpt("preview@fax.local")
        assert (code, words) == (550, b"5.7.1 pages are not mailed here: the operator has set privacy to minimal")
        await daemon.take(a_secret_mail(DELIVERED), "preview@fax.local", sender="open@example.org")
        [mail] = await house.sink.wait(event="preview", to="open@example.org")
        assert mail.pdf
    finally:
        assert await daemon.stop() == 0
