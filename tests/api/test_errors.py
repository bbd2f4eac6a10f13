"""Whatever is wrong, the answer is a Result that says what and where, and nothing is half done."""

import asyncio
import gzip
import json
import re
import zlib

import pytest
from aiohttp import ClientSession
from yarl import URL

from aas_server.app import Server
from tests.examples import b64, collection, motors, prop, submodel

SUBMODEL = f"/submodels/{b64('urn:x:1')}"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def refused(answer: object, status: int) -> str:
    """The text of the Result, checked for its form."""
    assert answer.status == status, await answer.text()  # type: ignore[attr-defined]
    body = await answer.json()  # type: ignore[attr-defined]
    assert set(body) == {"messages"}
    for message in body["messages"]:
        assert message["messageType"] in ("Error", "Exception")
        assert message["code"] == str(status)
        assert TIME.fullmatch(message["timestamp"])
    return "; ".join(message["text"] for message in body["messages"])


async def test_an_unknown_path(client: ClientSession) -> None:
    assert "/nowhere" in await refused(await client.get("/nowhere"), 404)


async def test_a_method_that_is_not_offered_names_those_that_are(client: ClientSession) -> None:
    answer = await client.delete("/shells")
    await refused(answer, 405)
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}
    options = await client.options("/shells")
    assert (options.status, "GET" in options.headers["Allow"]) == (204, True)


@pytest.mark.parametrize("encoded", ["%20", "dXJuOng6MQ==", "a", "!!", "gICA"])
async def test_an_identifier_that_is_none(client: ClientSession, encoded: str) -> None:
    await refused(await client.get(f"/submodels/{encoded}"), 400)


async def test_padding_is_named_and_taken_by_the_old_version(client: ClientSession) -> None:
    await client.post("/submodels", json=submodel("urn:x:11"))
    padded = b64("urn:x:11") + "="
    assert "padding" in await refused(await client.get(f"/submodels/{padded}"), 400)
    assert (await client.get(f"/api/v3.0/submodels/{padded}")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"modelType":"Submodel","id":"\xff"}',
        b'{"modelType":"Submodel","id":"\\ud800"}',
        b'{"modelType":"Submodel","id":"urn:x:1","id":"urn:x:2"}',
        b'{"modelType": "Submodel", "id": "urn:x:1", "idShort": "A", "idShort": "A"}',
        b'{"modelType":"Submodel","id":NaN}',
        b'{"modelType":"Submodel","id":1e999}',
        b'{"modelType":"Submodel"}',
        b'{"modelType":"Submodel","id":"urn:x:1","unknown":1}',
        b'{"modelType":"Submodel","id":"urn:x:1","submodelElements":[]}',
        b'{"modelType":"Nothing","id":"urn:x:1"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
async def test_bodies_that_are_no_submodel(client: ClientSession, body: bytes) -> None:
    answer = await client.post("/submodels", data=body, headers={"Content-Type": "application/json"})
    assert await refused(answer, 400)
    assert (await (await client.get("/submodels")).json())["result"] == []


async def test_a_media_type_that_is_not_read(client: ClientSession) -> None:
    answer = await client.post("/submodels", data=b"a: b", headers={"Content-Type": "application/yaml"})
    assert "application/json" in await refused(answer, 415)


async def test_nesting_is_bounded(client: ClientSession) -> None:
    element = prop("Deep")
    for _ in range(126):
        element = collection("C", element)
    await refused(await client.post("/submodels", json=submodel("urn:x:1", element)), 400)
    element = prop("Deep")
    for _ in range(90):
        element = collection("C", element)
    assert (await client.post("/submodels", json=submodel("urn:x:1", element))).status == 201
    assert (await client.get(f"{SUBMODEL}/$value")).status == 200


async def test_a_body_too_large_is_refused_by_its_announced_length(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(
        b"POST /submodels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b" 413 " in answer.partition(b"\r\n")[0]
    writer.close()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_coded_body_is_counted_as_it_grows(client: ClientSession, coding: str) -> None:
    bomb = b'{"modelType":"Submodel","id":"' + b"x" * (100 << 20) + b'"}'
    coded = gzip.compress(bomb) if coding == "gzip" else zlib.compress(bomb)
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await client.post("/submodels", data=coded, headers=headers)
    await refused(answer, 413)


@pytest.mark.parametrize("path", ["/submodels", "/upload", "/nowhere"])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_body_that_is_not_coded_as_it_says(
    client: ClientSession, caplog: pytest.LogCaptureFixture, path: str, coding: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await client.post(path, data=b"\x1f\x8b\x08" + b"garbage" * 9, headers=headers)
    text = await refused(answer, 404 if path == "/nowhere" else 400)
    assert path == "/nowhere" or f"cannot be decoded: it is not whole, or no '{coding}'" in text
    assert (await client.get("/health/live")).status == 200
    assert caplog.text == ""


@pytest.mark.parametrize("coding", ["zstd", "br"])
async def test_a_coding_that_is_not_read(client: ClientSession, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await client.post("/submodels", data=b"garbage", headers=headers)
    assert "gzip or deflate" in await refused(answer, 400)


@pytest.mark.parametrize(
    "raw", [b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /x HTTP/1.1\r\nBad Header\r\n\r\n"]
)
async def test_what_is_no_http(server: Server, raw: bytes) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(raw)
    answer = await reader.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.partition(b"\r\n")[0]
    assert json.loads(body)["messages"][0]["code"] == "400"
    writer.close()


async def test_a_failed_write_leaves_everything_as_it_was(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    before = await client.get(SUBMODEL)
    await refused(await client.put(SUBMODEL, json=submodel("urn:x:1", prop("A"), prop("A"))), 400)
    await refused(await client.post(f"{SUBMODEL}/submodel-elements", json=prop("Name")), 409)
    await refused(await client.post(f"{SUBMODEL}/submodel-elements", json={"modelType": "Key"}), 400)
    await refused(await client.patch(f"{SUBMODEL}/$value", json={"Name": "x", "Nothing": 1}), 400)
    after = await client.get(SUBMODEL)
    assert (await after.read(), after.headers["ETag"]) == (await before.read(), before.headers["ETag"])


async def test_health(client: ClientSession) -> None:
    assert (await client.get("/health/live")).status == 200
    await refused(await client.get("/health/ready"), 503)  # nobody has said that loading is done
    assert (await (await client.get("/health/metrics")).json())["pid"] > 0


PLACE = f"{SUBMODEL}/submodel-elements"


@pytest.mark.parametrize("settings", ["memory"], indirect=True)
@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/submodels/urn:x:1", 400, f"if that is the identifier, write {b64('urn:x:1')}"),
        ("GET", "/submodels/https://example.com/1", 404, "base64url without padding"),
        ("GET", "/submodels/", 404, "slash at the end"),
        ("GET", f"{PLACE}/Motors..Speed", 400, "like A.B[0].C"),
        ("GET", f"{PLACE}/Motors%5B7%5D.Speed", 404, "'Motors[7]'"),
        ("GET", f"/submodels?semanticId={b64('0173-1#02-AAO677#002')}", 400, "semanticId must be base64url of a JSON"),
        ("GET", "/shells?assetIds=foo", 400, "assetIds must be base64url of a JSON object"),
        ("GET", "/shells?limit=0", 400, "limit='0': must be a whole number of at least 1"),
        ("POST", "/upload", 400, "the upload is empty"),
    ],
)
async def test_a_refusal_says_what_to_do(
    client: ClientSession, method: str, path: str, status: int, words: str
) -> None:
    await client.post("/submodels", json=motors())
    assert words in await refused(await client.request(method, URL(path, encoded=True)), status)
