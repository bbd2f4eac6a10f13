"""Attachments of File elements and thumbnails of shells: stored by SHA-256, streamed both ways."""

import re
from collections.abc import AsyncIterator, Iterable
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
from aas_server.repository.entries import Entry

CHUNK = 256 << 10
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
    before = _file(entry.document, call).get("value")
    name, part = await _receive(call)
    name, parts = await _in_place_of(call, entry, before, name, part)

    def attach(submodel: Document) -> Document:
        return edit.replace_at(submodel, path, lambda element: edit.with_file(element, name, part.content_type))

    entry = await call.repository.update(Kind.SUBMODEL, entry.identifier, attach, call.condition, parts)
    return answering.done(entry)


async def delete_attachment(call: Call) -> web.Response:
    """Remove the stored file and the element's value; 200 without a body, as the standard has it."""
    path = call.path
    entry = await call.repository.get(Kind.SUBMODEL, call.submodel_id)
    name = _file(entry.document, call).get("value", "")
    if name not in await call.repository.parts.parts(Kind.SUBMODEL, entry.identifier):
        raise NotFound(f"no file is attached to {text(path)!r}")
    entry = await call.repository.update(
        Kind.SUBMODEL,
        entry.identifier,
        lambda submodel: edit.replace_at(submodel, path, edit.without_file),
        call.condition,
        {name: None},
    )
    return web.Response(status=HTTPStatus.OK, headers={"ETag": f'"{entry.etag}"'})


async def get_thumbnail(call: Call) -> web.StreamResponse:
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    thumbnail = entry.document["assetInformation"].get("defaultThumbnail") or {}
    return await _stream(call, entry, thumbnail.get("path"))


async def put_thumbnail(call: Call) -> web.Response:
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    before = (entry.document["assetInformation"].get("defaultThumbnail") or {}).get("path")
    name, received = await _receive(call)
    part = Part(received.sha256, received.size, received.content_type, thumbnail=True)
    name, parts = await _in_place_of(call, entry, before, name, part)
    entry = await call.repository.update(
        Kind.SHELL,
        entry.identifier,
        lambda shell: edit.with_thumbnail(shell, name, part.content_type),
        call.condition,
        parts,
    )
    return answering.done(entry)


async def delete_thumbnail(call: Call) -> web.Response:
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    name = (entry.document["assetInformation"].get("defaultThumbnail") or {}).get("path")
    if name is None:
        raise NotFound(f"shell {entry.identifier!r} has no thumbnail")
    taken = await call.repository.parts.parts(Kind.SHELL, entry.identifier)
    entry = await call.repository.update(
        Kind.SHELL, entry.identifier, edit.without_thumbnail, call.condition, {name: None} if name in taken else {}
    )
    return answering.done(entry)


async def _in_place_of(
    call: Call, entry: Entry, before: str | None, name: str, part: Part
) -> tuple[str, dict[str, Part | None]]:
    """The name a new part gets, and what is attached and detached: it takes the place of the one named before."""
    taken = await call.repository.parts.parts(entry.kind, entry.identifier)
    name = _free(name, [other for other in taken if other != before])
    parts: dict[str, Part | None] = {name: part}
    if before is not None and before in taken and before != name:
        parts[before] = None
    return name, parts


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
        "Content-Disposition": _disposition(name or ""),
        "ETag": f'"{part.sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
    if answering.seen(call.header("If-None-Match"), part.sha256):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    response = web.StreamResponse(headers=headers)
    response.content_length = part.size
    await response.prepare(call.request)
    if call.request.method != "HEAD":
        async for chunk in call.repository.parts.fetch(part.sha256):
            await response.write(chunk)
    await response.write_eof()
    return response


def _disposition(name: str) -> str:
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
                name = (await _text(field)).strip()
            case "file" if received is None:
                received = await _keep(call, field)
                name = name or field.filename or ""
            case other:
                raise Malformed(f"unexpected or repeated form field {other!r}: expected fileName and file")
    if received is None:
        raise Malformed("the form field file is missing")
    return FOLDER + _safe(name), received


async def _text(field: BodyPartReader) -> str:
    value = await field.read_chunk(4096)
    if await field.read_chunk(1):
        raise TooLarge("fileName has more than 4096 bytes")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Malformed("fileName is no UTF-8 text") from None


async def _keep(call: Call, field: BodyPartReader) -> Part:
    content_type = field.headers.get("Content-Type", "application/octet-stream")
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


def _safe(name: str) -> str:
    """A file name without folders and without characters that some file system refuses.

    >>> _safe("../../etc/pass wd"), _safe("C:\\\\x\\\\a.pdf"), _safe("")
    ('pass wd', 'a.pdf', 'file')
    """
    bare = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(". ")
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
