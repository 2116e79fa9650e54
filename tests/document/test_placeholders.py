"""A PDF whose pages only stand in for something else is refused with the cure; files within one have their lines."""

import io
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from bridge.document import pages
from bridge.document.options import DocumentOptions
from bridge.document.pdf import placeholders
from tests.support.document_samples import Made, mail, make, multipart, part, plain
from tests.support.pdf_samples import Build, a_field, a_form, a_page, built

PLEASE_WAIT = "Please wait... Your viewer may not be able to show this document."


async def faxed(pdf: bytes, workspace: Path, options: DocumentOptions | None = None) -> Made:
    """The pages of a mail with that PDF attached."""
    body = multipart("mixed", plain("see there"), part(pdf, "application/pdf", "claim.pdf"))
    return await make(workspace, mail(body), options=options)


def xfa(packet: bytes = b"<template/>", *, renders: bool = False) -> Build:
    """Makes a form of XML of it."""

    def build(pdf: pikepdf.Pdf) -> None:
        if "/AcroForm" not in pdf.Root:
            pdf.Root.AcroForm = Dictionary(Fields=Array())
        pdf.Root.AcroForm.XFA = Array([String("template"), pdf.make_stream(packet)])
        if renders:
            pdf.Root.NeedsRendering = True

    return build


def with_file(name: str) -> Build:
    """Puts a file into it."""

    def build(pdf: pikepdf.Pdf) -> None:
        pdf.attachments[name] = pikepdf.AttachedFileSpec(
            pdf, b"content", filename=name, mime_type="", description="", creation_date="", mod_date=""
        )

    return build


def page(words: str) -> Build:
    """A page with these words."""
    return lambda pdf: (a_page(pdf, words), None)[1]


def portfolio(pdf: pikepdf.Pdf) -> None:
    """Makes a portfolio of it."""
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)


def widget(pdf: pikepdf.Pdf) -> None:
    """Gives it a field that is never seen, as a signed form has."""
    unseen = pdf.make_indirect(
        Dictionary(Subtype=Name.Widget, FT=Name.Sig, T=String("s"), F=2, Rect=Array([0, 0, 0, 0]))
    )
    pdf.pages[0].obj.Annots = Array([unseen])
    pdf.Root.AcroForm = Dictionary(Fields=Array([unseen]))


@pytest.mark.parametrize(
    ("pdf", "why"),
    [
        (built(page(PLEASE_WAIT), xfa(renders=True)), placeholders.DYNAMIC_FORM),
        (built(page(PLEASE_WAIT), xfa()), placeholders.DYNAMIC_FORM),
        (built(page(PLEASE_WAIT), widget, xfa(b"<dynamicRender>required</dynamicRender>")), placeholders.DYNAMIC_FORM),
        (
            built(page("For the best experience, open it in Acrobat."), portfolio, with_file("a.pdf")),
            placeholders.PORTFOLIO,
        ),
        (built(page(""), with_file("report.docx")), placeholders.ONLY_FILES),
    ],
    ids=["laid out when opened", "without any field", "a hidden field", "portfolio", "files alone"],
)
async def test_a_stand_in_is_refused_with_the_cure(pdf: bytes, why: str, tmp_path: Path) -> None:
    """Nobody gets a page that says "please wait"."""
    made = await faxed(pdf, tmp_path)
    assert made.failed == f"claim.pdf: {why}"


async def test_a_form_that_is_both_is_printed(tmp_path: Path) -> None:
    """An XFA form that is laid out already, its fields filled in, is a form like any other."""
    form = pikepdf.open(io.BytesIO(a_form(a_field("DEDALUS"))))
    xfa()(form)
    out = io.BytesIO()
    form.save(out)
    made = await faxed(out.getvalue(), tmp_path, DocumentOptions(pages="original"))
    assert made.words() == ["A FORM DEDALUS"]


async def test_files_within_have_their_lines(tmp_path: Path) -> None:
    """An invoice with its data in it is faxed; that the data is not stands in the list."""
    made = await faxed(built(page("invoice"), with_file("factur-x.xml")), tmp_path)
    assert (made.failed, made.pages) == ("", 1)
    assert [(each.name, each.left_out) for each in made.parts[1:]] == [
        ("claim.pdf", None),
        ("claim.pdf: factur-x.xml", placeholders.WITHIN),
    ]


async def test_a_blank_page_alone_is_still_called_blank(tmp_path: Path) -> None:
    """Without any file in it."""
    assert pages.ALL_BLANK in (await make(tmp_path, mail(part(built(page("")), "application/pdf", "a.pdf")))).failed
