"""`GET /serialization`: chosen shells and submodels as an AASX package, or as a JSON or XML environment."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import BinaryIO, cast

from aiohttp import web

from aas_server.aasx import writer
from aas_server.aasx.package import environment
from aas_server.api import answering
from aas_server.api.files import CHUNK
from aas_server.api.reading import Call
from aas_server.model import Document, json, xml
from aas_server.model.identifiers import decode
from aas_server.model.modifiers import ApiVersion
from aas_server.model.negotiating import JSON, XML, chosen
from aas_server.repository.exporting import SPOOL, Selection, bundle, select

#: The names of the package's media type in Part 2: the one of /serialization, of /packages, and of the 3.2 draft.
AASX = (
    "application/asset-administration-shell-package+xml",
    "application/asset-administration-shell-package",
    "application/aas+zip",
)
OFFERED = (JSON, XML, *AASX)


async def get_serialization(call: Call) -> web.StreamResponse:
    media_type, as_json = chosen(call.header("Accept"), OFFERED), call.flag("json")
    selection = Selection(ids(call, "aasIds"), ids(call, "submodelIds"), call.flag("includeConceptDescriptions", True))
    documents = await select(call.repository, selection)
    if media_type in AASX:
        return await send_package(call, documents, media_type, as_json)
    write = json.dump if media_type == JSON else xml.write
    body = await asyncio.to_thread(write, environment(documents))
    return answering.sized(call, body, content_type=media_type)


def ids(call: Call, name: str) -> Sequence[str] | None:
    """Identifiers of a repeated parameter (OpenAPI) or of one with commas (prose); None where it is not given."""
    if name not in call.request.query:
        return None
    given = [each for value in call.request.query.getall(name) for each in value.split(",") if each]
    return [decode(each, padded=call.version is ApiVersion.V30) for each in dict.fromkeys(given)]


async def send_package(
    call: Call,
    documents: Sequence[Document],
    media_type: str,
    as_json: bool = False,
    headers: Mapping[str, str] = MappingProxyType({"Content-Disposition": 'attachment; filename="environment.aasx"'}),
) -> web.StreamResponse:
    """An AASX package of these documents and their files."""
    with tempfile.SpooledTemporaryFile(SPOOL) as file:
        async with bundle(call.repository, documents) as bundled:
            content = environment(list(bundled.documents))
            out = cast(BinaryIO, file)
            await asyncio.to_thread(writer.write, out, content, bundled.parts, as_json=as_json)
        size = file.tell()
        file.seek(0)
        response = web.StreamResponse(status=HTTPStatus.OK, headers={"Content-Type": media_type, **headers})
        response.content_length = size
        await response.prepare(call.request)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            await response.write(chunk)
        await response.write_eof()
        return response
