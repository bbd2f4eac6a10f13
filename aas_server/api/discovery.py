"""Discovery: the shells of an asset, and the asset links of a shell."""

import orjson
from aiohttp import web

from aas_server.api import answering, filters, views
from aas_server.api.reading import Call
from aas_server.model.assets import sound_links
from aas_server.repository.discovery import Discovery
from aas_server.storage import Label


async def get_shells(call: Call) -> web.Response:
    """The ids of shells that have all `assetIds`."""
    return await _shells(call, filters.asset_ids(call))


async def search_shells(call: Call) -> web.Response:
    """The same with the links in the body; without one, the ids of all shells that have links."""
    return await _shells(call, await call.verified(filters.asset_links) if call.request.body_exists else [])


async def _shells(call: Call, labels: list[Label]) -> web.Response:
    identifiers, cursor = await Discovery(call.repository).search(labels, call.limit, call.cursor)
    return answering.paged(call, identifiers, cursor)


async def get_links(call: Call) -> web.Response:
    entry = await Discovery(call.repository).get(call.shell_id)
    return views.send(call, entry, "links", lambda: entry.body)


async def post_links(call: Call) -> web.Response:
    """Create or replace what has been posted for this shell; the links of a hosted shell are there anyway."""
    shell_id, posted = call.shell_id, await call.verified(sound_links)
    entry = await Discovery(call.repository).post(shell_id, posted, call.condition)
    return answering.created(call, answering.located("/lookup/shells", shell_id), orjson.dumps(posted), entry.etag)


async def delete_links(call: Call) -> web.Response:
    await Discovery(call.repository).delete(call.shell_id, call.condition)
    return answering.done()
