"""Queries (Part 2, 'Query Language'): a condition in the body, documents or their ids as a page."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from aas_server.api import answering
from aas_server.api.addresses import addresses
from aas_server.api.reading import Call
from aas_server.model import Kind, json
from aas_server.model.errors import TooLarge
from aas_server.model.query import Query, parse
from aas_server.repository.registry import HOSTED, Registry
from aas_server.storage import Matching

#: Largest query that is read, in bytes.
LARGEST = 256 << 10

#: What is queried, by its path.
QUERIED = {
    "shells": Kind.SHELL,
    "submodels": Kind.SUBMODEL,
    "concept-descriptions": Kind.CONCEPT,
    "shell-descriptors": Kind.SHELL_DESCRIPTOR,
    "submodel-descriptors": Kind.SUBMODEL_DESCRIPTOR,
}


def post_query(kind: Kind) -> Callable[[Call], Awaitable[web.Response]]:
    """The handler of queries for documents of a kind; with `explain=true` it tells how one would be answered."""

    async def answer(call: Call) -> web.Response:
        limit, cursor, explained = call.limit, call.cursor, call.flag("explain")
        query = await _query(call, kind)
        matching = _matching(call, kind, query)
        if explained:
            return answering.json(call, await call.repository.documents.explain(kind, matching))
        listing = await call.repository.page(kind, [matching], limit, cursor)
        if query.only_ids:
            items = [orjson.dumps(entry.identifier) for entry in listing.result]
        else:
            items = [entry.body for entry in listing.result]
        return answering.page(call, items, listing.cursor, "Identifier" if query.only_ids else kind)

    return answer


async def _query(call: Call, kind: Kind) -> Query:
    call.require_json()
    body = await call.body()
    if len(body) > LARGEST:
        raise TooLarge(f"the query has {len(body)} bytes; at most {LARGEST} are read")
    return await asyncio.to_thread(lambda: parse(json.parse(body), kind))


def _matching(call: Call, kind: Kind, query: Query) -> Matching:
    """Descriptors of what is hosted here are among those that are asked for."""
    made = Registry(call.repository, kind, addresses(call.request)).view if kind in HOSTED else None
    return Matching(query.condition, made)
