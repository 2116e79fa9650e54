"""Programs that read bounces for a living understand ours: whom it is about, and whether it is for good."""

from email import message_from_bytes
from email.policy import default as modern

import pytest
from flufl.bounce import all_failures

from bridge.mail import notices
from bridge.mail.notices import NoticeEvent
from tests.support.unit_clock import START
from tests.support.unit_mail import OPTIONS, OUTCOMES, ROW, SENDER, a_fax, facts

ADDRESS = b"+14155550123@fax.local"
FOR_GOOD = {NoticeEvent.FAILED, NoticeEvent.PARTIAL, NoticeEvent.CANCELLED}
FOR_NOW = {NoticeEvent.DELAYED, NoticeEvent.HELD, NoticeEvent.UNCONFIRMED}


@pytest.mark.parametrize("event", OUTCOMES)
def test_mailmans_reader_finds_whom_it_is_about(event: NoticeEvent) -> None:
    """flufl.bounce: failures are permanent, delays are temporary, and what was delivered is no bounce."""
    mail = notices.render(facts(event), OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    temporary, permanent = all_failures(message_from_bytes(mail))
    assert permanent == ({ADDRESS} if event in FOR_GOOD else set())
    assert temporary == ({ADDRESS} if event in FOR_NOW else set())


def test_the_address_as_it_was_given_is_the_one_found() -> None:
    """Not the number as we understood it: the other side knows only what it wrote."""
    told = facts(NoticeEvent.FAILED, fax=a_fax(recipient="4155550123@fax.local"))
    mail = notices.render(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    assert all_failures(message_from_bytes(mail))[1] == {b"4155550123@fax.local"}


@pytest.mark.parametrize("event", OUTCOMES)
def test_pythons_reader_has_no_complaint(event: NoticeEvent) -> None:
    """No defect in the mail or in any of its parts."""
    mail = notices.render(facts(event), OPTIONS, row_id=ROW, recipient=SENDER, now=START)
    assert [part.defects for part in message_from_bytes(mail, policy=modern).walk() if part.defects] == []
