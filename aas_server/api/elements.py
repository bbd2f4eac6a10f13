"""Submodel elements: read, added, replaced, changed and removed by idShortPath."""

from urllib.parse import quote

import orjson
from aiohttp import web

from aas_server.api import answering, views
from aas_server.api.reading import Call, checked
from aas_server.model import Document, Kind, edit
from aas_server.model.errors import Finding, Invalid, Malformed
from aas_server.model.metadata import merge, merge_metadata
from aas_server.model.metamodel import SUBMODEL_ELEMENTS
from aas_server.model.modifiers import ApiVersion, Content
from aas_server.model.paths import CHILDREN, IdShortPath, find, resolve, text
from aas_server.model.validation import verify_child, verify_within
from aas_server.model.valueonly import changes
from aas_server.repository.feeding import sent


async def get_elements(call: Call) -> web.Response:
    """The top-level elements of a submodel, a page of them."""
    entry = await call.repository.get(Kind.SUBMODEL, call.submodel_id)
    return views.show_elements(call, entry)


async def get_element(call: Call) -> web.Response:
    path = call.path
    return await views.show(call, await call.repository.get(Kind.SUBMODEL, call.submodel_id, path), path)


async def post_element(call: Call) -> web.Response:
    """Add an element to the submodel or below a containing element; to a list at its end."""
    element = await _element(call)
    parent = call.path
    added: list[IdShortPath] = []

    def insert(submodel: Document) -> Document:
        _fits(submodel, parent, element, None)
        document, path = edit.insert(submodel, parent, element)
        added[:] = [path]
        return document

    entry = await call.repository.update(Kind.SUBMODEL, call.submodel_id, insert, call.condition)
    return _created(call, added[0], element, entry.etag)


async def put_element(call: Call) -> web.Response:
    """Replace an element, or create it where its parent exists; 3.0 knows no creation by PUT."""
    element = await _element(call)
    path = call.path
    created: list[bool] = []

    def put(submodel: Document) -> Document:
        if call.version is ApiVersion.V30:
            resolve(submodel, path)
        _fits(submodel, path[:-1], element, path[-1])
        document, new = edit.put(submodel, path, element)
        created[:] = [new]
        return document

    entry = await call.repository.update(Kind.SUBMODEL, call.submodel_id, put, call.condition)
    return _created(call, path, element, entry.etag) if created[0] else answering.done(entry)


async def patch_element(call: Call) -> web.Response:
    """Change what the body names: attributes, metadata, or the value, which costs the same in a large submodel."""
    call.require_core()
    path, body = call.path, await call.json()
    if call.content is Content.VALUE:
        entry = await call.repository.set_values(
            call.submodel_id,
            lambda submodel: changes(resolve(submodel, path), body, path, call.version),
            call.condition,
        )
        return answering.done(entry)
    merged = merge_metadata if call.content is Content.METADATA else merge

    def patch(submodel: Document) -> Document:
        element = checked(merged(resolve(submodel, path), body))
        _fits(submodel, path[:-1], element, path[-1])
        return edit.replace_at(submodel, path, lambda _: element)

    await sent(call.repository, call.submodel_id, path, patch, call.condition)
    return answering.done(await call.repository.update(Kind.SUBMODEL, call.submodel_id, patch, call.condition))


async def delete_element(call: Call) -> web.Response:
    path = call.path
    entry = await call.repository.update(
        Kind.SUBMODEL, call.submodel_id, lambda submodel: edit.remove(submodel, path), call.condition
    )
    return answering.done(entry)


async def _element(call: Call) -> Document:
    element = await call.instance()
    if element["modelType"] not in SUBMODEL_ELEMENTS:
        raise Invalid([Finding("modelType", f"{element['modelType']} is no kind of SubmodelElement")])
    return element


def _fits(submodel: Document, parent: IdShortPath, element: Document, step: str | int | None) -> None:
    """Raises Invalid where the container at `parent`, or the submodel, may not hold such an element.

    `step` leads from there to the element whose place it takes, if it takes one.
    """
    container = resolve(submodel, parent)
    if container["modelType"] not in CHILDREN:
        raise Malformed(f"{text(parent)!r} is a {container['modelType']}, which holds no elements")
    replaced = find(container, step) if step is not None else None
    if findings := [*verify_child(container, element, replaced), *verify_within(submodel, element)]:
        raise Invalid(findings)


def _created(call: Call, path: IdShortPath, element: Document, etag: str) -> web.Response:
    submodel = call.request.path.partition("/submodel-elements")[0].removeprefix(call.base)
    where = f"{submodel}/submodel-elements/{quote(text(path), safe='')}"
    return answering.created(call, where, orjson.dumps(element), etag)
