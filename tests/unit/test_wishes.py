"""What a sender asked of its notices (RFC 3461): which it gets, and what they say back of what it gave."""

import pytest
from hypothesis import given, strategies as st

from bridge.fax.wishes import Notify
from bridge.mail import notices, reports
from bridge.mail.notices import ACTIONS, NoticeEvent
from bridge.mail.wishes import Action, not_wanted
from tests.support.unit_clock import START
from tests.support.unit_mail import OPTIONS, ROW, SENDER, a_fax, a_message, facts, status_of

NEVER, SUCCESS, FAILURE, DELAY = Notify.NEVER, Notify.SUCCESS, Notify.FAILURE, Notify.DELAY
WISH = {
    NoticeEvent.ACCEPTED: SUCCESS,
    NoticeEvent.DELAYED: DELAY,
    NoticeEvent.DELIVERED: SUCCESS,
    NoticeEvent.FAILED: FAILURE,
    NoticeEvent.PARTIAL: FAILURE,
    NoticeEvent.CANCELLED: FAILURE,
    NoticeEvent.UNCONFIRMED: DELAY,
    NoticeEvent.HELD: DELAY,
}


@pytest.mark.parametrize("event", ACTIONS)
@pytest.mark.parametrize(
    "notify", [{NEVER}, {SUCCESS}, {FAILURE}, {DELAY}, {SUCCESS, FAILURE}, {FAILURE, DELAY}, {SUCCESS, FAILURE, DELAY}]
)
def test_a_sender_gets_what_it_asked_for(event: NoticeEvent, notify: set[Notify]) -> None:
    """A sender that asked gets the notices it asked for and no others, whatever the site's own reason would be."""
    for site in ("", "notices.delivered is off"):
        why = not_wanted(ACTIONS[event], frozenset(notify), otherwise=site)
        assert (why == "") is (WISH[event] in notify)
        if why:
            asked = ",".join(sorted(notify))
            assert why == f"the sender asked for no such notice (NOTIFY={asked})"


@pytest.mark.parametrize("action", Action)
def test_who_asked_for_nothing_gets_what_the_site_tells(action: Action) -> None:
    """Without NOTIFY the site decides."""
    assert not_wanted(action, None) == ""
    assert not_wanted(action, None, otherwise="off") == "off"


def test_relayed_is_a_success() -> None:
    """That a fax is on its way is told to those who asked to hear of success (RFC 3461, 5.2.2 and 5.3)."""
    assert not_wanted(Action.RELAYED, frozenset({SUCCESS})) == ""
    assert not_wanted(Action.RELAYED, frozenset({FAILURE, DELAY})) != ""


def _render(envid: str = "", orcpt: str = "", recipient: str = "+14155550123@fax.local") -> bytes:
    told = facts(
        NoticeEvent.FAILED,
        fax=a_fax(original_recipient=orcpt, recipient=recipient),
        message=a_message(envelope_id=envid),
    )
    return notices.render(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)


@pytest.mark.parametrize("envid", ["QQ314159", "a b", "x" * 100, "=+;,"])
def test_the_envelope_id_comes_back(envid: str) -> None:
    """ENVID stands first in the report, letter by letter; without one there is no such field (RFC 3464, 2.2.1)."""
    message, _ = status_of(_render(envid))
    assert next(iter(message.items())) == ("Original-Envelope-Id", envid)
    assert "Original-Envelope-Id" not in status_of(_render())[0]


@pytest.mark.parametrize(
    ("orcpt", "field"),
    [
        ("", 'rfc822; "415 555 0123"@fax.local'),
        ("rfc822;Front.Desk@clinic.example", "rfc822; Front.Desk@clinic.example"),
        ("x400;/S=Lee/C=US/", "x400; /S=Lee/C=US/"),
        ("rfc822;" + "a" * 480 + "@x.example", "rfc822; " + "a" * 480 + "@x.example"),
        ("utf-8;josé@example.org", r"utf-8; jos\x{E9}@example.org"),
        ("utf-8;a+b=c\\傳@example.org", r"utf-8; a\x{2B}b\x{3D}c\x{5C}\x{50B3}@example.org"),
        ("no type", 'rfc822; "415 555 0123"@fax.local'),
        (";a@b.example", 'rfc822; "415 555 0123"@fax.local'),
        ("bad type;a@b.example", 'rfc822; "415 555 0123"@fax.local'),
        ("rfc822;", 'rfc822; "415 555 0123"@fax.local'),
    ],
)
def test_the_original_recipient_comes_back(orcpt: str, field: str) -> None:
    """ORCPT stands in the report with its type, whole; without a proper one the recipient does, as it was given."""
    _, fax = status_of(_render(orcpt=orcpt, recipient='"415 555 0123"@fax.local'))
    assert fax["Original-Recipient"] == field
    assert fax["Final-Recipient"] == "fax; +14155550123"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=80))
def test_any_address_is_written_so_that_it_can_be_read_back(address: str) -> None:
    """An address beyond ASCII is written in ASCII without loss (RFC 6533, 3)."""
    written = reports.original_recipient(f"utf-8;{address}", "x@fax.local")
    assert written.isascii()
    kind, _, coded = written.partition("; ")
    assert kind == "utf-8"
    if address.isascii():
        assert coded == address
        return
    pieces = coded.split("\\x{")
    read = pieces[0] + "".join(
        chr(int(piece[: piece.index("}")], 16)) + piece[piece.index("}") + 1 :] for piece in pieces[1:]
    )
    assert read == address
