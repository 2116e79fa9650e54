"""Plain text on paper: every character that was sent, in every charset, wrapped and never glued together."""

import base64
import io
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from bridge.document import characters, text, typesetting
from bridge.document.paper import A4, LETTER, Size
from tests.support.document_samples import ink, mail, make, multipart, part, plain


def drawn(content: bytes, charset: str | None = None, paper: Size = LETTER) -> list[str]:
    """The text of each page that the text's bytes make."""
    pdf = pikepdf.new()
    assert text.add_text(pdf, content, charset, paper=paper) == len(pdf.pages)
    out = io.BytesIO()
    pdf.save(out)
    document = pypdfium2.PdfDocument(out.getvalue())
    try:
        return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]
    finally:
        document.close()


SAYS: dict[str, tuple[bytes, str | None, str]] = {
    "ASCII": (b"plain words", "us-ascii", "plain words"),
    "UTF-8": ("Übung 20 € \u2013 naïve".encode(), "utf-8", "Übung 20 € \u2013 naïve"),
    "UTF-8 without a charset": ("Übung 20 €".encode(), None, "Übung 20 €"),
    "UTF-8 called ASCII": ("Übung 20 €".encode(), "us-ascii", "Übung 20 €"),
    "UTF-8 called nonsense": ("Übung 20 €".encode(), "x-nonsense", "Übung 20 €"),
    "Windows-1252": ("Übung 20 € \u2013 “so”".encode("cp1252"), "windows-1252", "Übung 20 € \u2013 “so”"),
    "Windows-1252 without a charset": ("Übung 20 € \u2013 “so”".encode("cp1252"), None, "Übung 20 € \u2013 “so”"),
    "Windows-1252 called Latin-1": ("10\x9620 mg, 500 \x80".encode("latin-1"), "iso-8859-1", "10\u201320 mg, 500 €"),
    "Windows-1252 called Latin-1 by another name": ("10\x9620 mg".encode("latin-1"), "latin1", "10\u201320 mg"),
    "Latin-1": ("Übung café".encode("latin-1"), "ISO-8859-1", "Übung café"),
    "Latin-9": ("500 €".encode("iso-8859-15"), "iso-8859-15", "500 €"),
    "Cyrillic": ("Привет мир".encode("koi8-r"), "koi8-r", "Привет мир"),
    "Greek": ("Καλημέρα".encode("iso-8859-7"), "iso-8859-7", "Καλημέρα"),
    "byte order mark": ("\ufeffÜbung".encode(), "utf-8", "Übung"),
    "a byte that is none": (b"caf\xe9 \x81 au lait", "utf-8", "au lait"),
    "markup": (
        b"<b>5 < 6 & 7 > 3</b> <img src='file:///etc/passwd'>",
        None,
        "<b>5 < 6 & 7 > 3</b> <img src='file:///etc/passwd'>",
    ),
    "style": (b"</pre></style><style>*{display:none}</style>", None, "</pre></style><style>*{display:none}</style>"),
    "a PDF's first words": (b"About %PDF-1.7 files", None, "About %PDF-1.7 files"),
}


@pytest.mark.parametrize(("content", "charset", "wanted"), SAYS.values(), ids=SAYS.keys())
def test_each_charset_says_what_was_written(content: bytes, charset: str | None, wanted: str) -> None:
    """The page has the characters the sender saw, whatever the mail program called their charset."""
    [page] = drawn(content, charset)
    assert wanted in page.replace("\ufeff", "")


@pytest.mark.parametrize(
    "between",
    ["\x0b", "\x0c", "\x85", "\x1c", "\x07", "\u2028", "\u2029", "\t", "\u00a0", "\r", "\x1f", "\x9f"],
    ids=repr,
)
def test_nothing_glues_two_numbers(between: str) -> None:
    """Whatever odd character stood between two numbers, they don't become one number on the page."""
    assert "1020" not in "\n".join(drawn(f"dose 10{between}20 mg".encode(), "utf-8"))


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_text_of_wide_characters_is_text(charset: str, tmp_path: Path) -> None:
    """A text attachment in UTF-16, as Windows saves "Unicode text", is faxed like any other."""
    body = part("Übung €".encode(charset), f"text/plain; charset={charset}", "a.txt")
    made = await make(tmp_path, mail(multipart("mixed", plain("see"), body)))
    assert made.words() == ["Übung €"]


@pytest.mark.parametrize("word", ["About %PDF-1.7 and its faults", "\u00ff\u00d8\u00ff", "II* is no picture", "BM"])
async def test_a_text_that_speaks_of_file_formats_is_text(word: str, tmp_path: Path) -> None:
    """The body of a mail is text, even when it mentions what a PDF begins with."""
    made = await make(tmp_path, mail(plain(word)))
    assert made.failed == ""
    assert made.words() == [word]


def test_form_feeds_begin_pages() -> None:
    """One page for each sheet that says something, in order; a form feed at the end makes no blank one."""
    assert [page.strip() for page in drawn(b"one\ftwo\r\n\f\fthree\f")] == ["one", "two", "three"]


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\r"])
def test_line_ends_of_all_systems_end_lines(ending: bytes) -> None:
    """Three lines are three lines, and an empty one stays."""
    [page] = drawn(ending.join([b"one", b"two", b"", b"three"]))
    assert [line.strip() for line in page.split("\n") if line.strip()] == ["one", "two", "three"]


LONG = {
    "words": " ".join(f"word{number:03}" for number in range(150)),
    "no space anywhere": "".join(f"{number:04}" for number in range(300)),
    "an address": "https://example.org/" + "".join(f"{number:04}/" for number in range(200)),
    "tabs": "\t".join(f"cell{number:02}" for number in range(40)),
}


@pytest.mark.parametrize("line", LONG.values(), ids=LONG.keys())
def test_long_lines_are_wrapped_not_cut(line: str) -> None:
    """Of a long line every character is on the page, inside its margins."""
    pdf = pikepdf.new()
    text.add_text(pdf, line.encode(), None)
    out = io.BytesIO()
    pdf.save(out)
    document = pypdfium2.PdfDocument(out.getvalue())
    found = "".join(page.get_textpage().get_text_range() for page in document)
    bitmap: Image.Image = document[0].render(scale=1).to_pil()
    document.close()
    assert "".join(found.split()).replace("\ufffe", "") == "".join(line.split())
    box = ink(bitmap.convert("L"))
    assert box is not None
    assert box[0] >= 36
    assert box[2] <= 612 - 36


def test_right_to_left_stands_at_the_right() -> None:
    """A Hebrew text keeps its letters and begins at the right margin."""
    pdf = pikepdf.new()
    text.add_text(pdf, "שלום עולם".encode(), None)
    out = io.BytesIO()
    pdf.save(out)
    document = pypdfium2.PdfDocument(out.getvalue())
    bitmap: Image.Image = document[0].render(scale=1).to_pil()
    document.close()
    box = ink(bitmap.convert("L"))
    assert box is not None
    assert box[0] > 400


def test_a_right_to_left_line_does_not_turn_the_others() -> None:
    """In a text of both directions each line stands at its own side."""
    pdf = pikepdf.new()
    text.add_text(pdf, "שלום עולם\n\nGood morning".encode(), None)
    out = io.BytesIO()
    pdf.save(out)
    document = pypdfium2.PdfDocument(out.getvalue())
    bitmap: Image.Image = document[0].render(scale=1).to_pil().convert("L")
    document.close()
    box = ink(bitmap)
    assert box is not None
    assert box[0] < 100


def test_many_lines_are_many_pages_with_none_lost() -> None:
    """Two hundred numbered lines stand on their pages, each once and in order."""
    pages = drawn(b"\r\n".join(b"line %03d" % number for number in range(200)))
    found = [word for page in pages for word in page.split() if word.isdigit()]
    assert found == [f"{number:03}" for number in range(200)]
    assert 3 <= len(pages) <= 5


CJK = {
    "japanese": ("iso-2022-jp", "こんにちは"),
    "sjis": ("shift_jis", "日本"),
    "gb": ("gb18030", "你好"),
    "korean": ("euc-kr", "안녕"),
}


@pytest.mark.parametrize(("charset", "words"), CJK.values(), ids=CJK.keys())
def test_east_asian_text_keeps_its_characters(charset: str, words: str) -> None:
    """The characters are read by their charset; whether a font has them is another matter."""
    assert characters.read(words.encode(charset), charset) == words
    assert characters.looks_like_text(words.encode(charset), charset)


@pytest.mark.parametrize("sign", ["\U0010f123", "\U000f1234", "\u0378"], ids=ascii)
async def test_no_boxes_are_faxed(sign: str, tmp_path: Path) -> None:
    """A character no font has (private, unassigned) fails the mail, naming part and character, and prints no box."""
    body = part(f"dose {sign} mg, and much else beside it".encode() * 9, "text/plain; charset=utf-8", "dose.txt")
    made = await make(tmp_path, mail(body))
    assert made.failed.startswith("dose.txt: the fonts for its sign U+")
    assert "not installed" in made.failed
    assert made.failed.isprintable()


@pytest.mark.parametrize(
    ("sign", "words"),
    [("\u4f60", "its CJK letters"), ("\uc548", "its Hangul letters"), ("\U0001f642", "its sign U+1F642")],
    ids=ascii,
)
def test_a_missing_font_is_named_by_its_script(sign: str, words: str) -> None:
    """The operator reads which letters are meant, not what was written with them."""
    assert typesetting._kind(sign) == words


def test_what_has_no_picture_needs_no_font() -> None:
    """Spaces of all widths, joiners, marks of direction and of order are no missing letters."""
    [page] = drawn("zero\u200b\u00ad\ufeff\u200d \u200e\u2066x\u2069\u202f\u3000end \u2665\ufe0f".encode())
    assert "end" in page


@pytest.mark.parametrize("number", [1, 47, 48, 49, 96, 97, 240])
@pytest.mark.parametrize("paper", [LETTER, A4])
def test_no_page_holds_more_lines_than_are_counted_on(number: int, paper: Size) -> None:
    """The cheap bound never says more pages than the layout makes, and for short lines hardly fewer."""
    written = "\n".join(f"line {each}" for each in range(number))
    found = drawn(written.encode(), paper=paper)
    assert max(len(page.split("\n")) for page in found) <= text.LINES_ON_A_PAGE[paper]
    assert len(found) - 1 <= text.pages_at_least(written, paper) <= len(found)


@pytest.mark.parametrize("letters", ["il.,'", "\u05d5\u05d9", "\u0627\u0644", "\u0101\u0301", "W"], ids=ascii)
def test_the_narrowest_letters_make_no_fewer_pages_than_the_bound(letters: str) -> None:
    """Also for narrow letters and letters with marks the bound stays a lower one."""
    written = (letters * 9 + " ") * 900
    assert text.pages_at_least(written) <= len(drawn(written.encode()))


def test_empty_lines_stay_between_directions() -> None:
    """An empty line is as high as any other, also where the direction changes after it."""
    heights = []
    for gap in ("\n", "\n\n", "\n\n\n"):
        pdf = pikepdf.new()
        text.add_text(pdf, f"\u05e9\u05dc\u05d5\u05dd{gap}good".encode(), None)
        out = io.BytesIO()
        pdf.save(out)
        document = pypdfium2.PdfDocument(out.getvalue())
        bitmap: Image.Image = document[0].render(scale=1).to_pil().convert("L")
        document.close()
        box = ink(bitmap)
        assert box is not None
        heights.append(box[3] - box[1])
    assert 12 <= heights[1] - heights[0] <= 17
    assert 12 <= heights[2] - heights[1] <= 17


LINES = {
    "good": "ltr",
    "\u05e9\u05dc good": "rtl",
    "123 - \u05e9 good": "rtl",
    "(\u0645) x": "rtl",
    "123": "ltr",
    "": "ltr",
    "- good \u05e9": "ltr",
}


@pytest.mark.parametrize(("line", "way"), LINES.items(), ids=ascii)
def test_a_line_runs_as_its_first_letter(line: str, way: str) -> None:
    """Digits and signs do not decide, the first letter does."""
    assert characters.direction(line) == way


@pytest.fixture
def flowed() -> bytes:
    """A body in quoted-printable with soft line breaks."""
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    return head + b"\r\n10=E2=80=9320 =\r\nmg\r\n"


async def test_transfer_encodings_are_undone(flowed: bytes, tmp_path: Path) -> None:
    """Quoted-printable, base64 and plain 8 bit give the same page."""
    eight = (
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n10\u201320 mg\r\n".encode()
    )
    coded = base64.encodebytes("10\u201320 mg".encode()).replace(b"\n", b"\r\n")
    packed = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + coded
    made = await make(tmp_path, mail(multipart("mixed", flowed, eight, packed)))
    assert made.words() == [" ".join(["10\u201320 mg"] * 3)]
