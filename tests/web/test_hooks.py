"""Hooks of the carrier: kept before they are thanked for, whatever they look like, and never believed."""

import asyncio
import base64
import hmac
import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.errors import OutOfSpace
from bridge.runtime.worker import Bell
from bridge.store.engine import Writer
from bridge.store.writing import BlobWriter
from bridge.web import forms
from bridge.web.hooks import Hooks
from bridge.web.options import WebOptions
from tests.support.intake_stand import PATIENCE, a_desk
from tests.web.site import IN, OTHER, OUT, PATH, SECRET, Web, a_fax_on_its_way, a_web, as_text, form

PDF = b"%PDF-1.4\r\n" + bytes(range(256)) * 40
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}


async def post_form(web: Web, fields: dict[str, Any], file: bytes | None = None, path: str = PATH) -> int:
    """Post a multipart form; the status."""
    body, kind = form(as_text(fields), file)
    return (await web.public.post(path, content=body, headers={"content-type": kind})).status_code


async def test_a_json_hook_of_a_received_fax_is_announced(tmp_path: Path) -> None:
    """The row with both ids is there with the 200, the hook beside it as evidence, and the fetcher is woken."""
    async with a_web(tmp_path) as web:
        assert (await web.public.post(PATH, json=IN)).status_code == 200
        assert web.received() == [("4711", "t-1", "announced")]
        assert web.evidence() == [("hook", "in", "4711", "t-1")]
        assert web.kept.rows("SELECT caller, called, pages, listed FROM received") == [
            ("+12125550177", "+14155550100", 2, 0)
        ]
        async with asyncio.timeout(PATIENCE):
            await web.desk.bells.wait(Bell.FETCH, 0.01)


async def test_a_form_hook_brings_its_file(tmp_path: Path) -> None:
    """The file of a multipart hook is kept to the byte, in a blob of kind evidence that the received fax names."""
    async with a_web(tmp_path) as web:
        assert await post_form(web, IN, PDF) == 200
        assert web.received() == [("4711", "t-1", "announced")]
        [(blob, kind, size)] = web.kept.rows(
            "SELECT blob.id, kind, size FROM blob JOIN received ON hook_blob_id = blob.id"
        )
        assert (kind, size) == ("evidence", len(PDF))
        assert web.kept.plain(blob) == PDF
        assert web.kept.rows("SELECT count(*) FROM outbox") == [(0,)]


@pytest.mark.parametrize("file", [None, b""], ids=["no file", "empty file"])
async def test_a_form_without_a_file_is_a_hook_too(file: bytes | None, tmp_path: Path) -> None:
    """Fields alone, or with an empty file, announce the fax; no empty blob is kept."""
    async with a_web(tmp_path) as web:
        assert await post_form(web, IN, file) == 200
        assert web.received() == [("4711", "t-1", "announced")]
        assert web.kept.files() == []


async def test_an_urlencoded_form_is_read(tmp_path: Path) -> None:
    """The simple kind of form serves as well."""
    async with a_web(tmp_path) as web:
        answer = await web.public.post(PATH, content=urlencode(as_text(IN)), headers=URLENCODED)
        assert answer.status_code == 200
        assert web.received() == [("4711", "t-1", "announced")]


async def test_a_replayed_hook_is_one_fax(tmp_path: Path) -> None:
    """The same hook over and over is one received fax, each time thanked for and noted; the first file stays."""
    async with a_web(tmp_path) as web:
        assert (await web.public.post(PATH, json=IN)).status_code == 200
        for number in range(3):
            assert await post_form(web, IN, PDF + b"%d" % number) == 200
        assert web.received() == [("4711", "t-1", "announced")]
        assert len(web.evidence()) == 4
        [(blob,)] = web.kept.rows("SELECT hook_blob_id FROM received")
        assert web.kept.plain(blob) == PDF + b"0"


async def test_hooks_at_once_are_one_fax(tmp_path: Path) -> None:
    """Twenty equal hooks in the same moment make one row."""
    async with a_web(tmp_path) as web:
        answers = await asyncio.gather(*[web.public.post(PATH, json=IN) for _ in range(20)])
        assert {answer.status_code for answer in answers} == {200}
        assert web.received() == [("4711", "t-1", "announced")]
        assert len(web.evidence()) == 20


async def test_a_hook_of_a_known_job_makes_its_fax_due(tmp_path: Path) -> None:
    """It is evidence of the attempt and a reason to ask, and ends nothing."""
    async with a_web(tmp_path) as web:
        fax = await a_fax_on_its_way(web.desk, "812")
        before = web.kept.rows(f"SELECT state, version FROM fax WHERE id = '{fax}'")
        assert (await web.public.post(PATH, json=OUT)).status_code == 200
        assert web.kept.rows(f"SELECT state, version FROM fax WHERE id = '{fax}'") == before
        assert web.kept.rows("SELECT due_at < '2027' FROM fax") == [(1,)]
        assert web.kept.rows("SELECT attempt_id IS NOT NULL FROM evidence") == [(1,)]


async def test_a_hook_of_an_unknown_job_is_kept(tmp_path: Path) -> None:
    """A job nobody has heard of is evidence with its ids, since our own answer may still be on its way."""
    async with a_web(tmp_path) as web:
        assert (await web.public.post(PATH, json=OUT)).status_code == 200
        assert web.evidence() == [("hook", "out", "812", "t-9")]
        assert web.received() == []


BARE = {"jobId": 55, "transactionId": "t-55"}


@pytest.mark.parametrize(
    ("tail", "fields", "direction"),
    [
        ("", BARE, "?"),
        ("/sent", BARE, "out"),
        ("/received", BARE, "in"),
        ("/sent", {**BARE, "direction": "inbound"}, "in"),
        ("/received", {**BARE, "direction": "Outbound"}, "out"),
        ("/sent", {**BARE, "faxReceivedPages": "1"}, "in"),
        ("/received", {"jobId": 55}, "in"),
        ("", {"data": IN}, "in"),
    ],
)
async def test_the_direction_is_the_hooks_own_or_the_paths(
    tail: str, fields: dict[str, Any], direction: str, tmp_path: Path
) -> None:
    """The hook's word counts first, then a field that only one kind has, then the path it came to."""
    async with a_web(tmp_path) as web:
        assert (await web.public.post(PATH + tail, json=fields)).status_code == 200
        assert [row[1] for row in web.evidence()] == [direction]
        assert len(web.received()) == (direction == "in" and ("transactionId" in fields or "data" in fields))


@pytest.mark.parametrize(
    "path", [f"/hooks/ifax/{SECRET}", f"/hooks/ifax/{OTHER}", f"/hooks/ifax/{OTHER}/sent", f"{PATH}/received"]
)
async def test_each_secret_opens(path: str, tmp_path: Path) -> None:
    """Every configured secret is taken, so that one can be replaced without a gap."""
    async with a_web(tmp_path) as web:
        assert (await web.public.post(path, json=OUT)).status_code == 200


WRONG = [
    "/hooks/ifax/wrong",
    f"/hooks/ifax/{SECRET[:-1]}",
    f"/hooks/ifax/{SECRET}x",
    f"/hooks/ifax/{SECRET.upper()}",
    f"/hooks/ifax/{SECRET}/other",
    f"/hooks/ifax/{SECRET}/",
    f"/hooks/ifax/{SECRET}/sent/",
    "/hooks/ifax/wrong/",
    "/hooks/ifax/",
    "/hooks/ifax",
    "/hooks",
    "/",
    "/hooks/ifax/%ff%fe",
    "/hooks/ifax/\u00e4",
    "/hooks/ifax/%00",
    "/hooks/ifax/wrong/received",
    "/health/live",
    "/metrics",
    "/docs",
]


@pytest.mark.parametrize("path", WRONG)
async def test_any_other_path_is_not_found(path: str, tmp_path: Path) -> None:
    """Wrong secrets and strange paths are 404 and nothing else, and leave nothing."""
    async with a_web(tmp_path) as web:
        answer = await web.public.post(path, json=IN)
        assert answer.status_code == 404
        assert SECRET not in str(answer.headers) + answer.text
        assert web.evidence() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_wrong_secret_is_not_found_by_any_method(method: str, tmp_path: Path) -> None:
    """A stranger cannot learn from another method that there is something behind the path."""
    async with a_web(tmp_path) as web:
        assert (await web.public.request(method, "/hooks/ifax/wrong")).status_code == 404


async def test_without_secrets_no_hook_is_taken(tmp_path: Path) -> None:
    """An empty list opens to nobody, not to everybody."""
    async with a_web(tmp_path, hook_secrets=()) as web:
        for path in ("/hooks/ifax/", "/hooks/ifax/x", PATH):
            assert (await web.public.post(path, json=IN)).status_code == 404


@pytest.mark.parametrize("given", [SECRET, OTHER, "wrong", "x" * 5_000])
def test_a_secret_costs_the_same_work_right_or_wrong(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every configured secret is compared, each by the constant-time comparison, whichever fits."""
    compared: list[bytes] = []
    real = hmac.compare_digest

    def noted(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", noted)
    with a_desk(tmp_path) as (desk, _):
        hooks = Hooks(desk, WebOptions(listen=(), admin_listen=(), hook_secrets=(SECRET, OTHER)))
        assert hooks._knows(given) is (given in {SECRET, OTHER})
    assert compared == [SECRET.encode(), OTHER.encode()]


def basic(text: str | bytes) -> str:
    """An Authorization header's value."""
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Bearer x",
        basic("ifax"),
        basic("ifax:no"),
        basic("x:pä:ss"),
        basic(b"\xff:\xfe"),
    ],
)
async def test_basic_auth_is_asked_for(given: str | None, tmp_path: Path) -> None:
    """With a user configured a hook without the right password is 401, and nothing of it is kept."""
    async with a_web(tmp_path, hook_user="ifax", hook_password="pä:ss") as web:
        headers = {} if given is None else {"authorization": given}
        answer = await web.public.post(PATH, json=IN, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert web.evidence() == []


async def test_basic_auth_lets_in(tmp_path: Path) -> None:
    """The right user and password are taken, in either case of the scheme's name; they don't replace the secret."""
    async with a_web(tmp_path, hook_user="ifax", hook_password="pä:ss") as web:
        for value in (basic("ifax:pä:ss"), basic("ifax:pä:ss").replace("Basic", "basic")):
            assert (await web.public.post(PATH, json=IN, headers={"authorization": value})).status_code == 200
            wrong = await web.public.post("/hooks/ifax/wrong", json=IN, headers={"authorization": value})
            assert wrong.status_code == 404


async def test_a_body_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the limits it is 413 in every form, and nothing is left on disk."""
    monkeypatch.setattr(forms, "FILE_LIMIT", 300_000)
    async with a_web(tmp_path) as web:
        assert (await web.public.post(PATH, content=b"x" * 1_000_001)).status_code == 413
        assert (await web.public.post(PATH, content=b"a=" + b"x" * 1_000_001, headers=URLENCODED)).status_code == 413
        assert await post_form(web, IN, b"y" * 300_001) == 413
        assert await post_form(web, IN, b"y" * 200_000) == 200
        assert len(web.kept.files()) == len(web.kept.rows("SELECT id FROM blob")) == 1


GOOD, KIND = form(as_text(IN), PDF)
HUGE, _ = form([*as_text(IN), ("note", "n" * 500_000)], PDF)
MANY, _ = form([*as_text(IN), *[(f"field{number}", "x") for number in range(200)]])
FILE_FIRST = form([], PDF)[0].removesuffix(b"--bOuNdArY--\r\n")
BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "JSON array": (b"[1, 2]", "application/json"),
    "JSON null": (b"null", "application/json"),
    "JSON string": (b'"jobId"', "application/json"),
    "JSON cut": (json.dumps(IN).encode()[:60], "application/json"),
    "JSON with a byte order mark": (b"\xef\xbb\xbf" + json.dumps(IN).encode(), "application/json"),
    "JSON without a type": (json.dumps(IN).encode(), ""),
    "JSON called text": (json.dumps(IN).encode(), "text/plain; charset=utf-8"),
    "JSON deep": (b"[" * 100_000, "application/json"),
    "JSON deep inside": (
        b'{"jobId": 1, "transactionId": "t", "direction": "inbound", "x": ' + b"[" * 900 + b"]" * 900 + b"}",
        "application/json",
    ),
    "JSON huge number": (b'{"jobId": ' + b"9" * 5_000 + b"}", "application/json"),
    "JSON large number": (
        b'{"jobId": ' + b"9" * 3_000 + b', "transactionId": 1, "direction": "inbound"}',
        "application/json",
    ),
    "JSON infinity": (b'{"jobId": Infinity, "transactionId": NaN, "direction": "inbound"}', "application/json"),
    "JSON wrong kinds": (
        b'{"jobId": {}, "transactionId": [], "direction": 7, "data": 3, "faxStatus": {}}',
        "application/json",
    ),
    "JSON large count": (
        b'{"jobId": 1, "transactionId": 2, "direction": "inbound", "faxReceivedPages": 1e300, "faxCallStart": -5}',
        "application/json",
    ),
    "JSON surrogate": (
        b'{"jobId": "\\ud800", "transactionId": "t", "direction": "inbound", "fromNumber": "\\udfff"}',
        "application/json",
    ),
    "JSON surrogate number": (
        b'{"jobId": 5, "transactionId": "t", "direction": "inbound", "fromNumber": "\\ud800"}',
        "application/json",
    ),
    "JSON NUL": (
        b'{"jobId": 5, "transactionId": "t", "direction": "inbound", "fromNumber": "\\u0000"}',
        "application/json",
    ),
    "bytes": (random.Random(1).randbytes(5_000), "application/octet-stream"),
    "html": (b"<html>", "text/html"),
    "form of nothing": (b"", "application/x-www-form-urlencoded"),
    "form of percent": (b"%%%=%zz&=&&jobId=%ff", "application/x-www-form-urlencoded"),
    "form of 200 fields": (
        urlencode([*as_text(IN), *[(f"f{n}", "x") for n in range(200)]]).encode(),
        "application/x-www-form-urlencoded",
    ),
    "no boundary": (GOOD, "multipart/form-data"),
    "empty boundary": (GOOD, 'multipart/form-data; boundary=""'),
    "odd boundary": (GOOD, 'multipart/form-data; boundary="\u00e4"'),
    "wrong boundary": (GOOD, "multipart/form-data; boundary=other"),
    "multipart of nothing": (b"", KIND),
    "multipart cut in a field": (GOOD[:100], KIND),
    "multipart cut in the file": (GOOD[:-500], KIND),
    "multipart cut at the end": (GOOD[:-6], KIND),
    "multipart cut behind the file": (FILE_FIRST + b"--bOuNdArY\r\nContent-Disposition: form-", KIND),
    "multipart bad behind the file": (FILE_FIRST + b"--bOuNdArY\r\nnonsense\r\n\r\nx\r\n--bOuNdArY--\r\n", KIND),
    "multipart with a huge field": (HUGE, KIND),
    "multipart of 200 fields": (MANY, KIND),
    "multipart without names": (GOOD.replace(b'name="', b'n="'), KIND),
    "multipart with bare line ends": (GOOD.replace(b"\r\n", b"\n"), KIND),
    "multipart of two files": (
        form(as_text(IN), PDF)[0].replace(b"--bOuNdArY--\r\n", b"") + form([], b"%PDF second")[0],
        KIND,
    ),
    "odd content type": (GOOD, ";;;=;multipart"),
}


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES.keys())
async def test_no_body_is_too_odd(body: bytes, kind: str, tmp_path: Path) -> None:
    """Never 5xx; what is thanked for is evidence, what isn't is refused openly; no file without its row stays."""
    async with a_web(tmp_path) as web:
        answer = await web.public.post(PATH, content=body, headers=[(b"content-type", kind.encode("latin-1"))])
        assert answer.status_code < 500
        assert len(web.evidence()) == (answer.status_code == 200)
        assert {path.name for path in web.kept.files()} == {
            row[0] for row in web.kept.rows("SELECT id FROM blob WHERE content IS NULL")
        }


@pytest.mark.parametrize(
    "name",
    [
        "JSON with a byte order mark",
        "JSON without a type",
        "JSON called text",
        "multipart with a huge field",
        "multipart of two files",
    ],
)
async def test_ids_that_can_be_read_are_not_lost(name: str, tmp_path: Path) -> None:
    """A hook whose both ids can be read announces its fax, however odd the rest of it."""
    body, kind = BODIES[name]
    async with a_web(tmp_path) as web:
        await web.public.post(PATH, content=body, headers={"content-type": kind} if kind else {})
        assert web.received() == [("4711", "t-1", "announced")]


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "x/sent?y#z", ""])
async def test_an_odd_host_header_changes_nothing(host: str, tmp_path: Path) -> None:
    """The name a client calls us by is not looked at."""
    async with a_web(tmp_path) as web:
        answer = await web.public.post(PATH + "/received", json=BARE, headers={"host": host})
        assert answer.status_code == 200
        assert [row[1] for row in web.evidence()] == ["in"]


async def test_the_200_comes_after_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the commit is held up there is no answer; with the answer every other process sees the row."""
    held, go_on = asyncio.Event(), asyncio.Event()
    real = Writer.run

    async def slow(self: Writer, unit: object) -> object:
        held.set()
        await go_on.wait()
        return await real(self, unit)  # type: ignore[arg-type]  # handed through

    async with a_web(tmp_path) as web:
        monkeypatch.setattr(Writer, "run", slow)
        answer = asyncio.create_task(web.public.post(PATH, json=IN))
        await held.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not answer.done()
        assert web.received() == []
        go_on.set()
        assert (await answer).status_code == 200
        assert web.received() == [("4711", "t-1", "announced")]


@pytest.mark.parametrize("table", ["evidence", "received", "blob"])
@pytest.mark.parametrize("how", ["gone", "refusing", "damaged"])
async def test_a_store_that_fails_is_503_and_leaves_nothing(table: str, how: str, tmp_path: Path) -> None:
    """When the rows cannot be written the carrier is asked to come again, and the file is gone; later it is taken."""
    async with a_web(tmp_path) as web:
        if how == "gone":
            web.kept.alter(f"ALTER TABLE {table} RENAME TO away")
        elif how == "refusing":
            web.kept.alter(f"CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 's3cret'); END")
        else:
            web.kept.database.write_bytes(b"\0" * web.kept.database.stat().st_size)
        body, kind = form(as_text(IN), PDF)
        answer = await web.public.post(PATH, content=body, headers={"content-type": kind})
        assert answer.status_code == 503
        assert "s3cret" not in answer.text
        assert web.kept.files() == []
        if how != "damaged":
            web.kept.alter(f"ALTER TABLE away RENAME TO {table}" if how == "gone" else "DROP TRIGGER no")
            assert await post_form(web, IN, PDF) == 200
            assert web.received() == [("4711", "t-1", "announced")]


async def test_a_full_disk_is_503_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file cannot be written the hook is refused for now, whole."""

    def full(*_: object) -> None:
        raise OutOfSpace("no room")

    async with a_web(tmp_path) as web:
        with monkeypatch.context() as patch:
            patch.setattr(BlobWriter, "write", full)
            assert await post_form(web, IN, PDF) == 503
        assert web.kept.files() == []
        assert web.evidence() == []
        assert await post_form(web, IN, PDF) == 200


@pytest.mark.parametrize("cut", [100, len(GOOD) - 500, len(GOOD) - 4])
async def test_a_client_that_goes_away_leaves_nothing(cut: int, tmp_path: Path) -> None:
    """A hook whose sender disappears in the middle leaves no row and no file."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": GOOD[:cut], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(_: Any) -> None:
        return None

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", KIND.encode())],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    with a_desk(tmp_path) as (desk, kept):
        application = Hooks(desk, WebOptions(listen=(), admin_listen=(), hook_secrets=(SECRET,))).application()
        await application(scope, receive, send)
        assert kept.files() == []
        assert kept.rows("SELECT * FROM evidence") == []


async def test_a_hook_causes_no_mail(tmp_path: Path) -> None:
    """Whatever it says and brings, a hook alone puts nothing into the outbox."""
    async with a_web(tmp_path) as web:
        await a_fax_on_its_way(web.desk, "812")
        for fields in (IN, OUT, {**OUT, "faxStatus": "failed", "code": -1}, {"jobId": 1}):
            assert await post_form(web, fields, PDF) == 200
        assert web.kept.rows("SELECT count(*) FROM outbox") == [(0,)]
