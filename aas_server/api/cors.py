"""Headers every answer carries: the server's name, and CORS for the origins the settings name."""

from collections.abc import Awaitable, Callable

from aiohttp import web

SERVER = "aas-server"

#: Headers of answers that a page in a browser may read.
EXPOSED = "ETag, Location, Retry-After, Content-Disposition, Link"

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


async def name_server(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER


def share(origins: str) -> Signal:
    """Lets pages of these origins (separated by commas; `*`: of any) read the answers."""
    trusted = frozenset(origin.strip() for origin in origins.split(",") if origin.strip())

    async def allow(request: web.Request, response: web.StreamResponse) -> None:
        if "*" not in trusted:
            response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if not origin or not ({origin, "*"} & trusted):
            return
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = "*" if "*" in trusted else origin
        headers["Access-Control-Expose-Headers"] = EXPOSED
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "")
            headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
            headers["Access-Control-Max-Age"] = "600"

    return allow
