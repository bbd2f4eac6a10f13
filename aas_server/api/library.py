"""The library of named queries: what there is, and answers to them."""

from aiohttp import web

from aas_server.api import answering
from aas_server.api.keys import LIBRARY
from aas_server.api.reading import Call
from aas_server.api.sparql import QUERY, answered
from aas_server.graph.library import NamedQuery
from aas_server.model import Document
from aas_server.model.errors import Malformed, NotFound


async def get_queries(call: Call) -> web.Response:
    """All named queries with their parameters, and as they are asked where nobody sets one."""
    return answering.json(call, {"queries": [shown(each) for each in call.request.app[LIBRARY].values()]})


async def get_query(call: Call) -> web.Response:
    """The answer to a named query, or its text for who wants that; parameters are set in the address."""
    name = call.request.match_info["queryName"]
    found = call.request.app[LIBRARY].get(name)
    if found is None:
        raise NotFound(f"there is no query {name!r} in the library; GET /sparql/queries lists them")
    given = dict(call.request.query)
    if len(given) != len(call.request.query):
        raise Malformed("a parameter is given twice")
    text = found.filled(given)
    if call.header("Accept").partition(";")[0].strip() == QUERY:
        return web.Response(text=text, content_type=QUERY, headers={"Vary": "Accept"})
    return await answered(call, text)


def shown(query: NamedQuery) -> Document:
    return {
        "name": query.name,
        "title": query.title,
        "description": query.description,
        "parameters": [
            {"name": each.name, "kind": each.kind, "default": each.default, "description": each.description}
            for each in query.parameters
        ],
        "query": query.filled({}),
    }
