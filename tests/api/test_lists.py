"""Lists: filters, pages to the end, contents."""

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from aas_server.api import answering
from aas_server.model.identifiers import decode
from tests.examples import b64, concept, encoded, external, model, motors, prop, shell, submodel

REFERENCE = external("0173-1#01-AHF578#003")


async def ids(client: ClientSession, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    return [document["id"] for document in (await answer.json())["result"]]


async def test_pages_lead_to_the_end_and_the_last_has_no_cursor(client: ClientSession) -> None:
    for number in range(7):
        await client.post("/submodels", json=submodel(f"urn:x:{number}"))
    seen, cursor, pages = [], "", 0
    while True:
        page = await (await client.get(f"/submodels?limit=3{cursor}")).json()
        seen += [document["id"] for document in page["result"]]
        pages += 1
        if not page["paging_metadata"]:
            break
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
        # What comes and goes on the way moves nothing that stays.
        await client.delete(f"/submodels/{b64(seen[0])}")
        await client.put(f"/submodels/{b64('urn:x:4')}", json=submodel("urn:x:4", idShort="Changed"))
    assert (seen, pages) == ([f"urn:x:{number}" for number in range(7)], 3)


async def test_an_empty_list(client: ClientSession) -> None:
    for path in ("/shells", "/submodels", "/concept-descriptions"):
        assert await (await client.get(path)).json() == {"paging_metadata": {}, "result": []}


async def test_submodels_by_semantic_id_supplemental_ones_included(client: ClientSession) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", semanticId=REFERENCE))
    await client.post(
        "/submodels", json=submodel("urn:x:2", semanticId=external("urn:o"), supplementalSemanticIds=[REFERENCE])
    )
    await client.post("/submodels", json=submodel("urn:x:3", semanticId=external("urn:o")))
    assert await ids(client, f"/submodels?semanticId={encoded(REFERENCE)}") == ["urn:x:1", "urn:x:2"]
    spaced = b64('{ "type":"ExternalReference", "keys":[ {"value":"urn:o","type":"GlobalReference"} ] }')
    assert await ids(client, f"/submodels?semanticId={spaced}") == ["urn:x:2", "urn:x:3"]
    assert await ids(client, f"/submodels?semanticId={encoded(external('urn:none'))}") == []


async def test_by_id_short(client: ClientSession) -> None:
    for path, make in (("/shells", shell), ("/submodels", submodel), ("/concept-descriptions", concept)):
        await client.post(path, json=make("urn:1") | {"idShort": "Press"})
        await client.post(path, json=make("urn:2") | {"idShort": "Lathe"})
        assert await ids(client, f"{path}?idShort=Press") == ["urn:1"]
        assert await ids(client, f"{path}?idShort=press") == []


SERIAL, BATCH = {"name": "serial", "value": "4711"}, {"name": "batch", "value": "b1"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"assetIds={encoded(SERIAL)}", ["urn:s:1"]),
        (f"assetIds={encoded(BATCH)}", ["urn:s:1", "urn:s:2"]),
        (f"assetIds={encoded(SERIAL)}&assetIds={encoded(BATCH)}", ["urn:s:1"]),
        (f"assetIds={encoded(SERIAL)},{encoded(BATCH)}", ["urn:s:1"]),
        (f"assetIds={encoded([SERIAL, BATCH])}", ["urn:s:1"]),
        (f"assetIds={encoded({'name': 'globalAssetId', 'value': 'urn:s:2:asset'})}", ["urn:s:2"]),
        (f"assetIds={encoded({'name': 'GLOBALASSETID', 'value': 'urn:s:2:asset'})}", ["urn:s:2"]),
        (f"assetIds={encoded(SERIAL)}&idShort=Other", []),
        (f"assetIds={encoded({'name': 'serial', 'value': '0815'})}", []),
    ],
)
async def test_shells_by_asset_ids(client: ClientSession, query: str, expected: list[str]) -> None:
    await client.post("/shells", json=shell("urn:s:1", specificAssetIds=[SERIAL, BATCH]))
    await client.post("/shells", json=shell("urn:s:2", specificAssetIds=[BATCH]))
    assert await ids(client, f"/shells?{query}") == expected


async def test_concepts_by_what_they_are_a_case_of_and_by_data_specification(client: ClientSession) -> None:
    specification = external("https://admin-shell.io/DataSpecificationTemplates/DataSpecificationIec61360/3")
    content = {
        "modelType": "DataSpecificationIec61360",
        "preferredName": [{"language": "en", "text": "speed"}],
        "definition": [{"language": "en", "text": "how fast"}],
    }
    embedded = [{"dataSpecification": specification, "dataSpecificationContent": content}]
    await client.post("/concept-descriptions", json=concept("urn:c:1", isCaseOf=[REFERENCE]))
    await client.post("/concept-descriptions", json=concept("urn:c:2", embeddedDataSpecifications=embedded))
    assert await ids(client, f"/concept-descriptions?isCaseOf={encoded(REFERENCE)}") == ["urn:c:1"]
    assert await ids(client, f"/concept-descriptions?dataSpecificationRef={encoded(specification)}") == ["urn:c:2"]


@pytest.mark.parametrize("query", ["assetIds=%%%", "assetIds=e30", "semanticId=bm9KU09O", "semanticId=e30"])
async def test_a_filter_that_is_none_is_refused(client: ClientSession, query: str) -> None:
    path = "/shells" if query.startswith("asset") else "/submodels"
    answer = await client.get(f"{path}?{query}")
    assert answer.status == 400
    assert (await answer.json())["messages"]


async def test_contents_of_lists(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    await client.post("/shells", json=shell("urn:s:1"))
    shells = await (await client.get("/shells/$reference")).json()
    assert shells["result"] == [model("urn:s:1", "AssetAdministrationShell")]
    submodels = await (await client.get("/submodels/$reference")).json()
    assert submodels["result"] == [model("urn:x:1")]
    (metadata,) = (await (await client.get("/submodels/$metadata")).json())["result"]
    assert metadata == {"modelType": "Submodel", "id": "urn:x:1"}
    (core,) = (await (await client.get("/submodels?level=core")).json())["result"]
    assert [element["idShort"] for element in core["submodelElements"]] == ["Motors", "Name"]


@given(
    gone=st.lists(st.sets(st.integers(0, 29), max_size=12), min_size=1, max_size=6),
    limit=st.integers(1, 7),
)
def test_pages_inside_a_document_neither_repeat_nor_skip_what_stays(gone: list[set[int]], limit: int) -> None:
    """Between any two pages some items go, and as many come at the end."""
    keys = [f"E{number}" for number in range(30)]
    removed, seen, cursor, new = set[str](), list[str](), None, 0
    while True:
        call = Paging(limit, cursor)
        start, end, following = answering.window(call, keys)  # type: ignore[arg-type]
        seen += keys[start:end]
        if following is None:
            break
        cursor = following
        away = {f"E{number}" for number in (gone.pop() if gone else ())} & set(keys)
        removed |= away
        keys = [key for key in keys if key not in away] + [f"N{new + number}" for number in range(len(away))]
        new += len(away)
    assert len(seen) == len(set(seen))
    assert {f"E{number}" for number in range(30)} - removed <= set(seen)
    assert [key for key in seen if key in keys] == [key for key in keys if key in seen]


class Paging:
    """As much of a call as a page inside a document asks for."""

    def __init__(self, limit: int, cursor: str | None) -> None:
        self.limit = limit
        self.position = None
        if cursor is not None:
            number, _, marks = decode(cursor).partition(":")
            self.position = (int(number), marks)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7, 100])
async def test_paths_of_all_submodels_in_the_old_version(client: ClientSession, limit: int) -> None:
    """Submodels with none, one and several elements, so that pages end inside of, between and behind them."""
    for number in range(9):
        elements = [prop(f"P{number}{place}") for place in range(number % 4)]
        assert (await client.post("/submodels", json=submodel(f"urn:x:{number}", *elements))).status == 201
    wanted = [f"P{number}{place}" for number in range(9) for place in range(number % 4)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await (await client.get(f"/api/v3.0/submodels/$path?limit={limit}{cursor}")).json()
        assert len(page["result"]) <= limit
        seen += [path for path in page["result"] if path.startswith("P")]
        if not page["paging_metadata"]:
            break
        assert len(page["result"]) == limit
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
        # What goes on the way moves nothing that stays.
        await client.delete(f"/submodels/{b64('urn:x:0')}")
    assert seen == wanted
