"""Texts put together again: paragraphs that were broken into lines, and texts that follow one another."""

from pathlib import Path

import pytest

from bridge.document import flowed, pieces
from tests.support.document_samples import left_out, mail, make, markup, multipart, part, plain

FLOWED = {
    "a paragraph": ("one \ntwo \nthree\nfour", "one two three\nfour"),
    "a quotation": ("> one \n> two\n>> three \n>> four\nfive", "> one two\n>> three four\nfive"),
    "depth changes within a paragraph": ("> one \ntwo", "> one \ntwo"),
    "stuffed": (" From here \n  and there", "From here  and there"),
    "a stuffed mark": (" > not quoted", "> not quoted"),
    "the signature's line": ("words \n-- \nAnna \nBerg", "words \n-- \nAnna Berg"),
    "a quoted signature": ("> words\n> -- \n> Anna", "> words\n> -- \n> Anna"),
    "blank lines": ("one\n\n \ntwo", "one\n\n\ntwo"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "wanted"), FLOWED.values(), ids=FLOWED.keys())
def test_flowed_lines_are_paragraphs_again(text: str, wanted: str) -> None:
    """A line that ends in a blank goes on in the next of the same depth; what was stuffed is taken out."""
    assert flowed.joined(text, delete_space=False) == wanted


@pytest.mark.parametrize("kind", ["format=flowed; delsp=yes", 'FORMAT="Flowed"; DelSp=YES'])
async def test_a_blank_that_was_put_in_is_taken_out(kind: str, tmp_path: Path) -> None:
    """Scripts without blanks, and words that were cut, are whole."""
    text = b"we sp \r\noke about it, twi \r\nce. \r\n\r\n-- \r\nAnna\r\n"
    made = await make(tmp_path, mail(b"Content-Type: text/plain; charset=utf-8; " + kind.encode() + b"\r\n\r\n" + text))
    assert made.words() == ["we spoke about it, twice. -- Anna"]


FOOTER = plain("____\nStaff list")
ROWS = {
    "plain and plain": (plain("Bed 7 is free."), FOOTER),
    "HTML and plain": (markup("Bed 7 is free."), FOOTER),
    "plain and HTML": (plain("Bed 7 is free."), markup("____ Staff list")),
    "HTML and HTML": (markup("Bed 7 is free."), markup("____ Staff list")),
    "forms and plain": (multipart("alternative", plain("x"), markup("Bed 7 is free.")), FOOTER),
    "with blanks between": (plain("Bed 7 is free."), plain("  "), FOOTER),
}


@pytest.mark.parametrize("texts", ROWS.values(), ids=ROWS.keys())
async def test_texts_that_follow_one_another_are_on_one_page(texts: tuple[bytes, ...], tmp_path: Path) -> None:
    """A list's footer, mostly; each has its line."""
    made = await make(tmp_path, mail(multipart("mixed", *texts)))
    assert (made.failed, made.words()) == ("", ["Bed 7 is free. ____ Staff list"])
    assert list(left_out(made.parts[-1:]).values()) == [pieces.RUNS_ON]


async def test_texts_of_an_attached_mail_run_on_below_its_heading(tmp_path: Path) -> None:
    """As those of the mail itself do, and not over its end."""
    inner = mail(multipart("mixed", plain("one"), plain("two")))
    body = multipart("mixed", b"Content-Type: message/rfc822\r\n\r\n" + inner, plain("outer"))
    made = await make(tmp_path, mail(body))
    assert [words.endswith("one two") for words in made.words()] == [True]


async def test_a_document_between_two_texts_parts_them(tmp_path: Path) -> None:
    """What was written below it stays below it: an attached text is one."""
    texts = [part(word.encode(), "text/plain", f"{word}.txt") for word in ("one", "two")]
    made = await make(tmp_path, mail(multipart("mixed", *texts)))
    assert made.words() == ["one", "two"]


@pytest.mark.parametrize(
    "above", ["<p>Bed 7 <!-- ", "<p>Bed 7<style>", "<p>Bed 7<script>", "<p>Bed 7<textarea hidden>"]
)
async def test_no_text_swallows_the_next(above: str, tmp_path: Path) -> None:
    """HTML that is left open hides nothing that follows it."""
    first = part(above.encode(), "text/html", disposition="")
    made = await make(tmp_path, mail(multipart("mixed", first, plain("penicillin"))))
    assert "penicillin" in " ".join(made.words())


async def test_a_style_hides_no_text_below(tmp_path: Path) -> None:
    """It is the other text's own."""
    first = part(b"<style>div, p + *, body > * { display: none }</style><p>Bed 7", "text/html", disposition="")
    made = await make(tmp_path, mail(multipart("mixed", first, plain("penicillin"))))
    assert "penicillin" in " ".join(made.words())
