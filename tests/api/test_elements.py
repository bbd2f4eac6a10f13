"""Submodel elements by idShortPath."""

import pytest
from aiohttp import ClientSession

from tests.examples import b64, collection, external, listed, motors, prop, submodel

SUBMODEL = f"/submodels/{b64('urn:x:1')}"
ELEMENTS = f"{SUBMODEL}/submodel-elements"


@pytest.fixture(autouse=True)
async def given(client: ClientSession) -> None:
    assert (await client.post("/submodels", json=motors())).status == 201


async def test_value_of_a_list_item(client: ClientSession) -> None:
    answer = await client.get(f"{ELEMENTS}/Motors%5B0%5D.Speed/$value")
    assert (answer.status, await answer.json()) == (200, 4.2)
    plain = await client.get(f"{ELEMENTS}/Motors[0].Speed/$value")
    assert await plain.read() == await answer.read()


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("", prop("Speed", "4.2")),
        ("/$value", 4.2),
        ("/$metadata", {"modelType": "Property", "valueType": "xs:double", "idShort": "Speed"}),
    ],
)
async def test_contents_of_an_element(client: ClientSession, suffix: str, expected: object) -> None:
    answer = await client.get(f"{ELEMENTS}/Motors[0].Speed{suffix}")
    assert (answer.status, await answer.json()) == (200, expected)
    assert answer.headers["ETag"]


async def test_reference_and_paths_of_an_element(client: ClientSession) -> None:
    reference = await (await client.get(f"{ELEMENTS}/Motors[0].Speed/$reference")).json()
    assert reference["type"] == "ModelReference"
    assert [(key["type"], key["value"]) for key in reference["keys"]] == [
        ("Submodel", "urn:x:1"),
        ("SubmodelElementList", "Motors"),
        ("SubmodelElementCollection", "0"),
        ("Property", "Speed"),
    ]
    paths = await (await client.get(f"{ELEMENTS}/Motors/$path")).json()
    assert paths == ["Motors", "Motors[0]", "Motors[0].Speed", "Motors[1]", "Motors[1].Speed"]


@pytest.mark.parametrize("path", ["Nothing", "Motors[7]", "Motors[0].Nothing", "Name.Below", "Motors.Speed"])
async def test_a_path_that_leads_nowhere_is_not_found(client: ClientSession, path: str) -> None:
    answer = await client.get(f"{ELEMENTS}/{path}")
    assert answer.status == 404
    assert path.partition(".")[0] in (await answer.json())["messages"][0]["text"]


@pytest.mark.parametrize("path", ["Motors[", "Motors[01]", ".Motors", "Mo tors", "%5B0%5D"])
async def test_what_is_no_path_is_refused(client: ClientSession, path: str) -> None:
    assert (await client.get(f"{ELEMENTS}/{path}")).status == 400


async def test_post_adds_to_the_submodel_to_a_collection_and_to_a_list(client: ClientSession) -> None:
    top = await client.post(ELEMENTS, json=prop("Weight", "7"))
    assert (top.status, top.headers["Location"]) == (201, f"{ELEMENTS}/Weight")
    below = await client.post(f"{ELEMENTS}/Motors[0]", json=prop("Torque", "9"))
    assert (below.status, below.headers["Location"]) == (201, f"{ELEMENTS}/Motors%5B0%5D.Torque")
    last = await client.post(f"{ELEMENTS}/Motors", json=collection(None, prop("Speed", "0")))
    assert (last.status, last.headers["Location"]) == (201, f"{ELEMENTS}/Motors%5B2%5D")
    assert await (await client.get(below.headers["Location"] + "/$value")).json() == 9
    paths = await (await client.get(f"{SUBMODEL}/$path")).json()
    assert paths == [
        *("Motors", "Motors[0]", "Motors[0].Speed", "Motors[0].Torque", "Motors[1]", "Motors[1].Speed"),
        *("Motors[2]", "Motors[2].Speed", "Name", "Weight"),
    ]


async def test_a_taken_id_short_is_a_conflict(client: ClientSession) -> None:
    assert (await client.post(ELEMENTS, json=prop("Name"))).status == 409


async def test_a_list_refuses_what_it_does_not_hold(client: ClientSession) -> None:
    answer = await client.post(f"{ELEMENTS}/Motors", json=prop(None))
    assert answer.status == 400
    assert "AASd-108" in (await answer.json())["messages"][0]["text"]


async def test_put_creates_and_replaces_an_element(client: ClientSession) -> None:
    created = await client.put(f"{ELEMENTS}/Weight", json=prop("Weight", "7"))
    assert (created.status, created.headers["Location"]) == (201, f"{ELEMENTS}/Weight")
    replaced = await client.put(f"{ELEMENTS}/Weight", json=prop("Weight", "8"))
    assert replaced.status == 204
    assert await (await client.get(f"{ELEMENTS}/Weight/$value")).json() == 8
    assert (await client.put(f"{ELEMENTS}/No.Weight", json=prop("Weight"))).status == 404
    assert (await client.put(f"{ELEMENTS}/Weight", json=prop("Mass"))).status == 400


@pytest.mark.parametrize(("value", "stored"), [(5, "5"), (1.5, "1.5"), (1e300, "1e+300")])
async def test_patch_of_a_value(client: ClientSession, value: float, stored: str) -> None:
    before = (await client.get(SUBMODEL)).headers["ETag"]
    answer = await client.patch(f"{ELEMENTS}/Motors[1].Speed/$value", json=value)
    assert answer.status == 204
    got = await client.get(f"{ELEMENTS}/Motors[1].Speed")
    assert float((await got.json())["value"]) == float(stored)
    assert before != got.headers["ETag"] == answer.headers["ETag"]
    assert (await (await client.get(f"{SUBMODEL}/$value")).json())["Motors"][1]["Speed"] == value


async def test_a_value_that_does_not_fit_changes_nothing(client: ClientSession) -> None:
    before = await client.get(SUBMODEL)
    answer = await client.patch(f"{SUBMODEL}/$value", json={"Name": "lathe", "Motors": [{"Speed": "fast"}]})
    assert answer.status == 400
    assert "Motors[0].Speed" in (await answer.json())["messages"][0]["text"]
    after = await client.get(SUBMODEL)
    assert (await after.json(), after.headers["ETag"]) == (await before.json(), before.headers["ETag"])


async def test_the_same_value_again_is_no_change(client: ClientSession) -> None:
    first = await client.patch(f"{ELEMENTS}/Name/$value", json="lathe")
    second = await client.patch(f"{ELEMENTS}/Name/$value", json="lathe")
    assert (second.status, second.headers["ETag"]) == (204, first.headers["ETag"])


async def test_patch_of_an_element_keeps_what_is_not_named(client: ClientSession) -> None:
    body = {"modelType": "Property", "valueType": "xs:string", "category": "CONSTANT"}
    assert (await client.patch(f"{ELEMENTS}/Name/$metadata", json=body)).status == 204
    got = await (await client.get(f"{ELEMENTS}/Name")).json()
    assert got == prop("Name", "press", "xs:string") | {"category": "CONSTANT"}


async def test_delete_removes_an_element_and_moves_a_list_up(client: ClientSession) -> None:
    assert (await client.delete(f"{ELEMENTS}/Motors[0]")).status == 204
    assert await (await client.get(f"{ELEMENTS}/Motors[0].Speed/$value")).json() == 1000
    assert (await client.delete(f"{ELEMENTS}/Motors[0]")).status == 204
    assert "value" not in await (await client.get(f"{ELEMENTS}/Motors")).json()
    assert (await client.delete(f"{ELEMENTS}/Motors[0]")).status == 404


async def test_elements_in_pages(client: ClientSession) -> None:
    await client.put(
        f"/submodels/{b64('urn:x:2')}",
        json=submodel("urn:x:2", *(prop(f"P{number}", str(number)) for number in range(7))),
    )
    seen, cursor = [], ""
    while True:
        page = await (await client.get(f"/submodels/{b64('urn:x:2')}/submodel-elements?limit=3{cursor}")).json()
        seen += [element["idShort"] for element in page["result"]]
        if "cursor" not in page["paging_metadata"]:
            break
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
    assert seen == [f"P{number}" for number in range(7)]


async def test_a_page_goes_on_where_its_last_element_was_deleted(client: ClientSession) -> None:
    elements = f"/submodels/{b64('urn:x:2')}/submodel-elements"
    await client.post("/submodels", json=submodel("urn:x:2", *(prop(f"P{number}") for number in range(4))))
    page = await (await client.get(f"{elements}?limit=2")).json()
    await client.delete(f"{elements}/P1")
    rest = await (await client.get(f"{elements}?cursor={page['paging_metadata']['cursor']}")).json()
    assert [element["idShort"] for element in rest["result"]] == ["P2", "P3"]


async def test_contents_of_all_elements(client: ClientSession) -> None:
    value = await (await client.get(f"{ELEMENTS}/$value")).json()
    assert value["result"] == {"Motors": [{"Speed": 4.2}, {"Speed": 1000}], "Name": "press"}
    paths = await (await client.get(f"{ELEMENTS}/$path")).json()
    assert paths["result"] == ["Motors", "Motors[0]", "Motors[0].Speed", "Motors[1]", "Motors[1].Speed", "Name"]
    references = await (await client.get(f"{ELEMENTS}/$reference")).json()
    assert [reference["keys"][-1]["value"] for reference in references["result"]] == ["Motors", "Name"]
    metadata = await (await client.get(f"{ELEMENTS}/$metadata")).json()
    assert [element["idShort"] for element in metadata["result"]] == ["Motors", "Name"]


@pytest.mark.parametrize("path", ["Motors/$metadata?level=core", "Name/$metadata?extent=withBlobValue"])
async def test_modifiers_that_do_not_go_together_are_refused(client: ClientSession, path: str) -> None:
    assert (await client.get(f"{ELEMENTS}/{path}")).status == 400


async def test_an_operation_has_no_value(client: ClientSession) -> None:
    await client.post(ELEMENTS, json={"modelType": "Operation", "idShort": "Run"})
    assert (await client.get(f"{ELEMENTS}/Run/$value")).status == 400
    assert "Run" not in await (await client.get(f"{SUBMODEL}/$value")).json()


async def test_lists_of_typed_values_keep_their_order(client: ClientSession) -> None:
    numbers = listed(
        "Numbers", "Property", *(prop(None, text) for text in ("3", "1", "2")), valueTypeListElement="xs:double"
    )
    assert (await client.post(ELEMENTS, json=numbers)).status == 201
    assert await (await client.get(f"{ELEMENTS}/Numbers/$value")).json() == [3, 1, 2]


async def test_the_only_item_of_a_list_may_change_its_meaning(client: ClientSession) -> None:
    """AASd-114 compares with the other items, not with the one that is replaced."""
    meaning, other = external("urn:one"), external("urn:other")
    await client.post(
        ELEMENTS, json=listed("One", "Property", prop(None, semanticId=meaning), valueTypeListElement="xs:double")
    )
    assert (await client.put(f"{ELEMENTS}/One[0]", json=prop(None, semanticId=other))).status == 204
    assert (await client.post(f"{ELEMENTS}/One", json=prop(None, semanticId=meaning))).status == 400


async def test_a_template_qualifier_belongs_in_a_template(client: ClientSession) -> None:
    """AASd-129, which the element alone does not tell."""
    qualifier = {"kind": "TemplateQualifier", "type": "SMT/Cardinality", "valueType": "xs:string", "value": "One"}
    element = collection("Group", prop("Weight", qualifiers=[qualifier]))
    answer = await client.post(ELEMENTS, json=element)
    assert answer.status == 400
    assert "AASd-129" in (await answer.json())["messages"][0]["text"]
    await client.post("/submodels", json=submodel("urn:template", kind="Template"))
    assert (await client.post(f"/submodels/{b64('urn:template')}/submodel-elements", json=element)).status == 201


async def test_nothing_can_be_added_below_what_holds_nothing(client: ClientSession) -> None:
    assert (await client.post(f"{ELEMENTS}/Name", json=prop("Below"))).status == 400
    assert (await client.put(f"{ELEMENTS}/Name.Below", json=prop("Below"))).status == 400
