"""What a sender asks for in the mail itself: heeded, refused, or told that it is not heeded."""

import pytest
from hypothesis import given, strategies as st

from bridge.fax import asked
from bridge.fax.asked import Asked, BadOption
from bridge.fax.options import OPTION_NAMES
from bridge.mail.headers import read_headers


def read(field: str, allowed: tuple[str, ...] = OPTION_NAMES) -> Asked:
    return asked.read(
        read_headers(f"Subject: cover=no\r\n{field}\r\n\r\nX-Fax-Option: pages=fax\r\n".encode()).options, allowed
    )


def test_options_are_read() -> None:
    """Several in a field, several fields, in any case and with blanks; nothing is read out of subject or text."""
    assert read("X-Fax-Option: cover=no; Body = Page;pages=FAX") == Asked(cover=False, body="page", pages="fax")
    assert read("X-Fax-Option: cover=yes\r\nx-fax-option: body=ignore") == Asked(cover=True, body="ignore")
    assert read("X-Fax-Option: after=08:00") == Asked(after="08:00")
    assert read("X-Other: cover=no") == Asked()
    assert read("X-Fax-Option: ;; cover=no ;") == Asked(cover=False)


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("cover=maybe", "cover=maybe is not understood; cover is one of yes, no"),
        ("body=", "body= is not understood"),
        ("pages", "pages= is not understood; pages is one of auto, fax, original"),
        ("cover=yes; cover=no", "twice, with two values"),
        ("pages=\u00e4", "pages=? is not understood"),
    ],
)
def test_what_cannot_be_read_is_refused(field: str, why: str) -> None:
    """The words say what may stand there; the reply is ASCII."""
    with pytest.raises(BadOption, match=why.replace("?", "\\?")) as caught:
        read(f"X-Fax-Option: {field}")
    assert caught.value.smtp.startswith("550 5.6.0 X-Fax-Option: ")
    assert caught.value.smtp.isascii()


def test_a_reference_is_any_short_text() -> None:
    """Up to sixty characters of the sender's own; longer ones, and none at all, are refused."""
    assert read("X-Fax-Option: reference=Order 4711/a").reference == "Order 4711/a"
    assert read("X-Fax-Option: cover=no").reference is None
    for wrong in ("", "x" * 61):
        with pytest.raises(BadOption, match="a reference has 1 to 60 characters"):
            read(f"X-Fax-Option: reference={wrong}")


def test_what_is_no_option_is_told() -> None:
    """A name that is none, and one that is not this sender's to choose, are let be, each with its line."""
    found = read("X-Fax-Option: colour=red; cover=no; urgent", allowed=("body",))
    assert found.cover is None
    assert [(each.written, each.why) for each in found.unheeded] == [
        ("X-Fax-Option: colour=red", f"is no option here; there are {', '.join(OPTION_NAMES)}"),
        (
            "X-Fax-Option: cover=no",
            "is not this sender's to choose; the operator can add it to the options of the identity",
        ),
        ("X-Fax-Option: urgent", f"is no option here; there are {', '.join(OPTION_NAMES)}"),
    ]


def test_a_slip_is_told_with_the_nearest_name() -> None:
    """What was meant need not be looked up."""
    (told,) = read("X-Fax-Option: covr=no").unheeded
    assert told.why == "is no option here; did you mean cover?"


def test_quality_and_paper() -> None:
    """In friendly words, or in the carrier's own for its finest."""
    assert read("X-Fax-Option: quality=fine; paper=A4") == Asked(quality="fine", paper="a4")
    assert read("X-Fax-Option: quality=HD; paper=auto") == Asked(quality="fine", paper="auto")
    with pytest.raises(BadOption, match="quality is one of low, standard, fine"):
        read("X-Fax-Option: quality=best")
    with pytest.raises(BadOption, match="paper is one of auto, letter, a4"):
        read("X-Fax-Option: paper=legal")


def test_header_and_subject_count_alike() -> None:
    """Each adds to the other; the same twice is no contradiction, and two values are."""
    assert asked.read([("cover", "no")], OPTION_NAMES, subject=[("quality", "fine"), ("cover", "no")]) == Asked(
        cover=False, quality="fine"
    )
    with pytest.raises(BadOption, match="X-Fax-Option and the subject: cover stands there twice, with two values"):
        asked.read([("cover", "no")], OPTION_NAMES, subject=[("cover", "yes")])
    with pytest.raises(BadOption, match=r"^the subject: cover=maybe is not understood; cover is one of yes, no"):
        asked.read([], OPTION_NAMES, subject=[("cover", "maybe")])


def test_in_the_subject_a_slip_is_refused() -> None:
    """By name, with the nearest right one; what the sender may not choose is let be and told, as in the header."""
    with pytest.raises(BadOption, match=r"^\[fax: covr=no\] is no option here; did you mean cover\?"):
        asked.read([], OPTION_NAMES, subject=[("covr", "no")])
    with pytest.raises(BadOption, match=r"^\[fax: to=anna\] is no option here; there are after, body"):
        asked.read([], OPTION_NAMES, subject=[("to", "anna")])
    found = asked.read([], {"cover"}, subject=[("quality", "fine")])
    assert found.quality is None
    assert [each.written for each in found.unheeded] == ["[fax: quality=fine]"]


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9))), st.sets(st.sampled_from(OPTION_NAMES)))
def test_whatever_is_asked_is_answered(pairs: list[tuple[str, str]], allowed: set[str]) -> None:
    """Each option is heeded, told of, or refuses the mail; and what is kept comes back as it was."""
    try:
        found = asked.read(pairs, allowed)
    except BadOption:
        return
    told = [pair for pair in pairs if pair[0] not in allowed]
    assert len(found.unheeded) == len(told)
    assert asked.kept(asked.write(found)) == found
