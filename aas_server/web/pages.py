"""Pages for a browser: what is here, the API to try, the graph to ask. All their parts come from this server."""

import asyncio
import functools
import gzip
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Final

import orjson
import swagger_ui_bundle
from aiohttp import web

from aas_server import __version__

#: The page may load from and talk to this server, and to nobody else; nothing may be written into it.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Where a line is wrong, the editor of queries underlines what it expects: `text-decoration:underline`, in attributes.
#: This one style is let in by its hash, and no other; all else that the editor paints goes by style sheet or by script.
UNDERLINE: Final = "'unsafe-hashes' 'sha256-EntWS0hFrz2vH7susM+dPUxvHlL6sBswmM8K80E5oUk='"
CONSOLE_POLICY: Final = f"{POLICY}; style-src-attr {UNDERLINE}"
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
OWN: Final = files("aas_server.web")
SWAGGER: Final = swagger_ui_bundle.swagger_ui_path
YASGUI: Final = OWN / "yasgui"
#: The files of the pages: where each lies, and what it is.
FILES: Final = {
    "answers.js": (OWN, "text/javascript"),
    "console.css": (OWN, "text/css"),
    "console.js": (OWN, "text/javascript"),
    "docs.js": (OWN, "text/javascript"),
    "pages.css": (OWN, "text/css"),
    "swagger-ui-bundle.js": (SWAGGER, "text/javascript"),
    "swagger-ui.css": (SWAGGER, "text/css"),
    "favicon-32x32.png": (SWAGGER, "image/png"),
    "yasgui.min.js": (YASGUI, "text/javascript"),
    "yasgui.min.css": (YASGUI, "text/css"),
}
LINKS: Final = {
    "docs": "/docs",
    "console": "/console",
    "openapi": "/openapi.json",
    "description": "/description",
    "shells": "/shells",
    "submodels": "/submodels",
    "conceptDescriptions": "/concept-descriptions",
    "upload": "/upload",
    "sparql": "/sparql",
    "graph": "/graph",
    "live": "/live",
    "events": "/events",
    "health": "/health/ready",
}


async def get_index(request: web.Request) -> web.Response:
    """What is here: for people as a page, for programs as JSON."""
    if "text/html" in request.headers.get("Accept", ""):
        return await _page(request, "index.html")
    told = {"name": "aas-server", "version": __version__, "links": LINKS}
    return web.Response(body=orjson.dumps(told), content_type="application/json", headers={"Vary": "Accept"})


async def get_docs(request: web.Request) -> web.Response:
    return await _page(request, "docs.html")


async def get_console(request: web.Request) -> web.Response:
    """The editor of queries over the graph."""
    answer = await _page(request, "console.html")
    answer.headers["Content-Security-Policy"] = CONSOLE_POLICY
    return answer


async def get_file(request: web.Request) -> web.Response:
    """A part of the pages; 404 for every other name."""
    name = request.match_info["name"]
    if name not in FILES:
        raise web.HTTPNotFound
    folder, content_type = FILES[name]
    return await _answer(request, str(folder / name), content_type)


async def _page(request: web.Request, name: str) -> web.Response:
    return await _answer(request, str(OWN / name), "text/html")


async def _answer(request: web.Request, file: str, content_type: str) -> web.Response:
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    body, etag = await asyncio.to_thread(_read, file, zipped)
    headers = {**HEADERS, "ETag": etag, "Vary": "Accept, Accept-Encoding"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    charset = None if content_type.startswith("image/") else "utf-8"
    coding = {"Content-Encoding": "gzip"} if zipped else {}
    return web.Response(body=body, content_type=content_type, charset=charset, headers={**headers, **coding})


@functools.lru_cache(maxsize=32)
def _read(file: str, zipped: bool) -> tuple[bytes, str]:
    """The file as it is sent, and its ETag."""
    content = Path(file).read_bytes()
    body = gzip.compress(content, mtime=0) if zipped else content
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
