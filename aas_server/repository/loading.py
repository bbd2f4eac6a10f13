"""Files and folders into the repository: each file is a step of its own, done whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from aas_server.aasx import folders
from aas_server.aasx.package import Limits
from aas_server.model.errors import Problem, Unavailable
from aas_server.repository import Repository
from aas_server.repository.importing import Mode, Progress, Report, import_package


async def load(
    repository: Repository, paths: Sequence[Path], mode: Mode, limits: Limits, progress: Progress
) -> AsyncIterator[tuple[Path, Report | Problem]]:
    """Import every file; yields each with its report, or with what is wrong with it."""
    for path in paths:
        try:
            found = await asyncio.to_thread(folders.files, path)
        except Problem as problem:
            yield path, problem
            continue
        for file in found:
            try:
                yield file, await load_file(repository, file, mode, limits, progress)
            except Problem as problem:
                yield file, problem
            except OSError as error:
                yield file, Unavailable(f"cannot be read: {error.strerror or error}")


async def load_file(repository: Repository, file: Path, mode: Mode, limits: Limits, progress: Progress) -> Report:
    """Import one file. Raises what reading, checking or storing it raises."""
    with ExitStack() as stack:
        package = await asyncio.to_thread(stack.enter_context, folders.opened(file, limits))
        return await import_package(repository, package, mode, progress)
