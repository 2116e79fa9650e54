"""Who gets in: never an open relay, and nothing from a machine to a machine."""

from tests.support.processes import (
    ADMIN,
    ALSO_DELIVERED,
    DELIVERED,
    DELIVERED_TOO,
    SENDER,
    House,
    Talk,
    a_mail,
    a_pdf_mail,
    talk_to,
)


async def test_the_daemon_is_never_an_open_relay(house: House) -> None:
    """Other domains, foreign countries, bad numbers, null senders and automatic mail are refused without a trace."""
    house.configure(policy={"senders": ["*@example.org"]})
    daemon = await house.start_daemon()
    refusals = [
        (SENDER, "someone@elsewhere.example", "550 5.7.1"),
        (SENDER, "+14155550101@fax.local@elsewhere.example", "550 5.7.1"),
        (SENDER, "someone%elsewhere.example@fax.local", "550 5.1.3"),
        (SENDER, "elsewhere.example!someone@fax.local", "550 5.1.3"),
        (SENDER, "+14155550101%elsewhere.example@fax.local", "550 5.1.3"),
        (SENDER, "nobody@fax.local", "550 5.1.3"),
        (SENDER, "+1415555@fax.local", "550 5.1.3"),
        (SENDER, "+441632960001@fax.local", "550 5."),
        (SENDER, "+19005550100@fax.local", "550 5."),
        (SENDER, "preview+415555012@fax.local", "550 5.1.3"),
        ("stranger@elsewhere.example", "preview@fax.local", "550 5.7.1"),
        (SENDER, "bounce+abc@fax.local", "550 5.1.1"),
        ("stranger@elsewhere.example", f"{DELIVERED}@fax.local", "550 5.7.1"),
        ("ward@sub.example.org", f"{DELIVERED}@fax.local", "550 5.7.1"),
        ("ward@example.org.elsewhere.example", f"{DELIVERED}@fax.local", "550 5.7.1"),
        ("", f"{DELIVERED}@fax.local", "550 5.7.1"),
        ("", "postmaster@fax.local", "550 5.7.1"),
    ]
    async with talk_to(daemon) as talk:
        for sender, recipient, expected in refusals:
            assert (await talk.say(f"MAIL FROM:<{sender}>")).startswith("250"), sender
            reply = await talk.say(f"RCPT TO:<{recipient}>")
            assert reply.startswith(expected), (sender, recipient, reply)
            assert (await talk.say("DATA")).startswith("503"), recipient
            assert (await talk.say("RSET")).startswith("250")
        for words in ("auto-replied", "auto-generated (by a program)", "Auto-Notified; owner-email=x@example.org"):
            reply = await _mail(talk, a_pdf_mail(DELIVERED, Auto_Submitted=words).as_bytes(), DELIVERED)
            assert reply.startswith("550 5.7.1"), words
        for smuggled in (b"Subject: x\n\nbare\n", b"Subject: x\r\n\r\na\rb\r\n"):
            async with talk_to(daemon) as other:
                reply = await _mail(other, smuggled, DELIVERED, as_it_is=True)
                assert reply.startswith("521 5.5.2"), smuggled
                assert await other.closed() == b""
        assert (await talk.say("VRFY postmaster"))[:1] in {"2", "5"}
    assert await daemon.stop() == 0
    assert not house.rows("SELECT id FROM message")
    assert not house.rows("SELECT id FROM blob")
    assert not [path for path in (house.folder / "store" / "blobs").rglob("*") if path.is_file()]
    assert not house.sink.mails


async def test_a_client_outside_the_networks_may_not_fax_but_reaches_the_postmaster(house: House) -> None:
    """A stranger's fax is refused with 550 5.7.1, his guesses tell him nothing, and postmaster goes to the admin."""
    house.configure(policy={"networks": ["192.0.2.0/24"]})
    daemon = await house.start_daemon()
    async with talk_to(daemon) as talk:
        assert (await talk.say(f"MAIL FROM:<{SENDER}>")).startswith("250")
        replies = {await talk.say(f"RCPT TO:<{name}@fax.local>") for name in (DELIVERED, "nonsense", "+1415555")}
        assert len(replies) == 1
        assert replies.pop().startswith("550 5.7.1")
        assert (await talk.say("RSET")).startswith("250")
        assert (await talk.say(f"MAIL FROM:<{SENDER}>")).startswith("250")
        for recipient in ("postmaster", "Abuse@FAX.local"):
            assert (await talk.say(f"RCPT TO:<{recipient}>")).startswith("250"), recipient
        assert (await talk.say("DATA")).startswith("354")
        await talk.send(b"Message-ID: <hello@elsewhere.example>\r\nX-Fax-Event: forged\r\n\r\nHello\r\n.\r\n")
        assert (await talk.reply()).startswith("250 2.0.0 Ok: ")
    (forwarded,) = await house.sink.wait()  # both names mean the operator, and one copy is enough
    assert (forwarded.sender, forwarded.recipients) == ("", (ADMIN,))
    assert forwarded.content.startswith(b"Received: from client.example.org ([127.0.0.1])\r\n")
    assert forwarded.message["Message-ID"] == "<hello@elsewhere.example>"
    assert forwarded.content.endswith(b"\r\n\r\nHello\r\n")
    await house.settled()
    assert len(house.sink.mails) == 1
    assert await daemon.stop() == 0
    assert not house.rows("SELECT id FROM fax")


async def test_the_same_recipient_twice_is_one_recipient(house: House) -> None:
    """A number given twice in one mail is one fax, and a mailbox of ours given twice is one mail, never a 451."""
    sandbox, daemon = await house.start()
    await daemon.take(a_pdf_mail(DELIVERED), DELIVERED, "4155550101", DELIVERED)
    (notice,) = await house.sink.wait()
    assert notice.event == "delivered"
    assert len(await sandbox.taken()) == 1
    await daemon.take(a_mail("postmaster@fax.local", subject="Twice"), "postmaster", "postmaster")
    (forwarded,) = await house.sink.wait(to=ADMIN)
    assert forwarded.message["Subject"] == "Twice"
    assert await daemon.stop() == 0


async def test_a_client_that_hangs_up_amid_data_leaves_nothing(house: House) -> None:
    """A connection that ends or breaks before the final dot makes no fax, keeps no file, and is no error of ours."""
    house.configure()
    daemon = await house.start_daemon()
    for breaks in (False, True):
        async with talk_to(daemon) as talk:
            await talk.begin(DELIVERED)
            await talk.send(b"Subject: half\r\n\r\n" + b"x" * 100_000)
            if breaks:
                talk.writer.transport.abort()
    async with talk_to(daemon) as talk:
        assert (await talk.say("NOOP")).startswith("250")
    assert await daemon.stop() == 0
    assert not daemon.events("mail.intake_failed")
    assert not house.rows("SELECT id FROM blob")
    assert not [path for path in (house.folder / "store" / "blobs").rglob("*") if path.is_file()]


async def test_a_mail_with_hardly_a_byte_in_it_is_still_answered_and_told(house: House) -> None:
    """On a legacy listener empty mails and mails of dots get their 250 and one notice each: the text, or a failure."""
    _, daemon = await house.start(smtp={"listeners": [{"address": "127.0.0.1:0", "profile": "legacy"}]})
    mails = {DELIVERED: b"", ALSO_DELIVERED: b"..\r\n", DELIVERED_TOO: b"\r\n..hidden\r\n...\r\n"}
    for number, content in mails.items():
        async with talk_to(daemon) as talk:
            assert (await _mail(talk, content, number, as_it_is=True)).startswith("250 2.0.0 Ok: ")
    notices = {str(notice.message["X-Fax-Number"]): notice for notice in await house.sink.wait(len(mails))}
    assert [notices[number].event for number in mails] == ["failed", "delivered", "delivered"]
    assert notices[DELIVERED].text.strip()
    assert await daemon.stop() == 0
    assert len(house.sink.mails) == len(mails)


async def _mail(talk: Talk, content: bytes, number: str, *, as_it_is: bool = False) -> str:
    await talk.begin(number)
    await talk.send((content if as_it_is else content.replace(b"\n", b"\r\n")) + b"\r\n.\r\n")
    return await talk.reply()
