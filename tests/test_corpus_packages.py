"""Every published package through the repository: imported whole, exported, and imported again as the same."""

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from aas_server.aasx import reader, writer
from aas_server.aasx.package import LISTS, Limits, Package, environment
from aas_server.app import open_repository
from aas_server.config import Settings
from aas_server.model import Document, Kind, kind_of
from aas_server.model.validation import verify
from aas_server.repository import Repository
from aas_server.repository.exporting import Selection, bundle, select
from aas_server.repository.importing import Mode, import_package
from aas_server.repository.loading import load_file
from tests.shared import ROOT, shared

TEMPLATES = ROOT / "corpus" / "idta-templates"
PACKAGES = sorted(TEMPLATES.rglob("*.aasx"))

#: A binary as a document knows it: whose it is and by which name → its SHA-256, content type, and whether a thumbnail.
Binaries = dict[tuple[Kind, str, str], tuple[str, str, bool]]

each_package = pytest.mark.parametrize("path", PACKAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))


@asynccontextmanager
async def an_empty_store() -> AsyncIterator[Repository]:
    async with open_repository(Settings(store="sqlite:///:memory:")) as repository:
        yield repository


def silent(what: str, done: int, total: int) -> None:
    """Nobody watches the progress here."""


async def held(repository: Repository) -> Document:
    """Everything in the store as one environment, each kind in the order of its creation."""
    return environment(await select(repository, Selection()))


async def binaries(repository: Repository, documents: list[Document]) -> Binaries:
    """What the documents refer to, each hashed anew from the bytes that the store gives out."""
    found: Binaries = {}
    for document in documents:
        owner = kind_of(document), document["id"]
        for name, part in (await repository.parts.parts(*owner)).items():
            content = b"".join([chunk async for chunk in repository.parts.fetch(part.sha256)])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (part.size, part.sha256)
            found[*owner, name] = part.sha256, part.content_type, part.thumbnail
    return found


def packed(package: Package) -> Binaries:
    """The same, as the package says it."""
    found: Binaries = {}
    for part in package.parts.values():
        sha256 = hashlib.sha256(b"".join(part.chunks())).hexdigest()
        found |= {
            (owner.kind, owner.identifier, owner.name): (sha256, part.content_type, part.thumbnail)
            for owner in part.owners
        }
    return found


def read(path: Path) -> Package:
    return reader.read(io.BytesIO(path.read_bytes()))


def documents(package: Package) -> list[Document]:
    return [document for _, document in package.documents]


async def exported(repository: Repository, *, as_json: bool) -> io.BytesIO:
    out = io.BytesIO()
    async with bundle(repository, await select(repository, Selection())) as chosen:
        writer.write(out, environment(list(chosen.documents)), chosen.parts, as_json=as_json)
    return out


@each_package
async def test_everything_in_a_package_arrives_and_every_oddity_is_told(path: Path) -> None:
    async with an_empty_store() as repository:
        report = await load_file(repository, path, Mode(), Limits(), silent)
        package = read(path)
        assert orjson.dumps(await held(repository)) == orjson.dumps(package.environment)
        assert await binaries(repository, documents(package)) == packed(package)
        assert report.created == [(kind_of(document), document["id"]) for document in documents(package)]
        assert (report.replaced, report.unchanged, report.skipped) == ([], [], [])
        assert report.parts == sorted(package.parts)
        assert report.findings[: len(package.findings)] == [str(finding) for finding in package.findings]
        violated = {document["id"] for document in documents(package) if any(verify(document))}
        told = report.findings[len(package.findings) :]
        assert all(any(repr(identifier) in finding for finding in told) for identifier in violated)
        assert bool(told) == bool(violated)


@each_package
@pytest.mark.parametrize("as_json", [False, True], ids=["xml", "json"])
async def test_what_is_exported_is_imported_again_as_the_same(path: Path, as_json: bool) -> None:
    async with an_empty_store() as first, an_empty_store() as second:
        await load_file(first, path, Mode(), Limits(), silent)
        everything = await held(first)
        package = reader.read(await exported(first, as_json=as_json))
        again = await import_package(second, package)
        assert await held(second) == package.environment == everything
        assert len(again.created) == sum(len(everything.get(name, [])) for name in LISTS.values())
        assert await binaries(second, documents(package)) == await binaries(first, documents(package))


async def test_importing_once_more_changes_nothing() -> None:
    folder = shared("corpus/idta-templates/Asset Interfaces Description/1/0")
    path = folder / "IDTA 02017-1-0_Template_Asset Interfaces Description.aasx"
    async with an_empty_store() as repository:
        first = await load_file(repository, path, Mode(), Limits(), silent)
        again = await load_file(repository, path, Mode(), Limits(), silent)
        assert (again.created, again.replaced, again.unchanged) == ([], [], first.created)
