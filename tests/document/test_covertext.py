"""On a cover page stands what the writer says, and nothing that programs added."""

import pytest

from bridge.document import covertext
from bridge.document.kinds import Kind
from bridge.document.pieces import Piece, Role


def read(text: str, kind: Kind = Kind.TEXT, *, trim: bool = True) -> str:
    content = text.encode()
    return covertext.read(Piece("text", "text/plain", kind, "utf-8", content, Role.COVER), trim=trim)


WORDS = "Dear colleague,\n\nplease find the results attached.\nKind regards\nAnna"

ADDED = {
    "a signature": "\n-- \nDr. Anna Example\nphone 555-0123",
    "gmail": "\n\nOn Mon, Nov 23, 2026 at 9:15 AM Bob <bob@example.org> wrote:\n> can you send them?\n> Bob",
    "gmail, over two lines": "\n\nOn Mon, Nov 23, 2026 at 9:15 AM Bob\n<bob@example.org> wrote:\n\n> please",
    "thunderbird, German": "\n\nAm 23.11.26 um 09:15 schrieb Bob:\n> Bitte senden",
    "French": "\n\nLe lun. 23 nov. 2026 à 09:15, Bob <bob@example.org> a écrit :\n\n> bonjour",
    "Spanish": "\n\nEl lun, 23 nov 2026 a las 9:15, Bob (<bob@example.org>) escribió:\n\n> hola",
    "outlook": "\n\nFrom: Bob <bob@example.org>\nSent: Monday, November 23, 2026 9:15 AM\nTo: Anna\n\nplease send",
    "outlook, German": "\n\nVon: Bob\nGesendet: Montag, 23. November 2026 09:15\nAn: Anna\nBetreff: x\n\nBitte",
    "outlook of old": "\n\n-----Original Message-----\nFrom: Bob\n\nplease send",
    "forwarded": "\n\n---------- Forwarded message ---------\nFrom: Bob\n",
    "a line": "\n\n________________________________\nFrom: Bob",
    "a disclaimer": "\n\nThis e-mail and any attachments are confidential and intended solely for the addressee.",
    "another": "\n\nCONFIDENTIALITY NOTICE: The information contained in this e-mail is privileged.",
    "a German one": "\n\nDiese E-Mail enthält vertrauliche Informationen.",
}


@pytest.mark.parametrize("added", ADDED.values(), ids=ADDED.keys())
def test_what_programs_add_is_cut(added: str) -> None:
    """In four languages; with the switch off all of it stays."""
    assert read(WORDS + added) == WORDS
    assert added.strip().splitlines()[-1] in read(WORDS + added, trim=False)


KEPT = {
    "on a day": "On Monday the patient wrote:\nI feel better.",
    "from": "From: the laboratory\nresults are in",
    "dashes": "a -- b\n-----\nc\n--\nd",
    "a quotation within": "She said\n> this\nand left",
    "confidential": "This is confidential.\nPlease call.",
    "nothing else": "--\nDr. Anna Example",
    "only a quotation": "> all there is",
    "a disclaimer alone": "This message is intended for Dr. Who.",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT.keys())
def test_what_is_not_known_for_sure_stays(text: str) -> None:
    """Ordinary sentences that look a little like it, and a text that is nothing else."""
    left = read(text)
    assert [line for line in text.splitlines() if line in left] or left == text
    if "quotation within" not in text and not text.startswith("She"):
        assert left == text


def test_html_becomes_lines() -> None:
    """Paragraphs, breaks and lists are lines; styles are not read; what its marks call quoted is cut."""
    text = (
        "<html><head><style>p{}</style></head><body><p>Dear   colleague,</p><div>first<br>second &amp; third</div>"
        "<ul><li>one<li>two</ul><div class='gmail_signature'>Anna</div>"
        "<div class='gmail_quote'>On Monday Bob wrote:<blockquote>old</blockquote></div></body></html>"
    )
    assert read(text, Kind.HTML) == "Dear colleague,\n\nfirst\nsecond & third\n\none\ntwo"
    assert read(text, Kind.HTML, trim=False).endswith("old")


def test_a_long_text_of_blanks_and_marks_takes_no_time() -> None:
    """Nothing that a text can hold makes the search go back and forth for ever."""
    for text in ("On " + "a " * 50_000, "From: " * 20_000, "This message " * 10_000, "\n" * 50_000 + "x"):
        read(text)
