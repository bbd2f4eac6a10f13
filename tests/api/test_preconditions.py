"""ETag, If-Match, If-None-Match: nobody's update is lost, and nobody is sent what he has."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zstandard
from aiohttp import ClientSession

from aas_server.app import Server
from tests.examples import b64, motors, prop, shell

SUBMODEL = f"/submodels/{b64('urn:x:1')}"


@pytest.fixture(autouse=True)
async def given(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    await client.post("/shells", json=shell("urn:s:1", "urn:x:1"))


async def test_two_clients_with_one_etag_the_second_is_refused(client: ClientSession) -> None:
    etag = (await client.get(SUBMODEL)).headers["ETag"]
    first = await client.put(SUBMODEL, json=motors() | {"idShort": "First"}, headers={"If-Match": etag})
    second = await client.put(SUBMODEL, json=motors() | {"idShort": "Second"}, headers={"If-Match": etag})
    assert (first.status, second.status) == (204, 412)
    assert first.headers["ETag"].strip('"') in (await second.json())["messages"][0]["text"]
    assert (await (await client.get(SUBMODEL)).json())["idShort"] == "First"


WRITES = [
    ("PUT", SUBMODEL, motors()),
    ("PATCH", SUBMODEL, {"modelType": "Submodel", "id": "urn:x:1", "idShort": "New"}),
    ("PATCH", f"{SUBMODEL}/$metadata", {"modelType": "Submodel", "id": "urn:x:1", "idShort": "New"}),
    ("PATCH", f"{SUBMODEL}/$value", {"Name": "new"}),
    ("POST", f"{SUBMODEL}/submodel-elements", prop("New")),
    ("POST", f"{SUBMODEL}/submodel-elements/Motors[0]", prop("New")),
    ("PUT", f"{SUBMODEL}/submodel-elements/Name", prop("Name", "new", "xs:string")),
    ("PATCH", f"{SUBMODEL}/submodel-elements/Name", prop("Name", "new", "xs:string")),
    ("PATCH", f"{SUBMODEL}/submodel-elements/Name/$value", "new"),
    ("DELETE", f"{SUBMODEL}/submodel-elements/Name", None),
    ("DELETE", SUBMODEL, None),
    ("PUT", f"/shells/{b64('urn:s:1')}", shell("urn:s:1")),
    ("PUT", f"/shells/{b64('urn:s:1')}/asset-information", {"assetKind": "Type", "globalAssetId": "urn:new"}),
    ("DELETE", f"/shells/{b64('urn:s:1')}/submodel-refs/{b64('urn:x:1')}", None),
    ("PUT", f"/shells/{b64('urn:s:1')}/submodels/{b64('urn:x:1')}", motors()),
    ("DELETE", f"/shells/{b64('urn:s:1')}/submodels/{b64('urn:x:1')}", None),
    ("DELETE", f"/shells/{b64('urn:s:1')}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_every_write_heeds_if_match(client: ClientSession, method: str, path: str, body: object) -> None:
    kwargs: dict[str, Any] = {"json": body} if body is not None else {}
    before = [await (await client.get(where)).json() for where in (SUBMODEL, f"/shells/{b64('urn:s:1')}")]
    stale = await client.request(method, path, headers={"If-Match": '"stale-1"'}, **kwargs)
    assert stale.status == 412, await stale.text()
    after = [await (await client.get(where)).json() for where in (SUBMODEL, f"/shells/{b64('urn:s:1')}")]
    assert before == after
    owner = f"/shells/{b64('urn:s:1')}" if path.startswith("/shells") and "/submodels/" not in path else SUBMODEL
    etag = (await client.get(owner)).headers["ETag"]
    fresh = await client.request(method, path, headers={"If-Match": etag}, **kwargs)
    assert fresh.status in (200, 201, 204), await fresh.text()


async def test_if_none_match_star_creates_only(client: ClientSession) -> None:
    headers = {"If-None-Match": "*"}
    assert (await client.put(SUBMODEL, json=motors(), headers=headers)).status == 412
    created = await client.put(f"/submodels/{b64('urn:x:2')}", json=motors("urn:x:2"), headers=headers)
    assert created.status == 201


async def test_if_match_of_what_does_not_exist(client: ClientSession) -> None:
    answer = await client.put(f"/submodels/{b64('urn:x:2')}", json=motors("urn:x:2"), headers={"If-Match": "*"})
    assert answer.status == 412


@pytest.mark.parametrize(
    "path", [SUBMODEL, f"{SUBMODEL}/$value", f"{SUBMODEL}/submodel-elements/Name", f"/shells/{b64('urn:s:1')}"]
)
@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
async def test_who_has_it_is_not_sent_it_again(client: ClientSession, path: str, coding: str) -> None:
    headers = {"Accept-Encoding": coding}
    etag = (await client.get(path, headers=headers)).headers["ETag"]
    again = await client.get(path, headers=headers | {"If-None-Match": f'"other", {etag}'})
    assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", etag)
    await client.delete(SUBMODEL)
    await client.delete(f"/shells/{b64('urn:s:1')}")
    assert (await client.get(path, headers=headers | {"If-None-Match": etag})).status == 404


async def test_a_document_made_anew_never_has_an_old_etag(client: ClientSession) -> None:
    etags = set()
    for _ in range(3):
        etags.add((await client.get(SUBMODEL)).headers["ETag"])
        await client.delete(SUBMODEL)
        await client.post("/submodels", json=motors())
    assert len(etags) == 3


async def test_an_equal_document_is_not_rewritten(client: ClientSession) -> None:
    etag = (await client.get(SUBMODEL)).headers["ETag"]
    assert (await client.put(SUBMODEL, json=motors())).headers["ETag"] == etag


@pytest.fixture
async def raw(server: Server) -> AsyncIterator[ClientSession]:
    """A client that sees coded bodies as they are sent."""
    async with ClientSession(server.url, auto_decompress=False) as session:
        yield session


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_large_answers_are_coded_and_each_coding_has_its_etag(
    client: ClientSession, raw: ClientSession, coding: str
) -> None:
    large = motors("urn:x:3")
    large["submodelElements"] += [prop(f"P{number}", "1.5") for number in range(100)]
    await client.post("/submodels", json=large)
    path = f"/submodels/{b64('urn:x:3')}"
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    coded = await raw.get(path, headers={"Accept-Encoding": coding})
    assert coded.headers["Content-Encoding"] == coding
    assert json.loads(decoded(await coded.read(), coding)) == await plain.json() == large
    assert coded.headers["ETag"] != plain.headers["ETag"]
    # A tag of either representation names the same state of the document.
    for etag in (coded.headers["ETag"], plain.headers["ETag"]):
        assert (await client.put(path, json=large, headers={"If-Match": etag})).status == 204
    listed = await raw.get("/submodels", headers={"Accept-Encoding": coding})
    assert listed.headers["Content-Encoding"] == coding
    assert len(json.loads(decoded(await listed.read(), coding))["result"]) == 2


def decoded(body: bytes, coding: str) -> bytes:
    return gzip.decompress(body) if coding == "gzip" else zstandard.ZstdDecompressor().decompress(body)
