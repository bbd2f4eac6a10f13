"""Attachments and thumbnails."""

import hashlib

import pytest
from aiohttp import ClientSession, FormData

from aas_server.model import Kind
from aas_server.repository import Repository
from tests.examples import b64, prop, shell, submodel

ELEMENTS = f"/submodels/{b64('urn:x:1')}/submodel-elements"
SHELL = f"/shells/{b64('urn:s:1')}"
THUMBNAIL = f"{SHELL}/asset-information/thumbnail"


def form(content: bytes, name: str = "manual.pdf", content_type: str = "application/pdf") -> FormData:
    data = FormData()
    data.add_field("fileName", name)
    data.add_field("file", content, filename="ignored.bin", content_type=content_type)
    return data


@pytest.fixture(autouse=True)
async def given(client: ClientSession) -> None:
    files = [{"modelType": "File", "idShort": name, "contentType": "text/plain"} for name in ("Manual", "Other")]
    await client.post("/submodels", json=submodel("urn:x:1", *files, prop("Speed")))
    await client.post("/shells", json=shell("urn:s:1"))


async def test_an_attachment_comes_back_to_the_byte(client: ClientSession) -> None:
    content = bytes(range(256)) * 4096
    assert (await client.put(f"{ELEMENTS}/Manual/attachment", data=form(content))).status == 204
    got = await client.get(f"{ELEMENTS}/Manual/attachment")
    assert (got.status, await got.read()) == (200, content)
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["Content-Disposition"].startswith('attachment; filename="manual.pdf"')
    assert got.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    element = await (await client.get(f"{ELEMENTS}/Manual")).json()
    assert (element["value"], element["contentType"]) == ("/aasx/files/manual.pdf", "application/pdf")
    again = await client.get(f"{ELEMENTS}/Manual/attachment", headers={"If-None-Match": got.headers["ETag"]})
    assert again.status == 304
    head = await client.head(f"{ELEMENTS}/Manual/attachment")
    assert (head.status, head.headers["Content-Length"], await head.read()) == (200, str(len(content)), b"")


async def test_two_elements_may_have_files_of_one_name(client: ClientSession) -> None:
    await client.put(f"{ELEMENTS}/Manual/attachment", data=form(b"one"))
    await client.put(f"{ELEMENTS}/Other/attachment", data=form(b"two"))
    assert await (await client.get(f"{ELEMENTS}/Manual/attachment")).read() == b"one"
    assert await (await client.get(f"{ELEMENTS}/Other/attachment")).read() == b"two"


async def test_a_file_replaced_and_deleted(client: ClientSession) -> None:
    attachment = f"{ELEMENTS}/Manual/attachment"
    assert (await client.get(attachment)).status == 404
    assert (await client.delete(attachment)).status == 404
    await client.put(attachment, data=form(b"one"))
    await client.put(attachment, data=form(b"two", "b.txt", "text/plain"))
    assert await (await client.get(attachment)).read() == b"two"
    assert (await client.delete(attachment)).status == 200
    assert (await client.get(attachment)).status == 404
    assert "value" not in await (await client.get(f"{ELEMENTS}/Manual")).json()


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\windows\\x.dll", "ä ö.pdf", "", "...", "a\nb"])
async def test_any_file_name_is_made_harmless(client: ClientSession, name: str) -> None:
    assert (await client.put(f"{ELEMENTS}/Manual/attachment", data=form(b"x", name))).status == 204
    value = (await (await client.get(f"{ELEMENTS}/Manual")).json())["value"]
    assert value.startswith("/aasx/files/")
    assert ".." not in value
    assert await (await client.get(f"{ELEMENTS}/Manual/attachment")).read() == b"x"


async def test_only_files_have_attachments(client: ClientSession) -> None:
    for request in (client.get, client.delete):
        answer = await request(f"{ELEMENTS}/Speed/attachment")
        assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS")
    assert (await client.put(f"{ELEMENTS}/Speed/attachment", data=form(b"x"))).status == 405
    assert (await client.put(f"{ELEMENTS}/No/attachment", data=form(b"x"))).status == 404
    assert (await client.put(f"{ELEMENTS}/Manual/attachment", json={})).status == 400


async def test_thumbnail(client: ClientSession) -> None:
    assert (await client.get(THUMBNAIL)).status == 404
    assert (await client.put(THUMBNAIL, data=form(b"png", "t.png", "image/png"))).status == 204
    got = await client.get(THUMBNAIL)
    assert (got.status, await got.read(), got.headers["Content-Type"]) == (200, b"png", "image/png")
    asset = await (await client.get(f"{SHELL}/asset-information")).json()
    assert asset["defaultThumbnail"] == {"path": "/aasx/files/t.png", "contentType": "image/png"}
    assert (await client.delete(THUMBNAIL)).status == 204
    assert (await client.get(THUMBNAIL)).status == 404
    assert "defaultThumbnail" not in await (await client.get(f"{SHELL}/asset-information")).json()


async def test_a_file_stays_while_another_document_has_it(client: ClientSession) -> None:
    await client.put(f"{ELEMENTS}/Manual/attachment", data=form(b"same"))
    await client.put(f"{ELEMENTS}/Other/attachment", data=form(b"same", "other.pdf"))
    await client.delete(f"{ELEMENTS}/Manual/attachment")
    assert await (await client.get(f"{ELEMENTS}/Other/attachment")).read() == b"same"


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"--x", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nhalf"]
)
@pytest.mark.parametrize("where", [f"{ELEMENTS}/Manual/attachment", THUMBNAIL])
async def test_a_form_that_is_none_is_refused(client: ClientSession, where: str, body: bytes) -> None:
    answer = await client.put(where, data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status == 400, await answer.text()
    assert (await client.get(where)).status == 404


async def test_the_tag_of_a_file_is_good_for_changing_it(client: ClientSession) -> None:
    where = f"{ELEMENTS}/Manual/attachment"
    await client.put(where, data=form(b"one"))
    etag = (await client.get(where)).headers["ETag"]
    assert (await client.put(where, data=form(b"two"), headers={"If-Match": etag})).status == 204
    assert (await client.put(where, data=form(b"three"), headers={"If-Match": etag})).status == 412
    assert (await client.delete(where, headers={"If-Match": etag})).status == 412
    assert await (await client.get(where)).read() == b"two"


async def test_a_file_goes_with_what_names_it(client: ClientSession, repository: Repository) -> None:
    async def names() -> set[str]:
        return set(await repository.parts.parts(Kind.SUBMODEL, "urn:x:1"))

    await client.put(f"{ELEMENTS}/Manual/attachment", data=form(b"one"))
    await client.put(f"{ELEMENTS}/Other/attachment", data=form(b"two", "other.txt"))
    assert await names() == {"/aasx/files/manual.pdf", "/aasx/files/other.txt"}
    await client.delete(f"{ELEMENTS}/Manual")
    assert await names() == {"/aasx/files/other.txt"}
    await client.put(f"/submodels/{b64('urn:x:1')}", json=submodel("urn:x:1", prop("Speed")))
    assert await names() == set()
