"""What is said, to whom, and what is never said: log, shell, health, metrics, notices."""

import asyncio
import re

from tests.support.processes import (
    ADMIN,
    DELIVERED,
    HOOK_SECRET,
    KEY,
    OUR_NUMBER,
    SENDER,
    House,
    a_mail,
    a_pdf,
    a_pdf_mail,
    a_picture,
    talk_to,
)

FAX_FIELDS = {
    *("id", "direction", "state", "state_since", "due_at", "hold_reason", "number", "caller_id", "sender", "identity"),
    *("recipients", "message", "header_message_id", "pages", "pages_sent", "parts", "attempts", "created_at"),
    *("updated_at", "outcome", "history"),
}
ATTEMPT_FIELDS = {"carrier_job_id", "transaction_id", "started_at", "ended_at", "result", "code", "message"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
METRICS = (
    "faxbridge_faxes_accepted_total",
    "faxbridge_faxes_ended_total{outcome=",
    "faxbridge_queue_faxes{state=",
    "faxbridge_oldest_waiting_seconds",
    "faxbridge_notices_owed",
    "faxbridge_carrier_request_seconds",
)


async def test_no_secret_of_anybody_reaches_the_log(house: House) -> None:
    """Subject, text, file names, whole numbers, addresses, key and hook secret never stand in the daemon's output."""
    sandbox, daemon = await house.start(log={"level": "debug"}, ifax={"settle_window": "500ms"})
    caller = "+12125550177"
    mail = a_mail(
        DELIVERED,
        subject="Zebrafish-subject",
        body="Quokka-body\n",
        files=[
            ("Narwhal-name.pdf", "application/pdf", a_pdf()),
            ("Okapi-text.txt", "text/plain", b"Pangolin-content\n"),
        ],
        Message_ID="<Axolotl-id@example.org>",
    )
    await daemon.take(mail, DELIVERED)
    await house.sink.wait(event="delivered")
    unusable = a_mail(
        "+14155550102", subject="Zebrafish-again", files=[("Narwhal.docx", "application/zip", b"PK\x03\x04x")]
    )
    await daemon.take(unusable, "+14155550102")
    await house.sink.wait(event="failed")
    await sandbox.receive(from_=caller, to=OUR_NUMBER, form="multipart", text="Tapir-page")
    await house.sink.wait(event="received")
    await sandbox.plan({"on": "fax-send", "do": {"drop": "before"}})
    await daemon.take(a_pdf_mail("+14155550103", subject="Zebrafish"), "+14155550103")
    await house.sink.wait(2, event="unconfirmed")
    async with talk_to(daemon) as talk:
        assert (await talk.say(f"MAIL FROM:<{SENDER}>")).startswith("250")
        assert (await talk.say("RCPT TO:<+1415555Ibex@fax.local>")).startswith("550")
        assert (await talk.say("RCPT TO:<+14155550104@elsewhere.example>")).startswith("550")
        assert (await talk.say("NONSENSE Caracal")).startswith("5")
        await talk.send(b"DATA " + b"x" * 3000 + b"Marmot\r\n")
        assert (await talk.reply()).startswith("5")
    url = f"{daemon.http_url}/hooks/ifax"
    assert (await house.http.post(f"{url}/Gerenuk-secret", json={"a": "Dugong"})).status_code == 404
    strange = {
        "direction": "inbound",
        "jobId": 1,
        "transactionId": 2,
        "message": "Dugong",
        "fromNumber": "+13105550188",
    }
    for content in (b"{Dugong", b"\xff\xfe", b"[" * 100_000, b'{"jobId": ' + b"9" * 5000 + b"}"):
        answer = await house.http.post(f"{url}/{HOOK_SECRET}", content=content)
        assert answer.status_code in {200, 400}, content[:20]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = await house.http.post(f"{url}/{HOOK_SECRET}", content=b"--x\r\nDugong", headers=headers)
    assert broken.status_code == 400
    assert (await house.http.post(f"{url}/{HOOK_SECRET}", json=strange)).status_code == 200
    await daemon.event("received.quarantined")
    await house.settled()
    assert await daemon.stop() == 0

    planted = [
        *("Zebrafish", "Quokka", "Narwhal", "Okapi", "Pangolin", "Axolotl", "Tapir", "Ibex", "Caracal", "Marmot"),
        *("Gerenuk", "Dugong", KEY, HOOK_SECRET, SENDER, ADMIN),
        *(number[-7:] for number in (DELIVERED, "+14155550102", "+14155550103", "+14155550104", caller, OUR_NUMBER)),
        *("5550188", "bounce+"),
    ]
    assert [word for word in planted if word.lower() in daemon.output.lower()] == []
    assert all(line.startswith("{") for line in daemon.lines)
    assert daemon.events("fax.accepted")[0]["number"] == "+1415*****01"


async def test_a_hook_that_breaks_off_leaves_no_traceback(house: House) -> None:
    """A hook whose sender hangs up in the middle of it, JSON or form, leaves at most a log line, and no file behind."""
    _, daemon = await house.start()
    host, _, port = daemon.http_url.removeprefix("http://").rpartition(":")
    path = house.hook_url(daemon).removeprefix(daemon.http_url)
    part = b'--x\r\nContent-Disposition: form-data; name="filename"; filename="a.pdf"\r\n\r\n%PDF-'
    for kind, begun in (("application/json", b'{"jobId": '), ("multipart/form-data; boundary=x", part)):
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 5000\r\n\r\n"
        writer.write(head.encode() + begun)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    answer = await house.http.post(house.hook_url(daemon), json={"direction": "outbound", "jobId": 5})
    assert answer.status_code == 200
    assert await daemon.stop() == 0
    assert [line for line in daemon.lines if not line.startswith("{")] == []
    assert len(house.rows("SELECT id FROM evidence")) == 1
    assert not list((house.folder / "store" / "blobs" / "tmp").iterdir())


async def test_list_show_health_and_metrics_have_what_the_contract_names(house: House) -> None:
    """``list`` and ``show`` print one JSON document with every field, health says 200, metrics have their names."""
    sandbox, daemon = await house.start(ifax={"caller_id": "+14155550100"})
    message = await daemon.take(a_pdf_mail(DELIVERED, pages=2, Message_ID="<a@example.org>"), DELIVERED)
    received = await sandbox.receive(from_="+12125550177", to=OUR_NUMBER, pages=2)
    await house.sink.wait(2)
    await house.settled()
    faxes = {fax["direction"]: fax for fax in await house.run_json("list")}
    assert set(faxes) == {"in", "out"}
    for fax in faxes.values():
        assert set(fax) >= FAX_FIELDS
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{12}", fax["id"])
        assert fax["state"] == "delivered"
        assert fax["due_at"] is None
        for moment in (fax["created_at"], fax["updated_at"], fax["state_since"], *(x["at"] for x in fax["history"])):
            assert MOMENT.fullmatch(moment), moment
        assert all(set(line) == {"at", "event", "actor", "detail"} for line in fax["history"])
        actors = {line["actor"] for line in fax["history"]}
        assert all(actor in {"daemon", "carrier"} or actor.startswith(("sender ", "operator ")) for actor in actors)
    out, back = faxes["out"], faxes["in"]
    assert await house.run_json("show", out["id"].lower()) == out
    assert (out["number"], out["caller_id"], out["sender"]) == (DELIVERED, "+14155550100", SENDER)
    assert (out["message"], out["header_message_id"]) == (message, "<a@example.org>")
    assert (out["pages"], out["pages_sent"]) == (2, 2)
    assert out["parts"][-1] == {"name": "results.pdf", "type": "application/pdf", "pages": 2, "left_out": None}
    assert all(set(part) == {"name", "type", "pages", "left_out"} for part in out["parts"])
    (attempt,) = out["attempts"]
    assert set(attempt) == ATTEMPT_FIELDS
    (taken,) = await sandbox.taken()
    assert attempt["carrier_job_id"] == str(taken["jobId"])
    assert attempt["transaction_id"] in {None, str(taken["transactionId"])}  # fax-status doesn't tell it
    assert (attempt["result"], attempt["code"]) == ("delivered", 0)
    assert set(out["outcome"]) == {"class", "code", "title", "explanation"}
    assert (out["outcome"]["class"], out["outcome"]["code"]) == ("ok", 0)
    assert (back["number"], back["pages"], back["outcome"]) == ("+12125550177", 2, None)
    assert back["recipients"] == ["mailto:fallback@example.org"]
    assert back["carrier_job_id"] == str(received["jobId"])
    assert (await house.run("show", "NOSUCHFAX000")).status == 1

    for path in ("live", "ready"):
        answer = await house.http.get(f"{daemon.admin_url}/health/{path}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/json")
    metrics = (await house.http.get(f"{daemon.admin_url}/metrics")).text
    for name in METRICS:
        assert f"\n{name}" in metrics, name
    assert 'faxbridge_faxes_ended_total{outcome="ok"} 1.0' in metrics
    assert "faxbridge_faxes_accepted_total 1.0" in metrics
    assert DELIVERED not in metrics
    for path in ("/health/live", "/metrics", "/"):
        assert (await house.http.get(f"{daemon.http_url}{path}")).status_code == 404


async def test_an_attachment_that_cannot_be_faxed_fails_the_fax_and_is_named(house: House) -> None:
    """With a .docx beside a PDF nothing is faxed, and the one notice names the part that stood in the way."""
    sandbox, daemon = await house.start()
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    files = [("good.pdf", "application/pdf", a_pdf()), ("Arztbrief März.docx", word, b"PK\x03\x04 not a real one")]
    await daemon.take(a_mail(DELIVERED, files=files), DELIVERED)
    (notice,) = await house.sink.wait()
    assert (notice.event, notice.status["Action"]) == ("failed", "failed")
    assert notice.status["Status"].startswith("5.")
    assert "Arztbrief März.docx" in notice.text
    assert not await sandbox.asked("fax-send")
    (row,) = await house.run_json("list")
    assert (row["state"], row["outcome"]["class"], row["attempts"]) == ("failed", "document", [])
    named = {part["name"]: part["left_out"] for part in row["parts"]}
    assert named["Arztbrief März.docx"]
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == 1


async def test_the_standins_table_of_numbers_is_printed(house: House) -> None:
    """``sandbox --numbers`` prints the table that the tests here go by, to people and as JSON."""
    ran = await house.run("sandbox", "--numbers", "--json")
    assert ran.status == 0, ran.err
    assert ran.err == ""
    assert re.search(r'"number": "\+14155550150",\s*"outcome": "busy"', ran.out)


async def test_pictures_and_bilevel_tiffs_become_pages_in_order(house: House) -> None:
    """PNG, JPEG, text and a bilevel TIFF of two pages, in one mail, reach the carrier as one PDF of five pages."""
    sandbox, daemon = await house.start()
    files = [
        ("a.png", "image/png", a_picture("PNG", "RGBA")),
        ("b.jpg", "image/jpeg", a_picture("JPEG", "RGB")),
        ("c.txt", "text/plain", b"Hello\n"),
        ("d.tif", "image/tiff", a_picture("TIFF", "1", pages=2, compression="group4", dpi=(204, 196))),
    ]
    await daemon.take(a_mail(DELIVERED, files=files), DELIVERED)
    (notice,) = await house.sink.wait()
    assert notice.event == "delivered", notice.text
    (fax,) = await sandbox.taken()
    assert fax["pages"] == 5
    (row,) = await house.run_json("list")
    made = [(part["name"], part["pages"]) for part in row["parts"] if part["left_out"] is None]
    assert made == [("a.png", 1), ("b.jpg", 1), ("c.txt", 1), ("d.tif", 2)]


async def test_show_takes_the_id_that_the_250_gave(house: House) -> None:
    """The id in the SMTP reply finds the mail's one fax; of a mail with several, `show` names them."""
    _, daemon = await house.start()
    one = await daemon.take(a_pdf_mail(DELIVERED), DELIVERED)
    (fax,) = await house.run_json("list")
    assert fax["message"] in str(one)
    assert (await house.run_json("show", fax["message"]))["id"] == fax["id"]
    await house.settled()
    assert await daemon.stop() == 0
