"""Descriptors as readers see them: those posted, and beside them those made from what is hosted here.

A descriptor of a hosted shell or submodel is no copy: it is made when somebody looks, so it is always in step and costs
a writer nothing. One that is posted stands in its place until it is deleted.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence

from aas_server.model import Document, Kind, json
from aas_server.model.changes import ABSENT, Change, Delete, Put
from aas_server.model.descriptors import (
    Address,
    find_nested,
    get_nested,
    nested,
    shell_descriptor,
    submodel_descriptor,
    submodel_ids,
    with_nested,
    with_new_nested,
    without_nested,
)
from aas_server.model.errors import AlreadyExists, Forbidden, NotFound, PreconditionFailed
from aas_server.repository import Listing, Repository
from aas_server.repository.conditions import ANY, NONE, Condition
from aas_server.repository.entries import Entry
from aas_server.storage import Around, Label, Made

HOSTED = {Kind.SHELL_DESCRIPTOR: Kind.SHELL, Kind.SUBMODEL_DESCRIPTOR: Kind.SUBMODEL}

#: Descriptors that are made before others have a turn.
PIECE = 25
#: Bytes of descriptors after which a page ends.
LARGEST = 16 << 20

#: From a shell descriptor as it is kept and as it is seen to what is to be kept.
Edit = Callable[[Document, Document], Document]


class Registry:
    """The descriptors of one kind. An entry that was made and not posted has the revision ABSENT."""

    def __init__(self, repository: Repository, kind: Kind, addresses: Sequence[Address]) -> None:
        self.repository = repository
        self.kind = kind
        self.hosted = HOSTED[kind]
        self._addresses = addresses

    async def get(self, identifier: str) -> Entry:
        """Raises NotFound."""
        if (entry := await self.find(identifier)) is None:
            raise NotFound(f"no {self.kind} with id {identifier!r}")
        return entry

    async def find(self, identifier: str) -> Entry | None:
        return next(iter(await self.several([identifier])), None)

    async def several(self, identifiers: Sequence[str]) -> list[Entry]:
        """Those of the descriptors that there are, in the order asked for."""
        found = {entry.identifier: entry for entry in await self.repository.several(self.kind, identifiers)}
        others = [identifier for identifier in identifiers if identifier not in found]
        found |= {entry.identifier: entry for entry in await self.made(others)}
        return [found[identifier] for identifier in identifiers if identifier in found]

    async def page(self, wanted: Mapping[str, str], limit: int, cursor: str | None) -> Listing:
        """At most `limit` descriptors in the order of their ids, after the cursor, whose attributes are as wanted."""
        labels = [Label(name, value) for name, value in wanted.items()]
        result: list[Entry] = []
        size = 0
        while True:
            await asyncio.sleep(0)  # others have a turn
            identifiers, cursor = await self.repository.documents.identifiers(
                (self.kind, self.hosted), labels, min(limit - len(result), PIECE), cursor
            )
            found = await self.several(identifiers)
            result += [entry for entry in found if _meets(entry, wanted)]
            size += sum(len(entry.body) for entry in found)
            if cursor is None or len(result) >= limit or size > LARGEST:
                return Listing(result, cursor)

    @property
    def view(self) -> Made:
        """How the descriptors of what is hosted here are made, for queries."""
        return Made(self.hosted, self._of_shell if self.hosted is Kind.SHELL else self._of_submodel)

    def _of_submodel(self, submodel: Document, _around: Around) -> Document:
        return submodel_descriptor(submodel, self._addresses)

    def _of_shell(self, shell: Document, around: Around) -> Document:
        submodels = around.read(Kind.SUBMODEL, submodel_ids(shell))
        made = shell_descriptor(shell, submodels, self._addresses)
        added = around.read(Kind.NESTED_DESCRIPTORS, [shell["id"]])
        return with_nested(made, nested(added[0])) if added else made

    # Writing; the changes by themselves are for those who store many in one step

    async def create(self, descriptor: Document) -> Entry:
        """Raises AlreadyExists, also where what it describes is hosted here."""
        await self._require_unhosted(descriptor["id"])
        return await self.repository.create(descriptor, self.kind)

    async def creation(self, descriptor: Document) -> Put:
        """What creates a descriptor. Raises AlreadyExists where what it describes is hosted here."""
        await self._require_unhosted(descriptor["id"])
        return Put(descriptor, ABSENT, stored_as=self.kind)

    async def _require_unhosted(self, identifier: str) -> None:
        if await self.repository.exists(self.hosted, identifier):
            raise AlreadyExists(f"{self.hosted} {identifier!r} is hosted here and has a descriptor already")

    async def put(self, descriptor: Document, condition: Condition = NONE) -> tuple[Entry, bool]:
        """Create or replace; one that is made from what is hosted gives way. Raises PreconditionFailed."""
        before = await self.find(descriptor["id"])
        if condition is not NONE:
            condition.check(before.etag if before else None)
            condition = _unchanged(before)
        entry, created = await self.repository.put(descriptor, condition, self.kind)
        return entry, created and before is None

    async def delete(self, identifier: str, condition: Condition = NONE) -> None:
        """Raises NotFound, PreconditionFailed, Forbidden."""
        await self.repository.apply([await self.removal(identifier, condition)])

    async def removal(self, identifier: str, condition: Condition = NONE) -> Delete:
        """What removes a posted descriptor. Raises NotFound, PreconditionFailed, and Forbidden where none is posted."""
        before = await self.get(identifier)
        condition.check(before.etag)
        if before.revision == ABSENT:
            raise Forbidden(
                f"the descriptor of {identifier!r} is made from the {self.hosted} hosted here and goes with it"
            )
        return Delete(self.kind, identifier, None if condition is NONE else before.revision)

    # What is hosted

    async def made(self, identifiers: Sequence[str]) -> list[Entry]:
        """The descriptors made of those that are hosted here, whatever is posted."""
        hosted = await self.repository.several(self.hosted, identifiers)
        if self.hosted is Kind.SHELL:
            return await self._made_of_shells(hosted)
        return [self._entry(submodel_descriptor(each.document, self._addresses)) for each in hosted]

    async def _made_of_shells(self, hosted: Sequence[Entry]) -> list[Entry]:
        identifiers = [each.identifier for each in hosted]
        referred = {each.identifier: submodel_ids(each.document) for each in hosted}
        wanted = dict.fromkeys(identifier for several in referred.values() for identifier in several)
        submodels = {each.identifier: each for each in await self.repository.several(Kind.SUBMODEL, list(wanted))}
        added = {each.identifier: each for each in await self.repository.several(Kind.NESTED_DESCRIPTORS, identifiers)}
        return [
            self._shell_entry(
                shell,
                [submodels[each] for each in referred[shell.identifier] if each in submodels],
                added.get(shell.identifier),
            )
            for shell in hosted
        ]

    def _shell_entry(self, shell: Entry, submodels: Sequence[Entry], added: Entry | None) -> Entry:
        made = shell_descriptor(shell.document, [each.document for each in submodels], self._addresses)
        return self._entry(with_nested(made, nested(added.document)) if added else made)

    def _entry(self, descriptor: Document) -> Entry:
        """Its ETag is one of what it says: values of elements may change without changing it."""
        body = json.dump(descriptor)
        etag = f"{self.repository.documents.store_id}-{hashlib.sha256(body).hexdigest()[:24]}"
        return Entry(self.kind, descriptor["id"], ABSENT, etag, body, descriptor)


def _unchanged(before: Entry | None) -> Condition:
    """What a write may demand once its condition has been found to hold: nothing else has been posted since."""
    if before is None or before.revision == ABSENT:
        return Condition(if_none_match=frozenset({ANY}))
    return Condition(if_match=frozenset({before.etag}))


def _meets(entry: Entry, wanted: Mapping[str, str]) -> bool:
    """Storage answers for all documents under an id; where one stands in place of another, it alone counts."""
    return all(entry.document.get(name) == value for name, value in wanted.items())


class Nested:
    """The submodel descriptors below one shell descriptor.

    Those posted below a posted descriptor are kept in it; those posted below the descriptor of a hosted shell are kept
    beside it and shown in it, so that it stays in step with the shell.
    """

    def __init__(self, shells: Registry, shell_id: str) -> None:
        self._shells = shells
        self._shell_id = shell_id

    async def shell(self) -> Entry:
        """The shell descriptor. Raises NotFound."""
        return await self._shells.get(self._shell_id)

    async def create(self, descriptor: Document, condition: Condition = NONE) -> Entry:
        """Add one; the entry is that of the shell descriptor. Raises NotFound, AlreadyExists, PreconditionFailed."""

        def add(kept: Document, seen: Document) -> Document:
            with_new_nested(seen, descriptor)
            return with_nested(kept, [descriptor])

        return await self._edit(add, condition)

    async def put(self, descriptor: Document, condition: Condition = NONE) -> tuple[Entry, bool]:
        """Create or replace one; tells whether it was created. Raises NotFound, PreconditionFailed."""
        created: list[bool] = []

        def replace(kept: Document, seen: Document) -> Document:
            created[:] = [find_nested(seen, descriptor["id"]) is None]
            return with_nested(kept, [descriptor])

        return await self._edit(replace, condition), created[0]

    async def delete(self, submodel_id: str, condition: Condition = NONE) -> Entry:
        """Remove a posted one. Raises NotFound, PreconditionFailed, and Forbidden where none is posted."""

        def remove(kept: Document, seen: Document) -> Document:
            get_nested(seen, submodel_id)
            if find_nested(kept, submodel_id) is None:
                raise Forbidden(
                    f"the descriptor of submodel {submodel_id!r} is made from the Submodel hosted here and goes with"
                    f" it, or with the reference of shell {self._shell_id!r} to it"
                )
            return without_nested(kept, submodel_id)

        return await self._edit(remove, condition)

    async def _edit(self, edit: Edit, condition: Condition) -> Entry:
        repository = self._shells.repository
        while True:
            seen = await self.shell()
            condition.check(seen.etag)
            kept: Entry | None = seen
            if seen.revision == ABSENT:
                kept = next(iter(await repository.several(Kind.NESTED_DESCRIPTORS, [self._shell_id])), None)
            document = edit(kept.document if kept else {"id": self._shell_id}, seen.document)
            try:
                await repository.apply([_kept(document, kept)])
            except (AlreadyExists, NotFound, PreconditionFailed):
                continue  # somebody else's change came in between: edit what is there now
            return await self.shell()


def _kept(document: Document, before: Entry | None) -> Change:
    """What keeps an edited document; beside a hosted shell nothing is kept that says nothing."""
    kind = before.kind if before else Kind.NESTED_DESCRIPTORS
    revision = before.revision if before else ABSENT
    if kind is Kind.NESTED_DESCRIPTORS and before and not nested(document):
        return Delete(kind, document["id"], revision)
    return Put(document, revision, stored_as=kind)
