"""Handles: work that outlives its request, asked for while it runs, when it is done, and after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aas_server.app import open_repository
from aas_server.config import Settings
from aas_server.model import Kind
from aas_server.model.changes import Put
from aas_server.model.errors import Malformed, NotFound
from aas_server.repository import Repository
from aas_server.repository.handles import INTERRUPTED, Finished, Handles, State

ABOUT = "bulk"


async def settled(handles: Handles, identifier: str) -> dict[str, object]:
    """The handle as soon as its work is finished."""
    async with asyncio.timeout(5):
        while (handle := await handles.get(ABOUT, identifier))["state"] in ("Initiated", "Running"):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    return handle


async def test_work_runs_and_leaves_its_result(repository: Repository) -> None:
    handles, go = Handles(repository, 60), asyncio.Event()

    async def work() -> Finished:
        await go.wait()
        return Finished(State.COMPLETED, {"answer": 42})

    async with handles.open():
        identifier = await handles.begin(ABOUT, work)
        assert (await handles.get(ABOUT, identifier))["state"] == "Running"
        go.set()
        handle = await settled(handles, identifier)
    assert (handle["state"], handle["result"]) == ("Completed", {"answer": 42})


async def test_work_that_raises_has_failed_with_the_reason(
    repository: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    handles = Handles(repository, 60)

    async def refused() -> Finished:
        raise Malformed("this is why")

    async def broken() -> Finished:
        raise ZeroDivisionError

    async with handles.open():
        told = [await settled(handles, await handles.begin(ABOUT, work)) for work in (refused, broken)]
    assert [(handle["state"], handle["reason"]) for handle in told] == [
        ("Failed", "this is why"),
        ("Failed", "internal error; the log has the details"),
    ]
    assert "ZeroDivisionError" in caplog.text


async def test_a_handle_is_known_only_where_it_belongs(repository: Repository) -> None:
    handles = Handles(repository, 60)

    async def work() -> Finished:
        return Finished(State.COMPLETED)

    async with handles.open():
        identifier = await handles.begin(ABOUT, work)
        for about, asked in (("another", identifier), (ABOUT, "nonsense")):
            with pytest.raises(NotFound, match=asked):
                await handles.get(about, asked)


@pytest.mark.parametrize("killed", [False, True])
async def test_what_runs_when_the_server_ends_has_failed(tmp_path: Path, killed: bool) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'test.db'}")

    async def endless() -> Finished:
        await asyncio.Event().wait()
        raise AssertionError

    async with open_repository(settings) as repository:
        if killed:  # nobody had the time to write down how it ended
            identifier = "left-behind"
            left = {"id": identifier, "about": ABOUT, "state": "Running", "created": "2026-01-01T00:00:00.000+00:00"}
            await repository.apply([Put(left, stored_as=Kind.HANDLE)])
        else:
            handles = Handles(repository, 60)
            async with handles.open():
                identifier = await handles.begin(ABOUT, endless)
                await asyncio.sleep(0)
    async with open_repository(settings) as repository, (handles := Handles(repository, 60)).open():
        handle = await handles.get(ABOUT, identifier)
    assert (handle["state"], handle["reason"]) == ("Failed", INTERRUPTED)


async def test_finished_handles_go_after_their_time(repository: Repository) -> None:
    handles = Handles(repository, 60)

    async def work() -> Finished:
        return Finished(State.COMPLETED)

    async with handles.open():
        identifier = await handles.begin(ABOUT, work)
        await settled(handles, identifier)
        await handles.sweep(datetime.now(UTC) + timedelta(seconds=50))
        assert (await handles.get(ABOUT, identifier))["state"] == "Completed"
        await handles.sweep(datetime.now(UTC) + timedelta(seconds=70))
        with pytest.raises(NotFound):
            await handles.get(ABOUT, identifier)
