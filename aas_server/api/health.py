"""Health: whether the process lives, whether it is ready, a few numbers, and how a registration elsewhere stands."""

import os
from http import HTTPStatus

import orjson
from aiohttp import web

from aas_server.api import errors
from aas_server.api.keys import STATE
from aas_server.api.reading import Call
from aas_server.model.errors import NotFound


async def live(call: Call) -> web.Response:
    """200 as long as the event loop turns."""
    return web.Response(body=b'{"status":"UP"}', content_type="application/json")


async def ready(call: Call) -> web.Response:
    """200 when everything that was to be loaded is; 503 until then, saying what is under way."""
    state = call.request.app[STATE]
    if state.ready:
        return web.Response(body=b'{"status":"UP"}', content_type="application/json")
    answer = errors.result(HTTPStatus.SERVICE_UNAVAILABLE, [f"not ready: {state.loading or 'starting'}"])
    answer.headers["Retry-After"] = "1"
    return answer


async def metrics(call: Call) -> web.Response:
    """Counters of this process as JSON."""
    counted = {name: read() for name, read in call.request.app[STATE].metrics.items()}
    return web.Response(body=orjson.dumps({"pid": os.getpid(), **counted}), content_type="application/json")


async def registration(call: Call) -> web.Response:
    """How the registration at a remote registry stands. Raises NotFound where the settings name none."""
    if (standing := call.request.app[STATE].registration) is None:
        raise NotFound("this server registers nowhere: the setting register_at names no registry")
    return web.Response(body=orjson.dumps(standing()), content_type="application/json")
