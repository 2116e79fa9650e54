"""Mails that others collected, because programs had stumbled over them: none is faxed with a part silently missing."""

from pathlib import Path

import pytest

from bridge.document import mime, pages
from bridge.document.limits import Limits
from bridge.document.pieces import Role

PYTHONS = Path("/usr/lib/python3.11/test/test_email/data")
"""Of Debian's package libpython3.11-testsuite, which deploy/set-up installs."""

MAILS = sorted(PYTHONS.glob("msg_*.txt"))
UNFAXABLE = {"msg_08", "msg_09", "msg_12", "msg_12a", "msg_18", "msg_22", "msg_24", "msg_36"}
"""Mails without any text, with broken pictures, or with pointers to files elsewhere."""


def test_the_collection_is_there() -> None:
    """Else the test below would show nothing."""
    assert len(MAILS) >= 47


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_every_part_of_a_collected_mail_has_its_line(path: Path) -> None:
    """Each part has pages, or the reason why not; the pages add up; and whatever can be faxed is."""
    with path.open("rb") as file:
        found = mime.read(file, Limits())
    pdf, report = pages.make_pdf(found, Limits())
    assert len(report.parts) >= len(found)
    assert all(bool(each.pages) != bool(each.left_out) for each in report.parts)
    assert (pdf is None) == bool(report.failed) == (path.stem in UNFAXABLE), report.failed
    if pdf is not None:
        assert sum(each.pages for each in report.parts) == report.pages == len(pdf.pages) > 0
    assert any(piece.role in {Role.BODY, Role.ATTACHMENT} for piece in found) or report.failed
