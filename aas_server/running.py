"""What the commands do: serve until told to stop; import, check and export without a server."""

import asyncio
import contextlib
import dataclasses
import logging
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from aas_server.aasx import folders, writer
from aas_server.aasx.package import Limits, environment
from aas_server.api.keys import STATE
from aas_server.app import Server, listening, open_repository
from aas_server.config import Settings, shipped
from aas_server.graph import shapes
from aas_server.model import Document, Kind, json, xml
from aas_server.model.errors import Invalid, NotFound, Problem, Unavailable, Unsupported
from aas_server.model.identifiers import encode
from aas_server.model.validation import verify
from aas_server.plant import URL
from aas_server.repository import Repository
from aas_server.repository.exporting import Bundle, Selection, bundle, select
from aas_server.repository.importing import SHAPE, Mode, Report
from aas_server.repository.loading import load
from aas_server.storage.opening import file_of

log = logging.getLogger(__name__)

Print = Callable[[str], None]

MEMORY = "sqlite:///:memory:"
#: Files that could not be loaded and are named one by one to who asks whether the server is ready.
MOST_TOLD = 20


def limits(settings: Settings) -> Limits:
    return Limits(body=settings.max_upload, expanded=settings.max_expanded)


async def serve(settings: Settings, tell: Print) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished, the store is closed."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers in the loop
            loop.add_signal_handler(number, stopped.set)
    settings = _connected(settings)
    await _try_port(settings)
    async with (
        open_repository(settings) as repository,
        _plant(settings, tell),
        _listening(repository, settings) as server,
    ):
        tell(f"aas-server listens on {server.url} (API 3.1.2 at / and /api/v3.1, API 3.0.3 at /api/v3.0)")
        loading = asyncio.create_task(_load(server, settings, tell))
        stop = asyncio.create_task(stopped.wait())
        await asyncio.wait({loading, stop}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
            await stop
        loading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await loading
        tell("aas-server stops")


def _connected(settings: Settings) -> Settings:
    """Who wants the plant of the examples lets the server connect to it."""
    return dataclasses.replace(settings, live_allowed=(*settings.live_allowed, URL)) if settings.plant else settings


@contextlib.asynccontextmanager
async def _plant(settings: Settings, tell: Print) -> AsyncIterator[None]:
    """The plant of the examples as a process of its own, which ends with this one, however that ends."""
    if not settings.plant:
        yield
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aas_server", "plant", "--attached", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None  # noqa: S101 - it was given both
    assert process.stdout is not None  # noqa: S101
    try:
        line = await process.stdout.readline()  # it says where it is, or why it is nowhere, and ends
        tell(line.decode().strip() or f"no plant was started; is there another at {URL}?")
        yield
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _try_port(settings: Settings) -> None:
    """Who cannot listen makes no store first. Raises Unavailable."""
    with _at(settings):
        (await asyncio.get_running_loop().create_server(asyncio.Protocol, settings.host, settings.port)).close()


@contextlib.contextmanager
def _at(settings: Settings) -> Iterator[None]:
    """Raises Unavailable where the address cannot be had: in use, unknown, not allowed."""
    try:
        yield
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        raise Unavailable(f"cannot listen on {where}: {error.strerror or error}") from None


@contextlib.asynccontextmanager
async def _listening(repository: Repository, settings: Settings) -> AsyncIterator[Server]:
    """The listening server. Raises Unavailable."""
    async with contextlib.AsyncExitStack() as stack:
        with _at(settings):
            server = await stack.enter_async_context(listening(repository, settings))
        yield server


async def _load(server: Server, settings: Settings, tell: Print) -> None:
    """Import what the settings name; ready when all of it is there. Where a file cannot be loaded the rest is served.

    What the store holds already stays: a restart never undoes a write.
    """
    state, failed = server.app[STATE], list[str]()
    paths = [Path(each) for each in settings.load]
    if settings.examples:
        paths.append(shipped("submodels") / "examples")
    mode, progress = Mode(ignore_duplicates=True, strict=settings.strict), _reported()
    state.loading = ", ".join(map(str, paths))
    async for file, outcome in load(server.repository, paths, mode, limits(settings), progress):
        tell(told := _told(file, outcome, findings=False))
        if isinstance(outcome, Problem):
            log.error("not loaded: %s", told)
            failed.append(_brief(file, outcome))
    state.loading = f"not loaded: {'; '.join(failed[:MOST_TOLD])}" if failed else ""
    state.ready = not failed
    await _try(server, tell)
    if failed:
        tell(f"not ready: {len(failed)} of the files to load could not be loaded; {server.url}/health/ready names them")
    await server.live.loaded()


async def _try(server: Server, tell: Print) -> None:
    """Print what a newcomer may want to ask the server first."""
    tell("ready; try:" if server.app[STATE].ready else "what could be loaded is served; try:")
    tell(f"  curl '{server.url}/shells?limit=1'")
    for entry in (await server.repository.page(Kind.SUBMODEL, limit=1)).result:
        tell(f"  curl '{server.url}/submodels/{encode(entry.identifier)}/$value'")
    tell(f"  curl -F file=@package.aasx {server.url}/upload")
    tell(f"or read and try the API in a browser: {server.url}/docs")


def _reported() -> Callable[[str, int, int], None]:
    """Progress in the log, at most once in two seconds."""
    last = time.monotonic()

    def report(what: str, done: int, total: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= 2:
            last = now
            log.info("%s: %d of %d", what, done, total)

    return report


async def import_files(
    settings: Settings, paths: Sequence[Path], ignore_duplicates: bool, dry_run: bool, tell: Print
) -> bool:
    """Import or, dry, check files; tells what became of each. Returns whether all went well."""
    mode = Mode(ignore_duplicates, settings.strict, dry_run)
    well = True
    if dry_run and not _exists(settings.store):
        settings = dataclasses.replace(settings, store=MEMORY)  # who only looks must not make a store
    async with open_repository(settings) as repository:
        async for file, outcome in load(repository, paths, mode, limits(settings), _reported()):
            tell(_told(file, outcome))
            well = well and not isinstance(outcome, Problem)
    return well


async def check_shapes(settings: Settings, paths: Sequence[Path], file: Path, tell: Print) -> bool:
    """Check the official RDF of what files hold with shapes of SHACL; tells what is found. Returns whether nothing is.

    Files that cannot be read are left out: checking their JSON tells it.
    """
    known, well = await asyncio.to_thread(shapes.opened, file), True
    for fault in known.mended:
        tell(f"{file}: {fault}; this is put right")
    for path in paths:
        for each in await asyncio.to_thread(_files, path):
            if (documents := await asyncio.to_thread(_documents, each, limits(settings))) is None:
                continue
            found = await asyncio.to_thread(_shaped, documents, known)
            tell("\n  ".join([f"{each}: {len(documents)} documents, {len(found)} found by shapes", *found]))
            well = well and not found
    return well


def _files(path: Path) -> list[Path]:
    """The files at a path; none where there is nothing to read."""
    with contextlib.suppress(Problem):
        return folders.files(path)
    return []


def _documents(file: Path, bounds: Limits) -> list[Document] | None:
    """The documents in a file; None where it cannot be read."""
    with contextlib.suppress(Problem, OSError), folders.opened(file, bounds) as package:
        return [document for _, document in package.documents]
    return None


def _shaped(documents: Sequence[Document], known: shapes.Shapes) -> list[str]:
    """What is found in documents. Raises what shapes that cannot be used raise."""
    found = list[str]()
    for document in documents:
        name = f"{document.get('modelType')} {document.get('id')!r}"
        if any(finding.constraint in SHAPE for finding in verify(document)):
            found.append(f"{name}: not looked at, for its JSON has not the form of its class")
        else:
            found.extend(f"{name} {finding}" for finding in shapes.check(document, known))
    return found


def _brief(file: Path, problem: Problem) -> str:
    """One line on a file that was refused."""
    reason, more = (problem.findings[0], len(problem.findings) - 1) if isinstance(problem, Invalid) else (problem, 0)
    return f"{file}: {reason}" + (f" (and {more} more findings)" if more else "")


def _told(file: Path, outcome: Report | Problem, findings: bool = True) -> str:
    if isinstance(outcome, Invalid):
        return "\n  ".join([f"{file}: refused", *map(str, outcome.findings)])
    if isinstance(outcome, Problem):
        return f"{file}: refused: {outcome}"
    counts = {
        name: len(getattr(outcome, name))
        for name in ("created", "replaced", "unchanged", "skipped", "parts", "findings")
    }
    line = f"{file}: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return "\n  ".join([line, *outcome.findings]) if findings else line


async def export(
    settings: Settings,
    target: Path,
    shells: Sequence[str],
    submodels: Sequence[str],
    concepts: bool,
    as_json: bool,
    tell: Print,
) -> None:
    """Write documents to a file; its suffix says in which form."""
    if target.suffix.lower() not in (".aasx", ".json", ".xml"):
        raise Unsupported(f"{target}: the name must end with .aasx, .json or .xml")
    if not _exists(settings.store):
        raise NotFound(
            f"store {settings.store!r} does not exist: there is nothing to export; name another with --store"
        )
    async with open_repository(settings) as repository:
        selection = Selection(shells or None, submodels or None, concepts)
        documents = await select(repository, selection)
        async with bundle(repository, documents) as bundled:
            await asyncio.to_thread(_write, target, bundled, as_json)
    tell(f"{target}: {len(documents)} documents, {len(bundled.parts)} files")


def _exists(store: str) -> bool:
    path = file_of(store)
    return path is not None and path.exists()


def _write(target: Path, bundled: Bundle, as_json: bool) -> None:
    """Write beside the target first: what stood there stays until all of the new file is written."""
    content = environment(list(bundled.documents))
    unfinished = target.with_name(target.name + ".part")
    try:
        with unfinished.open("wb") as file:
            match target.suffix.lower():
                case ".json":
                    file.write(json.dump(content))
                case ".xml":
                    file.write(xml.write(content))
                case _:
                    writer.write(file, content, bundled.parts, as_json=as_json)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
