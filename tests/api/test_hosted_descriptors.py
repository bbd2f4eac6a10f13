"""Descriptors of what is hosted here: there without being posted, always in step, and behind those that are posted."""

import asyncio
import dataclasses
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession
from multidict import CIMultiDict

from aas_server.app import Server, listening
from aas_server.config import Settings
from aas_server.repository import Repository
from tests.api.test_descriptors import messages, shell_descriptor, submodel_descriptor
from tests.examples import b64, external, model, prop, shell, submodel

SHELL, SUBMODEL, OTHER = b64("urn:s:1"), b64("urn:x:1"), b64("urn:x:2")
SHELLS, SUBMODELS = "/shell-descriptors", "/submodel-descriptors"
BELOW = f"{SHELLS}/{SHELL}/submodel-descriptors"
MEANING = external("urn:meaning")

#: One store is enough: what is asked here does not depend on it.
pytestmark = pytest.mark.parametrize("settings", ["memory"], indirect=True)


@pytest.fixture(autouse=True)
async def hosted(client: ClientSession) -> None:
    """A shell that refers to two hosted submodels and to one that is elsewhere."""
    document = shell("urn:s:1", "urn:x:1", "urn:elsewhere", "urn:x:2", assetType="urn:t") | {"idShort": "Press"}
    await client.post("/shells", json=document)
    await client.post("/submodels", json=submodel("urn:x:1", semanticId=MEANING, administration={"version": "1"}))
    await client.post("/submodels", json=submodel("urn:x:2", description=[{"language": "en", "text": "drive"}]))


async def get(client: ClientSession, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    found: dict[str, Any] = await answer.json()
    return found


def endpoints(root: str, collection: str, identifier: str) -> list[dict[str, Any]]:
    name = {"shells": "AAS", "submodels": "SUBMODEL"}[collection]
    return [
        {
            "interface": f"{name}-{version}",
            "protocolInformation": {
                "href": f"{root}/api/v{version}/{collection}/{identifier}",
                "endpointProtocol": root.partition(":")[0].upper(),
                "endpointProtocolVersion": ["1.1"],
            },
        }
        for version in ("3.1", "3.0")
    ]


async def test_a_hosted_shell_has_a_descriptor(client: ClientSession, server: Server) -> None:
    first = {"administration": {"version": "1"}, "id": "urn:x:1", "semanticId": MEANING}
    second = {"description": [{"language": "en", "text": "drive"}], "id": "urn:x:2"}
    assert await get(client, f"{SHELLS}/{SHELL}") == {
        "idShort": "Press",
        "id": "urn:s:1",
        "assetKind": "Instance",
        "assetType": "urn:t",
        "globalAssetId": "urn:s:1:asset",
        "endpoints": endpoints(server.url, "shells", SHELL),
        "submodelDescriptors": [
            first | {"endpoints": endpoints(server.url, "submodels", SUBMODEL)},
            second | {"endpoints": endpoints(server.url, "submodels", OTHER)},
        ],
    }


async def test_a_hosted_submodel_has_one_in_both_places(client: ClientSession) -> None:
    alone = await get(client, f"{SUBMODELS}/{SUBMODEL}")
    assert (alone["id"], alone["semanticId"]) == ("urn:x:1", MEANING)
    assert await get(client, f"{BELOW}/{SUBMODEL}") == alone
    assert [each["id"] for each in (await get(client, BELOW))["result"]] == ["urn:x:1", "urn:x:2"]
    assert [each["id"] for each in (await get(client, SUBMODELS))["result"]] == ["urn:x:1", "urn:x:2"]
    assert (await client.get(f"{SUBMODELS}/{b64('urn:elsewhere')}")).status == 404
    assert (await client.get(f"{BELOW}/{b64('urn:elsewhere')}")).status == 404


async def test_the_endpoints_lead_to_what_is_described(client: ClientSession) -> None:
    descriptor = await get(client, f"{SHELLS}/{SHELL}")
    for described in (descriptor, *descriptor["submodelDescriptors"]):
        for endpoint in described["endpoints"]:
            answer = await client.get(endpoint["protocolInformation"]["href"])
            assert (answer.status, (await answer.json())["id"]) == (200, described["id"])


async def test_descriptors_are_in_step_without_a_moment_between(client: ClientSession) -> None:
    seen = (await client.get(f"{SHELLS}/{SHELL}")).headers["ETag"]
    await client.put(f"/submodels/{OTHER}", json=submodel("urn:x:2", idShort="Drive"))
    changed = await client.get(f"{SHELLS}/{SHELL}", headers={"If-None-Match": seen})
    assert (changed.status, (await changed.json())["submodelDescriptors"][1]["idShort"]) == (200, "Drive")
    await client.post(f"/submodels/{SUBMODEL}/submodel-elements", json=prop("Speed"))
    await client.patch(f"/submodels/{SUBMODEL}/submodel-elements/Speed/$value", json=7)
    same = await client.get(f"{SHELLS}/{SHELL}", headers={"If-None-Match": changed.headers["ETag"]})
    assert same.status == 304
    await client.post(f"/shells/{SHELL}/submodel-refs", json=model("urn:x:3"))
    await client.post("/submodels", json=submodel("urn:x:3"))
    await client.delete(f"/submodels/{SUBMODEL}")
    assert [each["id"] for each in (await get(client, BELOW))["result"]] == ["urn:x:2", "urn:x:3"]
    await client.delete(f"/shells/{SHELL}")
    assert (await client.get(f"{SHELLS}/{SHELL}")).status == 404
    assert (await get(client, SHELLS))["result"] == []


async def test_hosted_and_posted_stand_in_one_list(client: ClientSession) -> None:
    await client.post(SHELLS, json=shell_descriptor("urn:s:0", assetKind="Instance"))
    await client.post(SHELLS, json=shell_descriptor("urn:s:2", assetKind="Type", assetType="urn:t"))

    async def found(query: str) -> list[str]:
        return [each["id"] for each in (await get(client, f"{SHELLS}?{query}"))["result"]]

    assert await found("") == ["urn:s:0", "urn:s:1", "urn:s:2"]
    assert await found("assetKind=Instance") == ["urn:s:0", "urn:s:1"]
    assert await found(f"assetType={b64('urn:t')}") == ["urn:s:1", "urn:s:2"]
    await client.put(f"{SHELLS}/{SHELL}", json=shell_descriptor("urn:s:1", assetKind="Role"))
    assert await found("assetKind=Instance") == ["urn:s:0"]
    assert await found("assetKind=Role") == ["urn:s:1"]
    assert await found("") == ["urn:s:0", "urn:s:1", "urn:s:2"]


POSTED = {
    f"{SHELLS}/{SHELL}": shell_descriptor("urn:s:1", "urn:n:1"),
    f"{SUBMODELS}/{SUBMODEL}": submodel_descriptor("urn:x:1"),
    f"{BELOW}/{SUBMODEL}": submodel_descriptor("urn:x:1"),
}


@pytest.mark.parametrize("where", POSTED)
async def test_a_posted_descriptor_stands_for_the_hosted_one_until_it_is_deleted(
    client: ClientSession, where: str
) -> None:
    hosted = await get(client, where)
    listed = await get(client, where.rpartition("/")[0])
    conflict = await client.post(where.rpartition("/")[0], json=POSTED[where])
    assert conflict.status == 409
    put = await client.put(where, json=POSTED[where])
    assert (put.status, await get(client, where)) == (204, POSTED[where])
    among = (await get(client, where.rpartition("/")[0]))["result"]
    assert [POSTED[where] if each["id"] == hosted["id"] else each for each in listed["result"]] == among
    assert (await client.delete(where)).status == 204
    assert await get(client, where) == hosted
    assert await get(client, where.rpartition("/")[0]) == listed


@pytest.mark.parametrize("where", POSTED)
async def test_what_is_merely_hosted_is_not_deleted(client: ClientSession, where: str) -> None:
    answer = await client.delete(where)
    assert answer.status == 403
    assert "hosted here" in (await messages(answer))[0]
    assert (await client.get(where)).status == 200


@pytest.mark.parametrize("where", POSTED)
async def test_preconditions_count_for_hosted_ones(client: ClientSession, where: str) -> None:
    seen = (await client.get(where)).headers["ETag"]
    for headers in ({"If-None-Match": "*"}, {"If-Match": '"other"'}):
        assert (await client.put(where, json=POSTED[where], headers=headers)).status == 412
    assert (await client.put(where, json=POSTED[where], headers={"If-Match": seen})).status == 204
    assert (await client.put(where, json=POSTED[where], headers={"If-Match": seen})).status == 412


async def test_version_30_replaces_hosted_ones(client: ClientSession) -> None:
    for where, descriptor in POSTED.items():
        assert (await client.put(f"/api/v3.0{where}", json=descriptor)).status == (
            404 if where.startswith(BELOW) else 204
        )


async def test_a_submodel_from_elsewhere_below_a_hosted_shell(client: ClientSession) -> None:
    """It is kept beside the shell, so that the descriptor stays in step with both."""
    elsewhere = submodel_descriptor("urn:elsewhere")
    posted = await client.post(BELOW, json=elsewhere)
    assert (posted.status, await posted.json()) == (201, elsewhere)
    assert (await client.get(BELOW + f"/{b64('urn:elsewhere')}")).headers["ETag"] == posted.headers["ETag"]
    await client.put(f"/submodels/{SUBMODEL}", json=submodel("urn:x:1", idShort="Plate"))
    nested = (await get(client, f"{SHELLS}/{SHELL}"))["submodelDescriptors"]
    assert [each.get("idShort", each["id"]) for each in nested] == ["Plate", "urn:x:2", "urn:elsewhere"]
    assert (await client.post(BELOW, json=elsewhere)).status == 409
    changed = await client.put(f"{BELOW}/{b64('urn:elsewhere')}", json=elsewhere | {"idShort": "Far"})
    assert changed.status == 204
    assert (await get(client, f"{BELOW}/{b64('urn:elsewhere')}"))["idShort"] == "Far"
    assert (await client.delete(f"{BELOW}/{b64('urn:elsewhere')}")).status == 204
    assert (await client.delete(f"{BELOW}/{b64('urn:elsewhere')}")).status == 404
    assert [each["id"] for each in (await get(client, BELOW))["result"]] == ["urn:x:1", "urn:x:2"]


# Addresses


@pytest.fixture
async def shown(repository: Repository, settings: Settings) -> Any:
    """`shown(headers, external_url=…)`: the first endpoint of the hosted shell as a server of such settings has it."""

    async def show(headers: dict[str, str], **changed: str) -> tuple[int, str]:
        altered = dataclasses.replace(settings, **changed)  # type: ignore[arg-type]
        async with listening(repository, altered) as server, aiohttp.ClientSession(server.url) as session:
            answer = await session.get(f"{SHELLS}/{SHELL}", headers=headers)
            body = await answer.json()
        if answer.status != 200:
            return answer.status, body["messages"][0]["text"]
        href: str = body["endpoints"][0]["protocolInformation"]["href"]
        return 200, href.removesuffix(f"/api/v3.1/shells/{SHELL}")

    return show


FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "spoof.org, aas.example.org",
    "X-Forwarded-Prefix": "/aas",
}


@pytest.mark.parametrize(
    ("headers", "changed", "expected"),
    [
        ({"Host": "plant.local:8080"}, {}, "http://plant.local:8080"),
        ({"Host": "[::1]:8080"}, {}, "http://[::1]:8080"),
        ({"Host": "plant.local"} | FORWARDED, {}, "http://plant.local"),
        ({"Host": "plant.local"} | FORWARDED, {"trusted_proxies": "10.0.0.0/8"}, "http://plant.local"),
        (FORWARDED, {"trusted_proxies": "10.0.0.0/8, 127.0.0.1"}, "https://aas.example.org/aas"),
        (
            CIMultiDict([("X-Forwarded-Host", "spoof.org"), ("X-Forwarded-Host", "aas.example.org")]),
            {"trusted_proxies": "127.0.0.1"},
            "http://aas.example.org",
        ),
        ({"X-Forwarded-Proto": "https", "Host": "h"}, {"trusted_proxies": "127.0.0.0/8"}, "https://h"),
        (
            {"Forwarded": 'host=spoof.org, for=1.2.3.4;host="aas.example.org:8443";proto=https'} | FORWARDED,
            {"trusted_proxies": "127.0.0.1"},
            "https://aas.example.org:8443/aas",
        ),
        (FORWARDED, {"trusted_proxies": "127.0.0.1", "external_url": "https://x.org/y/"}, "https://x.org/y"),
        ({"Host": "h"}, {"external_url": "https://x.org"}, "https://x.org"),
    ],
)
async def test_endpoints_have_the_address_that_clients_use(
    shown: Any, headers: dict[str, str], changed: dict[str, str], expected: str
) -> None:
    assert await shown(headers, **changed) == (200, expected)


@pytest.mark.parametrize("host", ["a/b", "user@host", "h?x", "h:port"])
async def test_a_host_that_is_none_is_refused(shown: Any, host: str) -> None:
    status, text = await shown({"Host": host})
    assert status == 400
    assert "no address" in text


async def test_a_client_that_names_no_host(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(f"GET {SHELLS}/{SHELL} HTTP/1.0\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert f'"{server.url}/api/v3.1/shells/{SHELL}"' in answer


@pytest.mark.parametrize(
    "changed", [{"external_url": "aas.example.org"}, {"external_url": "https://u:p@h"}, {"trusted_proxies": "proxy"}]
)
def test_settings_that_cannot_be(changed: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="|".join([*changed, "proxy"])):
        Settings(**changed)  # type: ignore[arg-type]
