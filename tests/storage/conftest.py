"""Storages under test: a second backend adds a parameter here, and every test runs over it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aas_server.storage.sqlite import SqliteStorage


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"memory": "sqlite:///:memory:", "file": f"sqlite:///{tmp_path / 'test.db'}"}[request.param]


@pytest.fixture
async def storage(url: str) -> AsyncIterator[SqliteStorage]:
    storage = await SqliteStorage.open(url)
    yield storage
    await storage.close()
