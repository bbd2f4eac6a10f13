"""The AAS Registry and the Submodel Registry: descriptors, and submodel descriptors below that of a shell."""

from collections.abc import Iterable
from operator import itemgetter

import orjson
from aiohttp import web

from aas_server.api import answering, views
from aas_server.api.addresses import addresses
from aas_server.api.reading import Call
from aas_server.model import Document, Kind
from aas_server.model.descriptors import get_nested, nested
from aas_server.model.errors import Malformed
from aas_server.model.identifiers import decode, encode
from aas_server.model.metamodel import ENUMERATIONS
from aas_server.model.modifiers import ApiVersion
from aas_server.repository.entries import Entry
from aas_server.repository.registry import Nested, Registry
from aas_server.storage import index
from aas_server.storage.identifiers import last

_PATHS = {Kind.SHELL_DESCRIPTOR: "/shell-descriptors", Kind.SUBMODEL_DESCRIPTOR: "/submodel-descriptors"}


def registry(call: Call, kind: Kind) -> Registry:
    return Registry(call.repository, kind, addresses(call.request))


def _show(call: Call, entry: Entry) -> web.Response:
    return views.send(call, entry, "descriptor", lambda: entry.body)


async def _post(call: Call, kind: Kind) -> web.Response:
    descriptor = await call.identifiable(kind)
    call.condition.check(None)  # there is nothing yet that could match
    return _created(call, kind, await registry(call, kind).create(descriptor))


async def _put(call: Call, kind: Kind, identifier: str) -> web.Response:
    """Create or replace. API 3.0 knows no creation by PUT: there a missing descriptor is NotFound."""
    descriptor = await call.identifiable(kind, identifier)
    descriptors = registry(call, kind)
    if call.version is ApiVersion.V30:
        await descriptors.get(identifier)
    entry, created = await descriptors.put(descriptor, call.condition)
    return _created(call, kind, entry) if created else answering.done(entry)


def _created(call: Call, kind: Kind, entry: Entry) -> web.Response:
    return answering.created(call, answering.located(_PATHS[kind], entry.identifier), entry.body, entry.etag)


# Shell descriptors


async def get_shells(call: Call) -> web.Response:
    """A page of shell descriptors, by kind and type of their assets."""
    listing = await registry(call, Kind.SHELL_DESCRIPTOR).page(wanted(call), call.limit, call.cursor)
    return views.show_page(call, listing)


def wanted(call: Call) -> dict[str, str]:
    """The filters of the list: assetKind, and assetType in base64url. Raises Malformed."""
    found: dict[str, str] = {}
    if (kind := call.request.query.get("assetKind")) is not None:
        if kind not in ENUMERATIONS["AssetKind"]:
            raise Malformed(f"assetKind={kind[:80]!r}: must be one of {', '.join(ENUMERATIONS['AssetKind'])}")
        found[index.ASSET_KIND] = kind
    if (asset_type := call.request.query.get("assetType")) is not None:
        try:
            found[index.ASSET_TYPE] = decode(asset_type, padded=True)
        except Malformed as error:
            raise Malformed(f"assetType: {error}") from None
    return found


async def post_shell(call: Call) -> web.Response:
    return await _post(call, Kind.SHELL_DESCRIPTOR)


async def get_shell(call: Call) -> web.Response:
    return _show(call, await registry(call, Kind.SHELL_DESCRIPTOR).get(call.shell_id))


async def put_shell(call: Call) -> web.Response:
    return await _put(call, Kind.SHELL_DESCRIPTOR, call.shell_id)


async def delete_shell(call: Call) -> web.Response:
    await registry(call, Kind.SHELL_DESCRIPTOR).delete(call.shell_id, call.condition)
    return answering.done()


# Submodel descriptors: by themselves, and below a shell descriptor


def below(call: Call) -> Nested:
    return Nested(registry(call, Kind.SHELL_DESCRIPTOR), call.shell_id)


async def get_submodels(call: Call) -> web.Response:
    if not call.inside_shell:
        listing = await registry(call, Kind.SUBMODEL_DESCRIPTOR).page({}, call.limit, call.cursor)
        return views.show_page(call, listing)
    return _page(call, nested((await below(call).shell()).document))


def _page(call: Call, descriptors: Iterable[Document]) -> web.Response:
    """A page of nested descriptors in the order of their ids, as the lists of all descriptors have it."""
    after, limit = last(cursor) if (cursor := call.cursor) is not None else "", call.limit
    following = sorted((each for each in descriptors if each["id"] > after), key=itemgetter("id"))
    page = following[:limit]
    return answering.paged(call, page, encode(f"id:{page[-1]['id']}") if len(following) > limit else None)


async def post_submodel(call: Call) -> web.Response:
    if not call.inside_shell:
        return await _post(call, Kind.SUBMODEL_DESCRIPTOR)
    descriptor = await call.identifiable(Kind.SUBMODEL_DESCRIPTOR)
    return _created_below(call, descriptor, await below(call).create(descriptor, call.condition))


async def get_submodel(call: Call) -> web.Response:
    """The descriptor; below a shell with the ETag of the shell's, of which it is a part."""
    submodel_id = call.submodel_id
    if not call.inside_shell:
        return _show(call, await registry(call, Kind.SUBMODEL_DESCRIPTOR).get(submodel_id))
    entry = await below(call).shell()
    found = get_nested(entry.document, submodel_id)
    return views.send(call, entry, ("descriptor", submodel_id), lambda: orjson.dumps(found))


async def put_submodel(call: Call) -> web.Response:
    submodel_id = call.submodel_id
    if not call.inside_shell:
        return await _put(call, Kind.SUBMODEL_DESCRIPTOR, submodel_id)
    descriptor = await call.identifiable(Kind.SUBMODEL_DESCRIPTOR, submodel_id)
    descriptors = below(call)
    if call.version is ApiVersion.V30:
        get_nested((await descriptors.shell()).document, submodel_id)
    entry, created = await descriptors.put(descriptor, call.condition)
    return _created_below(call, descriptor, entry) if created else answering.done(entry)


async def delete_submodel(call: Call) -> web.Response:
    if not call.inside_shell:
        await registry(call, Kind.SUBMODEL_DESCRIPTOR).delete(call.submodel_id, call.condition)
        return answering.done()
    return answering.done(await below(call).delete(call.submodel_id, call.condition))


def _created_below(call: Call, descriptor: Document, shell: Entry) -> web.Response:
    nested_id = encode(descriptor["id"])
    return answering.created(
        call,
        answering.located("/shell-descriptors", shell.identifier, "submodel-descriptors", nested_id),
        orjson.dumps(descriptor),
        shell.etag,
    )
