"""Puts the parts together: settings become a repository, a web application and a listening server."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from aas_server.api import cors, errors, fast, reading
from aas_server.api.addresses import ADDRESSING, Addressing
from aas_server.api.keys import (
    DOCUMENTS,
    EVENTS,
    GRAPH,
    HANDLES,
    LIBRARY,
    LIMITS,
    OPERATIONS,
    REPOSITORY,
    ROUTES,
    SINGLES,
    STATE,
    Limits,
    Singles,
    State,
)
from aas_server.api.table import API, EXTENSIONS, HEALTH, SERVICES_OF_30, ApiOperation, Route
from aas_server.api.versions import MOUNTS
from aas_server.config import Settings, networks, shipped
from aas_server.events.hub import Hub
from aas_server.events.outlet import publishing
from aas_server.graph.library import NamedQuery, library
from aas_server.linked import Bounds, Graph
from aas_server.live import Endpoint, opening, telling
from aas_server.live.credentials import from_toml
from aas_server.live.credentials import of as credentials_of
from aas_server.live.declaring import declared
from aas_server.live.following import Live
from aas_server.live.lua.transforming import Transforming
from aas_server.model import Document
from aas_server.model.errors import Unsupported
from aas_server.model.modifiers import ApiVersion
from aas_server.model.paths import IdShortPath
from aas_server.mqtt import Broker
from aas_server.operations import examples, loaded
from aas_server.operations.delegation import Delegation
from aas_server.registration import registering
from aas_server.repository import Repository
from aas_server.repository.handles import Handles
from aas_server.repository.invoking import Handler, Operations
from aas_server.storage.sqlite import SqliteStorage
from aas_server.web import pages

log = logging.getLogger(__name__)

#: What is known of units and of other vocabularies, and the named queries.
TABLES = shipped("mappings")


def limits(settings: Settings) -> Limits:
    return Limits(
        settings.max_document,
        settings.max_upload,
        settings.max_expanded,
        settings.max_page,
        settings.default_page,
        settings.operation_timeout,
    )


def application(repository: Repository, settings: Settings, carrying_out: Operations) -> web.Application:
    """The complete web application over a repository."""
    app = web.Application(middlewares=[errors.answer_problems], client_max_size=settings.max_document + 1)
    app.on_response_prepare.append(cors.name_server)
    if settings.cors_origins:
        app.on_response_prepare.append(cors.share(settings.cors_origins))
    app[REPOSITORY] = repository
    app[LIMITS] = limits(settings)
    app[STATE] = State()
    app[SINGLES] = Singles(settings.shell or None, settings.submodel or None)
    app[OPERATIONS] = carrying_out
    app[EVENTS] = Hub(repository, settings.external_url.rstrip("/"), settings.event_readers)
    app[GRAPH] = graph(repository, settings)
    app[HANDLES] = Handles(repository, settings.keep_results)
    app.cleanup_ctx.append(_with_handles)
    app[ADDRESSING] = Addressing(settings.external_url, networks(settings.trusted_proxies))
    app[DOCUMENTS] = {}
    app[ROUTES] = {base: tuple(routes(base, version)) for base, version in MOUNTS.items()}
    for base, version in MOUNTS.items():
        _add_routes(app.router, app[ROUTES][base], base, version)
    return app


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several that carries an Operation out."""

    several: Sequence[Operations]

    def find(self, submodel_id: str, path: IdShortPath, operation: Document) -> Handler | None:
        found = (each.find(submodel_id, path, operation) for each in self.several)
        return next((handler for handler in found if handler is not None), None)


def operations(settings: Settings) -> Operations:
    """What carries out Operations: functions first, then the servers that an Operation names. Raises Unsupported."""
    try:
        functions: list[Operations] = [*loaded(settings.operations)]
    except ValueError as error:
        raise Unsupported(str(error)) from None
    if settings.examples:
        functions.append(examples.operations)
    return FirstOf([*functions, Delegation(settings.delegation_allowed)])


async def _with_handles(app: web.Application) -> AsyncIterator[None]:
    async with app[HANDLES].open():
        yield


def _add_routes(router: web.UrlDispatcher, routes: Iterable[Route], base: str, version: ApiVersion) -> None:
    """One resource a path, in the order of the table: the router tries them one after the other."""
    resources: dict[str, web.Resource] = {}
    for route in routes:
        path = pattern(base + route.path)
        if path not in resources:
            resources[path] = router.add_resource(path)
        serve = bind(route, base, version)
        if route.method == "GET":
            resources[path].add_route("HEAD", serve, expect_handler=errors.expect)
        resources[path].add_route(route.method, serve, expect_handler=errors.expect)


def _page(show: Callable[[web.Request], Awaitable[web.Response]]) -> Callable[[reading.Call], Awaitable[web.Response]]:
    return lambda call: show(call.request)


#: What people look at in a browser.
PAGES = (
    ApiOperation("GetIndex", "GET", "/", _page(pages.get_index)),
    ApiOperation("GetDocs", "GET", "/docs", _page(pages.get_docs)),
    ApiOperation("GetConsole", "GET", "/console", _page(pages.get_console)),
    ApiOperation("GetDocsFile", "GET", "/docs/{name}", _page(pages.get_file)),
)


def routes(base: str, version: ApiVersion) -> Iterator[Route]:
    """Everything that is mounted at a base, the hot rows first."""
    rows = [*API, *(SERVICES_OF_30 if version is ApiVersion.V30 else ()), *EXTENSIONS]
    for operation in (*rows, *(() if base else (*HEALTH, *PAGES))):
        yield from operation.expanded()


def pattern(path: str) -> str:
    """The router's form of a path: `$value` and its like are never taken for an identifier or an idShortPath.

    >>> pattern("/submodels/{submodelIdentifier}/$value")
    '/submodels/{submodelIdentifier:[^{}/$][^{}/]*}/$value'
    """
    return re.sub(r"\{(\w+)\}", r"{\1:[^{}/$][^{}/]*}", path)


def bind(route: Route, base: str, version: ApiVersion) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler of one route: reads the call, lets the mount refuse it, hands it to the row's handler."""
    handler = route.operation.handler
    guard = route.mount.guard if route.operation.guarded else None

    async def serve(request: web.Request) -> web.StreamResponse:
        call = reading.Call(request, base, version, route.content, route.mount.single)
        if guard is not None:
            await guard(call)
        return await handler(call)

    return serve


@dataclass(slots=True)
class Server:
    """A server that listens; `port` is the one it got."""

    app: web.Application
    repository: Repository
    live: Live
    host: str
    port: int

    @property
    def url(self) -> str:
        return _url(self.host, self.port)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def graph(repository: Repository, settings: Settings) -> Graph:
    """The stored world as a graph; not there yet."""
    bounds = Bounds(settings.graph_timeout, settings.graph_memory, settings.graph_answer, settings.graph_queries)
    return Graph(repository, TABLES, bounds, settings.graph)


def named_queries(settings: Settings) -> dict[str, NamedQuery]:
    """Those that ship with the server, and those of the settings. Raises Unsupported."""
    try:
        return library(TABLES / "queries", *map(Path, settings.graph_library))
    except (ValueError, OSError) as error:
        raise Unsupported(f"graph_library: {error}") from None


@contextlib.asynccontextmanager
async def open_repository(settings: Settings) -> AsyncIterator[Repository]:
    """The repository over the store the settings name; closed at the end, whatever happens."""
    storage = await SqliteStorage.open(settings.store, settings.log_changes, settings.query_timeout)
    try:
        yield Repository(storage, storage, settings.cache_size, settings.live_qualifiers)
    finally:
        await storage.close()


@contextlib.asynccontextmanager
async def listening(repository: Repository, settings: Settings) -> AsyncIterator[Server]:
    """The server, answering requests; at the end those under way are finished within the grace time."""
    live = await asyncio.to_thread(plant, repository, settings)
    live.patient = bool(settings.load or settings.examples)
    carrying_out = FirstOf([opening.commands(live, repository), await asyncio.to_thread(operations, settings)])
    app = application(repository, settings, carrying_out)
    app[LIBRARY] = await asyncio.to_thread(named_queries, settings)
    app[STATE].live, app[STATE].mappings = partial(telling.overview, live), partial(telling.mappings, live)
    runner = web.AppRunner(app, shutdown_timeout=settings.shutdown_grace)
    await runner.setup()
    try:
        async with (
            opening.following(live, settings.live_interval),
            _sockets(app, runner, repository, settings) as port,
            _following(app, repository, settings),
            app[GRAPH].following(settings.external_url.rstrip("/") or _url(settings.host, port)),
        ):
            yield Server(app, repository, live, settings.host, port)
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _sockets(
    app: web.Application, runner: web.AppRunner, repository: Repository, settings: Settings
) -> AsyncIterator[int]:
    """The port that is listened at; at the end nobody new is let in, and those under way are waited for."""
    path = fast.FastPath(repository) if settings.fast_path and not settings.log_requests and fast.usable() else None
    app[STATE].metrics["fast_path_answers"] = lambda: path.hits if path else 0
    assert runner.server is not None  # noqa: S101 - set up just now
    factory = fast.connections(runner.server, path, **_protocol(settings))
    loop = asyncio.get_running_loop()
    sockets = await loop.create_server(factory, settings.host, settings.port, backlog=1024)
    try:
        yield sockets.sockets[0].getsockname()[1]
    finally:
        sockets.close()
        await _finished(runner.server, settings.shutdown_grace)


@contextlib.asynccontextmanager
async def _following(app: web.Application, repository: Repository, settings: Settings) -> AsyncIterator[None]:
    """What follows the log as long as the server listens: readers, and what else the settings ask for."""
    state = app[STATE]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(app[EVENTS].following())
        state.metrics["event_readers"] = lambda: app[EVENTS].readers
        if settings.events_broker:
            told = await asyncio.to_thread(broker, settings)
            standing = await stack.enter_async_context(
                publishing(repository, told, settings.events_topic, settings.external_url.rstrip("/"))
            )
            state.outlet = standing.document
            state.metrics["events_sent"] = lambda: standing.sent
        if settings.register_at:
            registration = registering(repository, settings.register_at, settings.external_url)
            registered = await stack.enter_async_context(registration)
            state.registration = registered.document
            state.metrics["registration_waiting"] = lambda: registered.waiting
            state.metrics["registration_reachable"] = lambda: not registered.error
        yield


def plant(repository: Repository, settings: Settings) -> Live:
    """What connects to the plant. Raises Unsupported for settings that cannot be."""
    try:
        connector = opening.connector(
            settings.live_pki, settings.live_trust_all, settings.live_credentials, settings.live_allowed
        )
        files = declared(Path(each) for each in settings.live_mappings)
    except ValueError as error:
        raise Unsupported(str(error)) from None
    transforming = Transforming(settings.live_transformation_time, settings.live_transformation_memory)
    scripts = transforming if settings.live_transformations else None
    return Live(repository, connector, settings.live_allowed, settings.live_stale, scripts, files)


def broker(settings: Settings) -> Broker:
    """The broker that is told what happens, and who we are to it."""
    known = from_toml(Path(settings.live_credentials)) if settings.live_credentials else {}
    url = settings.events_broker.rstrip("/")
    given = credentials_of(Endpoint(url), known)
    return Broker(url, given.user, given.password, given.certificate, given.key, given.ca)


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
