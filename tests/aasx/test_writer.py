"""Documents and files → package → the same documents and files, here and in basyx."""

import io
import os
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from basyx.aas import model as basyx
from basyx.aas.adapter.aasx import AASXReader, DictSupplementaryFileContainer
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from aas_server.aasx import reader, writer
from aas_server.model import Document
from aas_server.model.errors import Malformed
from tests.aasx.packages import checksums

ENVIRONMENT: Document = {
    "assetAdministrationShells": [
        {
            "modelType": "AssetAdministrationShell",
            "id": "urn:shell",
            "assetInformation": {
                "assetKind": "Instance",
                "globalAssetId": "urn:asset",
                "defaultThumbnail": {"path": "/aasx/b.png", "contentType": "image/png"},
            },
            "submodels": [{"type": "ModelReference", "keys": [{"type": "Submodel", "value": "urn:submodel"}]}],
        }
    ],
    "submodels": [
        {
            "modelType": "Submodel",
            "id": "urn:submodel",
            "submodelElements": [
                {
                    "modelType": "File",
                    "idShort": "Manual",
                    "value": "/aasx/files/Größe%20100.pdf",
                    "contentType": "application/pdf",
                }
            ],
        }
    ],
    "conceptDescriptions": [{"modelType": "ConceptDescription", "id": "urn:submodel"}],
}


@dataclass(frozen=True)
class Source:
    content: bytes
    content_type: str = "application/octet-stream"
    thumbnail: bool = False

    @property
    def size(self) -> int:
        return len(self.content)

    def chunks(self) -> Iterator[bytes]:
        yield self.content[:100]
        yield self.content[100:]


PARTS = {
    "/aasx/files/Größe 100.pdf": Source(b"%PDF" * 99, "application/pdf"),
    "/aasx/b.png": Source(b"b", "image/png", thumbnail=True),
    "/aasx/a.png": Source(b"a", "image/png", thumbnail=True),
    "/stray+1#2?.bin": Source(os.urandom(3000), "x/y; a=1"),
}


def written(environment: Document, parts: dict[str, Source], *, as_json: bool = False) -> io.BytesIO:
    out = io.BytesIO()
    writer.write(out, environment, parts, as_json=as_json)
    out.seek(0)
    return out


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_written_reads_equal(as_json: bool) -> None:
    package = reader.read(written(ENVIRONMENT, PARTS, as_json=as_json))
    assert package.environment == ENVIRONMENT
    assert {name: b"".join(part.chunks()) for name, part in package.parts.items()} == {
        name: part.content for name, part in PARTS.items()
    }
    assert {name: (p.size, p.content_type, p.thumbnail) for name, p in package.parts.items()} == {
        name: (p.size, p.content_type, p.thumbnail) for name, p in PARTS.items()
    }
    assert [str(finding) for finding in package.findings] == [
        "/stray+1#2?.bin: no document names this file; kept with AssetAdministrationShell 'urn:shell'"
    ]


def test_the_same_input_gives_the_same_bytes() -> None:
    backwards = dict(reversed(PARTS.items()))
    assert written(ENVIRONMENT, PARTS).getvalue() == written(ENVIRONMENT, backwards).getvalue()


def test_the_package_is_as_part_5_and_opc_want_it() -> None:
    with zipfile.ZipFile(written(ENVIRONMENT, PARTS)) as archive:
        names = archive.namelist()
        types = etree.fromstring(archive.read("[Content_Types].xml"))
        root = etree.fromstring(archive.read("_rels/.rels"))
        below = etree.fromstring(archive.read("aasx/xml/_rels/content.xml.rels"))
        assert archive.testzip() is None
    assert names[0] == "[Content_Types].xml"
    assert "aasx/files/Gr%C3%B6%C3%9Fe%20100.pdf" in names
    assert "stray+1%232%3F.bin" in names
    overrides = {element.get("PartName"): element.get("ContentType") for element in types.iter("{*}Override")}
    assert overrides["/aasx/xml/content.xml"] == "application/xml"
    assert {name.removeprefix("/") for name in overrides if name} == {
        name for name in names if not name.endswith((".rels", "]")) and name != "[Content_Types].xml"
    }
    assert [element.get("Target") for element in root] == ["/aasx/aasx-origin", "/aasx/a.png"]
    assert len(below) == 3


@pytest.mark.parametrize("as_json", [False, True])
def test_basyx_reads_it_strictly(as_json: bool) -> None:
    store: basyx.DictIdentifiableStore[basyx.Identifiable] = basyx.DictIdentifiableStore()
    files = DictSupplementaryFileContainer()  # type: ignore[no-untyped-call]
    environment = {**ENVIRONMENT, "conceptDescriptions": [{"modelType": "ConceptDescription", "id": "urn:concept"}]}
    with AASXReader(written(environment, PARTS, as_json=as_json), failsafe=False) as package:
        package.read_into(store, files)
        thumbnail = package.get_thumbnail()
    assert {item.id for item in store} == {"urn:shell", "urn:submodel", "urn:concept"}
    assert thumbnail == b"a"
    content = io.BytesIO()
    files.write_file("/aasx/files/Größe%20100.pdf", content)
    assert content.getvalue() == b"%PDF" * 99


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["/a.pdf", "/A.pdf"], "'/a.pdf' is the name of another part"),
        (["/a b.pdf", "/a%20b.pdf"], "is the name of another part"),
        (["/aasx/aasx-origin"], "is the name of another part"),
        (["/[Content_Types].xml"], "is the name of another part"),
        (["/aasx/_rels/x.rels"], "is no name of a file"),
        (["/"], "is no name of a file"),
    ],
)
def test_names_that_packaging_uses_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        written({}, dict.fromkeys(names, Source(b"")))


def test_a_file_that_is_called_like_the_environment_keeps_its_name() -> None:
    parts = {"/aasx/xml/content.xml": Source(b"mine", "text/xml")}
    package = reader.read(written(ENVIRONMENT, parts))
    assert package.environment == ENVIRONMENT
    assert b"".join(package.parts["/aasx/xml/content.xml"].chunks()) == b"mine"


def test_names_that_lead_upwards_stay_inside() -> None:
    with zipfile.ZipFile(written({}, {"../../etc/passwd": Source(b"x")})) as archive:
        assert "etc/passwd" in archive.namelist()


def test_large_files_are_streamed(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Large(Source):
        @property
        def size(self) -> int:
            return len(self.content) * 64

        def chunks(self) -> Iterator[bytes]:
            for _ in range(64):
                yield self.content

    tracemalloc.start()
    with (tmp_path / "large.aasx").open("wb") as out:
        writer.write(out, ENVIRONMENT, {"/large": Large(os.urandom(1 << 20), "video/mp4")})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert (tmp_path / "large.aasx").stat().st_size > 64 << 20


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1)


@settings(max_examples=100, deadline=None)
@given(NAMES, st.binary(max_size=300))
def test_any_name_that_can_be_written_can_be_read(name: str, content: bytes) -> None:
    out = io.BytesIO()
    try:
        writer.write(out, ENVIRONMENT, {f"/aasx/files/{name}": Source(content)})
    except Malformed:
        return
    package = reader.read(out)
    assert list(checksums(package)) != []
    assert [b"".join(part.chunks()) for part in package.parts.values()] == [content]
