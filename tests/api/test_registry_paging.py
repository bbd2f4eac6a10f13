"""Lists of registries and discovery lead to the end while everything around what stays comes and goes."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.api.test_descriptors import shell_descriptor, submodel_descriptor
from tests.examples import b64, encoded, shell, submodel

#: One store is enough: what is asked here does not depend on it.
pytestmark = pytest.mark.parametrize("settings", ["memory"], indirect=True)

SERIAL = {"name": "serial", "value": "4711"}
STAYING = [f"urn:x:{number:02}:stays" for number in range(20)]
COMING = [f"urn:x:{number:02}:comes" for number in range(20)]

Step = Callable[[ClientSession, str], Awaitable[Any]]


def put(path: str, make: Callable[[str], Any]) -> Step:
    return lambda client, identifier: client.put(f"{path}/{b64(identifier)}", json=make(identifier))


def post_links(client: ClientSession, identifier: str) -> Awaitable[Any]:
    return client.post(f"/lookup/shells/{b64(identifier)}", json=[SERIAL])


def delete(path: str) -> Step:
    return lambda client, identifier: client.delete(f"{path}/{b64(identifier)}")


HOST_SHELL = put("/shells", lambda identifier: shell(identifier, specificAssetIds=[SERIAL]))
POST_SHELL = put("/shell-descriptors", lambda identifier: shell_descriptor(identifier, assetKind="Instance"))
HOST_SUBMODEL, POST_SUBMODEL = put("/submodels", submodel), put("/submodel-descriptors", submodel_descriptor)
SHELLS = (HOST_SHELL, POST_SHELL, delete("/shells"), delete("/shell-descriptors"))

#: A list, how an entry of it gets hosted and posted, and how either goes away.
LISTS = {
    "/shell-descriptors?": SHELLS,
    "/shell-descriptors?assetKind=Instance&": SHELLS,
    "/submodel-descriptors?": (HOST_SUBMODEL, POST_SUBMODEL, delete("/submodels"), delete("/submodel-descriptors")),
    f"/lookup/shells?assetIds={encoded(SERIAL)}&": (
        HOST_SHELL,
        post_links,
        delete("/shells"),
        delete("/lookup/shells"),
    ),
}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.partition("?")[0])
async def test_nothing_comes_twice_and_nothing_that_stays_is_left_out(client: ClientSession, path: str) -> None:
    hosted, posted, unhosted, unposted = LISTS[path]
    chance = random.Random(path)
    for identifier in STAYING:
        await hosted(client, identifier)

    async def churn() -> None:
        """What stays is posted and unposted over what is hosted; the rest comes and goes altogether."""
        while True:
            await chance.choice([posted, unposted])(client, chance.choice(STAYING))
            await chance.choice([hosted, posted, unhosted, unposted])(client, chance.choice(COMING))

    churning = asyncio.create_task(churn())
    try:
        for limit in (1, 3, 7):
            seen = await everything(client, path, limit)
            assert len(seen) == len(set(seen))
            assert set(STAYING) <= set(seen)
    finally:
        churning.cancel()


async def everything(client: ClientSession, path: str, limit: int) -> list[str]:
    seen: list[str] = []
    cursor = ""
    while True:
        page = await (await client.get(f"{path}limit={limit}{cursor}")).json()
        seen += [each if isinstance(each, str) else each["id"] for each in page["result"]]
        if not page["paging_metadata"]:
            return seen
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
