"""The cover page: who writes to whom, how many pages, and what the mail says."""

import base64
from pathlib import Path

import pytest
from PIL import Image

from bridge.document.covers import Cover, CoverFields, Covers
from bridge.document.options import CoverOptions, DocumentOptions
from bridge.document.renderer import DocumentUnusable, Renderer
from bridge.errors import Misconfigured
from tests.support.document_samples import (
    Made,
    a_converter,
    a_pdf,
    ink,
    left_out,
    mail,
    make,
    multipart,
    part,
    plain,
    saved,
)

FIELDS = CoverFields(
    to_name="Dr. Who",
    to_company="Example Clinic",
    to_number="+1 212-555-0177",
    from_name="Anna Example",
    from_address="anna@example.org",
    from_number="+1 415-555-0100",
    company="Example Surgery",
    subject="Referral <urgent> & more",
    date="27 November 2026, 23:50 CET",
    text="Dear colleague,\n\nplease see the attached.",
)


def standard(options: CoverOptions | None = None) -> Cover:
    template = Covers(options or CoverOptions()).of(None, asked=True)
    assert template is not None
    return template.cover(FIELDS)


async def covered(workspace: Path, cover: Cover, body: bytes, **options: object) -> Made:
    """A mail's pages with a cover page before them."""
    message = workspace / "message"
    message.write_bytes(mail(body))
    chosen = DocumentOptions(body="cover", pages="original", **options)  # type: ignore[arg-type]
    renderer = Renderer(workspace, a_converter(), options=chosen)
    with message.open("rb", buffering=0) as source:
        async with renderer.from_mail(source) as rendered:
            try:
                async with renderer.with_cover(rendered, cover) as made:
                    return Made(made.path.read_bytes(), made.pages, made.parts)
            except DocumentUnusable as error:
                return Made(b"", 0, rendered.parts, error.public)


async def test_the_standard_cover_says_all_there_is_to_say(tmp_path: Path) -> None:
    """Names, numbers, company, subject, date, the text of the mail, and how many pages there are with this one."""
    both = multipart("mixed", plain("x"), part(a_pdf("one", "two"), "application/pdf", "a.pdf"))
    made = await covered(tmp_path, standard(), both)
    assert made.failed == ""
    assert made.pages == 3
    first, *others = made.words()
    assert others == ["one", "two"]
    for words in ("Dr. Who Example Clinic +1 212-555-0177", "Anna Example anna@example.org +1 415-555-0100"):
        assert words in first
    for words in ("Example Surgery", "Referral <urgent> & more", "27 November 2026, 23:50 CET", "3, this one included"):
        assert words in first
    assert "Dear colleague, please see the attached." in first
    assert [(each.name, each.pages, each.left_out) for each in made.parts] == [
        ("cover page, with the text of the mail", 1, None),
        ("a.pdf", 2, None),
    ]


async def test_what_is_not_known_leaves_no_gap(tmp_path: Path) -> None:
    """With a number and an address alone the page has no empty lines and no unfilled marks."""
    template = Covers(CoverOptions()).of(None, asked=True)
    assert template is not None
    cover = template.cover(CoverFields(to_number="+1 212-555-0177", from_address="anna@example.org", date="today"))
    made = await covered(tmp_path, cover, plain("the fax itself"))
    assert made.words()[0] == "Fax To +1 212-555-0177 From anna@example.org Date today Pages 2, this one included"


async def test_a_long_text_takes_more_pages_and_all_are_counted(tmp_path: Path) -> None:
    """Two pages of cover are two pages; far too long a text is refused with what to do."""
    template = Covers(CoverOptions()).of(None, asked=True)
    assert template is not None
    longer = template.cover(CoverFields(text="a line\n" * 60))
    made = await covered(tmp_path, longer, part(a_pdf("one"), "application/pdf", "a.pdf"))
    assert made.pages == 3
    assert "3, this one included" in made.words()[0]
    assert made.parts[0].pages == 2
    endless = await covered(tmp_path, template.cover(CoverFields(text="a line\n" * 900)), plain("x"))
    assert endless.failed == "cover page: its text takes more than 5 pages; attach it as a file"


async def test_a_site_has_its_own(tmp_path: Path) -> None:
    """A template of the site's with its logo; an identity's stands over the site's, and a sender may do without."""
    folder = tmp_path / "covers"
    folder.mkdir()
    (folder / "lab.html").write_text("<img src='{{ logo }}' width=200><p>{{ to_name }} gets {{ pages }}</p>")
    (folder / "lab.png").write_bytes(saved(Image.new("L", (200, 100), 0), "PNG"))
    covers = Covers(CoverOptions(site="standard", identities={"lab": "lab", "desk": "none"}, folder=folder))
    lab = covers.of("lab", asked=None)
    assert lab is not None
    made = await covered(tmp_path, lab.cover(FIELDS), plain("x"))
    assert made.words()[0] == "Dr. Who gets 2"
    box = ink(made.picture())
    assert box is not None
    assert box[2] - box[0] >= 150, "the logo"
    assert covers.of("lab", asked=False) is None
    assert covers.of("desk", asked=None) is None
    for identity, asked in (("desk", True), (None, None), ("nobody", None)):
        found = covers.of(identity, asked=asked)
        assert found is not None
        assert "this one included" in found.html
    assert Covers(CoverOptions()).of(None, asked=None) is None


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [("odd.html", "{% if %}", "is no template: line 1"), ("other.html", "x", "cannot be read")],
)
def test_a_template_that_cannot_be_used_is_told_at_start(name: str, content: str, why: str, tmp_path: Path) -> None:
    """With its file and its line, before any fax needs it."""
    (tmp_path / name).write_text(content)
    with pytest.raises(Misconfigured, match=why):
        Covers(CoverOptions(site="odd", folder=tmp_path))


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ pages / 0 }}", "its template cannot be filled"),
        ("{{ ''.__class__.__mro__ }}", "its template cannot be filled"),
        ("{{ to_name.nothing() }}", "its template cannot be filled"),
    ],
)
async def test_a_template_that_fails_fails_the_fax_in_words(template: str, why: str, tmp_path: Path) -> None:
    """What Jinja has against it is told, and nothing of Python's inside is reached."""
    made = await covered(tmp_path, Cover(template, b"", FIELDS), plain("x"))
    assert made.failed.startswith(f"cover page: {why}")


async def test_what_strangers_write_is_no_markup(tmp_path: Path) -> None:
    """A subject with tags, marks of Jinja's and addresses stands there as it was written, and fetches nothing."""
    fields = CoverFields(subject="<img src=file:///etc/passwd>{{ 7 * 7 }}<script>", text="<b>not bold</b>")
    template = Covers(CoverOptions()).of(None, asked=True)
    assert template is not None
    made = await covered(tmp_path, template.cover(fields), plain("x"))
    assert "<img src=file:///etc/passwd>{{ 7 * 7 }}<script>" in made.words()[0]
    assert "<b>not bold</b>" in made.words()[0]


async def test_the_text_becomes_what_the_site_wishes(tmp_path: Path) -> None:
    """Beside documents it is cover text, a page or nothing; alone it is the fax, whatever is wished."""
    both = mail(multipart("mixed", plain("the words"), part(a_pdf("one"), "application/pdf", "a.pdf")))
    page = await make(tmp_path, both, options=DocumentOptions(body="page"))
    assert page.words() == ["the words", "one"]
    for use, why in (("cover", "stands on the cover page"), ("ignore", "only the attachments are faxed")):
        made = await make(tmp_path, both, options=DocumentOptions(body=use))  # type: ignore[arg-type]
        assert made.words() == ["one"]
        assert left_out(made.parts)["text of the mail"] == why
        alone = await make(tmp_path, mail(plain("the words")), options=DocumentOptions(body=use))  # type: ignore[arg-type]
        assert alone.words() == ["the words"]


def test_a_cover_goes_to_the_child_and_back() -> None:
    """Nothing of it is lost on the way."""
    from bridge.document.covers import read_cover, write_cover  # noqa: PLC0415 - of this test alone

    cover = Cover("<p>{{ to_name }}", base64.b64decode("iVBORw=="), FIELDS)
    assert read_cover(write_cover(cover)) == cover


async def test_a_cover_is_on_the_paper_that_is_wished(tmp_path: Path) -> None:
    """Ours, and a template that names none; one that names its own keeps it."""
    for template, size in (
        (standard().template, (595, 842)),
        ("<p>to {{ to_name }}</p>", (595, 842)),
        ("<style>@page { size: letter }</style><p>to {{ to_name }}</p>", (612, 792)),
    ):
        made = await covered(tmp_path, Cover(template, b"", FIELDS), plain("x"), paper="a4")
        width, height = made.sizes()[0]
        assert (round(width * 72), round(height * 72)) == size
