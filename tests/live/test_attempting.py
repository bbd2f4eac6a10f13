"""Ending what tries again."""

import asyncio

from aas_server.live.attempting import ended


async def test_a_task_that_swallows_its_cancellation_is_told_again() -> None:
    told = 0

    async def stubborn() -> None:
        nonlocal told
        while told < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await ended(task)
    assert (told, task.done()) == (2, True)


async def test_a_task_that_has_failed_is_over() -> None:
    async def failing() -> None:
        raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.wait({task})
    await ended(task)
    assert isinstance(task.exception(), ValueError)
