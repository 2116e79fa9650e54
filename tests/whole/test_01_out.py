"""Mail in, fax out, notice: the plain ways and the odd ones of the carrier."""

import asyncio
from email.utils import parsedate_to_datetime
from itertools import pairwise

from tests.support.processes import (
    ALSO_DELIVERED,
    DELIVERED,
    DELIVERED_TOO,
    HOOK_SECRET,
    KEY,
    PATIENCE,
    SENDER,
    House,
    a_pdf,
    a_pdf_mail,
    page_count,
    until,
)

BUSY, PARTIAL, FAILED_IN_PART, CANCELLED, NO_CREDIT = (f"+141555501{nn}" for nn in (50, 55, 56, 76, 75))
NO_HOOK, HOOK_TWICE, EARLY_HOOK, LYING_HOOK, HOOK_AS_FORM = (f"+141555501{nn}" for nn in (61, 62, 63, 85, 87))

KINDS = ["multipart/alternative", "message/delivery-status"]
"""Of the parts of a notice: words for people in two forms, then fields for programs."""


async def test_a_mail_becomes_a_fax_and_the_hook_brings_one_delivered_notice(house: House) -> None:
    """A mail with a PDF is faxed as it is, and on the carrier's hook its sender gets one notice with all its fields."""
    sandbox, daemon = await house.start()
    mail = a_pdf_mail(
        "+1 415-555-0101", pages=2, Message_ID="<original@example.org>", References="<before@example.org>"
    )
    message = await daemon.take(mail, DELIVERED)
    (notice,) = await house.sink.wait()

    (fax,) = await sandbox.taken()
    assert (fax["faxNumber"], fax["faxQuality"], fax["pages"], fax["names"]) == (DELIVERED, "Standard", 2, ["fax.pdf"])
    sent = (await house.http.get(f"{sandbox.url}/sandbox/faxes/{fax['jobId']}/file")).content
    assert page_count(sent) == 2
    assert "callerId" not in fax["request"]
    row = house.fax(DELIVERED)
    assert (row["message_id"], row["state"], row["pages"], row["pages_sent"]) == (message, "delivered", 2, 2)

    head = notice.message
    assert (notice.sender, notice.recipients) == ("", (SENDER,))
    assert (head["To"], head["Auto-Submitted"]) == (SENDER, "auto-replied")
    assert (notice.event, head["X-Fax-Id"], head["X-Fax-Number"]) == ("delivered", row["id"], DELIVERED)
    assert head["In-Reply-To"] == "<original@example.org>"
    assert head["References"] == "<before@example.org> <original@example.org>"
    assert head["From"] == "Fax <fax@fax.local>"
    assert parsedate_to_datetime(head["Date"]).tzinfo is not None
    assert head.get_content_type() == "multipart/report"
    assert head.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in head.iter_parts()][:2] == KINDS
    status = notice.status
    assert status["Original-Recipient"] == f"rfc822; {DELIVERED}@fax.local"
    assert status["Final-Recipient"] == f"fax; {DELIVERED}"
    assert (status["Action"], status["Status"]) == ("delivered", "2.0.0")
    assert status["Diagnostic-Code"] == "x-ifax; 0 NORMAL_CLEARING"
    assert status["Reporting-MTA"] == "dns; fax.local"
    assert notice.text.startswith("Your fax to +1 415-555-0101 was delivered.")
    assert "2 pages" in notice.text

    assert await daemon.stop() == 0
    (outbox,) = house.rows("SELECT * FROM outbox")
    assert (outbox["state"], outbox["message_id"]) == ("sent", head["Message-ID"])
    assert head["Message-ID"] == f"<{outbox['id'].lower()}.faxbridge@fax.local>"
    assert len(house.sink.mails) == 1
    assert b"\n" not in notice.content.replace(b"\r\n", b"")


async def test_swaks_with_three_recipients_makes_three_faxes_of_the_same_pages(house: House) -> None:
    """A mail from swaks to three numbers is one fax-send each, of the same pages, and one notice each."""
    sandbox, daemon = await house.start()
    (house.folder / "letter.pdf").write_bytes(a_pdf(1))
    numbers = [DELIVERED, ALSO_DELIVERED, DELIVERED_TOO]
    client = await asyncio.create_subprocess_exec(
        *("swaks", "--server", f"{daemon.smtp[0]}:{daemon.smtp[1]}", "--from", SENDER, "--helo", "client.example.org"),
        *("--to", f"14155550101@fax.local,{ALSO_DELIVERED}@fax.local,(415)555-0103@fax.local"),
        *("--header", "Subject: Three at once", "--attach-type", "application/pdf", "--attach", "@letter.pdf"),
        cwd=house.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said, _ = await client.communicate()
    assert client.returncode == 0, said.decode()

    notices = await house.sink.wait(3)
    assert sorted(str(notice.message["X-Fax-Number"]) for notice in notices) == numbers
    assert {notice.event for notice in notices} == {"delivered"}
    assert len({str(notice.message["Message-ID"]) for notice in notices}) == 3
    faxes = await sandbox.taken()
    assert sorted(fax["faxNumber"] for fax in faxes) == numbers
    assert len({tuple(fax["sha256"]) for fax in faxes}) == 1
    assert len(await sandbox.asked("fax-send")) == 3
    assert {notice.status["Original-Recipient"] for notice in notices} == {
        "rfc822; 14155550101@fax.local",
        f"rfc822; {ALSO_DELIVERED}@fax.local",
        "rfc822; (415)555-0103@fax.local",
    }
    assert len(house.rows("SELECT id FROM document")) == 1
    assert len(house.rows("SELECT id FROM message")) == 1


async def test_without_a_hook_polling_finds_the_end(house: House) -> None:
    """Where the carrier tells us nothing, the fax's end is found by asking, and told once."""
    sandbox, daemon = await house.start(ifax={"first_poll": "300ms"})
    await daemon.take(a_pdf_mail(NO_HOOK), NO_HOOK)
    (notice,) = await house.sink.wait()
    assert (notice.event, notice.message["X-Fax-Number"]) == ("delivered", NO_HOOK)
    assert [hook["state"] for hook in await sandbox.hooks()] == ["withheld"]
    assert not daemon.events("hook.received")
    assert len(await sandbox.taken()) == 1
    assert await daemon.stop() == 0
    assert len(house.rows("SELECT id FROM outbox")) == len(house.sink.mails) == 1


async def test_failures_are_told_with_their_class_and_never_tried_again(house: House) -> None:
    """Busy, partial, cancelled and refused faxes end once, with the contract's event, action and status."""
    sandbox, daemon = await house.start()
    expected = {
        BUSY: ("failed", "failed", "busy", "failed", "5."),
        PARTIAL: ("partial", "failed", "partial", "failed", "5.6.0"),
        FAILED_IN_PART: ("partial", "failed", "partial", "failed", "5.6.0"),
        CANCELLED: ("cancelled", "cancelled", "cancelled", "failed", "5.7.0"),
        NO_CREDIT: ("failed", "failed", "money", "failed", "5."),
    }
    await daemon.take(a_pdf_mail(*expected, pages=2), *expected)
    notices = {
        str(notice.message["X-Fax-Number"]): notice for notice in await house.sink.wait(len(expected), to=SENDER)
    }
    assert set(notices) == set(expected)
    for number, (event, state, of_class, action, status) in expected.items():
        row, notice = house.fax(number), notices[number]
        assert (notice.event, row["state"], row["outcome_class"]) == (event, state, of_class), number
        assert notice.status["Action"] == action, number
        assert notice.status["Status"].startswith(status), number
        assert notice.status["Final-Recipient"] == f"fax; {number}"
    assert notices[BUSY].status["Diagnostic-Code"].startswith("x-ifax; 263 ")
    assert notices[NO_CREDIT].status["Diagnostic-Code"].startswith("x-ifax; -22 ")
    assert "busy" in notices[BUSY].text.lower()
    assert "1 of 2" in notices[PARTIAL].text
    assert (house.fax(PARTIAL)["pages"], house.fax(PARTIAL)["pages_sent"]) == (2, 1)
    assert len(await sandbox.asked("fax-send")) == len(expected)
    assert len(house.rows("SELECT id FROM outbox WHERE recipient = ?", SENDER)) == len(expected)


async def test_hooks_twice_early_wrong_or_as_a_form_change_nothing(house: House) -> None:
    """However the hook comes (twice, early, lying, as a form), there is one notice, and it tells the truth."""
    sandbox, daemon = await house.start()
    numbers = {
        HOOK_TWICE: "delivered",
        EARLY_HOOK: "delivered",
        LYING_HOOK: "failed",
        HOOK_AS_FORM: "delivered",
    }
    await daemon.take(a_pdf_mail(*numbers), *numbers)
    notices = await house.sink.wait(len(numbers))
    assert {str(notice.message["X-Fax-Number"]): notice.event for notice in notices} == numbers

    async def all_posted() -> bool:
        hooks = await sandbox.hooks()
        return sorted(len(hook["answers"]) for hook in hooks) == [1, 1, 1, 2]

    await until("every hook was posted", all_posted)
    assert {answer for hook in await sandbox.hooks() for answer in hook["answers"]} == {200}
    assert len(await sandbox.taken()) == len(numbers)
    assert await daemon.stop() == 0
    assert len(house.rows("SELECT id FROM outbox")) == len(house.sink.mails) == len(numbers)
    assert len(house.rows("SELECT id FROM evidence WHERE kind = 'hook'")) == len(numbers) + 1


async def test_what_an_outsider_sends_to_the_hook_path_ends_no_fax(house: House) -> None:
    """A wrong secret is a 404, and a hook with the right one that lies about our job ends nothing and mails nothing."""
    sandbox, daemon = await house.start()
    await sandbox.plan({"on": "hook", "do": {"withhold": True}})
    slow = "+14155550196"
    await daemon.take(a_pdf_mail(slow), slow)
    await daemon.event("fax.taken")
    (fax,) = await sandbox.taken()
    lie = {"direction": "outbound", "jobId": fax["jobId"], "faxStatus": "delivered", "code": 0, "success": True}
    for path in ("wrong", HOOK_SECRET[:-1], f"{HOOK_SECRET}x", "", f"{HOOK_SECRET}/other", f"{HOOK_SECRET}/sent/x"):
        answer = await house.http.post(f"{daemon.http_url}/hooks/ifax/{path}", json=lie)
        assert answer.status_code == 404, path
    assert not house.rows("SELECT id FROM evidence WHERE kind = 'hook'")
    for path in ("", "/sent", "/received"):
        answer = await house.http.post(f"{daemon.http_url}/hooks/ifax/{HOOK_SECRET}{path}", json=lie)
        assert answer.status_code == 200, path
    await daemon.event("fax.polled", word="sending")
    assert house.fax(slow)["state"] == "sending"
    assert not house.sink.mails
    assert (await house.http.get(f"{daemon.http_url}/hooks/ifax/{HOOK_SECRET}")).status_code in {404, 405}
    assert (await house.http.get(f"{daemon.http_url}/metrics")).status_code == 404
    assert KEY not in daemon.output
    assert HOOK_SECRET not in daemon.output


async def test_faxes_to_one_number_go_one_after_the_other(house: House) -> None:
    """Three mails at once to one number make three calls, none of which begins before the one before has ended."""
    sandbox, daemon = await house.start(ifax={"uploads": 4})
    await asyncio.gather(*(daemon.take(a_pdf_mail(DELIVERED), DELIVERED) for _ in range(3)))
    await house.sink.wait(3, event="delivered")
    faxes = sorted(await sandbox.taken(), key=lambda fax: str(fax["received_at"]))
    assert len(faxes) == 3
    for before, after in pairwise(faxes):
        assert before["ended_at"] <= after["received_at"]
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 3
