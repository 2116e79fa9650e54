"""A damaged PDF is repaired where all of it is still there, and refused where anything is gone."""

import io
import re
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings, strategies as st

from bridge.document import damage, pages
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.pieces import Piece, Role
from tests.support.document_samples import AS_IT_IS, Made, a_pdf, mail, make, part

WORDS = ["first", "second", "third"]
PLAIN = a_pdf(*WORDS, object_stream_mode=pikepdf.ObjectStreamMode.disable)
PACKED = a_pdf(*WORDS, object_stream_mode=pikepdf.ObjectStreamMode.generate)

HARMLESS = {
    "a wrong place of its table": lambda pdf: re.sub(rb"startxref\s+\d+", b"startxref\n17", pdf),
    "junk before it": lambda pdf: b"From: somebody\r\n\r\n" + pdf,
    "junk behind it": lambda pdf: pdf + b"\r\n--boundary--\r\n",
    "a line put in at its beginning": lambda pdf: pdf.replace(b"\n", b"\n% put in by a gateway\n", 1),
}


@pytest.mark.parametrize("harm", HARMLESS.values(), ids=HARMLESS.keys())
async def test_what_is_all_there_is_repaired(harm: "object", tmp_path: Path) -> None:
    """Only the places of its objects are wrong, all by as much: all pages go out, with all that is on them."""
    content = harm(PLAIN)  # type: ignore[operator]
    made = await make(tmp_path, mail(part(content, "application/pdf", "a.pdf")), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", WORDS)


def fax_of(content: bytes) -> Made:
    """What comes of it, without a child."""
    piece = Piece("a.pdf", "application/pdf", Kind.PDF, None, content, Role.ATTACHMENT)
    pdf, report = pages.make_pdf([piece], Limits(), DocumentOptions(pages="original"))
    if pdf is None:
        return Made(b"", 0, (), report.failed or "?")
    out = io.BytesIO()
    pdf.save(out)
    return Made(out.getvalue(), report.pages, ())


@given(st.sampled_from([PLAIN, PACKED]), st.floats(0, 1), st.integers(1, 900))
@settings(max_examples=150, deadline=None)
def test_with_a_piece_gone_it_is_whole_or_refused(pdf: bytes, where: float, size: int) -> None:
    """Whatever was lost on the way, no page is missing or half empty."""
    at = int(where * len(pdf))
    made = fax_of(pdf[:at] + pdf[at + size :])
    assert made.failed or made.words() == WORDS


@given(st.sampled_from([PLAIN, PACKED]), st.floats(0, 1), st.binary(min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_with_bytes_changed_it_never_sets_anything_off(pdf: bytes, where: float, junk: bytes) -> None:
    """It is drawn, or refused in words that are ours."""
    at = int(where * len(pdf))
    made = fax_of(pdf[:at] + junk + pdf[at + len(junk) :])
    assert made.failed.startswith(("a.pdf: ", "the mail holds nothing")) or made.pages <= len(WORDS)


def test_a_missing_object_is_noticed() -> None:
    """Where the table is rebuilt and a page's content is not there, that is damage and no blank page."""
    number = re.search(rb"/Contents (\d+) 0 R", PLAIN)
    assert number is not None
    start = PLAIN.index(b"\n" + number[1] + b" 0 obj")
    gone = PLAIN[:start] + PLAIN[PLAIN.index(b"endobj", start) + 6 :]
    with pikepdf.open(io.BytesIO(gone)) as opened:
        assert damage.is_broken(opened, gone)
