"""Packages into the repository: all or nothing, and every oddity told."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from aas_server.aasx.package import Package, PartSource
from aas_server.model import IDENTIFIABLES, Document, kind_of
from aas_server.model.changes import ABSENT, Part, Put
from aas_server.model.errors import AlreadyExists, Finding, Invalid
from aas_server.model.validation import verify
from aas_server.repository import Repository
from aas_server.repository.entries import Key

#: Findings that leave a document in no readable shape; others are told and the document is loaded (docs/decisions.md:
#: two out of five published packages violate a constraint).
SHAPE = frozenset({"type", "required", "additionalProperties", "enum", "const", "modelType", "depth"})

#: Findings told one by one.
MOST_FINDINGS = 10_000

#: Ids asked for in one query.
BATCH = 500

Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Report:
    """What an import did, or would do: ids by what became of them, and everything that was odd."""

    created: list[Key] = field(default_factory=list)
    replaced: list[Key] = field(default_factory=list)
    unchanged: list[Key] = field(default_factory=list)
    skipped: list[Key] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def as_json(self) -> Document:
        lists = {
            name: [{"modelType": kind, "id": identifier} for kind, identifier in getattr(self, name)]
            for name in ("created", "replaced", "unchanged", "skipped")
        }
        return {**lists, "parts": self.parts, "findings": self.findings}


@dataclass(frozen=True, slots=True)
class Mode:
    """How an import treats what it meets: keep what exists, refuse constraint violations, or only tell."""

    ignore_duplicates: bool = False
    strict: bool = False
    dry_run: bool = False


def _silent(what: str, done: int, total: int) -> None:
    """Progress nobody asked for."""


async def import_package(
    repository: Repository, package: Package, mode: Mode = Mode(), progress: Progress = _silent
) -> Report:
    """Store everything a package holds in one step. Raises Invalid where a document cannot be stored.

    Dry, it reads all there is to read, so that what it raises is what the import would raise.
    """
    findings = await asyncio.to_thread(_checked, package, mode, progress)
    while True:
        report = Report(findings=list(findings))
        documents = await _sorted_out(repository, [document for _, document in package.documents], mode, report)
        wanted = _wanted(package, documents)
        report.parts = sorted(wanted)
        if mode.dry_run:
            await asyncio.to_thread(_read_through, wanted)
            return report
        try:
            await _store(repository, documents, wanted, mode, progress)
        except AlreadyExists:
            continue  # somebody created one of them in between, and what exists is to be kept
        return report


def _checked(package: Package, mode: Mode, progress: Progress) -> list[str]:
    """Everything that is odd about a package and its documents. Raises Invalid where they cannot be stored."""
    violations = list(_violations(package, progress))
    refused = [finding for _, finding in violations if mode.strict or finding.constraint in SHAPE]
    if refused:
        raise Invalid(refused)
    told = [f"{part}: {finding}" if part else str(finding) for part, finding in violations]
    findings = [*map(str, package.findings), *told]
    more = len(findings) - MOST_FINDINGS
    return findings if more <= 0 else [*findings[:MOST_FINDINGS], f"and {more} more findings"]


def _read_through(parts: Mapping[str, PartSource]) -> None:
    """Raises Malformed where the bytes of a part are not those that the package announces."""
    for source in parts.values():
        for _ in source.chunks():
            pass


async def _store(
    repository: Repository,
    documents: Sequence[Document],
    wanted: Mapping[str, PartSource],
    mode: Mode,
    progress: Progress,
) -> None:
    """Write documents and parts in one step. Raises AlreadyExists where one exists and none may."""
    kept: list[str] = []
    try:
        parts = await _keep(repository, wanted, kept, progress)
        expected = ABSENT if mode.ignore_duplicates else None
        progress("storing", 0, len(documents))
        await repository.apply(
            [Put(each, expected, await _news(repository, each, parts[kind_of(each), each["id"]])) for each in documents]
        )
        progress("storing", len(documents), len(documents))
    finally:
        for sha256 in kept:
            await repository.parts.release(sha256)


def _violations(package: Package, progress: Progress) -> Iterator[tuple[str, Finding]]:
    """What is wrong with the documents, each finding's path beginning with the document's id."""
    for number, (part, document) in enumerate(package.documents):
        if number % 100 == 0:
            progress("checking", number, len(package.documents))
        for finding in verify(document):
            where = f"{document.get('modelType')} {document.get('id')!r} {finding.path}".rstrip()
            yield part, Finding(where, finding.message, finding.constraint)


async def _sorted_out(
    repository: Repository, documents: Sequence[Document], mode: Mode, report: Report
) -> list[Document]:
    """The documents to be written; the report says of all of them what becomes of them."""
    kept = []
    stored = await _bodies(repository, documents)
    for document in documents:
        key = kind_of(document), document["id"]
        body = stored.get(key)
        if body is None:
            report.created.append(key)
        elif mode.ignore_duplicates:
            report.skipped.append(key)
            continue
        elif body == orjson.dumps(document):
            report.unchanged.append(key)
        else:
            report.replaced.append(key)
        kept.append(document)
    return kept


async def _bodies(repository: Repository, documents: Sequence[Document]) -> Mapping[Key, bytes]:
    found: dict[Key, bytes] = {}
    for kind in IDENTIFIABLES:
        identifiers = [document["id"] for document in documents if kind_of(document) is kind]
        for start in range(0, len(identifiers), BATCH):
            for entry in await repository.several(kind, identifiers[start : start + BATCH]):
                found[entry.key] = entry.body
    return found


async def _news(repository: Repository, document: Document, parts: Mapping[str, Part]) -> Mapping[str, Part]:
    """The parts that the store does not have yet: the same once more is no change of the document."""
    if not parts:
        return parts
    stored = await repository.parts.parts(kind_of(document), document["id"])
    return {name: part for name, part in parts.items() if stored.get(name) != part}


def _wanted(package: Package, documents: Sequence[Document]) -> dict[str, PartSource]:
    """The parts that belong to documents that are written."""
    written = {(kind_of(document), document["id"]) for document in documents}
    return {
        name: source
        for name, source in package.parts.items()
        if any((owner.kind, owner.identifier) in written for owner in source.owners)
    }


async def _keep(
    repository: Repository, wanted: Mapping[str, PartSource], kept: list[str], progress: Progress
) -> Mapping[Key, dict[str, Part]]:
    """Store the parts, and note them as `kept`, to be released in any case."""
    parts: dict[Key, dict[str, Part]] = defaultdict(dict)
    for number, source in enumerate(wanted.values()):
        progress("files", number, len(wanted))
        sha256, size = await repository.parts.keep(in_thread(source.chunks()))
        kept.append(sha256)
        for owner in source.owners:
            part = Part(sha256, size, source.content_type, source.thumbnail)
            parts[owner.kind, owner.identifier][owner.name] = part
    return parts


async def in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A blocking stream, read chunk by chunk in a thread."""
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk
