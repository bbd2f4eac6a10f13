"""The plant as it stands: connections, mappings, and what cannot be carried out."""

from aiohttp import web

from aas_server.api import answering
from aas_server.api.keys import STATE
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
    found = mappings(troubled == "true")
    start, end, cursor = answering.window(call, [origin for origin, _ in found])
    return answering.paged(call, [show() for _, show in found[start:end]], cursor)
