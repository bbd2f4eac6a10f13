"""Bulk requests of the registries: many descriptors in one step, all of them or none, the outcome told by a handle."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from aiohttp import web

from aas_server.api import answering, errors
from aas_server.api.descriptors import registry
from aas_server.api.reading import Call
from aas_server.model import Document, Json, Kind
from aas_server.model.changes import Change, Put
from aas_server.model.errors import Finding, Invalid, Malformed, NotFound, Problem
from aas_server.model.identifiers import encode
from aas_server.model.validation import verify
from aas_server.repository.handles import UNFINISHED, Finished, State
from aas_server.repository.registry import Registry

#: What the handles of bulk requests are about.
ABOUT = "bulk"
#: Findings that are told of one request.
MOST = 100

#: From a descriptor, or its id, to the change that is wanted.
Order = Callable[[Registry, Json], Awaitable[Change]]


async def post_descriptors(call: Call, kind: Kind) -> web.Response:
    """Create them. One that exists, or is hosted here, refuses all."""
    return await _begin(call, kind, await _descriptors(call, kind), Registry.creation)


async def put_descriptors(call: Call, kind: Kind) -> web.Response:
    """Create or replace them."""
    return await _begin(call, kind, await _descriptors(call, kind), _replacement)


async def delete_descriptors(call: Call, kind: Kind) -> web.Response:
    """Remove them by their ids. One that is not there, or hosted here, refuses all."""
    identifiers = await _list(call)
    for number, identifier in enumerate(identifiers):
        for finding in verify({"type": "GlobalReference", "value": identifier}, "Key"):
            raise Malformed(f"[{number}] must be the id of a descriptor: it {finding.message}")
    return await _begin(call, kind, identifiers, Registry.removal)


async def _replacement(descriptors: Registry, descriptor: Document) -> Put:
    return Put(descriptor, stored_as=descriptors.kind)


async def _list(call: Call) -> list[Json]:
    body = await call.json()
    if not isinstance(body, list) or not body:
        raise Malformed("the body must be a JSON array with at least one item")
    return body


async def _descriptors(call: Call, kind: Kind) -> list[Document]:
    """The descriptors in the body. Raises Malformed, and Invalid with what is wrong with which of them."""
    items = await _list(call)
    if findings := await asyncio.to_thread(_findings, items, kind):
        raise Invalid(findings)
    return items


def _findings(items: Sequence[Json], kind: Kind) -> list[Finding]:
    found: list[Finding] = []
    for number, item in enumerate(items):
        for finding in verify(item, kind):
            path = f"[{number}].{finding.path}".rstrip(".")
            found.append(Finding(path, finding.message, finding.constraint))
        if len(found) >= MOST:
            break
    return found[:MOST]


async def _begin(call: Call, kind: Kind, items: Sequence[Json], order: Order) -> web.Response:
    """202 and where to ask; the work goes on when the request has ended."""
    ids = [item if isinstance(item, str) else item["id"] for item in items]
    first: dict[str, int] = {}
    for number, identifier in enumerate(ids):
        if (before := first.setdefault(identifier, number)) != number:
            raise Malformed(f"[{number}] and [{before}] have one id, {identifier!r}: each may stand there once")
    descriptors = registry(call, kind)
    handle = await call.handles.begin(ABOUT, lambda: _all_or_none(descriptors, items, ids, order))
    return web.Response(status=HTTPStatus.ACCEPTED, headers={"Location": _where(call, "status", handle)})


async def _all_or_none(descriptors: Registry, items: Sequence[Json], ids: Sequence[str], order: Order) -> Finished:
    changes: list[Change] = []
    try:
        for item in items:
            changes.append(await order(descriptors, item))
            await asyncio.sleep(0)  # others have a turn
    except Problem as problem:
        return _failed(problem, f"[{len(changes)}] {ids[len(changes)]!r}")
    try:
        await descriptors.repository.apply(changes)
    except Problem as problem:
        at = next((number for number, identifier in enumerate(ids) if repr(identifier) in str(problem)), None)
        return _failed(problem, f"[{at}]" if at is not None else "one of them")
    return Finished(State.COMPLETED)


def _failed(problem: Problem, item: str) -> Finished:
    status = errors.STATUS[type(problem)]
    return Finished(State.FAILED, {"status": status, "text": f"nothing was changed, because of {item}: {problem}"})


async def get_status(call: Call) -> web.Response:
    """How far it is; once it is finished 302 to the result."""
    identifier = call.identifier("handleId")
    handle = await call.handles.get(ABOUT, identifier)
    if handle["state"] not in UNFINISHED:
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": _where(call, "result", identifier)})
    answer = answering.json(call, {"executionState": handle["state"]})
    answer.headers["Retry-After"] = "1"
    return answer


async def get_result(call: Call) -> web.Response:
    """204 where all was done, else the Result that says why nothing was."""
    handle = await call.handles.get(ABOUT, call.identifier("handleId"))
    if handle["state"] in UNFINISHED:
        raise NotFound("there is no result yet: the bulk request is still under way")
    if handle["state"] == State.COMPLETED:
        return answering.done()
    if (said := handle.get("result")) is None:
        text = f"it is not known whether all was changed or nothing: {handle['reason']}"
        return errors.result(HTTPStatus.INTERNAL_SERVER_ERROR, [text])
    return errors.result(HTTPStatus(said["status"]), [said["text"]])


def _where(call: Call, what: str, handle: str) -> str:
    return f"{call.base}/bulk/{what}/{encode(handle)}"
