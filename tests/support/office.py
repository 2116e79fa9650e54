"""Office documents, made by LibreOffice on the spot, as people attach them."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from bridge.document.office import find_program

LETTER = """<html><body><h1>Referral</h1><p>Dear colleague,</p><p>Mrs Example was seen on Monday.</p>
<table border="1"><tr><td>Amoxicillin</td><td>500 mg</td></tr></table></body></html>"""
TABLE = "Name,Dose,Days\nAmoxicillin,500,7\nIbuprofen,400,3\n"
SLIDE = """<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" office:version="1.2"
 office:mimetype="application/vnd.oasis.opendocument.presentation">
<office:body><office:presentation><draw:page draw:name="one"><draw:frame svg:width="20cm" svg:height="3cm" svg:x="2cm"
 svg:y="2cm"><draw:text-box><text:p>Ward round</text:p></draw:text-box></draw:frame></draw:page></office:presentation>
</office:body></office:document>"""

_SOURCES = {"writer": ("a.html", LETTER), "calc": ("a.csv", TABLE), "impress": ("a.fodp", SLIDE)}
KINDS = {
    "docx": ("writer", "docx:MS Word 2007 XML"),
    "doc": ("writer", "doc:MS Word 97"),
    "odt": ("writer", "odt:writer8"),
    "rtf": ("writer", "rtf:Rich Text Format"),
    "xlsx": ("calc", "xlsx:Calc MS Excel 2007 XML"),
    "xls": ("calc", "xls:MS Excel 97"),
    "ods": ("calc", "ods:calc8"),
    "pptx": ("impress", "pptx:Impress MS PowerPoint 2007 XML"),
    "ppt": ("impress", "ppt:MS PowerPoint 97"),
    "odp": ("impress", "odp:impress8"),
}
"""What LibreOffice makes each from, and by which filter."""

_READ_AS = {"writer": ["--infilter=HTML (StarWriter)"], "calc": [], "impress": []}


@cache
def an_office_document(ending: str) -> bytes:
    """A letter, a table or a slide as a file of that kind."""
    program, into = KINDS[ending]
    name, content = _SOURCES[program]
    return converted(name, content, into, *_READ_AS[program])


def converted(name: str, content: str, into: str, *more: str) -> bytes:
    """What LibreOffice makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / name, Path(folder) / "out"
        source.write_text(content, encoding="utf-8")
        command = [find_program(), f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore", *more]
        for _ in range(2):  # the first time it only lays out its profile
            subprocess.run(
                [*command, "--convert-to", into, "--outdir", str(out), str(source)],
                check=False,
                capture_output=True,
                timeout=120,
            )
            if out.exists() and (made := list(out.iterdir())):
                return made[0].read_bytes()
    raise AssertionError(f"LibreOffice made no {into} of {name}")
