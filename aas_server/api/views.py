"""How documents and elements are shown: content, level and extent of an answer, and the bytes that come of it."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from aas_server.api import answering, contexts
from aas_server.api.answering import Answer
from aas_server.api.keys import GRAPH
from aas_server.api.reading import Call
from aas_server.graph import rdf
from aas_server.graph.iris import Places
from aas_server.model import Kind, xml
from aas_server.model.content import represent, represent_page
from aas_server.model.identifiers import encode
from aas_server.model.modifiers import ApiVersion, Content, Extent, Level
from aas_server.model.negotiating import JSON, XML, preferred
from aas_server.model.paths import IdShortPath, children
from aas_server.repository import Listing
from aas_server.repository.entries import Entry
from aas_server.storage import Criterion

#: Submodels that are read in one step where many are looked through.
AT_ONCE = 64


class View(NamedTuple):
    """The serialisation modifiers of one request."""

    content: Content = Content.NORMAL
    level: Level | None = None
    extent: Extent | None = None
    version: ApiVersion = ApiVersion.V31


def view_of(call: Call) -> View:
    if "?" not in call.request.raw_path:
        return View(call.content, version=call.version)
    return View(call.content, call.level, call.extent, call.version)


async def show(call: Call, entry: Entry, path: IdShortPath = ()) -> web.Response:
    """A document, or the element at `path` in it, as the request wants to see it."""
    view, form = view_of(call), preferred(call.header("Accept"))
    if view.content is Content.NORMAL and form != JSON:
        return await _converted(call, entry, path, view, form)
    made = answer(entry, path, view, call.header("Accept-Encoding"), call.header("If-None-Match"))
    return contexts.linked(made, view.content, call.request.rel_url.raw_path).response()


def answer(entry: Entry, path: IdShortPath, view: View, accept_encoding: str, if_none_match: str) -> Answer:
    """What `show` answers, without a request: the fast path has none."""
    return answering.represent(
        entry,
        (path, view),
        partial(shown, entry, path, view),
        accept_encoding=accept_encoding,
        if_none_match=if_none_match,
    )


async def _converted(call: Call, entry: Entry, path: IdShortPath, view: View, form: str) -> web.Response:
    """A view in XML or RDF, which takes long enough to be made in a thread."""
    key = (form, path, view)
    if (made := entry.derived(key)) is None:
        shown, root = represent(entry.document, path, view), call.request.app[GRAPH].root
        made = await asyncio.to_thread(_form_of, shown, entry, path, form, root)
    body = made
    return send(call, entry, key, lambda: body, form)


def _form_of(shown: Any, entry: Entry, path: IdShortPath, form: str, root: str) -> bytes:
    """In the XML or the RDF mapping of Part 1, where an element has its URL as its IRI. Raises Invalid."""
    if form == XML:
        return xml.write(shown)
    places = Places(root)
    name = "SubmodelElement" if path else entry.kind.value
    return rdf.written(shown, name, form, lambda below: places.element(entry.identifier, (*path, *below)))


def send(call: Call, entry: Entry, key: object, make: Callable[[], bytes], content_type: str = JSON) -> web.Response:
    """A part of a document that no view shows, made once for a revision."""
    return answering.represent(
        entry,
        key,
        lambda: entry.derive(key, make),
        accept_encoding=call.header("Accept-Encoding"),
        if_none_match=call.header("If-None-Match"),
        content_type=content_type,
    ).response()


def shown(entry: Entry, path: IdShortPath, view: View) -> bytes:
    """The bytes of a view; a whole document is sent as it is stored."""
    if not path and is_whole(entry, view):
        return entry.body
    return entry.derive((path, view), lambda: orjson.dumps(represent(entry.document, path, view)))


def is_whole(entry: Entry, view: View) -> bool:
    """Whether the view leaves nothing out: by default only the values of Blobs are (Part 2, extent)."""
    if view.content is not Content.NORMAL or view.level is Level.CORE:
        return False
    if entry.kind is not Kind.SUBMODEL or view.extent is Extent.WITH_BLOB:
        return True
    return not entry.blobs


def show_page(call: Call, listing: Listing) -> web.Response:
    """A page of whole documents; their bytes are joined where the view leaves nothing out."""
    view = view_of(call)
    if view.content in (Content.NORMAL, Content.METADATA, Content.REFERENCE):
        items = [shown(entry, (), view) for entry in listing.result]
        return answering.page(call, items, listing.cursor)
    result = represent_page([entry.document for entry in listing.result], view)
    return answering.paged(call, result, listing.cursor)


async def show_paths(call: Call, kind: Kind, criteria: Sequence[Criterion]) -> web.Response:
    """The paths of many submodels as 3.0 pages them: `limit` counts paths, so a page may end inside a submodel."""
    paths: list[str] = []
    offset, after = call.position or (0, "")
    read = 1
    while True:
        listing = await call.repository.page(kind, criteria, read, after or None)
        done, offset = _gather(paths, listing, view_of(call), call.limit, offset)
        if done < len(listing.result):
            behind = (await call.repository.page(kind, criteria, done, after or None)).cursor if done else after
            return answering.paged(call, paths, None if behind is None else encode(f"{offset}:{behind}"))
        if listing.cursor is None:
            return answering.paged(call, paths, None)
        if len(paths) == call.limit:
            return answering.paged(call, paths, encode(f"0:{listing.cursor}"))
        after, read = listing.cursor, min(2 * read, AT_ONCE)


def _gather(paths: list[str], listing: Listing, view: View, limit: int, offset: int) -> tuple[int, int]:
    """Add paths up to the limit; returns how many documents are through, and how many paths of the next one are."""
    for number, entry in enumerate(listing.result):
        if len(paths) == limit:
            return number, 0
        below = represent(entry.document, (), view)[offset:]
        taken = below[: limit - len(paths)]
        paths += taken
        if len(taken) < len(below):
            return number, offset + len(taken)
        offset = 0
    return len(listing.result), 0


def show_elements(call: Call, entry: Entry) -> web.Response:
    """A page of the elements right below a submodel."""
    view = view_of(call)
    elements = children(entry.document)
    if view.content is Content.PATH and view.version is ApiVersion.V30:
        paths = represent_page(elements, view, entry.document)
        start, end, cursor = answering.window(call, paths)
        return answering.paged(call, paths[start:end], cursor)
    start, end, cursor = answering.window(call, [element.get("idShort", "") for element in elements])
    page = answering.paged(call, represent_page(elements[start:end], view, entry.document), cursor)
    return contexts.linked_page(call, page)
