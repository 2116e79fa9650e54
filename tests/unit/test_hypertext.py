"""The HTML form of our mail says what its text says, word for word, fetches nothing, and holds nobody's markup."""

import re
from email import message_from_bytes
from email.policy import default as modern
from html.parser import HTMLParser

import pytest
from hypothesis import given, strategies as st

from bridge.fax.jobs import Part
from bridge.fax.options import LANGUAGES, Language
from bridge.fax.states import FaxState
from bridge.mail import arrivals, hypertext, notices, tongues
from bridge.mail.hypertext import Tone
from bridge.mail.notices import NoticeEvent
from tests.support.unit_clock import START
from tests.support.unit_mail import (
    OPTIONS,
    OUTCOMES,
    ROW,
    SENDER,
    a_delivery,
    a_duplicate,
    a_received,
    facts,
    parts_in,
    parts_of,
    text_of,
    well_formed,
)

TAGS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "p", "br", "strong"}
HOSTILE = b"Subject: <script>alert(1)</script> & \"quoted\" 'results'\r\n\r\n"


class Reader(HTMLParser):
    """What a person sees of a page, and of what it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self._in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_body = self._in_body or tag == "body"

    def handle_data(self, data: str) -> None:
        if self._in_body:
            self.seen.append(data)


def read(page: str) -> Reader:
    """The page as a mail program has it."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def words(text: str) -> list[str]:
    """The words of a text."""
    return re.findall(r"\w+", text)


def both(mail: bytes) -> tuple[str, str]:
    """The two forms of the part for people."""
    plain, html = parts_in(parts_of(mail)[0])
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text_of(plain), text_of(html)


def a_notice(event: NoticeEvent, recipient: str = SENDER) -> bytes:
    """About a mail whose subject and parts are hostile."""
    parts = (Part("<b>a.pdf</b>", "application/pdf", 2), Part("x & y", "image/png", 0, "is <i>damaged</i>: attach it"))
    told = facts(event, HOSTILE, parts=parts, why="the <u>reason</u>")
    return notices.render(told, OPTIONS, row_id=ROW, recipient=recipient, now=START)


MAILS = {
    **{event: a_notice(event) for event in OUTCOMES},
    **{f"{event} for the operator": a_notice(event, OPTIONS.admin) for event in OUTCOMES},
    "duplicate": notices.render_duplicate(
        a_duplicate(FaxState.HELD, HOSTILE), OPTIONS, row_id=ROW, recipient=SENDER, now=START
    ),
    "received": arrivals.render_received(
        a_received(file_pages=3), a_delivery(), b"%PDF-1.4", OPTIONS, row_id=ROW, now=START
    ),
    "lost": arrivals.render_lost(
        a_received(file_pages=3), SENDER, "it is <gone>", OPTIONS, row_id=ROW, now=START, pdf=None
    ),
}


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS.keys())
def test_both_forms_say_the_same(mail: bytes) -> None:
    """Word for word and in one order; whoever reads the one has missed nothing of the other."""
    plain, html = both(mail)
    assert well_formed(mail)
    assert words(" ".join(read(html).seen)) == words(plain)


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS.keys())
def test_a_page_fetches_nothing_and_holds_no_markup_of_others(mail: bytes) -> None:
    """No address in it, no script, no picture: a mail program has nothing to ask about."""
    _, html = both(mail)
    reader = read(html)
    assert reader.tags <= TAGS
    assert not reader.attributes & {"src", "href", "background", "onclick", "onload"}
    assert not re.search(r"https?:|url\(|@import|javascript:", html)


def test_a_mail_program_finds_both_forms() -> None:
    """The plain one first, as the less preferred (RFC 2046, 5.1.4), and the report behind them as ever."""
    message = message_from_bytes(MAILS[NoticeEvent.FAILED], policy=modern)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds[:5] == [
        "multipart/report",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "message/delivery-status",
    ]
    assert message.get_body(("html",)) is not None


def test_what_to_do_stands_out_and_commands_are_a_table() -> None:
    """Each kind of block has its form."""
    page = hypertext.page(
        "It failed.\n\nWhy: unknown.\n\nWhat to do: Send it again.\n\nThe parts:\n  page 1: a.pdf\n  plain\n\n"
        "From:  Anna\nTo:    Ben\n\n  faxbridge show X        it shows it\n\n-- \nFax X\niFax job 1\n",
        Tone.BAD,
        tongues.of("en"),
    )
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>\n(.*?)</tr>", page, re.DOTALL)]
    assert ["page 1", "a.pdf"] in rows
    assert ["plain"] in rows
    assert ["From", "Anna"] in rows
    assert ["faxbridge show X", "it shows it"] in rows
    assert "<strong>What to do:</strong> Send it again." in page
    assert page.index("Fax X<br>iFax job 1") > page.index("faxbridge show X")


PIECES = st.sampled_from(
    [
        "\n",
        "\n\n",
        "  ",
        "-- \n",
        *(f"{hypertext.what_to_do(tongues.of(language))} " for language in LANGUAGES),
        "x: ",
        "word",
        "<b>",
        "&amp;",
        '"',
        ":",
        "   ",
        "\x00",
        "é",
        "{{ 1 }}",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from(Tone), st.sampled_from(LANGUAGES))
def test_any_text_is_told_whole(text: str, tone: Tone, language: Language) -> None:
    """Whatever stands in a text, its page has the same words and no markup but ours."""
    reader = read(hypertext.page(text, tone, tongues.of(language)))
    assert reader.tags <= TAGS
    assert words(" ".join(reader.seen)) == words(text)
