"""`GET /openapi.json`: the document of the mount it is asked at."""

import orjson
from aiohttp import web

from aas_server.api import answering, openapi
from aas_server.api.keys import DOCUMENTS, ROUTES
from aas_server.api.reading import Call


async def get_openapi(call: Call) -> web.Response:
    app = call.request.app
    made = app[DOCUMENTS]
    if call.base not in made:
        served = (route for route in app[ROUTES][call.base] if route.served)
        made[call.base] = orjson.dumps(openapi.document(served, call.base, call.version))
    return answering.sized(call, made[call.base])
