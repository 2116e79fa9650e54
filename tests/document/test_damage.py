"""A damaged PDF is repaired where all of it is still there, and refused where anything is gone."""

import io
import re
import zlib
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings, strategies as st

from bridge.document import damage, pages
from bridge.document.kinds import Kind
from bridge.document.limits import Limits
from bridge.document.options import DocumentOptions
from bridge.document.pdf import unusable
from bridge.document.pieces import Piece, Role
from tests.support.document_samples import AS_IT_IS, Made, a_pdf, mail, make, part
from tests.support.pdf_samples import a_page, built

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


def _with_wrong_lengths(pdf: bytes) -> bytes:
    """Each stream says it is shorter by some bytes than it is; nothing has moved."""
    return re.sub(rb"/Length (\d\d+)", lambda found: b"/Length %0*d" % (len(found[1]), int(found[1]) - 9), pdf)


def _with_strange_filter(pdf: bytes) -> bytes:
    """A stream that no page draws is packed in a way nobody knows."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.Root.Private = opened.make_stream(b"anything", Filter=pikepdf.Name.NobodyKnowsDecode)
        opened.save(out)
    return out.getvalue()


def _with_strange_picture(pdf: bytes) -> bytes:
    """A page has at hand, and does not draw, a picture that is packed in a way nobody knows."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        picture = opened.make_stream(b"anything", Filter=pikepdf.Name.NobodyKnowsDecode, Subtype=pikepdf.Name.Image)
        opened.pages[0].obj.Resources.XObject = pikepdf.Dictionary(Unseen=picture)
        opened.save(out)
    return out.getvalue()


def _without_table(pdf: bytes) -> bytes:
    """The table of its objects is gone, and where it began."""
    begin = pdf.rindex(b"xref\n", 0, pdf.rindex(b"startxref"))
    return pdf[:begin] + pdf[pdf.index(b"trailer", begin) : pdf.index(b"startxref")]


REPAIRED = {
    "wrong lengths": _with_wrong_lengths(PLAIN),
    "a filter nobody knows, on what no page draws": _with_strange_filter(PLAIN),
    "a filter nobody knows, on a picture that its page does not draw": _with_strange_picture(PLAIN),
    "no table": _without_table(PLAIN),
    "no catalogue named": PLAIN.replace(b"/Root", b"/Toor"),
    "wrong lengths and no table": _without_table(_with_wrong_lengths(PLAIN)),
}


@pytest.mark.parametrize("content", REPAIRED.values(), ids=REPAIRED.keys())
async def test_what_viewers_open_whole_is_repaired_and_said_to_be(content: bytes, tmp_path: Path) -> None:
    """Where both libraries find the same pages, drawn alike and with nothing missing, they are faxed."""
    made = await make(tmp_path, mail(part(content, "application/pdf", "a.pdf")), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", WORDS)
    assert made.parts[0].name == "a.pdf, repaired"


def _cut_in_plain_content(pdf: bytes) -> bytes:
    at = pdf.index(b"(second)")
    return pdf[:at] + pdf[at + 30 :]


UNPACKED = a_pdf(*WORDS, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)
LOST = {
    "a drawing that the page names": _without_table(
        UNPACKED.replace(b"/Resources << ", b"/Resources << /XObject << /D 77 0 R >> ", 1)
    ),
    "cut in what is drawn": _cut_in_plain_content(UNPACKED),
    "the same, and without a table": _without_table(_cut_in_plain_content(UNPACKED)),
    "the end": UNPACKED[: UNPACKED.index(b"(third)") + 3],
    "a filter nobody knows, on what is drawn": PLAIN.replace(b"/Filter /FlateDecode", b"/Filter /PlateDecode", 1),
}


@pytest.mark.parametrize("content", LOST.values(), ids=LOST.keys())
async def test_what_may_have_lost_something_is_refused(content: bytes, tmp_path: Path) -> None:
    """Though viewers open it, each in its own way."""
    made = await make(tmp_path, mail(part(content, "application/pdf", "a.pdf")), options=AS_IT_IS)
    assert made.failed == f"a.pdf: {unusable.DAMAGED}"


def _encrypted(*, files_alone: bool) -> bytes:
    """With a password for opening it, or for the files within it alone."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(PLAIN)) as opened:
        opened.save(out, encryption=pikepdf.Encryption(user="secret", owner="secret", R=4, aes=True))
    if not files_alone:
        return out.getvalue()
    # No library writes such a file: the plain one gets a dictionary of rules that are for its files alone.
    rules = (
        b"9999 0 obj\n<< /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /StmF /Identity /StrF /Identity /EFF /StdCF"
        b" /CF << /StdCF << /AuthEvent /EFOpen /CFM /AESV2 /Length 16 >> >>"
        b" /O <%b> /U <%b> >>\nendobj\n" % (b"11" * 32, b"22" * 32)
    )
    begin = PLAIN.rindex(b"xref\n", 0, PLAIN.rindex(b"startxref"))
    body = PLAIN[:begin] + rules
    tail = PLAIN[begin : PLAIN.index(b"startxref")]
    tail = tail.replace(b"trailer << ", b"9999 1\n%010d 00000 n \ntrailer << /Encrypt 9999 0 R " % begin)
    return body + tail + b"startxref\n%d\n%%%%EOF\n" % len(body)


async def test_a_password_for_its_files_alone_is_none_for_its_pages(tmp_path: Path) -> None:
    """What can be opened without a password is faxed; what cannot is called locked, not damaged."""
    assert b"/Encrypt" in _encrypted(files_alone=True)
    made = await make(tmp_path, mail(part(_encrypted(files_alone=True), "application/pdf", "a.pdf")), options=AS_IT_IS)
    assert (made.failed, made.words()) == ("", WORDS)
    locked = await make(tmp_path, mail(part(_encrypted(files_alone=False), "application/pdf", "a.pdf")))
    assert locked.failed == f"a.pdf: {unusable.PROTECTED}"


def _large(dots: int) -> bytes:
    """A page with a square picture of so many dots a side, all alike, and a line beside it."""

    def build(pdf: pikepdf.Pdf) -> None:
        page = a_page(pdf)
        picture = pikepdf.Stream(pdf, zlib.compress(bytes(3 * dots * dots), 1))
        picture.stream_dict = pikepdf.Dictionary(
            {"/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Image, "/ColorSpace": pikepdf.Name.DeviceRGB}
            | {"/Width": dots, "/Height": dots, "/BitsPerComponent": 8, "/Filter": pikepdf.Name.FlateDecode}
        )
        page.Resources.XObject = pikepdf.Dictionary(I=picture)
        page.Contents = pdf.make_stream(b"q 300 0 0 300 100 100 cm /I Do Q 0 0 9 9 re f")

    return built(build)


@pytest.mark.parametrize("memory", [450, 600, 700, 800])
async def test_a_page_too_large_for_memory_is_not_called_damaged(memory: int, tmp_path: Path) -> None:
    """Wherever on the way the memory ends, the words say what helps."""
    limits = Limits(memory=memory << 20)
    made = await make(tmp_path, mail(part(_large(9500), "application/pdf", "a.pdf")), limits)
    assert made.failed == f"a.pdf: {pages.TOO_LARGE}"


async def test_words_tell_faults_apart(tmp_path: Path) -> None:
    """Damaged, empty and without pages are three things, each with its cure."""
    out = io.BytesIO()
    pikepdf.new().save(out)
    cases = {
        b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\n": unusable.DAMAGED,
        b"": pages.EMPTY_FILE,
        out.getvalue(): unusable.NO_PAGES,
    }
    for content, why in cases.items():
        made = await make(tmp_path, mail(part(content, "application/pdf", "a.pdf")))
        assert made.failed == f"a.pdf: {why}"


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
        assert damage.find(opened, gone).broken
