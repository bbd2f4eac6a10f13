"""The plant as it stands: connections, mappings, and what cannot be carried out."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from aas_server.api import answering
from aas_server.api.keys import STATE, Shown
from aas_server.api.reading import Call
from aas_server.model.errors import Malformed, Unavailable


async def get_live(call: Call) -> web.Response:
    """All connections with their counts, all defects, and how the broker stands that is told what happens."""
    if (overview := call.request.app[STATE].live) is None:
        raise Unavailable("the plant is not followed yet")
    outlet = call.request.app[STATE].outlet
    return answering.json(call, {**overview(), **({"outlet": outlet()} if outlet is not None else {})})


async def get_mappings(call: Call) -> web.Response:
    """Mappings with their newest values; `troubled=true` leaves out those that are well."""
    if (mappings := call.request.app[STATE].mappings) is None:
        raise Unavailable("the plant is not followed yet")
    troubled = call.request.query.get("troubled", "false")
    if troubled not in ("true", "false"):
        raise Malformed(f"troubled is {troubled!r}; it must be true or false")
    found = mappings()
    if troubled == "true":
        found = [each async for each in _in_trouble(found)]
    start, end, cursor = answering.window(call, [origin for origin, _ in found])
    return answering.paged(call, [show() for _, show in found[start:end]], cursor)


async def _in_trouble(mappings: Iterable[Shown]) -> AsyncIterator[Shown]:
    """Those with an error, theirs or of what they write; others have their turn meanwhile, for there may be many."""
    for number, each in enumerate(mappings):
        if number % 200 == 199:
            await asyncio.sleep(0)
        shown = each[1]()
        if "error" in shown or any("error" in sink for sink in shown["sinks"]):
            yield each
