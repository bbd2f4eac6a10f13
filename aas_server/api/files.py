"""Attachments of File elements and thumbnails of shells: stored by SHA-256, streamed both ways."""

import dataclasses
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from aas_server.api import answering
from aas_server.api.reading import Call
from aas_server.model import Document, Kind, edit
from aas_server.model.changes import Part
from aas_server.model.errors import Malformed, NotApplicable, NotFound, TooLarge
from aas_server.model.paths import resolve, text
from aas_server.model.validation import verify
from aas_server.repository.conditions import Condition
from aas_server.repository.entries import Entry

CHUNK = 256 << 10

Edited = tuple[Document, Mapping[str, Part | None]]
FOLDER = "/aasx/files/"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]")


async def get_attachment(call: Call) -> web.StreamResponse:
    entry = await call.repository.get(Kind.SUBMODEL, call.submodel_id)
    element = _file(entry.document, call)
    return await _stream(call, entry, element.get("value"))


async def put_attachment(call: Call) -> web.Response:
    """Store the uploaded file and let the element refer to it."""
    path = call.path
    entry = await call.repository.get(Kind.SUBMODEL, call.submodel_id)
    condition = await _condition(call, entry, _file(entry.document, call).get("value"))
    async with _received(call) as (wanted, part):

        def attach(submodel: Document, taken: Mapping[str, Part]) -> Edited:
            name, parts = _in_place_of(_file(submodel, call).get("value"), wanted, part, taken)
            return edit.replace_at(submodel, path, lambda each: edit.with_file(each, name, part.content_type)), parts

        return answering.done(await call.repository.update_parts(Kind.SUBMODEL, entry.identifier, attach, condition))


async def delete_attachment(call: Call) -> web.Response:
    """Remove the stored file and the element's value; 200 without a body, as the standard has it."""
    path = call.path
    before = await call.repository.get(Kind.SUBMODEL, call.submodel_id)
    condition = await _condition(call, before, _file(before.document, call).get("value"))

    def detach(submodel: Document, taken: Mapping[str, Part]) -> Edited:
        name = _file(submodel, call).get("value", "")
        if name not in taken:
            raise NotFound(f"no file is attached to {text(path)!r}")
        return edit.replace_at(submodel, path, edit.without_file), {name: None}

    entry = await call.repository.update_parts(Kind.SUBMODEL, call.submodel_id, detach, condition)
    return web.Response(status=HTTPStatus.OK, headers={"ETag": f'"{entry.etag}"'})


async def get_thumbnail(call: Call) -> web.StreamResponse:
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    return await _stream(call, entry, _thumbnail(entry.document))


async def put_thumbnail(call: Call) -> web.Response:
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    condition = await _condition(call, entry, _thumbnail(entry.document))
    async with _received(call) as (wanted, received):
        part = dataclasses.replace(received, thumbnail=True)

        def attach(shell: Document, taken: Mapping[str, Part]) -> Edited:
            name, parts = _in_place_of(_thumbnail(shell), wanted, part, taken)
            return edit.with_thumbnail(shell, name, part.content_type), parts

        return answering.done(await call.repository.update_parts(Kind.SHELL, entry.identifier, attach, condition))


async def delete_thumbnail(call: Call) -> web.Response:
    def detach(shell: Document, taken: Mapping[str, Part]) -> Edited:
        name = _thumbnail(shell)
        if name is None:
            raise NotFound(f"shell {shell['id']!r} has no thumbnail")
        return edit.without_thumbnail(shell), {name: None} if name in taken else {}

    return answering.done(await call.repository.update_parts(Kind.SHELL, call.shell_id, detach, call.condition))


async def _condition(call: Call, entry: Entry, name: str | None) -> Condition:
    """What is demanded of the document. The tag that GET gives of a file stands for the document the file is in now."""
    condition = call.condition
    part = (await call.repository.parts.parts(entry.kind, entry.identifier)).get(name or "")
    if part is not None and part.sha256 in condition.if_match:
        condition = Condition(frozenset({entry.etag}), condition.if_none_match)
    condition.check(entry.etag)
    return condition


def _thumbnail(shell: Document) -> str | None:
    path: str | None = (shell["assetInformation"].get("defaultThumbnail") or {}).get("path")
    return path


def _in_place_of(
    before: str | None, wanted: str, part: Part, taken: Mapping[str, Part]
) -> tuple[str, dict[str, Part | None]]:
    """The name a new part gets, and what is attached and detached: it takes the place of the one named before."""
    name = _free(wanted, [other for other in taken if other != before])
    parts: dict[str, Part | None] = {name: part}
    if before is not None and before in taken and before != name:
        parts[before] = None
    return name, parts


@asynccontextmanager
async def _received(call: Call) -> AsyncIterator[tuple[str, Part]]:
    """The uploaded file, kept as long as it takes to attach it; what is not attached then goes."""
    name, part = await _receive(call)
    try:
        yield name, part
    finally:
        await call.repository.parts.release(part.sha256)


def _file(submodel: Document, call: Call) -> Document:
    element = resolve(submodel, call.path)
    if element["modelType"] != "File":
        raise NotApplicable(f"{text(call.path)!r} is a {element['modelType']}: only a File has an attachment")
    return element


async def _stream(call: Call, entry: Entry, name: str | None) -> web.StreamResponse:
    """The part of that name, its content type from the document's side, its ETag from its bytes."""
    part = (await call.repository.parts.parts(entry.kind, entry.identifier)).get(name or "")
    if part is None:
        where = f": its value is {name!r}, which is not stored here" if name else ""
        raise NotFound(f"no file is attached{where}")
    headers = {
        "Content-Type": part.content_type or "application/octet-stream",
        "Content-Disposition": disposition(name or ""),
        "ETag": f'"{part.sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
    if answering.seen(call.header("If-None-Match"), part.sha256):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    return await stream(call, part, headers)


async def stream(call: Call, part: Part, headers: Mapping[str, str]) -> web.StreamResponse:
    """The bytes of a part under these headers; HEAD has the headers alone."""
    response = web.StreamResponse(headers=headers)
    response.content_length = part.size
    await response.prepare(call.request)
    if call.request.method != "HEAD":
        async for chunk in call.repository.parts.fetch(part.sha256):
            await response.write(chunk)
    await response.write_eof()
    return response


def disposition(name: str) -> str:
    """A Content-Disposition that any file name survives (RFC 6266)."""
    bare = name.rpartition("/")[2] or "file"
    plain = bare.encode("ascii", "replace").decode().replace('"', "_").replace("\\", "_").replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(bare, safe='')}"


async def _receive(call: Call) -> tuple[str, Part]:
    """The uploaded file: form fields `fileName` and `file` in either order. Raises Malformed, TooLarge."""
    if call.request.content_type != "multipart/form-data":
        raise Malformed("the body must be multipart/form-data with the fields fileName and file")
    try:
        return await _receive_fields(call)
    except (ValueError, HttpProcessingError) as error:  # what aiohttp raises for a form that is none
        raise Malformed(f"the body is no complete multipart form: {error}") from None


async def _receive_fields(call: Call) -> tuple[str, Part]:
    name, received = "", None
    async for field in await call.request.multipart():
        if not isinstance(field, BodyPartReader):
            raise Malformed("a form field may not be multipart itself")
        match field.name:
            case "fileName":
                name = (await text_of(field)).strip()
            case "file" if received is None:
                received = await _keep(call, field)
                name = name or field.filename or ""
            case other:
                raise Malformed(f"unexpected or repeated form field {other!r}: expected fileName and file")
    if received is None:
        raise Malformed("the form field file is missing")
    return FOLDER + safe(name), received


async def text_of(field: BodyPartReader) -> str:
    value = await field.read_chunk(4096)
    if await field.read_chunk(1):
        raise TooLarge(f"{field.name} has more than 4096 bytes")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{field.name} is no UTF-8 text") from None


async def _keep(call: Call, field: BodyPartReader) -> Part:
    content_type = field.headers.get("Content-Type", "application/octet-stream")
    if list(verify({"path": "/x", "contentType": content_type}, "Resource")):
        raise Malformed(f"{content_type[:80]!r} is no media type")
    sha256, size = await call.repository.parts.keep(bounded(field, call.limits.upload))
    return Part(sha256, size, content_type)


async def bounded(field: BodyPartReader, limit: int) -> AsyncIterator[bytes]:
    """The chunks of an uploaded file. Raises TooLarge once there are more bytes than allowed."""
    size = 0
    while chunk := await field.read_chunk(CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the file has more than {limit} bytes")
        yield chunk


def safe(name: str) -> str:
    """A file name without folders and without characters that some file system refuses.

    >>> safe("../../etc/pass wd"), safe("C:\\\\x\\\\a.pdf"), safe("")
    ('pass wd', 'a.pdf', 'file')
    """
    readable = name.encode("utf-8", "replace").decode()  # a header may hold what is no UTF-8
    bare = _UNSAFE.sub("_", re.split(r"[/\\]", readable)[-1]).strip(". ")
    return bare[-200:] or "file"


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, numbered where another element of the document has it.

    >>> _free("/aasx/files/a.pdf", ["/aasx/files/a.pdf"])
    '/aasx/files/a-2.pdf'
    """
    occupied = set(taken)
    stem, dot, suffix = name.rpartition(".")
    candidate, number = name, 1
    while candidate in occupied:
        number += 1
        candidate = f"{stem}-{number}{dot}{suffix}" if dot else f"{name}-{number}"
    return candidate
