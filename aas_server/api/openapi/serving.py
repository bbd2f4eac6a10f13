"""`GET /openapi.json`: the document of the mount it is asked at."""

from urllib.parse import urlsplit

import orjson
from aiohttp import web

from aas_server.api import answering, openapi
from aas_server.api.addresses import root
from aas_server.api.keys import DOCUMENTS, ROUTES, SINGLES
from aas_server.api.reading import Call


async def get_openapi(call: Call) -> web.Response:
    app = call.request.app
    made = app[DOCUMENTS]
    where = urlsplit(root(call.request)).path.rstrip("/") + call.base  # a proxy may serve all this below a path
    if where not in made:
        served = (route for route in app[ROUTES][call.base] if route.offered(app[SINGLES]))
        made[where] = orjson.dumps(openapi.document(served, where, call.version))
    return answering.sized(call, made[where])
