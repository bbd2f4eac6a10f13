"""What a shell says of its asset, and its references to submodels."""

from functools import partial

import orjson
from aiohttp import web

from aas_server.api import answering, views
from aas_server.api.reading import Call
from aas_server.model import Kind, edit
from aas_server.model.identifiers import encode
from aas_server.model.references import target, text


async def get_asset(call: Call) -> web.Response:
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    make = partial(entry.derive, "asset-information", lambda: orjson.dumps(entry.document["assetInformation"]))
    return views.send(call, entry, "asset-information", make)


async def put_asset(call: Call) -> web.Response:
    asset = await call.instance("AssetInformation")
    entry = await call.repository.update(
        Kind.SHELL, call.shell_id, lambda shell: edit.with_asset(shell, asset), call.condition
    )
    return answering.done(entry)


async def get_references(call: Call) -> web.Response:
    """The shell's references to submodels, a page of them."""
    entry = await call.repository.get(Kind.SHELL, call.shell_id)
    references = edit.references(entry.document)
    start, end, cursor = answering.window(call, [text(reference) for reference in references])
    return answering.paged(call, references[start:end], cursor)


async def post_reference(call: Call) -> web.Response:
    """Add a reference. Raises AlreadyExists for one the shell has."""
    reference = await call.instance("Reference")
    entry = await call.repository.update(
        Kind.SHELL, call.shell_id, lambda shell: edit.with_reference(shell, reference), call.condition
    )
    path = f"{call.shell_path}/submodel-refs/{encode(target(reference) or '')}"
    return answering.created(call, path, orjson.dumps(reference), entry.etag)


async def delete_reference(call: Call) -> web.Response:
    submodel_id = call.submodel_id
    entry = await call.repository.update(
        Kind.SHELL, call.shell_id, lambda shell: edit.without_reference(shell, submodel_id), call.condition
    )
    return answering.done(entry)
