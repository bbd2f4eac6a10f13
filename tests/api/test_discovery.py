"""Discovery: hosted shells are found by their assets without being posted; what is posted is found besides."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.examples import b64, encoded, external, shell

SERIAL, BATCH = {"name": "serial", "value": "4711"}, {"name": "batch", "value": "b1"}
OWNER = {"name": "owner", "value": "me", "externalSubjectId": external("urn:me")}
HOSTED, FOREIGN = b64("urn:s:1"), b64("urn:f:ä")

#: One store is enough: what is asked here does not depend on it.
pytestmark = pytest.mark.parametrize("settings", ["memory"], indirect=True)


def named(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


GLOBAL = named("globalAssetId", "urn:s:1:asset")


@pytest.fixture(autouse=True)
async def hosted(client: ClientSession) -> None:
    """A shell with a globalAssetId and two specific asset ids, and one of another asset."""
    await client.post("/shells", json=shell("urn:s:1", specificAssetIds=[SERIAL, OWNER]))
    await client.post("/shells", json=shell("urn:s:2"))


async def search(client: ClientSession, *links: dict[str, Any]) -> list[str]:
    """The ids of shells that have all links, found in both ways."""
    posted = await client.post("/lookup/shellsByAssetLink", json=[named(each["name"], each["value"]) for each in links])
    assert posted.status == 200, await posted.text()
    found = await posted.json()
    assert found["paging_metadata"] == {}
    query = "&".join(f"assetIds={encoded(link)}" for link in links)
    assert await (await client.get(f"/lookup/shells?{query}")).json() == found
    ids: list[str] = found["result"]
    return ids


async def test_the_links_of_a_hosted_shell(client: ClientSession) -> None:
    got = await client.get(f"/lookup/shells/{HOSTED}")
    assert (got.status, await got.json()) == (200, [GLOBAL, SERIAL, OWNER])
    assert (await client.get(f"/lookup/shells/{HOSTED}", headers={"If-None-Match": got.headers["ETag"]})).status == 304


async def test_hosted_shells_are_found(client: ClientSession) -> None:
    assert await search(client, GLOBAL) == ["urn:s:1"]
    assert await search(client, SERIAL, OWNER) == ["urn:s:1"]
    assert await search(client, SERIAL, named("globalAssetId", "urn:s:2:asset")) == []
    assert await search(client, named("serial", "none")) == []
    assert await search(client, named("never", "seen")) == []
    assert await search(client) == ["urn:s:1", "urn:s:2"]


async def test_what_is_found_follows_the_shell(client: ClientSession) -> None:
    await client.put(f"/shells/{HOSTED}", json=shell("urn:s:1", specificAssetIds=[BATCH]))
    assert await search(client, SERIAL) == []
    assert await search(client, BATCH) == ["urn:s:1"]
    await client.delete(f"/shells/{HOSTED}")
    assert await search(client, BATCH) == []
    assert (await client.get(f"/lookup/shells/{HOSTED}")).status == 404


async def test_links_of_a_shell_that_is_elsewhere(client: ClientSession) -> None:
    posted = await client.post(f"/lookup/shells/{FOREIGN}", json=[SERIAL, BATCH])
    assert (posted.status, await posted.json()) == (201, [SERIAL, BATCH])
    assert posted.headers["Location"] == f"/lookup/shells/{FOREIGN}"
    got = await client.get(f"/lookup/shells/{FOREIGN}")
    assert (await got.json(), got.headers["ETag"]) == ([SERIAL, BATCH], posted.headers["ETag"])
    assert await search(client, SERIAL) == ["urn:f:ä", "urn:s:1"]
    assert await search(client, SERIAL, BATCH) == ["urn:f:ä"]


async def test_a_second_post_replaces_all_that_was_posted(client: ClientSession) -> None:
    await client.post(f"/lookup/shells/{FOREIGN}", json=[SERIAL, BATCH])
    assert (await client.post(f"/lookup/shells/{FOREIGN}", json=[OWNER])).status == 201
    assert await (await client.get(f"/lookup/shells/{FOREIGN}")).json() == [OWNER]
    assert await search(client, BATCH) == []


async def test_posted_links_are_added_to_those_of_the_hosted_shell(client: ClientSession) -> None:
    posted = await client.post(f"/lookup/shells/{HOSTED}", json=[BATCH, SERIAL])
    assert (posted.status, await posted.json()) == (201, [BATCH, SERIAL])
    assert await (await client.get(f"/lookup/shells/{HOSTED}")).json() == [GLOBAL, SERIAL, OWNER, BATCH]
    assert await search(client, GLOBAL, SERIAL, BATCH) == ["urn:s:1"]
    assert (await client.delete(f"/lookup/shells/{HOSTED}")).status == 204
    assert await (await client.get(f"/lookup/shells/{HOSTED}")).json() == [GLOBAL, SERIAL, OWNER]
    assert await search(client, GLOBAL, BATCH) == []


async def test_links_that_are_only_the_shells_own_are_not_deleted(client: ClientSession) -> None:
    answer = await client.delete(f"/lookup/shells/{HOSTED}")
    assert answer.status == 403
    assert "assetInformation" in (await answer.json())["messages"][0]["text"]
    assert await search(client, SERIAL) == ["urn:s:1"]


async def test_links_that_are_not_there(client: ClientSession) -> None:
    assert (await client.get(f"/lookup/shells/{FOREIGN}")).status == 404
    assert (await client.delete(f"/lookup/shells/{FOREIGN}")).status == 404
    await client.post(f"/lookup/shells/{FOREIGN}", json=[SERIAL])
    assert (await client.delete(f"/lookup/shells/{FOREIGN}")).status == 204
    assert (await client.get(f"/lookup/shells/{FOREIGN}")).status == 404


@pytest.mark.parametrize("name", ["globalAssetId", "GLOBALASSETID", "globalassetid"])
async def test_the_reserved_name_in_any_case(client: ClientSession, name: str) -> None:
    await client.post(f"/lookup/shells/{FOREIGN}", json=[named(name, "urn:elsewhere")])
    assert await search(client, named("globalAssetId", "urn:elsewhere")) == ["urn:f:ä"]
    assert await search(client, named(name, "urn:s:1:asset")) == ["urn:s:1"]
    await client.post(f"/lookup/shells/{HOSTED}", json=[named(name, "urn:s:1:asset")])
    assert await (await client.get(f"/lookup/shells/{HOSTED}")).json() == [GLOBAL, SERIAL, OWNER]


async def test_preconditions(client: ClientSession) -> None:
    where = f"/lookup/shells/{FOREIGN}"
    assert (await client.post(where, json=[SERIAL], headers={"If-Match": "*"})).status == 412
    first = await client.post(where, json=[SERIAL], headers={"If-None-Match": "*"})
    assert first.status == 201
    assert (await client.post(where, json=[BATCH], headers={"If-None-Match": "*"})).status == 412
    second = await client.post(where, json=[BATCH], headers={"If-Match": first.headers["ETag"]})
    assert second.status == 201
    assert (await client.delete(where, headers={"If-Match": first.headers["ETag"]})).status == 412
    assert (await client.delete(where, headers={"If-Match": second.headers["ETag"]})).status == 204


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "must be a list"),
        ([], "must not be an empty list"),
        ([{"name": "serial"}], "[0].value: a SpecificAssetId must have 'value' (required)"),
        ([SERIAL, {"name": "", "value": "x"}], "[1].name: must not be empty"),
        ([SERIAL, 7], "[1]: must be an object"),
        ([named("globalAssetId", "a"), named("GlobalAssetId", "b")], "[1].value: a shell has one globalAssetId"),
        ([OWNER | {"name": "globalAssetId"}], "[0].externalSubjectId"),
    ],
)
async def test_links_that_are_none(client: ClientSession, body: Any, text: str) -> None:
    answer = await client.post(f"/lookup/shells/{FOREIGN}", json=body)
    assert answer.status == 400
    assert text in (await answer.json())["messages"][0]["text"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "a", "value": "b"}, 400),
        ([{"name": "a"}], 400),
        ([OWNER], 400),
        ([named(str(number), "x") for number in range(101)], 413),
        ([named("a", "x")] * 200, 200),
    ],
)
async def test_searches_that_are_none(client: ClientSession, body: Any, status: int) -> None:
    answer = await client.post("/lookup/shellsByAssetLink", json=body)
    assert answer.status == status, await answer.text()


async def test_a_search_without_a_body_finds_all(client: ClientSession) -> None:
    answer = await client.post("/lookup/shellsByAssetLink")
    assert (await answer.json())["result"] == ["urn:s:1", "urn:s:2"]


@pytest.mark.parametrize("query", ["assetIds=%%%", "assetIds=e30", "limit=0", "cursor=", "cursor=cGs6MQ"])
async def test_parameters_that_are_none(client: ClientSession, query: str) -> None:
    assert (await client.get(f"/lookup/shells?{query}")).status == 400


async def test_both_ways_to_ask_for_several(client: ClientSession) -> None:
    for query in (f"assetIds={encoded(SERIAL)},{encoded(GLOBAL)}", f"assetIds={encoded([SERIAL, GLOBAL])}"):
        assert (await (await client.get(f"/lookup/shells?{query}")).json())["result"] == ["urn:s:1"]
