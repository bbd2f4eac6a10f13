"""`POST /upload`: a package or environment into the repository, all or nothing, with a report."""

import asyncio
import difflib
import tempfile
from collections.abc import Iterable
from http import HTTPStatus
from typing import BinaryIO, cast

import orjson
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from aas_server.aasx import package as packages
from aas_server.aasx import reader
from aas_server.api import answering, files
from aas_server.api.reading import Call
from aas_server.model.errors import Malformed, TooLarge
from aas_server.repository.importing import Mode, import_package

#: Uploads up to this size are held in memory, larger ones in a temporary file.
SPOOL = 1 << 20

PARAMETERS = ("ignore-duplicates", "dry-run", "strict")


async def post_upload(call: Call) -> web.Response:
    """Import an AASX package or a JSON or XML environment, as form field `file` or as the body itself.

    `?ignore-duplicates=true` keeps what exists, `?dry-run=true` only tells, `?strict=true` refuses violations.
    """
    _require_known(call.request.query)
    mode = Mode(call.flag("ignore-duplicates"), call.flag("strict"), call.flag("dry-run"))
    with tempfile.SpooledTemporaryFile(SPOOL) as spooled:
        file = cast(BinaryIO, spooled)
        await _receive(call, file)
        if not spooled.tell():
            raise Malformed("the upload is empty: send a package or an environment as form field file, or as the body")
        package = await asyncio.to_thread(reader.read, file, limits(call))
        report = await import_package(call.repository, package, mode)
    status = HTTPStatus.OK if mode.dry_run or not report.created else HTTPStatus.CREATED
    return answering.sized(call, orjson.dumps(report.as_json()), status)


def _require_known(names: Iterable[str]) -> None:
    """Raises Malformed for a parameter that is none: an import that was only to be tried must not be done."""
    for name in names:
        if name not in PARAMETERS:
            near = difflib.get_close_matches(name.lower().replace("_", "-"), PARAMETERS, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(PARAMETERS)}"
            raise Malformed(f"{name[:80]!r} is no parameter of /upload: {hint}")


def limits(call: Call) -> packages.Limits:
    return packages.Limits(body=call.limits.upload, expanded=call.limits.expanded)


async def _receive(call: Call, file: BinaryIO) -> None:
    """Write the uploaded bytes to the file. Raises TooLarge before more than allowed is taken in."""
    announced = call.request.content_length or 0
    if announced > call.limits.upload + SPOOL:
        raise TooLarge(f"the upload has {announced} bytes; at most {call.limits.upload} are read")
    if call.request.content_type != "multipart/form-data":
        size = 0
        async for chunk in call.request.content.iter_chunked(files.CHUNK):
            size += len(chunk)
            if size > call.limits.upload:
                raise TooLarge(f"the upload has more than {call.limits.upload} bytes")
            await asyncio.to_thread(file.write, chunk)
        return
    try:
        await _receive_field(call, file)
    except (ValueError, HttpProcessingError) as error:  # what aiohttp raises for a form that is none
        raise Malformed(f"the body is no multipart/form-data: {error}") from None


async def _receive_field(call: Call, file: BinaryIO) -> None:
    others = []
    async for field in await call.request.multipart():
        if not isinstance(field, BodyPartReader):
            continue
        others.append(str(field.name))
        if field.name == "file":
            async for chunk in files.bounded(field, call.limits.upload):
                await asyncio.to_thread(file.write, chunk)
            return
    raise Malformed(f"the form has no field file; its fields are: {', '.join(others)[:200] or 'none'}")
