"""Reading a hook's body: JSON whole, forms with their file streamed to a blob, everything bounded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import multipart
from starlette.requests import Request

from bridge.ifax import webhooks
from bridge.ifax.models import Direction
from bridge.ifax.webhooks import FILE_FIELD, HookEvent
from bridge.store import StoredBlob
from bridge.store.desk import Desk
from bridge.store.writing import BlobWriter

BODY_LIMIT = 1_000_000
FILE_LIMIT = 100_000_000
FIELDS_LIMIT = 100
FIELD_LIMIT = 20_000


class TooLarge(Exception):
    """The body is larger than any hook."""


class Unreadable(Exception):
    """The body is not what its content type says."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook, read: the event, the form it came in, and the file it brought, which is on disk."""

    event: HookEvent
    form: str
    file: StoredBlob | None = None


@dataclass(slots=True)
class _Form:
    """A multipart body as far as it is read."""

    fields: dict[str, str] = field(default_factory=dict)
    name: str = ""
    value: bytearray = field(default_factory=bytearray)
    writer: BlobWriter | None = None
    file: StoredBlob | None = None


async def read_hook(request: Request, desk: Desk, hint: Direction | None) -> Hook:
    """The hook in a request, whatever its form. Raises TooLarge, Unreadable, or the store's trouble with the file."""
    kind, options = multipart.parse_options_header(request.headers.get("content-type", ""))
    if kind == "multipart/form-data":
        fields, file = await _read_multipart(request, desk, options.get("boundary", ""))
        return Hook(webhooks.read_form(fields, hint), "multipart", file)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TooLarge
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode("utf-8", errors="replace"), max_num_fields=FIELDS_LIMIT)
        except ValueError as error:
            raise Unreadable from error
        return Hook(webhooks.read_form(dict(pairs), hint), "form")
    return Hook(webhooks.read_json(bytes(body), hint), "json")


async def _read_multipart(request: Request, desk: Desk, boundary: str) -> tuple[dict[str, str], StoredBlob | None]:
    form = _Form()
    try:
        parser = multipart.PushMultipartParser(boundary, max_segment_count=FIELDS_LIMIT)
        async for event in _events(request, parser):
            await _take(form, event, desk)
    except BaseException as error:
        if form.file is not None:
            desk.store.blobs.discard(form.file)
        if isinstance(error, multipart.MultipartError | ValueError):
            raise Unreadable from error
        raise
    finally:
        if form.writer is not None:
            form.writer.abort()
    return form.fields, form.file


async def _events(request: Request, parser: multipart.PushMultipartParser) -> AsyncIterator[object]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > FILE_LIMIT:
            raise TooLarge
        if chunk:
            for event in parser.parse(chunk):
                yield event
    parser.close()


async def _take(form: _Form, event: object, desk: Desk) -> None:
    """One event of the parser: a part begins, its bytes, its end (None)."""
    if isinstance(event, multipart.MultipartSegment):
        form.name = event.name
        form.value = bytearray()
        if event.name == FILE_FIELD and event.filename is not None and form.file is None:
            form.writer = desk.store.blobs.writer(desk.ids.file_name())
    elif isinstance(event, bytes | bytearray):
        if form.writer is not None:
            form.writer.write(bytes(event))
        elif len(form.value) < FIELD_LIMIT:
            form.value += event
    elif form.writer is not None:
        writer, form.writer = form.writer, None
        if writer.size:
            form.file = await writer.commit()
        else:
            writer.abort()
    else:
        form.fields[form.name] = form.value.decode("utf-8", errors="replace")
