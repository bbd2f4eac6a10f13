"""What happens when things happen at once, and requests made to confuse."""

import asyncio
import re
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from aas_server.app import Server
from aas_server.model.changes import Put
from aas_server.repository import Repository
from tests.examples import b64, encoded, motors, prop, shell, submodel

SUBMODEL = f"/submodels/{b64('urn:x:1')}"
ELEMENTS = f"{SUBMODEL}/submodel-elements"


async def test_overlapping_writes_leave_nothing_stale(client: ClientSession) -> None:
    """A value and a deletion that land in one commit: what was deleted stays deleted for every reader."""

    async def noise(number: int) -> None:
        await client.put(f"/submodels/{b64(f'urn:n:{number}')}", json=submodel(f"urn:n:{number}", prop(f"P{number}")))

    for _ in range(15):
        await client.put(SUBMODEL, json=motors())
        await asyncio.gather(
            *(noise(number) for number in range(4)),
            client.patch(f"{ELEMENTS}/Name/$value", json="new"),
            client.delete(SUBMODEL),
        )
        assert (await client.get(SUBMODEL)).status == 404


async def test_overlapping_writes_all_succeed_and_the_last_is_seen(client: ClientSession) -> None:
    """Nobody demanded anything, so nobody is refused, and what is read is what is stored."""
    await client.put(SUBMODEL, json=motors())
    for number in range(15):
        answers = await asyncio.gather(
            client.put(SUBMODEL, json=motors() | {"idShort": f"S{number}"}),
            client.put(f"{ELEMENTS}/Name", json=prop("Name", f"n{number}", "xs:string")),
            client.patch(f"{ELEMENTS}/Motors[0].Speed/$value", json=number),
            client.put(SUBMODEL, json=motors() | {"idShort": f"T{number}"}),
        )
        assert {answer.status for answer in answers} == {204}
        newest = await client.put(f"{ELEMENTS}/Name", json=prop("Name", "end", "xs:string"))
        got = await client.get(SUBMODEL)
        assert got.headers["ETag"] == newest.headers["ETag"]


async def test_files_of_one_name_at_once_keep_apart(client: ClientSession) -> None:
    names = [f"File{number}" for number in range(8)]
    files = [{"modelType": "File", "idShort": name, "contentType": "text/plain"} for name in names]
    await client.put(SUBMODEL, json=submodel("urn:x:1", *files))

    async def put(name: str) -> int:
        form = FormData()
        form.add_field("fileName", "same.txt")
        form.add_field("file", name.encode(), filename="x", content_type="text/plain")
        return (await client.put(f"{ELEMENTS}/{name}/attachment", data=form)).status

    assert set(await asyncio.gather(*map(put, names))) == {204}
    for name in names:
        assert await (await client.get(f"{ELEMENTS}/{name}/attachment")).read() == name.encode()


async def test_a_refused_upload_leaves_nothing_behind(client: ClientSession, repository: Repository) -> None:
    file = {"modelType": "File", "idShort": "File", "contentType": "text/plain"}
    await client.put(SUBMODEL, json=submodel("urn:x:1", file))
    form = FormData()
    form.add_field("file", b"x" * 1000, filename="x", content_type="nonsense")
    assert (await client.put(f"{ELEMENTS}/File/attachment", data=form)).status == 400
    form = FormData()
    form.add_field("file", b"x" * 1000, filename="x", content_type="text/plain")
    refused = await client.put(f"{ELEMENTS}/File/attachment", data=form, headers={"If-Match": '"stale-1"'})
    assert refused.status == 412
    storage: Any = repository.documents
    await storage.sweep()
    assert storage._reader.execute("SELECT count(*) FROM blob").fetchone() == (0,)


@pytest.mark.parametrize("header", ["", '""', ",", '"', '"", ""'])
async def test_an_if_match_without_a_tag_is_refused(client: ClientSession, header: str) -> None:
    await client.put(SUBMODEL, json=motors())
    assert (await client.put(SUBMODEL, json=submodel(), headers={"If-Match": header})).status == 400


async def test_a_weak_tag_matches_no_write(client: ClientSession) -> None:
    etag = (await client.put(SUBMODEL, json=motors())).headers["ETag"]
    assert (await client.put(SUBMODEL, json=submodel(), headers={"If-Match": f"W/{etag}"})).status == 412
    assert (await client.get(SUBMODEL, headers={"If-None-Match": f"W/{etag}"})).status == 304


async def test_creating_below_a_shell_replaces_nothing_unseen(client: ClientSession) -> None:
    await client.post("/submodels", json=motors())
    await client.post("/shells", json=shell("urn:s:1"))
    below = f"/shells/{b64('urn:s:1')}/submodels/{b64('urn:x:1')}"
    assert (await client.put(below, json=submodel(), headers={"If-None-Match": "*"})).status == 412
    assert await (await client.get(SUBMODEL)).json() == motors()
    created = await client.put(below, json=submodel())
    assert (created.status, bool(created.headers["ETag"])) == (201, True)


async def test_pages_over_elements_of_one_id_short_end(client: ClientSession, repository: Repository) -> None:
    """Imports load such submodels (AASd-022 is told)."""
    await repository.apply([Put(submodel("urn:x:1", prop("A"), prop("A"), prop("B")))])
    seen, cursor = [], ""
    for _ in range(4):
        page = await (await client.get(f"{ELEMENTS}?limit=1{cursor}")).json()
        seen += [element["idShort"] for element in page["result"]]
        if "cursor" not in page["paging_metadata"]:
            break
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
    assert seen == ["A", "A", "B"]


@pytest.mark.parametrize(
    "path",
    [
        f"/submodels?limit={'9' * 5000}",
        "/submodels?limit=²",
        f"{ELEMENTS}?cursor={b64('²:x')}",
        f"{ELEMENTS}?cursor={b64('9' * 5000 + ':x')}",
        f"/shells?assetIds={encoded({'name': 7, 'value': 'x'})}",
        f"/shells?assetIds={encoded({'name': None})}",
        f"/shells?assetIds=!!!{encoded({'name': 'a', 'value': 'x'})}",
    ],
)
async def test_parameters_made_to_confuse(client: ClientSession, path: str) -> None:
    await client.put(SUBMODEL, json=motors())
    answer = await client.get(path)
    assert answer.status == 400, await answer.text()
    assert (await answer.json())["messages"]


async def test_a_body_that_is_not_what_its_coding_says(client: ClientSession) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await client.post("/submodels", data=b"this is no gzip", headers=headers)
    assert answer.status == 400
    assert (await answer.json())["messages"]


async def test_patch_knows_one_level(client: ClientSession) -> None:
    await client.put(SUBMODEL, json=motors())
    for level, status in (("core", 204), ("deep", 400), ("bogus", 400)):
        assert (await client.patch(f"{ELEMENTS}/Name/$value?level={level}", json=level)).status == status


@pytest.mark.parametrize("target", [b"%FF", b"\xff", b"%C3%28"])
async def test_a_path_that_is_no_text_is_answered(server: Server, client: ClientSession, target: bytes) -> None:
    await client.put(SUBMODEL, json=motors())
    reader, writer = await asyncio.open_connection(server.host, server.port)
    first = f"GET {SUBMODEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    writer.write(first)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length
    await reader.readexactly(int(length[1]))
    writer.write(f"GET {ELEMENTS}/".encode() + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 40" in (await reader.readuntil(b"\r\n\r\n"))[:14]
    writer.close()


async def test_an_expectation_nobody_knows(server: Server) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /submodels HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    assert b" 417 " in answer.partition(b"\r\n")[0]
    assert b'"messages"' in answer
    writer.close()


async def test_many_values_at_once(client: ClientSession, repository: Repository) -> None:
    """Each container is looked through once, not once for each value; squared, this would not end in time."""
    elements = [prop(f"P{number}", "0") for number in range(20_000)]
    await repository.apply([Put(submodel("urn:x:1", *elements))])
    values = {element["idShort"]: 1 for element in elements}
    assert (await client.patch(f"{SUBMODEL}/$value", json=values)).status == 204
    assert await (await client.get(f"{ELEMENTS}/P19999/$value")).json() == 1
    cursor = ""
    for number in range(3):
        page = await (await client.get(f"{ELEMENTS}/$reference?limit=1000{cursor}")).json()
        assert page["result"][-1]["keys"][-1]["value"] == f"P{1000 * number + 999}"
        cursor = f"&cursor={page['paging_metadata']['cursor']}"
