"""Which changes a reader wants to hear of: by document, place, meaning and type, and by a condition on the document."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aas_server.events.announcing import PLACES
from aas_server.model import Document, Json, Kind
from aas_server.model.changes import Event, Logged
from aas_server.model.errors import Malformed, NotFound
from aas_server.model.paths import IdShortPath, resolve, walk
from aas_server.model.query import parse_condition
from aas_server.model.query.tree import DOCUMENT_OF, fields
from aas_server.model.references import target
from aas_server.repository import Repository
from aas_server.storage import Matching

#: The field that holds the id of a document in the query language.
_IDS = {
    Kind.SHELL: "$aas#id",
    Kind.SUBMODEL: "$sm#id",
    Kind.CONCEPT: "$cd#id",
    Kind.SHELL_DESCRIPTOR: "$aasdesc#id",
    Kind.SUBMODEL_DESCRIPTOR: "$smdesc#id",
}
#: Documents that are looked at in one query.
PIECE = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """What must hold of a change, all of it; what is empty demands nothing.

    `shells` lets through shells and the submodels they refer to; `meanings` what has one of these semantic ids.
    `condition` is the JSON text of a condition of the query language. Of what is deleted nobody can say what it meant:
    `meanings` and `condition` let it through. How connections stand passes whatever is wanted of documents: what is
    selected may hang on them.
    """

    shells: frozenset[str] = frozenset()
    submodels: frozenset[str] = frozenset()
    paths: frozenset[IdShortPath] = frozenset()
    meanings: frozenset[str] = frozenset()
    events: frozenset[Event] = frozenset()
    condition: str = ""


def condition_kinds(condition: Json) -> list[Kind]:
    """The kinds of documents that a condition speaks of. Raises Malformed where none can meet it."""
    kinds, wrong = [], ""
    for kind in _IDS:
        try:
            spoken_of = {DOCUMENT_OF[field.root] for field in fields(parse_condition(condition, kind))}
        except Malformed as error:
            wrong = wrong or str(error)
        else:
            kinds += [kind] if not spoken_of or kind in spoken_of else []
    if not kinds:
        raise Malformed(f"query: {wrong}")
    return kinds


class Passing:
    """A filter at work. It remembers which submodels the wanted shells refer to, and looks again when one changes."""

    def __init__(self, repository: Repository, wanted: Filter, condition: Json = None) -> None:
        self._repository, self._wanted, self._condition = repository, wanted, condition
        self._kinds = condition_kinds(condition) if condition is not None else []
        self._referred: frozenset[str] | None = None

    async def changes(self, batch: Sequence[Logged]) -> list[Logged]:
        """Those of the changes that pass, in their order."""
        told = [each for each in batch if each.kind in PLACES and each.event in (self._wanted.events or Event)]
        connections = [each for each in told if each.kind is Kind.CONNECTION]
        if not connections:
            return await self._of_documents(told, batch)
        rest = [each for each in told if each.kind is not Kind.CONNECTION]
        return sorted([*connections, *await self._of_documents(rest, batch)], key=lambda change: change.sequence)

    async def _of_documents(self, told: Sequence[Logged], batch: Sequence[Logged]) -> list[Logged]:
        wanted, found = self._wanted, iter(told)
        if wanted.submodels:
            found = (each for each in found if each.kind is Kind.SUBMODEL and each.identifier in wanted.submodels)
        if wanted.paths:
            found = (each for each in found if each.kind is Kind.SUBMODEL and _along(each.path, wanted.paths))
        if wanted.shells:
            await self._refer(batch)
            found = (each for each in found if self._belongs(each))
        result = list(found)
        if wanted.meanings and result:
            result = await self._meaning(result)
        if self._condition is not None and result:
            result = await self._meeting(result)
        return result

    # Shells and what they refer to

    async def _refer(self, batch: Sequence[Logged]) -> None:
        shells = self._wanted.shells
        if self._referred is not None and not any(
            each.kind is Kind.SHELL and each.identifier in shells for each in batch
        ):
            return
        found = await self._repository.several(Kind.SHELL, sorted(shells))
        references = (each for entry in found for each in entry.document.get("submodels") or ())
        referred = frozenset(identifier for each in references if (identifier := target(each)))
        #: What a shell no longer refers to stays until the server forgets this reader: its deletion is told, too.
        self._referred = referred | (self._referred or frozenset())

    def _belongs(self, change: Logged) -> bool:
        match change.kind:
            case Kind.SHELL:
                return change.identifier in self._wanted.shells
            case Kind.SUBMODEL:
                return change.identifier in (self._referred or ())
        return False

    # What is looked up in documents

    async def _meaning(self, batch: list[Logged]) -> list[Logged]:
        """Values pass by what leads to them, other changes by anything in the document."""
        identifiers = {each.identifier for each in batch if each.kind is Kind.SUBMODEL}
        entries = await self._repository.several(Kind.SUBMODEL, sorted(identifiers))
        documents = {entry.identifier: entry.document for entry in entries}
        whole = {each.identifier for each in batch if not each.path}
        meant = {
            identifier: bool(self._wanted.meanings & set(_meanings(document)))
            for identifier, document in documents.items()
            if identifier in whole
        }

        def passes(change: Logged) -> bool:
            if change.kind is not Kind.SUBMODEL:
                return False
            if change.event is Event.DELETED:
                return True
            document = documents.get(change.identifier)
            if document is None or not change.path:
                return meant.get(change.identifier, False)
            return bool(self._wanted.meanings & set(_meanings_along(document, change.path)))

        return [each for each in batch if passes(each)]

    async def _meeting(self, batch: list[Logged]) -> list[Logged]:
        """The store is asked which of the documents meet the condition, as they are now."""
        met: dict[Kind, set[str]] = {}
        for kind in self._kinds:
            identifiers = sorted({each.identifier for each in batch if each.kind is kind})
            met[kind] = set()
            for start in range(0, len(identifiers), PIECE):
                met[kind] |= await self._matching(kind, identifiers[start : start + PIECE])
        return [
            each
            for each in batch
            if each.kind in met and (each.event is Event.DELETED or each.identifier in met[each.kind])
        ]

    async def _matching(self, kind: Kind, identifiers: Sequence[str]) -> set[str]:
        one_of = {"$or": [{"$eq": [{"$field": _IDS[kind]}, {"$strVal": each}]} for each in identifiers]}
        several = len(identifiers) > 1
        condition = {"$and": [one_of if several else one_of["$or"][0], self._condition]}
        matching = Matching(parse_condition(condition, kind))
        found: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._repository.documents.page(kind, [matching], PIECE, cursor)
            found |= {stored.identifier for stored in page.result}
            if (cursor := page.cursor) is None:
                return found


def _along(path: IdShortPath, wanted: Iterable[IdShortPath]) -> bool:
    """Whether a path leads to a wanted one or from it: what has changed above or below may have changed it."""
    return any(path[: len(each)] == each[: len(path)] for each in wanted)


def _own_meanings(element: Document) -> Iterator[str]:
    references = [element.get("semanticId"), *(element.get("supplementalSemanticIds") or ())]
    for reference in references:
        if reference:
            yield from (key["value"] for key in reference["keys"])


def _meanings(document: Document) -> Iterator[str]:
    yield from _own_meanings(document)
    for _, element in walk(document):
        yield from _own_meanings(element)


def _meanings_along(document: Document, path: IdShortPath) -> Iterator[str]:
    """Those of the submodel, of the element and of what lies between; fewer where the element is gone meanwhile."""
    with contextlib.suppress(NotFound):
        for length in range(len(path) + 1):
            yield from _own_meanings(resolve(document, path[:length]))
