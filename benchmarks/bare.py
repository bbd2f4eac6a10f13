"""The least that aiohttp can do: one route, one prepared body."""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web


def application(body: bytes) -> web.Application:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    return app


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    app = application(Path(sys.argv[2]).read_bytes())
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
