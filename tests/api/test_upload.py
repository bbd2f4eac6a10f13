"""Packages and environments sent to the server: whole or not at all, and told what became of each."""

import asyncio
import gzip
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import psutil
import pytest
from aiohttp import ClientResponse, ClientSession, FormData

from aas_server.app import listening, open_repository
from tests.aasx.packages import AASX, FILE, environment, members, rels, zipped
from tests.api.test_errors import refused
from tests.examples import b64, concept, model, motors, prop, shell, submodel
from tests.shared import shared

MEBIBYTE = 1 << 20
#: What is refused or read before the store is asked is tested with one kind of store.
ONE_STORE = pytest.mark.parametrize("settings", ["memory"], indirect=True)
SUBMODEL = f"/submodels/{b64('urn:submodel')}"
MANUAL = f"{SUBMODEL}/submodel-elements/Manual/attachment"
NOTHING: dict[str, list[Any]] = {
    name: [] for name in ("created", "replaced", "unchanged", "skipped", "parts", "findings")
}


def package(pdf: bytes = b"%PDF-1.7 manual") -> bytes:
    """A submodel whose element Manual has a file."""
    supplementary = rels((f"{AASX}/aas-suppl", "/aasx/files/a.pdf"))
    files: dict[str, str | bytes | None] = {"aasx/files/a.pdf": pdf, "aasx/_rels/data.xml.rels": supplementary}
    named = members(environment(FILE.format("/aasx/files/a.pdf")), **files)
    return zipped(named).getvalue()


def as_json(*documents: Mapping[str, Any]) -> bytes:
    lists = {
        name: [document for document in documents if document["modelType"] == kind]
        for name, kind in (
            ("assetAdministrationShells", "AssetAdministrationShell"),
            ("submodels", "Submodel"),
            ("conceptDescriptions", "ConceptDescription"),
        )
    }
    return json.dumps({name: found for name, found in lists.items() if found}).encode()


def form(content: bytes, name: str = "file") -> FormData:
    data = FormData()
    data.add_field("comment", "fields of other names are no harm")
    data.add_field(name, io.BytesIO(content), filename="package.aasx")
    return data


async def stored(client: ClientSession) -> dict[str, list[str]]:
    """The ids of everything the server holds."""
    held = {}
    for path in ("shells", "submodels", "concept-descriptions"):
        answer = await (await client.get(f"/{path}")).json()
        held[path] = sorted(document["id"] for document in answer["result"])
    return held


async def report(answer: ClientResponse, status: int) -> dict[str, Any]:
    assert answer.status == status, await answer.text()
    body: dict[str, Any] = await answer.json()
    return body


@ONE_STORE
@pytest.mark.parametrize(
    "content",
    [package(), environment(FILE.format("")).encode(), as_json(submodel("urn:submodel"))],
    ids=["aasx", "xml", "json"],
)
@pytest.mark.parametrize("content_type", ["application/octet-stream", "text/plain", "image/png", "no type", ""])
async def test_what_an_upload_is_tells_its_content(client: ClientSession, content: bytes, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    told = await report(await client.post("/upload", data=content, headers=headers), 201)
    assert told["created"] == [{"modelType": "Submodel", "id": "urn:submodel"}]
    assert (await client.get(SUBMODEL)).status == 200


async def test_a_form_field(client: ClientSession) -> None:
    told = await report(await client.post("/upload", data=form(package())), 201)
    assert told == {
        **NOTHING,
        "created": [{"modelType": "Submodel", "id": "urn:submodel"}],
        "parts": ["/aasx/files/a.pdf"],
    }
    got = await client.get(MANUAL)
    assert (await got.read(), got.headers["Content-Type"]) == (b"%PDF-1.7 manual", "application/pdf")


@ONE_STORE
@pytest.mark.parametrize("base", ["", "/api/v3", "/api/v3.1", "/api/v3.0"])
async def test_every_mount_takes_uploads(client: ClientSession, base: str) -> None:
    await report(await client.post(f"{base}/upload", data=package()), 201)


async def test_a_body_in_pieces_and_a_packed_one(client: ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        content = package()
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    await report(await client.post("/upload", data=pieces()), 201)
    packed = gzip.compress(as_json(submodel("urn:x:2")))
    await report(await client.post("/upload", data=packed, headers={"Content-Encoding": "gzip"}), 201)


async def test_a_package_larger_than_a_document_may_be(client: ClientSession) -> None:
    content = os.urandom(20 * MEBIBYTE)
    await report(await client.post("/upload", data=form(package(content))), 201)
    assert await (await client.get(MANUAL)).read() == content


async def test_the_report_says_what_became_of_each(client: ClientSession) -> None:
    await client.post("/submodels", json=motors("urn:x:1"))
    await client.post("/submodels", json=submodel("urn:x:2"))
    content = as_json(motors("urn:x:1"), submodel("urn:x:2", prop("New")), concept("urn:c:1"))
    told = await report(await client.post("/upload", data=content), 201)
    assert told["created"] == [{"modelType": "ConceptDescription", "id": "urn:c:1"}]
    assert told["unchanged"] == [{"modelType": "Submodel", "id": "urn:x:1"}]
    assert told["replaced"] == [{"modelType": "Submodel", "id": "urn:x:2"}]
    again = await report(await client.post("/upload", data=content), 200)
    assert [each["id"] for each in again["unchanged"]] == ["urn:x:1", "urn:x:2", "urn:c:1"]


async def test_the_same_package_once_more_changes_nothing(client: ClientSession) -> None:
    await client.post("/upload", data=package())
    before = (await client.get(SUBMODEL)).headers["ETag"]
    told = await report(await client.post("/upload", data=package()), 200)
    assert told["unchanged"] == [{"modelType": "Submodel", "id": "urn:submodel"}]
    assert (await client.get(SUBMODEL)).headers["ETag"] == before
    await client.post("/upload", data=package(b"%PDF another"))
    assert await (await client.get(MANUAL)).read() == b"%PDF another"
    assert (await client.get(SUBMODEL)).headers["ETag"] != before


async def test_an_environment_without_the_files_leaves_them_in_place(client: ClientSession) -> None:
    await client.post("/upload", data=package())
    await report(await client.post("/upload", data=environment(FILE.format("/aasx/files/a.pdf")).encode()), 200)
    assert await (await client.get(MANUAL)).read() == b"%PDF-1.7 manual"


async def test_what_exists_may_be_kept(client: ClientSession) -> None:
    await client.post("/submodels", json=submodel("urn:x:1", prop("Mine")))
    content = as_json(submodel("urn:x:1", prop("Yours")), submodel("urn:x:2"))
    told = await report(await client.post("/upload?ignore-duplicates=true", data=content), 201)
    assert told["skipped"] == [{"modelType": "Submodel", "id": "urn:x:1"}]
    kept = await (await client.get(f"/submodels/{b64('urn:x:1')}")).json()
    assert kept["submodelElements"][0]["idShort"] == "Mine"


async def test_the_files_of_what_is_kept_stay_too(client: ClientSession) -> None:
    await client.post("/upload", data=package())
    told = await report(await client.post("/upload?ignore-duplicates=true", data=package(b"%PDF other")), 200)
    assert (told["skipped"], told["parts"]) == ([{"modelType": "Submodel", "id": "urn:submodel"}], [])
    assert await (await client.get(MANUAL)).read() == b"%PDF-1.7 manual"


async def test_of_imports_at_one_time_one_creates_and_the_others_keep(client: ClientSession) -> None:
    """Whoever was told of a creation finds his own document."""
    url = "/upload?ignore-duplicates=true"
    contents = [as_json(*(submodel(f"urn:x:{n}", prop(f"By{who}")) for n in range(50))) for who in range(6)]
    answers = await asyncio.gather(*(client.post(url, data=content) for content in contents))
    told = [await answer.json() for answer in answers]
    created = [(each["id"], f"By{who}") for who, body in enumerate(told) for each in body["created"]]
    held = (await (await client.get("/submodels?limit=100")).json())["result"]
    assert sorted(created) == sorted((each["id"], each["submodelElements"][0]["idShort"]) for each in held)
    assert len(created) == 50


async def test_a_dry_run_only_tells(client: ClientSession) -> None:
    told = await report(await client.post("/upload?dry-run=true", data=package()), 200)
    assert told["created"] == [{"modelType": "Submodel", "id": "urn:submodel"}]
    assert told["parts"] == ["/aasx/files/a.pdf"]
    assert await stored(client) == {"shells": [], "submodels": [], "concept-descriptions": []}


async def test_a_switch_that_is_neither_true_nor_false(client: ClientSession) -> None:
    assert "dry-run" in await refused(await client.post("/upload?dry-run=maybe", data=package()), 400)
    assert await stored(client) == {"shells": [], "submodels": [], "concept-descriptions": []}


async def test_violations_are_told_and_loaded_unless_strict(client: ClientSession) -> None:
    content = as_json(submodel("urn:x:1", prop("Same"), prop("Same"), prop("Speed", "fast")))
    strict = await refused(await client.post("/upload?strict=true", data=content), 400)
    assert "AASd-022" in strict
    assert "'fast'" in strict
    assert (await stored(client))["submodels"] == []
    told = await report(await client.post("/upload", data=content), 201)
    assert any("AASd-022" in finding for finding in told["findings"])
    assert any("'fast'" in finding for finding in told["findings"])
    assert all("urn:x:1" in finding for finding in told["findings"])
    assert not any(finding.startswith(":") for finding in told["findings"])
    assert (await stored(client))["submodels"] == ["urn:x:1"]


BAD = {
    "unknown attribute": submodel("urn:bad", surprise=1),
    "wrong type": submodel("urn:bad", idShort=7),
    "unknown element": submodel("urn:bad", {"modelType": "Widget", "idShort": "W"}),
    "missing attribute": {"modelType": "AssetAdministrationShell", "id": "urn:bad"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_one_bad_document_and_nothing_is_stored(client: ClientSession, bad: dict[str, Any]) -> None:
    text = as_json(submodel("urn:good"), bad, concept("urn:c:good"))
    inside = rels((f"{AASX}/aas-spec", "/aasx/data.json"))
    packed = members("", **{"aasx/data.xml": None, "aasx/data.json": text, "aasx/_rels/aasx-origin.rels": inside})
    for content in (text, zipped(packed).getvalue()):
        assert "'urn:bad'" in await refused(await client.post("/upload", data=content), 400)
    assert await stored(client) == {"shells": [], "submodels": [], "concept-descriptions": []}


async def test_one_bad_file_and_nothing_is_stored(client: ClientSession) -> None:
    broken = plain(package(b"uninjured")).replace(b"uninjured", b"iniunured")
    for query in ("", "?dry-run=true"):
        assert "a.pdf" in await refused(await client.post(f"/upload{query}", data=broken), 400)
    assert await stored(client) == {"shells": [], "submodels": [], "concept-descriptions": []}


def plain(content: bytes) -> bytes:
    """The package with nothing deflated, so that its bytes can be damaged."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as after:
        for name in before.namelist():
            after.writestr(name, before.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    ("namespace", "version"),
    [("http://www.admin-shell.io/aas/2/0", "V2.0"), ("http://www.admin-shell.io/aas/1/0", "V1.0")],
)
async def test_old_versions_are_refused_by_name(client: ClientSession, namespace: str, version: str) -> None:
    old = f'<aasenv xmlns="{namespace}"><assets/></aasenv>'
    for content in (zipped(members(old)).getvalue(), old.encode()):
        assert version in await refused(await client.post("/upload", data=content), 415)


def nested(depth: int) -> bytes:
    """Written as text: the encoder would give up first."""
    start = '{"modelType":"SubmodelElementCollection","idShort":"C","value":['
    elements = start * depth + json.dumps(prop("End")) + "]}" * depth
    return as_json(submodel("urn:deep", prop("HERE"))).replace(json.dumps(prop("HERE")).encode(), elements.encode())


def with_member(name: str, content: bytes) -> bytes:
    return zipped({**members(), name: content}).getvalue()


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "' + "&a;" * 1000 + '">]>' + environment("&b;")
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + environment("&e;")
HOSTILE: dict[str, tuple[Callable[[], bytes], int, str]] = {
    "empty": (lambda: b"", 400, ""),
    "noise": (lambda: bytes(range(256)), 400, ""),
    "empty object": (lambda: b"[]", 400, "environment"),
    "nothing but PK": (lambda: b"PK\x03\x04", 400, "zip"),
    "truncated": (lambda: package(os.urandom(9000))[:-4000], 400, "zip"),
    "zip bomb": (lambda: with_member("aasx/bomb.bin", bytes(80 * MEBIBYTE)), 413, "bomb"),
    "parent": (lambda: with_member("../../evil.sh", b"x"), 400, "evil"),
    "entities": (lambda: LAUGHS.encode(), 400, "DOCTYPE"),
    "outside": (lambda: zipped(members(OUTSIDE)).getvalue(), 400, "DOCTYPE"),
    "deep JSON": (lambda: b'{"submodels":' + b"[" * 100_000, 400, ""),
    "deep elements": (lambda: nested(500), 400, ""),
    "deep XML": (lambda: environment("<submodels>" + "<submodel>" * 50_000).encode(), 400, ""),
    "no end": (lambda: b'{"submodels":[', 400, ""),
    "not UTF-8": (lambda: b'{"submodels":[{"id":"\xff"}]}', 400, ""),
}


@ONE_STORE
@pytest.mark.parametrize(("content", "status", "word"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_uploads_are_refused(
    client: ClientSession, content: Callable[[], bytes], status: int, word: str
) -> None:
    body = content()
    process = psutil.Process()
    before = process.memory_info().rss
    for data in (io.BytesIO(body), form(body)):
        text = await refused(await client.post("/upload", data=data), status)
        assert word in text
        assert "root:" not in text
    assert process.memory_info().rss - before < 100 * MEBIBYTE
    assert await stored(client) == {"shells": [], "submodels": [], "concept-descriptions": []}


FORMS = {
    "no boundary": ("multipart/form-data", b"x"),
    "another boundary": (
        "multipart/form-data; boundary=a",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx',
    ),
    "long boundary": (f"multipart/form-data; boundary={'a' * 200}", b"x"),
    "no end": ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="file"\r\n\r\nPK'),
    "broken header": ("multipart/form-data; boundary=a", b"--a\r\nno header\r\n\r\nx\r\n--a--\r\n"),
    "empty": ("multipart/form-data; boundary=a", b""),
    "no field": ("multipart/form-data; boundary=a", b"--a--\r\n"),
    "nested": (
        "multipart/form-data; boundary=a",
        b"--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n--a--\r\n",
    ),
}


@ONE_STORE
@pytest.mark.parametrize(("content_type", "body"), FORMS.values(), ids=FORMS)
async def test_forms_that_are_none(client: ClientSession, content_type: str, body: bytes) -> None:
    await refused(await client.post("/upload", data=body, headers={"Content-Type": content_type}), 400)


async def test_a_form_without_the_field(client: ClientSession) -> None:
    assert "file" in await refused(await client.post("/upload", data=form(package(), "package")), 400)


@ONE_STORE
async def test_more_than_is_read_is_refused_before_it_is_taken_in(altered: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(MEBIBYTE)

    settings = altered(max_upload=MEBIBYTE)
    async with (
        open_repository(settings) as repository,
        listening(repository, settings) as server,
        ClientSession(server.url) as client,
    ):
        before = psutil.Process().memory_info().rss
        for data in (io.BytesIO(bytes(100 * MEBIBYTE)), pieces(), form(bytes(100 * MEBIBYTE))):
            assert str(MEBIBYTE) in await refused(await client.post("/upload", data=data), 413)
        assert psutil.Process().memory_info().rss - before < 300 * MEBIBYTE
        assert (await stored(client))["submodels"] == []
        await report(await client.post("/upload", data=package()), 201)


async def test_a_published_package_with_violations_loads(client: ClientSession) -> None:
    content = shared("corpus/engine-testdata/TestData.aasx").read_bytes()
    told = await report(await client.post("/upload", data=form(content)), 201)
    held = await stored(client)
    assert sorted(each["id"] for each in told["created"]) == sorted(id_ for ids in held.values() for id_ in ids)


async def test_references_and_shells_come_along(client: ClientSession) -> None:
    content = as_json(shell("urn:s:1", "urn:x:1"), motors("urn:x:1"))
    await report(await client.post("/upload", data=content), 201)
    references = await (await client.get(f"/shells/{b64('urn:s:1')}/submodel-refs")).json()
    assert references["result"] == [model("urn:x:1")]
    value = await client.get(f"/submodels/{b64('urn:x:1')}/submodel-elements/Motors%5B0%5D.Speed/$value")
    assert await value.json() == 4.2


@ONE_STORE
@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("ignore_duplicates=true", "did you mean ignore-duplicates?"),
        ("dryrun=true", "did you mean dry-run?"),
        ("DRY-RUN=true", "did you mean dry-run?"),
        ("strickt", "did you mean strict?"),
        ("dry-run=true&level=core", "known are ignore-duplicates, dry-run, strict"),
        ("dry-run=maybe", "must be true or false"),
    ],
)
async def test_a_parameter_that_is_none_stops_an_upload(client: ClientSession, query: str, hint: str) -> None:
    answer = await client.post(f"/upload?{query}", data=as_json(submodel("urn:x:1")))
    assert hint in await refused(answer, 400)
    assert (await (await client.get("/submodels")).json())["result"] == []
