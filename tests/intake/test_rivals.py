"""Mistakes of other fax gateways at this border (field.md, section 6), each as a test that we don't make it.

The number in a test's name is the line of that section.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.store.engine import Writer
from tests.support.intake_stand import MAIL, POLICY, a_site, until


async def test_1_the_fax_is_stored_before_the_250(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the commit is held up there is no 250, and when there is, the rows are there for every other process."""
    held, go_on = asyncio.Event(), asyncio.Event()
    real = Writer.run

    async def slow(self: Writer, unit: object) -> object:
        held.set()
        await go_on.wait()
        return await real(self, unit)  # type: ignore[arg-type]  # handed through

    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        monkeypatch.setattr(Writer, "run", slow)
        answer = asyncio.create_task(line.data())
        await held.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not answer.done()
        assert site.kept.counts() == (0, 0, 0)
        go_on.set()
        assert (await answer).startswith("250 ")
        assert site.kept.counts() == (1, 1, 1)


async def test_1_a_client_that_goes_away_without_quit_costs_nothing(tmp_path: Path) -> None:
    """After the 250 the way a session ends does not matter."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data()).startswith("250 ")
        line.writer.transport.abort()
        await site.until_no_sessions()
        assert site.kept.counts() == (1, 1, 1)


async def test_2_a_second_recipient_or_mail_replaces_nothing(tmp_path: Path) -> None:
    """Two recipients are two faxes of one document; a second mail in the session leaves the first one's alone."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        await line.envelope("+14155550101@fax.local", "+14155550102@fax.local")
        assert (await line.data(b"Subject: first\r\n")).startswith("250 ")
        await line.envelope("+14155550103@fax.local")
        assert (await line.data(b"Subject: second\r\n")).startswith("250 ")
        rows = site.kept.rows("SELECT number, blob_id FROM fax JOIN message ON message.id = message_id ORDER BY fax.id")
        assert [(number, site.kept.plain(blob)) for number, blob in rows] == [
            ("+14155550101", b"Subject: first\r\n"),
            ("+14155550102", b"Subject: first\r\n"),
            ("+14155550103", b"Subject: second\r\n"),
        ]


async def test_3_all_parts_are_kept(tmp_path: Path) -> None:
    """The mail is kept whole, every part of it: what becomes of each is decided later, in sight."""
    parts = b"".join(b"--x\r\nContent-Disposition: attachment\r\n\r\npart %d\r\n" % number for number in range(3))
    content = b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + parts + b"--x--\r\n"
    async with a_site(tmp_path) as site:
        assert (await (await (await site.greeted()).envelope()).data(content)).startswith("250 ")
        [(blob,)] = site.kept.rows("SELECT blob_id FROM message")
        assert site.kept.plain(blob) == content


@pytest.mark.parametrize("content", [MAIL, b"", b"no header at all\r\n", b"\r\n", b"Subject: only\r\n"])
async def test_4_a_mail_without_parts_is_a_fax_too(content: bytes, tmp_path: Path) -> None:
    """Whatever its shape, an accepted mail has its fax row, which ends in exactly one word to the sender."""
    async with a_site(tmp_path) as site:
        assert (await (await (await site.greeted()).envelope()).data(content)).startswith("250 ")
        assert site.kept.rows("SELECT state FROM fax") == [("accepted",)]


async def test_5_a_refusal_after_data_is_not_dressed_as_250(tmp_path: Path) -> None:
    """The only reply after DATA that begins with 2 is the one that means kept."""
    async with a_site(tmp_path, max_message_size=1_000) as site:
        line = await site.greeted()
        for content in (b"Received: x\r\n" * 40, b"Auto-Submitted: auto-replied\r\n", b"x" * 2_000 + b"\r\n"):
            assert (await (await line.envelope()).data(content)).startswith("55")
        assert site.kept.counts() == (0, 0, 0)


@pytest.mark.parametrize(
    "sender",
    [
        "notbob@x.example.evil.test",
        "bob@x.example.evil.test",
        "notbob@x.example",
        "bob@x.example@evil.test",
        "bob@xxexample",
    ],
)
async def test_6_allowed_senders_are_matched_whole(sender: str, tmp_path: Path) -> None:
    """A pattern without a star allows that one address and nothing longer, and its dot is a dot."""
    async with a_site(tmp_path, replace(POLICY, senders=("bob@x.example",))) as site:
        line = await site.greeted()
        if (await line.say(f"MAIL FROM:<{sender}>")).startswith("250 "):
            assert (await line.say("RCPT TO:<+14155550123@fax.local>")).startswith("550 5.7.1 ")
        await line.say("RSET")
        assert (await (await line.envelope(sender="Bob@x.example")).data()).startswith("250 ")


@pytest.mark.parametrize("local", ["4155550123/T33S=99", "4155550123x99", "office4155550123", "415555a0123"])
async def test_7_digits_are_not_gathered_from_other_text(local: str, tmp_path: Path) -> None:
    """A sub-address, an extension or a name with digits is refused: it never changes the number."""
    async with a_site(tmp_path) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<a@example.org>")).startswith("250 ")
        assert (await line.say(f"RCPT TO:<{local}@fax.local>")).startswith("550 5.1.3 ")


async def test_8_equal_mails_at_once_have_files_of_their_own(tmp_path: Path) -> None:
    """Sessions that send the same bytes at the same time share no file; the end of one takes nothing from another."""
    numbers = [f"+1415555010{number}" for number in range(4)]
    large = MAIL + b"One more line of text.\r\n" * 12_000
    async with a_site(tmp_path) as site:
        lines = [await (await site.greeted()).envelope(f"{number}@fax.local") for number in numbers]
        for line in lines:
            assert (await line.say("DATA")).startswith("354 ")
            await line.send(large)
        await until(lambda: len(site.kept.files()) == 4)
        lines[0].close()
        for line in lines[1:]:
            await line.send(b".\r\n")
        assert [(await line.reply())[:4] for line in lines[1:]] == ["250 "] * 3
        await until(lambda: len(site.kept.files()) == 3)
        assert [site.kept.plain(path.name) for path in site.kept.files()] == [large] * 3


async def test_10_a_refused_sender_is_told_and_a_mail_is_a_job_or_refused(tmp_path: Path) -> None:
    """Section 6, 10: who may not send hears it at RCPT, and nothing of the mail stays; a 250 always has its fax."""
    async with a_site(tmp_path, replace(POLICY, senders=("*@example.org",))) as site:
        line = await site.greeted()
        assert (await line.say("MAIL FROM:<someone@example.net>")).startswith("250 ")
        answer = await line.say("RCPT TO:<+14155550123@fax.local>")
        assert answer.startswith("550 5.7.1 ")
        assert "policy.senders" in answer
        assert (await line.say("RSET")).startswith("250 ")
        assert site.kept.counts() == (0, 0, 0)
        assert (await (await line.envelope()).data()).startswith("250 ")
        assert site.kept.counts() == (1, 1, 1)
        assert site.kept.rows("SELECT count(*) FROM outbox") == [(0,)], "nobody is written to behind his back"


@pytest.mark.parametrize(
    "subject", ["body scan", "somebody", "call 2125550199 back", "+12125550199", "/cover=none ::p=1"]
)
async def test_14_words_in_a_subject_order_nothing(subject: str, tmp_path: Path) -> None:
    """Section 6, 14: neither ten digits nor a word in the subject change the number or the caller id."""
    async with a_site(tmp_path, caller_id="+14155550100") as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(b"Subject: " + subject.encode() + b"\r\n\r\ntext\r\n")).startswith("250 ")
        assert site.kept.rows("SELECT number, caller_id FROM fax") == [("+14155550123", "+14155550100")]


async def test_15_the_envelope_counts_and_not_the_header(tmp_path: Path) -> None:
    """Section 6, 15: all recipients of the envelope are faxed, the numbers in To and Cc are not asked."""
    header = (
        b"To: +14155550111@fax.local\r\nCc: +14155550112@fax.local, x@example.org\r\nBcc: +14155550113@fax.local\r\n"
    )
    wanted = ["+14155550101", "+14155550102", "+14155550103"]
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(*(f"{number}@fax.local" for number in wanted))
        assert (await line.data(header + b"\r\ntext\r\n")).startswith("250 ")
        assert [number for _, number in site.kept.faxes()] == wanted


async def test_15_an_error_of_ours_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 6, 15: when the rows cannot be written the client hears 451, and nothing is left."""
    real = Writer.run

    async def broken(self: Writer, unit: object) -> object:
        raise RuntimeError("the secret insides")

    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        monkeypatch.setattr(Writer, "run", broken)
        answer = await line.data()
        assert answer.startswith("451 4.3.0 ")
        assert "insides" not in answer
        assert site.kept.counts() == (0, 0, 0)
        assert site.kept.files() == []
        monkeypatch.setattr(Writer, "run", real)
        assert (await (await line.envelope()).data()).startswith("250 ")


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= =?ISO-8859-1?B?4Pbk?=\r\n",
        b"Subject: =?UTF-8?Q?broken=ZZ?= =?x-unknown?B?!!!!?=\r\n",
        b"Subject: Gr\xfc\xdfe\r\n",
        b"Subject: \xe3\x82\xaf\xe3\x83\xaa\r\n",
        b'Message-ID: <>\r\nTo: "\r\nFrom: <a@[>\r\n',
        b"Subject:" + b" long" * 400 + b"\r\n",
    ],
)
async def test_20_encoded_and_broken_header_fields_are_no_obstacle(header: bytes, tmp_path: Path) -> None:
    """Section 6, 18 and 20: whatever charset or nonsense stands in a header, the mail is kept as it came and faxed."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.data(header + b"\r\ntext\r\n")).startswith("250 ")
        [(blob,)] = site.kept.rows("SELECT blob_id FROM message")
        assert site.kept.plain(blob) == header + b"\r\ntext\r\n"
