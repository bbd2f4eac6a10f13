"""Submodels where they are more than whole documents: below a shell, and changed in part."""

import orjson
from aiohttp import web

from aas_server.api import answering
from aas_server.api.identifiables import SUBMODELS
from aas_server.api.reading import Call, checked, require_reference
from aas_server.model import Document, Kind, edit
from aas_server.model.changes import Delete, Put
from aas_server.model.identifiers import encode
from aas_server.model.metadata import merge, merge_metadata
from aas_server.model.modifiers import ApiVersion, Content
from aas_server.model.references import to_submodel
from aas_server.model.valueonly import changes
from aas_server.repository.feeding import sent


async def patch_submodel(call: Call) -> web.Response:
    """Change what the body names: attributes, metadata or values."""
    call.require_core()
    if call.content is Content.VALUE:
        value = await call.json()
        entry = await call.repository.set_values(
            call.submodel_id, lambda submodel: changes(submodel, value, (), call.version), call.condition
        )
        return answering.done(entry)
    merged = merge_metadata if call.content is Content.METADATA else merge
    body = await call.json()

    def patch(submodel: Document) -> Document:
        return checked(merged(submodel, body), Kind.SUBMODEL)

    await sent(call.repository, call.submodel_id, (), patch, call.condition)
    return answering.done(await call.repository.update(Kind.SUBMODEL, call.submodel_id, patch, call.condition))


async def put_submodel(call: Call) -> web.Response:
    """Create or replace; below a shell, one that is created is referred to by the shell in the same step."""
    if not call.inside_shell:
        return await SUBMODELS.put(call)
    submodel = await call.identifiable(Kind.SUBMODEL, call.submodel_id)
    shell = await call.repository.get(Kind.SHELL, call.shell_id)
    if call.version is ApiVersion.V30:
        await require_reference(call)
        await call.repository.get(Kind.SUBMODEL, submodel["id"])  # 3.0 knows no creation by PUT
    if edit.refers(shell.document, submodel["id"]):
        entry, created = await call.repository.put(submodel, call.condition)
        return _created(call, submodel, entry.etag) if created else answering.done(entry)
    expected = await call.repository.expected(Kind.SUBMODEL, submodel["id"], call.condition)
    reference = to_submodel(submodel["id"])
    await call.repository.update(
        Kind.SHELL,
        shell.identifier,
        lambda document: edit.with_reference(document, reference),
        along=[Put(submodel, expected)],
    )
    entry = await call.repository.get(Kind.SUBMODEL, submodel["id"])
    return _created(call, submodel, entry.etag)


def _created(call: Call, submodel: Document, etag: str) -> web.Response:
    """201 below a shell carries the reference (OpenAPI of the shell repository), not the submodel."""
    path = f"{call.shell_path}/submodels/{encode(submodel['id'])}"
    return answering.created(call, path, orjson.dumps(to_submodel(submodel["id"])), etag)


async def delete_submodel(call: Call) -> web.Response:
    """Remove a submodel; below a shell, together with the shell's reference to it."""
    if not call.inside_shell:
        return await SUBMODELS.delete(call)
    submodel_id = call.submodel_id
    await call.repository.get(Kind.SUBMODEL, submodel_id)
    expected = await call.repository.expected(Kind.SUBMODEL, submodel_id, call.condition)
    await call.repository.update(
        Kind.SHELL,
        call.shell_id,
        lambda shell: edit.without_reference(shell, submodel_id),
        along=[Delete(Kind.SUBMODEL, submodel_id, expected)],
    )
    return answering.done()
