"""The JSON-LD context: where it is, and the header that leads to it from what is read through it."""

import hashlib
from functools import cache
from http import HTTPStatus

import orjson
from aiohttp import web

from aas_server.api import answering, encoding
from aas_server.api.answering import Answer
from aas_server.api.reading import Call
from aas_server.graph.context import context
from aas_server.model.modifiers import Content
from aas_server.model.negotiating import JSONLD

NAME = "contexts/aas-3.1.jsonld"
#: Seconds that it may be kept without asking again: a week.
KEPT = 604_800
#: The contents that are objects of the metamodel: values and paths are not.
LINKED = frozenset((Content.NORMAL, Content.METADATA, Content.REFERENCE))


async def get_context(call: Call) -> web.Response:
    body, tag = made()
    known = {"Cache-Control": f"public, max-age={KEPT}", "Vary": answering.VARY}
    if answering.seen(call.header("If-None-Match"), tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{tag}"', **known})
    response = answering.sized(call, body, content_type=JSONLD)
    coding = response.headers.get("Content-Encoding", "")
    response.headers.update({"ETag": f'"{tag}{encoding.SUFFIX[coding]}"', **known})
    return response


@cache
def made() -> tuple[bytes, str]:
    """The document, and what its ETag begins with."""
    body = orjson.dumps(context())
    return body, hashlib.sha256(body).hexdigest()[:32]


def link(path: str) -> str:
    """The Link header of what has this path (JSON-LD 1.1, 6.1), as it stands in the request.

    >>> link("/submodels/dXJuOng")
    '<../contexts/aas-3.1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'

    It is relative, and so it is right whatever proxies put before the path.
    """
    up = "../" * (path.count("/") - 1)
    return f'<{up}{NAME}>; rel="http://www.w3.org/ns/json-ld#context"; type="{JSONLD}"'


def linked(answer: Answer, content: Content, path: str) -> Answer:
    """A JSON answer that says through which context it is read; one that shows values says nothing."""
    if answer.status != HTTPStatus.OK or content not in LINKED:
        return answer
    return Answer(answer.status, {**answer.headers, "Link": link(path)}, answer.body)


def linked_page(call: Call, response: web.Response) -> web.Response:
    """The same for what is on a page."""
    if call.content in LINKED:
        response.headers["Link"] = link(call.request.rel_url.raw_path)
    return response
