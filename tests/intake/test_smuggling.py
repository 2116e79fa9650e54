"""SMTP smuggling: nothing but CR LF . CR LF ends a message, and nothing behind what only resembles it is a command.

The ends are those of the SEC Consult paper of 2023 and of the tools that followed it, and some of our own.
"""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.intake.options import ListenerOptions
from tests.support.intake_stand import FORMAL_MAIL, LISTENER, Site, a_site

STRICT = ListenerOptions("127.0.0.1", 0)
MENDING = replace(LISTENER, bare_lf=(ip_network("127.0.0.1/32"),))
LISTENERS = {"strict": STRICT, "legacy": LISTENER, "mending": MENDING}

ODD_ENDS = [
    *(b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\n.", b"\r."),
    *(
        b"\r\n\x00.\r\n",
        b"\r\n.\x00\r\n",
        b"\r\n.\r\x00\n",
        b"\r\x00\n.\r\n",
        b"\r\n\x00.\x00\r\n",
        b"\n\x00.\n",
        b"\x00\r\n.\n",
    ),
    *(
        b"\r\r\n.\r\n",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
        b"\n\n.\r\n",
        b"\n\n.\n",
        b"\r\n\n.\r\n",
        b"\n\r.\r\n",
        b"\n\r.\n\r",
    ),
    *(b"\r\n.\r.\r\n", b"\r\n.\n.\r\n", b"\n.\r\r\n", b"\r.\r\r\n", b"\r\n.\n\r\n", b"\r\n\r.\r\n"),
]
"""With a bare CR, a bare LF or a NUL: an error on every listener, or, where bare LF is mended, data at most."""

PROPER_LINES = [
    *(
        b"\r\n.",
        b"\r\n..\r\n",
        b"\r\n. \r\n",
        b"\r\n .\r\n",
        b"\r\n.\t\r\n",
        b"\r\n\t.\r\n",
        b"\r\n...\r\n",
        b"\r\n.;\r\n",
        b"\r\n.\x1a\r\n",
    ),
    *(
        b"\r\n\x0b.\r\n",
        b"\x0b.\x0b",
        b"\x0c.\x0c",
        b"\x85.\x85",
        b"\r\n\x1a\r\n",
        b"\r\n\x04\r\n",
        b"\xe2\x80\xa8.\xe2\x80\xa8",
    ),
    *(
        b"\r\n\xef\xbc\x8e\r\n",
        b"\r\n\xe3\x80\x82\r\n",
        b"\r\n=2E\r\n",
        b"=0D=0A.=0D=0A",
        b"\\r\\n.\\r\\n",
        b"\xc2\x85.\xc2\x85",
    ),
    *(
        b"\r\n\xef\xbb\xbf.\r\n",
        b"\r\n\xad.\r\n",
        b"\r\n\x7f.\r\n",
        b"\r\n\x08.\r\n",
        b"\x8d\x8a.\x8d\x8a",
        b"\x1c.\x1c",
        b"\x1e.\x1e",
    ),
]
"""Lines like any other, although they resemble the end, or would be it in another coding: data."""

INJECTED = (
    b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<+14155550199@fax.local>\r\nDATA\r\n"
    b"Date: x\r\nMessage-ID: <evil@example.org>\r\n\r\nsmuggled\r\n"
)


async def outcomes(site: Site, ending: bytes, pieces: int) -> tuple[list[str], list[str], list[bytes]]:
    """A mail with ``ending`` and commands in it: codes of all replies after 354, numbers faxed, bytes kept."""
    before = len(site.kept.faxes())
    line = await (await site.greeted()).envelope("+14155550101@fax.local")
    assert (await line.say("DATA")).startswith("354 ")
    message = FORMAL_MAIL.replace(b"<1@", b"<%d@" % before) + b"body" + ending + INJECTED
    size = -(-len(message) // pieces)
    for start in range(0, len(message), size):
        line.writer.write(message[start : start + size])
    line.writer.write(b"\r\n.\r\nQUIT\r\n")
    codes = [reply[:3] for reply in await line.rest()]
    line.close()
    blobs = site.kept.rows("SELECT blob_id FROM message ORDER BY id")[before:]
    return codes, [number for _, number in site.kept.faxes()[before:]], [site.kept.plain(blob) for (blob,) in blobs]


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("listener", LISTENERS.values(), ids=LISTENERS.keys())
async def test_an_odd_end_is_an_error_or_data(listener: ListenerOptions, pieces: int, tmp_path: Path) -> None:
    """521 and the end of the connection; or, where bare LF is mended, one mail that holds the injected commands."""
    async with a_site(tmp_path, listener=listener) as site:
        for ending in ODD_ENDS:
            codes, numbers, kept = await outcomes(site, ending, pieces)
            if codes == ["521"]:
                assert (numbers, kept) == ([], []), ending
                continue
            assert listener is MENDING, ending
            assert codes == ["250", "221"], ending
            assert numbers == ["+14155550101"], ending
            assert b"MAIL FROM:<evil@example.org>\r\n" in kept[0], ending


@pytest.mark.parametrize("listener", LISTENERS.values(), ids=LISTENERS.keys())
async def test_what_resembles_an_end_is_data(listener: ListenerOptions, tmp_path: Path) -> None:
    """One mail is taken, the commands are text in it, and none of them is obeyed."""
    async with a_site(tmp_path, listener=listener) as site:
        for ending in PROPER_LINES:
            codes, numbers, kept = await outcomes(site, ending, 3)
            assert codes == ["250", "221"], ending
            assert numbers == ["+14155550101"], ending
            assert INJECTED in kept[0], ending


async def test_behind_the_true_end_there_are_commands(tmp_path: Path) -> None:
    """The counter-check: after CR LF . CR LF the same bytes are a second mail."""
    async with a_site(tmp_path, listener=STRICT) as site:
        codes, numbers, kept = await outcomes(site, b"\r\n.\r\n", 3)
        assert codes == ["250", "250", "250", "354", "250", "221"]
        assert numbers == ["+14155550101", "+14155550199"]
        assert len(kept) == 2


async def test_a_refused_message_is_never_read_as_commands(tmp_path: Path) -> None:
    """After 521 all that still comes is thrown away, however much: no reply to it, no mail of it."""
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope()
        assert (await line.say("DATA")).startswith("354 ")
        line.writer.write(b"x\n" + b"RSET\r\n" + INJECTED + b".\r\n" + b"NOOP\r\n" * 20_000)
        assert [reply[:4] for reply in await line.rest()] == ["521 "]
        assert site.kept.counts() == (0, 0, 0)


async def test_a_message_too_large_is_never_read_as_commands(tmp_path: Path) -> None:
    """A message over the limit is read to its end: what stands in it is no command, and 552 is its one reply."""
    async with a_site(tmp_path, max_message_size=1000) as site:
        line = await (await site.greeted()).envelope()
        answer = await line.data(b"x" * 2000 + b"\r\n" + INJECTED * 1000)
        assert answer.startswith("552 5.3.4 ")
        assert (await line.say("NOOP")).startswith("250 ")
        assert site.kept.counts() == (0, 0, 0)
