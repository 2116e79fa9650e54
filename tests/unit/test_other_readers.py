"""Mail parsers in other languages find in our notices what Python's finds, and another reader of bounces agrees."""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import MIMEPart
from email.policy import default as modern
from pathlib import Path
from typing import Any

import pytest

from bridge.mail import notices
from bridge.mail.notices import NoticeEvent
from bridge.mail.reports import Enclosed
from bridge.mail.returned import Returned
from tests.support.sentences import OTHERS
from tests.support.unit_clock import START
from tests.support.unit_mail import OPTIONS, OUTCOMES, ROW, SENDER, facts

READERS = Path(__file__).parent.parent / "support" / "readers"
POSTAL_MIME = Path(".tools/samples/postal-mime").absolute()
ADDRESS = "+14155550123@fax.local"
PICTURE, PDF = b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"%PDF-1.4\n" + bytes(range(256)) * 9
ORIGINAL = (
    b"From: Ward <ward@example.org>\r\nTo: +14155550123@fax.local\r\nSubject: =?utf-8?q?B=C3=A9la=27s_letter?=\r\n"
    b"Message-ID: <one@example.org>\r\n\r\n.\r\nFrom here on\r\n"
)
FORMS = ("plain", "header", "whole", "enclosed", *OTHERS)


def a_notice(event: NoticeEvent, form: str = "plain") -> bytes:
    """A notice, with the mail's header or the whole mail given back, or with pages; or in another language."""
    told = facts(event, ORIGINAL)
    if form in {"header", "whole"}:
        told = replace(told, returned=Returned(ORIGINAL, whole=form == "whole"))
    if form in OTHERS:
        told = replace(told, message=replace(told.message, language=form), returned=Returned(ORIGINAL, whole=False))
    if form == "enclosed":
        told = replace(told, enclosed=Enclosed(PICTURE, (("fax.pdf", PDF), ("proof.pdf", PDF[::-1]))))
    return notices.render(told, OPTIONS, row_id=ROW, recipient=SENDER, now=START)


@dataclass(frozen=True)
class Leaf:
    """A part as a reader sees it."""

    depth: int
    type: str
    content: bytes


def leaves(part: MIMEPart, depth: int = 0) -> list[Leaf]:
    """The tree as Python sees it, depth first; mails and reports within are leaves."""
    kind = part.get_content_type()
    if kind.startswith("multipart/"):
        return [Leaf(depth, kind, b""), *(each for sub in part.iter_parts() for each in leaves(sub, depth + 1))]
    if kind.startswith("message/"):
        return [Leaf(depth, kind, part.as_bytes())]
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return [Leaf(depth, kind, content)]


def lines(content: bytes) -> list[bytes]:
    """Text without regard to how its lines end, or whether there is a last blank one."""
    return content.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")


@pytest.fixture(scope="module")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, compiled."""
    folder = tmp_path_factory.mktemp("go")
    environment = os.environ | {"GO111MODULE": "off", "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    source = READERS / "structure.go"
    subprocess.run(["go", "build", "-o", folder / "structure", source], check=True, env=environment)
    return folder / "structure"


def read_by(command: list[str], mail: bytes) -> Any:
    """What a reader prints of a mail."""
    return json.loads(subprocess.run(command, input=mail, check=True, capture_output=True, timeout=60).stdout)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("event", OUTCOMES)
def test_go_sees_the_same_tree(go_reader: Path, event: NoticeEvent, form: str) -> None:
    """Subject, address, the nesting of parts, the type of each and its content, with net/mail and mime/multipart."""
    mail = a_notice(event, form)
    python = message_from_bytes(mail, policy=modern)
    seen = read_by([str(go_reader)], mail)
    assert (seen["subject"], seen["to"]) == (python["Subject"], [SENDER])
    found = [Leaf(part["depth"], part["type"], base64.b64decode(part["content"])) for part in seen["parts"]]
    wanted = leaves(python)
    assert [(leaf.depth, leaf.type) for leaf in found] == [(leaf.depth, leaf.type) for leaf in wanted]
    for one, other in zip(found, wanted, strict=True):
        if not one.type.startswith("message/"):  # how the parsers join the blocks within is their own affair
            assert lines(one.content) == lines(other.content)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("event", OUTCOMES)
def test_node_sees_the_same_parts(event: NoticeEvent, form: str) -> None:
    """Text, HTML, and what is attached, byte for byte, with postal-mime."""
    node = shutil.which("node") or shutil.which("nodejs")
    assert node is not None
    mail = a_notice(event, form)
    python = message_from_bytes(mail, policy=modern)
    seen = read_by([node, str(READERS / "read.mjs"), str(POSTAL_MIME)], mail)
    assert (seen["subject"], seen["to"], seen["inReplyTo"]) == (python["Subject"], [SENDER], "<one@example.org>")
    parts = leaves(python)
    [text] = [leaf for leaf in parts if leaf.type == "text/plain"]
    [html] = [leaf for leaf in parts if leaf.type == "text/html"]
    if form != "whole":  # it shows the text of a mail that is given back below ours
        assert lines(seen["text"].encode()) == lines(text.content)
        assert lines(seen["html"].encode()) == lines(html.content)
    assert seen["text"].encode().startswith(text.content.replace(b"\r\n", b"\n").rstrip(b"\n"))
    files = {leaf.type: leaf.content for leaf in parts if leaf.type in {"image/png", "application/pdf"}}
    found = {each["type"]: base64.b64decode(each["content"]) for each in seen["attachments"] if each["type"] in files}
    assert found == files


@pytest.mark.parametrize("form", ["header", *OTHERS])
@pytest.mark.parametrize("event", OUTCOMES)
def test_sisimai_reads_it_right(tmp_path: Path, event: NoticeEvent, form: str) -> None:
    """Whom it is about, what became of it and with which status; whoever sent the mail is the one who is told."""
    file = tmp_path / "notice.eml"
    file.write_bytes(a_notice(event, form))
    [seen] = read_by(["perl", str(READERS / "bounce.pl"), str(file)], b"")
    [_, block] = [
        part for part in message_from_bytes(file.read_bytes()).walk() if part["Action"] or part["Arrival-Date"]
    ]
    assert (seen["recipient"], seen["addresser"]) == (ADDRESS, SENDER)
    assert (seen["action"], seen["deliverystatus"]) == (block["Action"], block["Status"])
    assert seen["messageid"] == "one@example.org"
    if block["Diagnostic-Code"] is not None:
        assert f"x-ifax; {seen['diagnosticcode']}" == block["Diagnostic-Code"]
