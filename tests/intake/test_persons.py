"""Whom a fax is for: the address says it, else the display name that stands with that very address in the mail."""

from pathlib import Path

from tests.support.intake_stand import MAIL, a_site


async def test_whom_the_faxes_are_for(tmp_path: Path) -> None:
    """ATTN and ORG of the address come first; then the name in To or Cc; a name beside another number is nobody's."""
    content = b'To: "Dr. Smith" <+14155550101@fax.local>, Jones <+14155550199@fax.local>\r\n' + MAIL
    async with a_site(tmp_path) as site:
        line = await (await site.greeted()).envelope(
            "+14155550101@fax.local", "FAX=+14155550102/ATTN=Ann.Lee/ORG=Ward_5@fax.local", "+14155550103@fax.local"
        )
        assert (await line.data(content)).startswith("250 ")
        assert site.kept.rows("SELECT number, person, company FROM fax ORDER BY number") == [
            ("+14155550101", "Dr. Smith", ""),
            ("+14155550102", "Ann Lee", "Ward 5"),
            ("+14155550103", "", ""),
        ]
