"""The AASX File Server: packages come back to the byte, hosted shells have one each, what is no package is refused."""

import hashlib
import io
import zipfile
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession

from aas_server.aasx import reader
from tests.aasx.packages import members, zipped
from tests.api.test_errors import refused
from tests.examples import b64, prop, shell, submodel

AASX = "application/asset-administration-shell-package"
PACKAGE = zipped(members()).getvalue()  # one shell, urn:shell


def form(content: bytes = PACKAGE, name: str | None = "press.aasx", *shell_ids: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field("file", content, filename="file.aasx", content_type=AASX)
    if name is not None:
        data.add_field("fileName", name)
    for each in shell_ids:
        data.add_field("aasIds", each)
    return data


async def post(client: ClientSession, *given: Any) -> dict[str, Any]:
    answer = await client.post("/packages", data=form(*given))
    assert answer.status == 201, await answer.text()
    description: dict[str, Any] = await answer.json()
    assert answer.headers["Location"] == f"/packages/{b64(description['packageId'])}"
    return description


async def listed(client: ClientSession, query: str = "", limit: int = 2) -> list[dict[str, Any]]:
    """All packages, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = await client.get(f"/packages?limit={limit}{query}{cursor}")
        assert answer.status == 200, await answer.text()
        page = await answer.json()
        assert len(page["result"]) <= limit
        found += page["result"]
        if "cursor" not in page["paging_metadata"]:
            return found
        cursor = f"&cursor={page['paging_metadata']['cursor']}"


async def test_a_package_comes_back_to_the_byte(client: ClientSession) -> None:
    description = await post(client)
    assert description["aasIds"] == ["urn:shell"]  # read from the package, as none were given
    answer = await client.get(f"/packages/{b64(description['packageId'])}")
    assert (answer.status, answer.content_type, answer.headers["X-FileName"]) == (200, AASX, "press.aasx")
    assert await answer.read() == PACKAGE
    head = await client.head(f"/packages/{b64(description['packageId'])}")
    assert (head.status, head.headers["Content-Length"]) == (200, str(len(PACKAGE)))
    etag = answer.headers["ETag"]
    again = await client.get(f"/packages/{b64(description['packageId'])}", headers={"If-None-Match": etag})
    assert (again.status, await again.read()) == (304, b"")


async def test_ids_that_are_given_count(client: ClientSession) -> None:
    given = await post(client, PACKAGE, "a.aasx", "urn:one", '["urn:two", "urn:three"]')
    assert given["aasIds"] == ["urn:one", "urn:two", "urn:three"]
    await post(client)
    assert await listed(client, f"&aasId={b64('urn:two')}") == [given]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.aasx", "a.aasx"),
        ("Prüfstand.aasx", "Pr%C3%BCfstand.aasx"),
        (None, "file.aasx"),
    ],
)
async def test_the_name_of_the_file(client: ClientSession, name: str | None, seen: str) -> None:
    description = await post(client, PACKAGE, name)
    answer = await client.get(f"/packages/{b64(description['packageId'])}")
    assert answer.headers["X-FileName"] == seen


async def test_put_stores_and_replaces(client: ClientSession) -> None:
    where = f"/packages/{b64('mine')}"
    made = await client.put(where, data=form())
    assert (made.status, (await made.json())["packageId"]) == (201, "mine")
    etag = (await client.get(where)).headers["ETag"]
    other = zipped(members() | {"aasx/note.txt": "another"}).getvalue()
    replaced = await client.put(where, data=form(other), headers={"If-Match": etag})
    assert replaced.status == 204
    assert await (await client.get(where)).read() == other
    await refused(await client.put(where, data=form(), headers={"If-Match": etag}), 412)
    await refused(await client.put(f"/api/v3.0/packages/{b64('new')}", data=form()), 404)


async def test_delete_removes_the_bytes_too(client: ClientSession, repository: Any) -> None:
    description = await post(client)
    where = f"/packages/{b64(description['packageId'])}"
    assert (await client.delete(where)).status == 204
    await refused(await client.get(where), 404)
    with pytest.raises(Exception, match="no binary"):
        _ = [chunk async for chunk in repository.parts.fetch(hashlib.sha256(PACKAGE).hexdigest())]


async def test_every_hosted_shell_has_a_package(client: ClientSession) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Speed")))
    for number in range(3):
        await client.post("/shells", json=shell(f"urn:s:{number}", "urn:x:1"))
    uploaded = [await post(client) for _ in range(3)]
    hosted = [{"packageId": f"shell:urn:s:{number}", "aasIds": [f"urn:s:{number}"]} for number in range(3)]
    for limit in (1, 2, 3, 5, 100):
        assert await listed(client, "", limit) == [*uploaded, *hosted]
    assert await listed(client, f"&aasId={b64('urn:s:1')}") == hosted[1:2]
    answer = await client.get(f"/packages/{b64('shell:urn:s:1')}")
    assert answer.status == 200
    package = reader.read(io.BytesIO(await answer.read()))
    assert [document["id"] for _, document in package.documents] == ["urn:s:1", "urn:x:1"]


async def test_the_package_of_a_hosted_shell_is_changed_through_the_shell(client: ClientSession) -> None:
    await client.post("/shells", json=shell("urn:s:1"))
    where = f"/packages/{b64('shell:urn:s:1')}"
    for answer in (await client.put(where, data=form()), await client.delete(where)):
        assert "change the shell" in await refused(answer, 403)
    assert "not hosted" in await refused(await client.get(f"/packages/{b64('shell:urn:s:2')}"), 404)


async def test_pages_go_on_while_packages_come_and_go(client: ClientSession) -> None:
    stays = [await post(client) for _ in range(4)]
    goes = await post(client)
    first = await (await client.get("/packages?limit=2")).json()
    await client.delete(f"/packages/{b64(goes['packageId'])}")
    await client.delete(f"/packages/{b64(stays[1]['packageId'])}")
    new = await post(client)
    rest = await listed(client, f"&cursor={first['paging_metadata']['cursor']}", 100)
    assert [*first["result"], *rest] == [*stays, new]


async def test_an_older_package_is_kept_all_the_same(client: ClientSession) -> None:
    old = '<aasenv xmlns="http://www.admin-shell.io/aas/2/0"/>'
    description = await post(client, zipped(members(old)).getvalue())
    assert description["aasIds"] == []


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("aasx/data.xml", b" " * (300 << 20))
    return out.getvalue()


async def test_what_is_no_package_is_refused_and_leaves_nothing(client: ClientSession) -> None:
    cases = {
        "no zip file": b"hello",
        "missing": b"",
        "zip": b"PK\x03\x04 and then nothing",
        "..": zipped(members() | {"../evil.xml": "x"}).getvalue(),
    }
    for word, content in cases.items():
        data = form(content) if content else aiohttp.FormData({"fileName": "x"}, default_to_multipart=True)
        answer = await client.post("/packages", data=data)
        text = await refused(answer, 400)
        assert word in text, text
    assert "data.xml" in await refused(await client.post("/packages", data=form(bomb())), 413)
    assert "multipart" in await refused(await client.post("/packages", json={}), 400)
    assert await listed(client) == []


@pytest.mark.parametrize(
    "query", ["?cursor=nonsense!", f"?cursor={b64('elsewhere:1')}", "?cursor=", "?limit=0", "?aasId=!"]
)
async def test_wrong_parameters_are_refused(client: ClientSession, query: str) -> None:
    await refused(await client.get(f"/packages{query}"), 400)


async def test_ids_that_are_none_are_refused(client: ClientSession) -> None:
    for ids in ("[1]", "[", "x" * 2049):
        await refused(await client.post("/packages", data=form(PACKAGE, "a", ids)), 400)
