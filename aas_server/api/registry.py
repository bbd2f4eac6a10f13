"""Registries, discovery, file server, bulk operations and queries: known, and not offered yet."""

from typing import TYPE_CHECKING

from aiohttp import web

from aas_server.model.errors import NotImplementedYet

if TYPE_CHECKING:
    from aas_server.api.reading import Call


async def later(call: "Call") -> web.Response:
    """501: the operation is part of the standard and not of this server yet."""
    raise NotImplementedYet(f"{call.request.method} {call.request.path} is not offered by this server yet")
