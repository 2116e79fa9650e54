"""Wishes in a subject: found at either end, taken off, answered where they are not understood, never ordinary words."""

import pytest
from hypothesis import given, strategies as st

from bridge.fax import subjects
from bridge.fax.subjects import Subject
from bridge.mail.headers import read_headers


@pytest.mark.parametrize(
    ("subject", "words", "wishes"),
    [
        ("Results [fax: cover=no]", "Results", (("cover", "no"),)),
        ("[fax: cover=no] Results", "Results", (("cover", "no"),)),
        (
            "Results [fax: cover=no, after=08:00, quality=fine, reference=4711]",
            "Results",
            (("cover", "no"), ("after", "08:00"), ("quality", "fine"), ("reference", "4711")),
        ),
        ("[FAX:Cover = No;paper=A4]Results", "Results", (("cover", "No"), ("paper", "A4"))),
        ("[ fax : cover=no , ] Results [fax: paper=a4]", "Results", (("cover", "no"), ("paper", "a4"))),
        ("[fax: cover=no][fax: paper=a4] Results", "Results", (("cover", "no"), ("paper", "a4"))),
        ("[fax: cover=no]", "", (("cover", "no"),)),
        ("[fax: reference=Order 4711/a (blue)] x", "x", (("reference", "Order 4711/a (blue)"),)),
        # as mail programs and gateways hand it on
        ("Fwd: Results [fax: cover=no]", "Fwd: Results", (("cover", "no"),)),
        ("WG: AW: [fax: cover=no] Befund", "WG: AW: Befund", (("cover", "no"),)),
        ("Re[2]: [fax: cover=no] Results", "Re[2]: Results", (("cover", "no"),)),
        ("Antwort: [EXTERN] [fax: cover=no] Befund", "Antwort: [EXTERN] Befund", (("cover", "no"),)),
        ("***SPAM*** [fax: cover=no] Results", "***SPAM*** Results", (("cover", "no"),)),
        ("Results [fax: cover=no] [SEC=OFFICIAL] (fwd)", "Results [SEC=OFFICIAL] (fwd)", (("cover", "no"),)),
        ("Results [fax: to=a@b.example]", "Results", (("to", "a@b.example"),)),
        ("EXT - [fax: cover=no] Results", "EXT - Results", (("cover", "no"),)),
        ("External Email: [fax: cover=no] Results", "External Email: Results", (("cover", "no"),)),
        ("⚠ EXTERNAL ⚠ [fax: cover=no] Results", "⚠ EXTERNAL ⚠ Results", (("cover", "no"),)),
        ("<<EXT>> #4711 [fax: cover=no] Results", "<<EXT>> #4711 Results", (("cover", "no"),)),
        ("---SPAM--- _LOW_ [fax: cover=no] Results", "---SPAM--- _LOW_ Results", (("cover", "no"),)),
        ("Spam> [fax: cover=no] Results", "Spam> Results", (("cover", "no"),)),
        ("Results [fax: cover=no] - EXTERN", "Results - EXTERN", (("cover", "no"),)),
        ("Results [fax: cover=no] #secure#", "Results #secure#", (("cover", "no"),)),
        # in other languages
        ("回复\uff1a【外部】[fax: cover=no] 结果", "回复\uff1a【外部】 结果", (("cover", "no"),)),
        ("Trả lời: [fax: cover=no] x", "Trả lời: x", (("cover", "no"),)),
        ("उत्तर: [fax: cover=no] x", "उत्तर: x", (("cover", "no"),)),
        ("RE : Re(2): Réf. : [fax: cover=no] x", "RE : Re(2): Réf. : x", (("cover", "no"),)),
        # as people end a line, or part what they write
        ("Results [fax: cover=no].", "Results.", (("cover", "no"),)),
        ("Results - [fax: cover=no]", "Results", (("cover", "no"),)),
        ("[fax: cover=no] - Results", "Results", (("cover", "no"),)),
        ("[fax: cover=no]: Results", "Results", (("cover", "no"),)),
        ("(Results [fax: cover=no])", "(Results)", (("cover", "no"),)),
        ("«[fax: cover=no]» Results", "Results", (("cover", "no"),)),
        ("[[fax: cover=no]] Results", "Results", (("cover", "no"),)),
        # as keyboards, input methods and phones write the signs
        (
            "\uff3b\uff46\uff41\uff58\uff1a\uff43\uff4f\uff56\uff45\uff52\uff1d\uff2e\uff2f\uff0cafter=08\uff1a00]x",
            "x",
            (("cover", "NO"), ("after", "08:00")),
        ),
        ("結果【fax: cover=no、paper=a4】", "結果", (("cover", "no"), ("paper", "a4"))),
        ("[fax:\u00a0cover\u00a0=\u00a0“no”] x", "x", (("cover", "no"),)),
        ("[fax: after=\"08:00\", reference='4711 a'] x", "x", (("after", "08:00"), ("reference", "4711 a"))),
        ("[fax: after=2026\u201111\u201130T08:00] x", "x", (("after", "2026-11-30T08:00"),)),
        ("[fax: reference=„Müller“] x", "x", (("reference", "Müller"),)),
        ("[fax: reference=\uff08株\uff09山田] x", "x", (("reference", "\uff08株\uff09山田"),)),
    ],
)
def test_a_wish_is_read_and_taken_off(subject: str, words: str, wishes: tuple[tuple[str, str], ...]) -> None:
    """At either end, in any case and spacing, behind the marks that programs put there; names in lower case."""
    assert subjects.read(subject) == Subject(words, wishes)


@pytest.mark.parametrize(
    "subject",
    [
        *("", "Results", "fax: cover=no", "fax: cover=no needed", "[fax]", "[fax] report", "[Fax] cover=no"),
        *("[Fax: urgent] Results", "[fax: 415-555-0123] Results", "[Fax: Dr. Smith, please call]", "[fax:]"),
        *("[Fax: reference 4711]", "[Fax: cover page for Dr. Smith]", "[fax: pages 3]", "[fax: after lunch]"),
        *("New fax from [fax: +1 415 555 0123]", "[FAX-4711] cover=no", "[telefax: cover=no]", "[Fax 3 of 5]"),
        *("Your [fax: machine] is out of paper = bad", "[fax: = ]", "[fax: 1=2]", "Re: [fax: quality control]"),
    ],
)
def test_ordinary_words_are_no_wish(subject: str) -> None:
    """They stay where they stand."""
    assert subjects.read(subject) == Subject(" ".join(subject.split()))


@pytest.mark.parametrize(
    ("subject", "trouble"),
    [
        ("x [fax: cover=no, urgent]", "[fax: urgent] is not understood; write a name and a value, as in [fax: cover="),
        ("x [fax: reference=Smith, John]", "[fax: John] is not understood"),
        ("x [fax: cover no]", "[fax: cover no] is not understood"),
        ("x [fax: quality: fine, paper a4]", "[fax: quality: fine] is not understood"),
        ("x [fax: after 08:00]", "[fax: after 08:00] is not understood"),
        ("x [fax: cover=no", "[fax: cover=no lacks its closing bracket"),
        ("[fax: cover=no x [EXT]", "[fax: cover=no x lacks its closing bracket"),
        ("Results [fax: cover=no] for Dr. Smith", "[fax: cover=no] stands in the middle of the subject"),
        ("x [fax: cover=no, für]", "[fax: f?r] is not understood"),
        ("x [fax: no cover]", "[fax: no cover] is not understood"),
        ("x [fax: cover-no]", "[fax: cover-no] is not understood"),
        ("x [fax: 'cover'='no']", "[fax: 'cover'='no'] is not understood"),
        ("x [fax: please cover=no]", "[fax: please cover=no] is not understood"),
        ("x [fax: reference=4711 cover=no]", "[fax: reference=4711 cover=no] is not understood; write a comma"),
        ("x [fax cover=no]", "[fax cover=no] is not understood; write it in square brackets and with a colon, as [fax"),
        ("[fax; cover=no] x", "[fax; cover=no] is not understood; write it in square brackets"),
        ("x (fax: cover=no)", "(fax: cover=no) is not understood; write it in square brackets"),
        ("x {FAX: Paper=A4}", "{FAX: Paper=A4} is not understood; write it in square brackets"),
        ("x [“fax: cover=no”]", '["fax: cover=no"] is not understood; write it in square brackets'),
        ("x [fax: [cover=no]]", "[fax: [cover=no] is not understood; write it in square brackets"),
        ("x fax: cover=no]", "fax: cover=no] is not understood; write it in square brackets"),
        ("Question 1 of 2: [fax: cover=no] is right?", "[fax: cover=no] stands in the middle of the subject"),
        ("RESULTS [fax: cover=no] FOR DR SMITH", "[fax: cover=no] stands in the middle of the subject"),
    ],
)
def test_what_looks_like_a_wish_and_is_none_is_told(subject: str, trouble: str) -> None:
    """In ASCII, for it is said while the sender's mail program is connected."""
    found = subjects.read(subject).trouble
    assert found.startswith(trouble)
    assert found.isascii()


def test_encoded_and_folded_subjects_are_read_as_people_read_them() -> None:
    """Behind two hundred characters too, of which no reader sees more."""
    coded = b"Subject: =?utf-8?q?Befund_M=C3=BCller_=5Bfax=3A_cov?=\r\n =?utf-8?b?ZXI9bm9d?=\r\n\r\n"
    assert read_headers(coded).wished == Subject("Befund Müller", (("cover", "no"),))
    folded = b"Subject: Results of the\r\n week [fax: cover=no,\r\n\tquality=fine]\r\n\r\n"
    assert read_headers(folded).wished.wishes == (("cover", "no"), ("quality", "fine"))
    assert read_headers(folded).subject == "Results of the week"
    long = read_headers(b"Subject: " + b"word " * 100 + b"[fax: cover=no]\r\n\r\n")
    assert long.wished.wishes == (("cover", "no"),)
    assert len(long.subject) == 200
    assert read_headers(b"From: a@b.example\r\n\r\n").subject == ""


@given(st.text(alphabet="[]fax: =,;*(){}ab\n", max_size=300))
def test_any_subject_is_read(subject: str) -> None:
    """In no time, whatever it is; and what is taken off is nothing but wishes."""
    found = subjects.read(subject)
    assert len(found.words) <= len(subject)
    assert found.words == " ".join(subject.split()) or found.wishes or found.trouble


def test_letters_of_two_pieces_are_one() -> None:
    """As some machines write them (NFD), in words, names and values."""
    assert subjects.read("Befund Mu\u0308ller [fax: qualita\u0308t=fine]") == Subject(
        "Befund M\u00fcller", (("qualit\u00e4t", "fine"),)
    )


@pytest.mark.parametrize(
    "piece", ["*", "[", "(a)", "[fax: cover=", "re: ", "{", "[fax: a=b]", "** ", "<", "A ", "- AB ", "a b: ", "!A "]
)
def test_no_subject_takes_long(piece: str) -> None:
    """Two thousand characters of any mark are read, and not counted in all the ways there are."""
    subjects.read((piece * 2000)[:1985] + "[fax: cover=no]x")
