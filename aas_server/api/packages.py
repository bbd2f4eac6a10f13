"""The AASX File Server: packages as they were uploaded, and one of each hosted shell, made when it is asked for."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO, cast
from urllib.parse import quote

import orjson
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from aas_server.aasx import reader
from aas_server.api import answering, files
from aas_server.api.files import bounded, disposition, safe, text_of
from aas_server.api.reading import Call
from aas_server.api.serialization import AASX, send_package
from aas_server.api.upload import SPOOL, limits
from aas_server.model import Document, Kind
from aas_server.model.changes import ABSENT, Event, Part, Put
from aas_server.model.errors import Forbidden, Malformed, NotFound, TooLarge, Unsupported
from aas_server.model.identifiers import decode, encode
from aas_server.model.modifiers import ApiVersion
from aas_server.model.negotiating import chosen
from aas_server.model.validation import verify
from aas_server.repository.exporting import Selection, select
from aas_server.repository.importing import in_thread
from aas_server.storage import Label, index

#: The part of a stored package that holds its bytes.
BYTES = "/package"
#: The media type of the AASX File Server in Part 2 stands first: it is for those who name none.
OFFERED = (AASX[1], AASX[0], AASX[2], "application/octet-stream")
#: What the id of the package of a hosted shell begins with; the id of the shell follows.
HOSTED = "shell:"
#: Characters of a packageId (Part 2, PackageDescription).
LONGEST = 128
#: Most ids of shells that come with a package.
MOST_IDS = 1000


@dataclass(slots=True)
class Form:
    """An uploaded package and what is said of it."""

    file: BinaryIO
    name: str = ""
    shell_ids: list[str] = field(default_factory=list)
    received: bool = False


# Reading


async def get_packages(call: Call) -> web.Response:
    """A page of packages: first those uploaded, then those of hosted shells; of one shell where `aasId` names it."""
    shell_id = call.request.query.get("aasId")
    if shell_id is not None:
        shell_id = decode(shell_id, padded=True)
    stored, inner = _position(call)
    found: list[Document] = []
    if stored:
        labels = [Label(index.AAS_ID, shell_id)] if shell_id is not None else []
        listing = await call.repository.page(Kind.PACKAGE, labels, call.limit, inner)
        found = [described(entry.identifier, entry.document["aasIds"]) for entry in listing.result]
        if listing.cursor is not None:
            return answering.paged(call, found, encode(f"stored:{listing.cursor}"))
        inner = None
    hosted, cursor = await _hosted(call, shell_id, call.limit - len(found), inner)
    return answering.paged(call, [*found, *hosted], encode(f"hosted:{cursor}") if cursor is not None else None)


def _position(call: Call) -> tuple[bool, str | None]:
    """Whether a page begins among the stored packages, and behind which cursor."""
    if (cursor := call.cursor) is None:
        return True, None
    where, _, inner = decode(cursor).partition(":")
    if where not in ("stored", "hosted"):
        raise Malformed(f"cursor={cursor[:80]!r} was not given out by this server")
    return where == "stored", inner or None


async def _hosted(
    call: Call, shell_id: str | None, limit: int, cursor: str | None
) -> tuple[Sequence[Document], str | None]:
    """Packages of hosted shells; the cursor may be empty, for a page that begins with the first of them."""
    if shell_id is not None:
        known = limit > 0 and await call.repository.exists(Kind.SHELL, shell_id)
        ids, after = [shell_id] if known else [], None if limit > 0 else ""
    elif limit <= 0:
        ids, after = [], ""
    else:
        listing = await call.repository.page(Kind.SHELL, (), limit, cursor)
        ids, after = [entry.identifier for entry in listing.result], listing.cursor
    named = [(HOSTED + identifier, identifier) for identifier in ids]
    return [described(name, [identifier]) for name, identifier in named if len(name) <= LONGEST], after


def described(package_id: str, shell_ids: Sequence[str]) -> Document:
    """A PackageDescription."""
    return {"packageId": package_id, "aasIds": list(shell_ids)}


async def get_package(call: Call) -> web.StreamResponse:
    """The bytes as they were uploaded; of a hosted shell a package with all that belongs to it."""
    package_id, media_type = call.identifier("packageId"), chosen(call.header("Accept"), OFFERED)
    if (shell_id := await _shell_of(call, package_id)) is not None:
        documents = await select(call.repository, Selection([shell_id]))
        name = f"{documents[0].get('idShort') or 'shell'}.aasx"
        return await send_package(call, documents, media_type, headers=_named(name))
    entry = await call.repository.get(Kind.PACKAGE, package_id)
    part = (await call.repository.parts.parts(Kind.PACKAGE, package_id))[BYTES]
    headers = {**_named(entry.document["fileName"]), "Content-Type": media_type, "ETag": f'"{entry.etag}"'}
    if answering.seen(call.header("If-None-Match"), entry.etag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    return await files.stream(call, part, headers)


def _named(name: str) -> Mapping[str, str]:
    """The name of a file in its headers; a header takes ASCII only."""
    plain = name if name.isascii() and name.isprintable() else quote(name)
    return {"X-FileName": plain, "Content-Disposition": disposition(name), "X-Content-Type-Options": "nosniff"}


async def _shell_of(call: Call, package_id: str) -> str | None:
    """The hosted shell whose package has this id. Raises NotFound where there is no such shell."""
    if not package_id.startswith(HOSTED):
        return None
    shell_id = package_id.removeprefix(HOSTED)
    if not await call.repository.exists(Kind.SHELL, shell_id):
        raise NotFound(f"no package {package_id!r}: the shell {shell_id!r} is not hosted here")
    return shell_id


# Writing


async def post_package(call: Call) -> web.Response:
    call.condition.check(None)  # there is nothing yet that could match
    package_id = secrets.token_urlsafe(12)
    async with _received(call) as form:
        document, _ = await _store(call, package_id, form, ABSENT)
    return _created(call, document)


async def put_package(call: Call) -> web.Response:
    """Replace a package, or store it under this id. API 3.0 knows no creation by PUT."""
    package_id = _own_id(call)
    expected = await call.repository.expected(Kind.PACKAGE, package_id, call.condition)
    if call.version is ApiVersion.V30:
        await call.repository.get(Kind.PACKAGE, package_id)
    async with _received(call) as form:
        document, created = await _store(call, package_id, form, expected)
    return _created(call, document) if created else answering.done()


async def delete_package(call: Call) -> web.Response:
    await call.repository.delete(Kind.PACKAGE, _own_id(call), call.condition)
    return answering.done()


def _own_id(call: Call) -> str:
    """The id of a package that may be changed. Raises Forbidden for one that is made from a hosted shell."""
    package_id = call.identifier("packageId")
    if package_id.startswith(HOSTED):
        raise Forbidden(f"package {package_id!r} is made from the shell that is hosted here: change the shell")
    if len(package_id) > LONGEST:
        raise Malformed(f"a packageId has at most {LONGEST} characters, this one has {len(package_id)}")
    return package_id


async def _store(call: Call, package_id: str, form: Form, expected: int | None) -> tuple[Document, bool]:
    """Keep the bytes and the package that has them, in one step; tells whether it is new."""
    shell_ids = await asyncio.to_thread(_shells_in, form.file, call)
    document = {"id": package_id, "aasIds": form.shell_ids or shell_ids, "fileName": safe(form.name)}
    form.file.seek(0)
    sha256, size = await call.repository.parts.keep(in_thread(iter(lambda: form.file.read(files.CHUNK), b"")))
    try:
        parts = {BYTES: Part(sha256, size, AASX[1])}
        (outcome,) = await call.repository.apply([Put(document, expected, parts, Kind.PACKAGE)])
    finally:
        await call.repository.parts.release(sha256)
    return document, outcome.event is Event.CREATED


def _shells_in(file: BinaryIO, call: Call) -> list[str]:
    """The ids of the shells in a package. Raises Malformed, TooLarge for what is no package.

    One of a version that is not imported is a package all the same: it is kept, and its shells are not known.
    """
    try:
        package = reader.read(file, limits(call))
    except Unsupported:
        return []
    return [document["id"] for _, document in package.documents if document["modelType"] == Kind.SHELL]


def _created(call: Call, document: Document) -> web.Response:
    body = orjson.dumps(described(document["id"], document["aasIds"]))
    return answering.created(call, answering.located("/packages", document["id"]), body)


@asynccontextmanager
async def _received(call: Call) -> AsyncIterator[Form]:
    """The uploaded form, its file held as long as it takes to store it. Raises Malformed, TooLarge."""
    if call.request.content_type != "multipart/form-data":
        raise Malformed("the body must be multipart/form-data with the fields file, fileName and aasIds")
    with tempfile.SpooledTemporaryFile(SPOOL) as spooled:
        form = Form(cast(BinaryIO, spooled))
        try:
            await _receive(call, form)
        except (ValueError, HttpProcessingError) as error:  # what aiohttp raises for a form that is none
            raise Malformed(f"the body is no complete multipart form: {error}") from None
        if not form.received:
            raise Malformed("the form field file is missing")
        await asyncio.to_thread(_require_package, form.file)
        yield form


async def _receive(call: Call, form: Form) -> None:
    async for part in await call.request.multipart():
        match part:
            case BodyPartReader(name="file") if not form.received:
                form.received, form.name = True, form.name or part.filename or ""
                async for chunk in bounded(part, call.limits.upload):
                    await asyncio.to_thread(form.file.write, chunk)
            case BodyPartReader(name="fileName"):
                form.name = (await text_of(part)).strip()
            case BodyPartReader(name="aasIds"):
                form.shell_ids += _ids(await text_of(part))
                if len(form.shell_ids) > MOST_IDS:
                    raise TooLarge(f"a package has at most {MOST_IDS} aasIds")
            case other:
                name = other.name if isinstance(other, BodyPartReader) else "of several parts"
                raise Malformed(f"unexpected or repeated form field {name!r}: expected file, fileName and aasIds")


def _ids(text: str) -> list[str]:
    """The ids in one form field: a JSON array, or one id as it is. Raises Malformed for what is no id."""
    try:
        ids = orjson.loads(text) if text.lstrip().startswith("[") else [text]
    except orjson.JSONDecodeError as error:
        raise Malformed(f"aasIds is no JSON array of texts: {error}") from None
    for identifier in ids:
        for finding in verify({"type": "AssetAdministrationShell", "value": identifier}, "Key"):
            raise Malformed(f"aasIds: an id {finding.message}")
    return list(ids)


def _require_package(file: BinaryIO) -> None:
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        raise Malformed("the file is no AASX package: it is no zip file")
    file.seek(0)
