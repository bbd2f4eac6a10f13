"""What every test may ask for: a real server over a real store, and a client that talks to it."""

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from aas_server.app import Server, listening, open_repository
from aas_server.config import Settings
from aas_server.repository import Repository


@pytest.fixture(autouse=True)
def no_blocking() -> Iterator[BlockBuster]:
    """A blocking call in the event loop fails the test; SQLite statements of microseconds are there by design."""
    with blockbuster_ctx("aas_server") as buster:
        for name, function in buster.functions.items():
            if name.startswith("sqlite3."):
                function.deactivate()
        yield buster


@pytest.fixture(params=["memory", "file"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    store = {"memory": "sqlite:///:memory:", "file": f"sqlite:///{tmp_path / 'test.db'}"}[request.param]
    return Settings(host="127.0.0.1", port=0, store=store)


@pytest.fixture
async def repository(settings: Settings) -> AsyncIterator[Repository]:
    async with open_repository(settings) as repository:
        yield repository


@pytest.fixture
async def server(repository: Repository, settings: Settings) -> AsyncIterator[Server]:
    async with listening(repository, settings) as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the running server; paths are relative to its root."""
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
def altered(settings: Settings) -> Any:
    """`altered(max_document=1000)`: the settings with something else in them."""
    return lambda **changed: dataclasses.replace(settings, **changed)
