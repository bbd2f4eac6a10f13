"""What is to be written into a package or an environment: documents, the concepts they refer to, and their parts."""

import asyncio
import posixpath
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

from aas_server.aasx import relationships
from aas_server.aasx.concepts import referenced_concepts
from aas_server.model import Document, Json, Kind, kind_of
from aas_server.model.changes import Part
from aas_server.model.errors import TooLarge
from aas_server.model.references import target
from aas_server.repository import Repository
from aas_server.repository.entries import Entry

#: Documents are collected in memory; more than this many bytes of them are not.
MOST = 256 << 20
#: A part up to this size is held in memory on its way into a package, a larger one in a temporary file.
SPOOL = 1 << 20
CHUNK = 256 << 10


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents: by ids, or (None) all of that kind. Without submodel ids: those the shells refer to."""

    shell_ids: Sequence[str] | None = None
    submodel_ids: Sequence[str] | None = None
    concepts: bool = True


@dataclass(slots=True)
class _Selecting:
    """One selection under way; knows how much it has taken up already."""

    repository: Repository
    size: int = 0

    def taken(self, entry: Entry) -> Document:
        self.size += len(entry.body)
        if self.size > MOST:
            raise TooLarge(f"the documents have more than {MOST} bytes; name the ids of fewer")
        return entry.document

    async def chosen(self, kind: Kind, ids: Sequence[str] | None, others: Sequence[str] | None) -> list[Document]:
        """The documents with these ids; all of the kind where no ids of any kind are given."""
        if ids is not None:
            return [self.taken(await self.repository.get(kind, each)) for each in ids]
        return await self.all(kind) if others is None else []

    async def all(self, kind: Kind) -> list[Document]:
        cursor, found = None, []
        while True:
            listing = await self.repository.page(kind, limit=500, cursor=cursor)
            found += [self.taken(entry) for entry in listing.result]
            if (cursor := listing.cursor) is None:
                return found

    async def concepts(self, documents: Sequence[Document]) -> list[Document]:
        """The concepts that the documents refer to, and those that these refer to in turn: units, values, cases."""
        found: dict[str, Document] = {}
        asked, latest = set[str](), list(documents)
        while identifiers := sorted(referenced_concepts(latest) - asked):
            asked.update(identifiers)
            entries = await self.repository.several(Kind.CONCEPT, identifiers)
            latest = [self.taken(entry) for entry in entries]
            found |= {document["id"]: document for document in latest}
        return [found[identifier] for identifier in sorted(found)]


async def select(repository: Repository, selection: Selection) -> list[Document]:
    """The documents of a selection, shells first. Raises NotFound for an id that is not there, TooLarge."""
    selecting = _Selecting(repository)
    shells = await selecting.chosen(Kind.SHELL, selection.shell_ids, selection.submodel_ids)
    submodel_ids = selection.submodel_ids
    if submodel_ids is None and selection.shell_ids is not None:
        referred = [target(each) for shell in shells for each in shell.get("submodels") or []]
        submodel_ids = [e for e in dict.fromkeys(referred) if e and await repository.exists(Kind.SUBMODEL, e)]
    submodels = await selecting.chosen(Kind.SUBMODEL, submodel_ids, selection.shell_ids)
    found = [*shells, *submodels]
    if not selection.concepts:
        return found
    everything = selection.shell_ids is None and selection.submodel_ids is None
    return [*found, *(await selecting.all(Kind.CONCEPT) if everything else await selecting.concepts(found))]


@dataclass(frozen=True, slots=True)
class Spooled:
    """A binary on its way into a package: read from the store already, so that a thread can write it."""

    content_type: str
    size: int
    thumbnail: bool
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Documents and the binaries they name, ready to be written as a package."""

    documents: Sequence[Document]
    parts: dict[str, Spooled]


@asynccontextmanager
async def bundle(repository: Repository, documents: Sequence[Document]) -> AsyncIterator[Bundle]:
    """The documents with their parts. Two parts of one name and different bytes get two names, in File.value, too."""
    named: dict[str, tuple[str, Part]] = {}
    renamed = []
    for document in documents:
        parts = await repository.parts.parts(kind_of(document), document["id"])
        names = {name: _place(name, part, named) for name, part in parts.items()}
        renamed.append(_with_names(document, {old: new for old, new in names.items() if not _same(old, new)}))
    with ExitStack() as files:
        spooled = {}
        for name, part in named.values():
            file = files.enter_context(tempfile.SpooledTemporaryFile(SPOOL))
            async for chunk in repository.parts.fetch(part.sha256):
                await asyncio.to_thread(file.write, chunk)
            spooled[name] = Spooled(part.content_type, part.size, part.thumbnail, partial(_chunks, file))
        yield Bundle(renamed, spooled)


def _place(name: str, part: Part, named: dict[str, tuple[str, Part]]) -> str:
    """The package name of a part; numbered where another part has it (names differ by more than case, OPC)."""
    wanted = relationships.resolve(relationships.ROOT, name) or "/aasx/files/part"
    stem, extension = posixpath.splitext(wanted)
    number = 1
    while (other := named.get(wanted.casefold())) and other[1].sha256 != part.sha256:
        number += 1
        wanted = f"{stem}-{number}{extension}"
    return named.setdefault(wanted.casefold(), (wanted, part))[0]


def _same(old: str, new: str) -> bool:
    return relationships.resolve(relationships.ROOT, old) == new


def _with_names(value: Json, names: Mapping[str, str]) -> Json:
    """A document with other names for its files; the document itself where none changes."""
    match value:
        case _ if not names:
            return value
        case list():
            return [_with_names(each, names) for each in value]
        case {"modelType": "File", "value": str(name)} if name in names:
            return value | {"value": names[name]}
        case {"defaultThumbnail": {"path": str(name)} as thumbnail} if name in names:
            return value | {"defaultThumbnail": thumbnail | {"path": names[name]}}
        case dict():
            return {key: _with_names(below, names) for key, below in value.items()}
        case _:
            return value


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk
