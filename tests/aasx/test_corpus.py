"""Every published package we have: read whole, written, and read again as the same."""

import io
import zipfile
from pathlib import Path

import pytest

from aas_server.aasx import reader, writer
from tests.aasx.packages import checksums
from tests.shared import ROOT, shared

TEMPLATES = ROOT / "corpus" / "idta-templates"
PACKAGES = sorted(TEMPLATES.rglob("*.aasx"))
PACKAGING = ("[Content_Types].xml", ".rels", "aasx-origin", "/")


def test_the_corpus_is_all_there() -> None:
    shared("corpus/idta-templates")
    assert len(PACKAGES) == 70


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_published_package_survives(path: Path) -> None:
    with path.open("rb") as file:
        package = reader.read(file)
        sums = checksums(package)
        environments = {part for part, _ in package.documents}
        with zipfile.ZipFile(path) as archive:
            files = {f"/{name}" for name in archive.namelist() if not name.endswith(PACKAGING)}
        assert {*sums, *environments} == files
        assert environments
        for as_json in (False, True):
            out = io.BytesIO()
            writer.write(out, package.environment, package.parts, as_json=as_json)
            again = reader.read(out)
            assert again.environment == package.environment
            assert checksums(again) == sums
            assert [(n, p.content_type, p.thumbnail, p.owners) for n, p in sorted(again.parts.items())] == [
                (n, p.content_type, p.thumbnail, p.owners) for n, p in sorted(package.parts.items())
            ]


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_nothing_is_left_out_but_repetitions_and_they_are_said(path: Path) -> None:
    with path.open("rb") as file:
        package = reader.read(file)
        text = b"".join(member(path, part) for part in dict.fromkeys(part for part, _ in package.documents))
    written = sum(text.count(f"<{name}>".encode()) + text.count(f":{name}>".encode()) // 2 for name in IDENTIFIABLES)
    repeated = [finding for finding in package.findings if "stands here again" in finding.odd]
    assert len(package.documents) + len(repeated) == written


IDENTIFIABLES = ("assetAdministrationShell", "submodel", "conceptDescription")


def member(path: Path, part: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return archive.read(part.removeprefix("/"))
