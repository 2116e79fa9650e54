"""Mails that others collected, because programs had stumbled over them: none is faxed with a part silently missing."""

import asyncio
from pathlib import Path

import pytest

from bridge.document import mime, pages
from bridge.document.limits import Limits
from bridge.document.pieces import Role
from tests.support.document_samples import mail, make, part

PYTHONS = Path("/usr/lib/python3.11/test/test_email/data")
"""Of Debian's package libpython3.11-testsuite."""

MAILS = sorted(PYTHONS.glob("msg_*.txt"))
UNFAXABLE = {"msg_08", "msg_09", "msg_12", "msg_12a", "msg_18", "msg_22", "msg_24", "msg_36", "msg_38", "msg_40"}
"""Mails without any text, with broken pictures, pointers to files elsewhere, or boundaries within their texts."""


TNEFPARSES = Path(__file__).parents[2] / ".tools" / "samples" / "tnefparse-1.4.0" / "tests" / "examples"
"""Of tnefparse's source, which deploy/fetch-samples fetches."""

WINMAILS = sorted(TNEFPARSES.glob("*.tnef"))
REFUSED = {
    **dict.fromkeys(("IPM-DistList", "bad_checksum", "duplicate_filename"), "winmail.dat: is damaged"),
    **dict.fromkeys(("garbage-at-end", "multi-name-property"), "the mail holds nothing"),
    "MAPI_OBJECT": "winmail.dat: Untitled_Attachment: LibreOffice could not convert it",
    "multi-value-attribute": "winmail.dat: 208225__5_seconds__Voice_Mail.mp3: this type of file cannot be faxed",
    "unicode-mapi-attr": "winmail.dat: example.dat: this type of file cannot be faxed",
}
"""What is said of those that cannot be faxed."""


def test_the_collections_are_there() -> None:
    """Else the tests below would show nothing."""
    assert len(MAILS) >= 47
    assert len(WINMAILS) == 19


@pytest.mark.parametrize("path", WINMAILS, ids=lambda path: path.stem)
async def test_every_part_of_a_collected_winmail_dat_has_its_line(path: Path, tmp_path: Path) -> None:
    """Outlook's files of twenty years: faxed with all that is in them, or refused with the reason."""
    held = await asyncio.to_thread(path.read_bytes)
    made = await make(tmp_path, mail(part(held, "application/ms-tnef", "winmail.dat")))
    assert made.parts
    assert all(bool(each.pages) != bool(each.left_out) for each in made.parts)
    assert made.failed.startswith(REFUSED.get(path.stem, "")), made.failed
    assert bool(made.failed) == (path.stem in REFUSED)
    assert sum(each.pages for each in made.parts) == made.pages


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
