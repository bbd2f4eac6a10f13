"""Puts the parts together: settings become a repository, a web application and a listening server."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from aas_server.api import cors, errors, fast, health, reading, registry, upload
from aas_server.api.addresses import ADDRESSING, Addressing
from aas_server.api.keys import LIMITS, REPOSITORY, STATE, Limits, State
from aas_server.api.table import API, SERVICES_OF_30, Route
from aas_server.api.versions import MOUNTS
from aas_server.config import Settings, networks
from aas_server.model.modifiers import ApiVersion
from aas_server.registration import registering
from aas_server.repository import Repository
from aas_server.storage.sqlite import SqliteStorage

log = logging.getLogger(__name__)


def limits(settings: Settings) -> Limits:
    return Limits(
        settings.max_document, settings.max_upload, settings.max_expanded, settings.max_page, settings.default_page
    )


def application(repository: Repository, settings: Settings) -> web.Application:
    """The complete web application over a repository."""
    app = web.Application(middlewares=[errors.answer_problems], client_max_size=settings.max_document + 1)
    app.on_response_prepare.append(cors.name_server)
    if settings.cors_origins:
        app.on_response_prepare.append(cors.share(settings.cors_origins))
    app[REPOSITORY] = repository
    app[LIMITS] = limits(settings)
    app[STATE] = State()
    app[ADDRESSING] = Addressing(settings.external_url, networks(settings.trusted_proxies))
    for base, version in MOUNTS.items():
        app.router.add_routes(_routes(base, version))
        app.router.add_post(base + "/upload", _unbound(upload.post_upload, base, version))
    for path, handler in health.ROUTES:
        app.router.add_get(path, handler)
    return app


def _routes(base: str, version: ApiVersion) -> Iterator[web.RouteDef]:
    for operation in (*API, *(SERVICES_OF_30 if version is ApiVersion.V30 else ())):
        for route in operation.expanded():
            serve = bind(route, base, version)
            yield web.route(route.method, pattern(base + route.path), serve, expect_handler=errors.expect)


def pattern(path: str) -> str:
    """The router's form of a path: `$value` and its like are never taken for an identifier or an idShortPath.

    >>> pattern("/submodels/{submodelIdentifier}/$value")
    '/submodels/{submodelIdentifier:[^{}/$][^{}/]*}/$value'
    """
    return re.sub(r"\{(\w+)\}", r"{\1:[^{}/$][^{}/]*}", path)


def bind(route: Route, base: str, version: ApiVersion) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of one route: reads the call, lets the mount refuse it, hands it to the row's handler."""
    handler = route.operation.handler if route.mount.served else registry.later
    guard = route.mount.guard if route.operation.guarded else None

    async def serve(request: web.Request) -> web.StreamResponse:
        call = reading.Call(request, base, version, route.content)
        if guard is not None:
            await guard(call)
        return await handler(call)

    return serve


def _unbound(
    handler: Callable[[reading.Call], Awaitable[web.StreamResponse]], base: str, version: ApiVersion
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of a path of our own, which no row of the standard's table has."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return await handler(reading.Call(request, base, version))

    return serve


@dataclass(slots=True)
class Server:
    """A server that listens; `port` is the one it got."""

    app: web.Application
    repository: Repository
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextlib.asynccontextmanager
async def open_repository(settings: Settings) -> AsyncIterator[Repository]:
    """The repository over the store the settings name; closed at the end, whatever happens."""
    storage = await SqliteStorage.open(settings.store, settings.log_changes, settings.query_timeout)
    try:
        yield Repository(storage, storage, settings.cache_size)
    finally:
        await storage.close()


@contextlib.asynccontextmanager
async def listening(repository: Repository, settings: Settings) -> AsyncIterator[Server]:
    """The server, answering requests; at the end those under way are finished within the grace time."""
    app = application(repository, settings)
    runner = web.AppRunner(app, shutdown_timeout=settings.shutdown_grace)
    await runner.setup()
    path = fast.FastPath(repository) if settings.fast_path and not settings.log_requests and fast.usable() else None
    app[STATE].metrics["fast_path_answers"] = lambda: path.hits if path else 0
    assert runner.server is not None  # noqa: S101 - set up just now
    factory = fast.connections(runner.server, path, **_protocol(settings))
    loop = asyncio.get_running_loop()
    sockets = await loop.create_server(factory, settings.host, settings.port, backlog=1024)
    try:
        port = sockets.sockets[0].getsockname()[1]
        async with _following(app[STATE], repository, settings):
            yield Server(app, repository, settings.host, port)
    finally:
        sockets.close()
        await _finished(runner.server, settings.shutdown_grace)
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _following(state: State, repository: Repository, settings: Settings) -> AsyncIterator[None]:
    """What follows the log as long as the server listens, where the settings ask for it."""
    if not settings.register_at:
        yield
        return
    async with registering(repository, settings.register_at, settings.external_url) as standing:
        state.registration = standing.document
        state.metrics["registration_waiting"] = lambda: standing.waiting
        state.metrics["registration_reachable"] = lambda: not standing.error
        yield


async def _finished(server: web.Server, grace: float) -> None:
    """Wait until no request is under way, uploads that still arrive included, at most as long as the grace time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            while any(fast.busy(connection) for connection in server.connections):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.05)


def _protocol(settings: Settings) -> dict[str, object]:
    """What aiohttp's protocol is told: room for two long identifiers and a long path in one request line."""
    requests = logging.getLogger("aas_server.requests") if settings.log_requests else None
    return {"access_log": requests, "max_line_size": 32768, "max_field_size": 32768, "keepalive_timeout": 75.0}
