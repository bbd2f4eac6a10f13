"""Whatever is done in whatever order, a store answers as a plain dictionary would."""

import asyncio
import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aas_server.model import IDENTIFIABLES, Document, Kind, kind_of
from aas_server.model.changes import ABSENT, Change, Delete, Event, Logged, Outcome, Put, Readings, SetValue, Told
from aas_server.model.edit import apply_values
from aas_server.model.errors import AlreadyExists, NotFound, PreconditionFailed, Problem
from aas_server.model.paths import IdShortPath, resolve, text
from aas_server.storage import Criterion, ElementValue, Label, Stored, index
from aas_server.storage.sqlite import SqliteStorage
from tests.examples import collection, concept, external, listed, prop, shell, submodel

IDENTIFIERS = ("urn:x:1", "urn:x:2", "urn:x:3")
NAMES = ("Press", "Lathe")
NUMBERS = ("0", "1", "2")
SPEEDS: list[IdShortPath] = [("Speed",), ("Motors", 0), ("Motors", 1), ("Drive", "Speed")]

numbers = st.sampled_from(NUMBERS)
names = st.sampled_from([{}, *({"idShort": name} for name in NAMES)])
identifiers = st.sampled_from(IDENTIFIERS)


@st.composite
def submodels(draw: st.DrawFn) -> Document:
    elements = []
    if draw(st.booleans()):
        elements.append(prop("Speed", draw(numbers), **draw(st.sampled_from([{}, {"semanticId": external("urn:s")}]))))
    if draw(st.booleans()):
        elements.append(listed("Motors", "Property", prop(None, draw(numbers)), prop(None, draw(numbers))))
    if draw(st.booleans()):
        elements.append(collection("Drive", prop("Speed", draw(numbers)), prop("Text", draw(numbers), "xs:string")))
    return submodel(draw(identifiers), *elements, **draw(names))


documents = st.one_of(
    submodels(),
    st.builds(lambda identifier, more: shell(identifier) | more, identifiers, names),
    st.builds(lambda identifier, more: concept(identifier, **more), identifiers, names),
)


@dataclass(frozen=True)
class Known:
    """What the dictionary holds of a document."""

    document: Document
    revision: int
    created: int


Key = tuple[Kind, str]
World = dict[Key, Known]


class Model:
    """The store as it is meant: a dictionary and a list."""

    def __init__(self) -> None:
        self.world: World = {}
        self.sequence = 0
        self.log: list[tuple[Event, str]] = []

    def apply(self, changes: list[Change]) -> list[Event | None]:
        """All or nothing; raises what the store must raise."""
        world, log = dict(self.world), list(self.log)
        events = [self._apply(world, log, change) for change in changes]
        self.world, self.log = world, log
        return events

    def _apply(self, world: World, log: list[tuple[Event, str]], change: Change) -> Event | None:
        key = key_of(change)
        before = world.get(key)
        event = _event(before, change)
        if event is not None and not isinstance(change, Readings):
            log.append((event, key[1]))
        match change:
            case Readings(values=values):
                assert before is not None
                document = before.document
                for told in values:
                    if _has(document, told.path):
                        document = apply_values(document, [(told.path, told.attributes)])
                        log.append((Event.VALUE, key[1]))
                world[key] = Known(document, before.revision, before.created)
            case Put(document=document) if event is not None:
                world[key] = Known(document, -1, before.created if before else len(log))
            case Delete():
                del world[key]
            case SetValue(path=path, attributes=attributes):
                assert before is not None
                world[key] = Known(apply_values(before.document, [(path, attributes)]), -1, before.created)
        return event

    def revised(self, changes: list[Change], outcomes: list[Outcome]) -> None:
        """Take over the revisions that the store gave."""
        for change, outcome in zip(changes, outcomes, strict=True):
            if (known := self.world.get(key_of(change))) is not None and outcome.event is not Event.DELETED:
                self.world[key_of(change)] = Known(known.document, outcome.revision, known.created)


def key_of(change: Change) -> Key:
    match change:
        case SetValue() | Readings():
            return Kind.SUBMODEL, change.submodel_id
        case _:
            return change.kind, change.identifier


def _event(before: Known | None, change: Change) -> Event | None:
    """What must happen, or be raised."""
    if before is None:
        return _created(change)
    if isinstance(change, Readings):
        return Event.VALUE if any(_has(before.document, told.path) for told in change.values) else None
    if change.expected == ABSENT:
        raise AlreadyExists
    if change.expected not in (None, before.revision):
        raise PreconditionFailed
    match change:
        case Put(document=document):
            return None if orjson.dumps(document) == orjson.dumps(before.document) else Event.UPDATED
        case Delete():
            return Event.DELETED
        case SetValue():
            return Event.VALUE


def _created(change: Change) -> Event:
    if not isinstance(change, Put):
        raise NotFound
    if change.expected:
        raise PreconditionFailed
    return Event.CREATED


class Store(RuleBasedStateMachine):
    """One store in one file beside its model."""

    @initialize()
    def opened(self) -> None:
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.url = f"sqlite:///{Path(folder) / 'test.db'}"
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.model = Model()
        self.storage = self.run(SqliteStorage.open(self.url))

    def teardown(self) -> None:
        self.run(self.storage.close())
        self.stack.close()

    def run(self, work: Any) -> Any:
        return self.runner.get_loop().run_until_complete(work)

    def applied(self, *changes: Change) -> None:
        """Done by both, with the same answer or the same refusal."""
        try:
            events = self.model.apply(list(changes))
        except Problem as problem:
            with pytest.raises(type(problem)):
                self.run(self.storage.apply(changes))
            return
        outcomes = self.run(self.storage.apply(changes))
        assert [outcome.event for outcome in outcomes] == events
        self.model.revised(list(changes), outcomes)

    def expected(self, key: Key, which: str) -> int | None:
        known = self.model.world.get(key)
        match which:
            case "any":
                return None
            case "absent":
                return ABSENT
            case "current" if known is not None:
                return known.revision
            case _:
                return 10**6

    @rule(document=documents, which=st.sampled_from(["any", "any", "absent", "current", "stale"]))
    def put(self, document: Document, which: str) -> None:
        self.applied(Put(document, self.expected((kind_of(document), document["id"]), which)))

    @rule(
        kind=st.sampled_from(list(IDENTIFIABLES)),
        identifier=identifiers,
        which=st.sampled_from(["any", "current", "stale"]),
    )
    def delete(self, kind: Kind, identifier: str, which: str) -> None:
        self.applied(Delete(kind, identifier, self.expected((kind, identifier), which)))

    def setting(self, data: st.DataObject) -> SetValue | None:
        """An order to set one of the values there are."""
        there = [
            (key[1], path, resolve(known.document, path))
            for key, known in self.model.world.items()
            for path in SPEEDS
            if key[0] is Kind.SUBMODEL and _has(known.document, path)
        ]
        if not there:
            return None
        identifier, path, element = data.draw(st.sampled_from(there))
        value = data.draw(st.one_of(st.none(), numbers))
        return SetValue(identifier, path, {"value": value}, element)

    @rule(data=st.data())
    def set_value(self, data: st.DataObject) -> None:
        if (change := self.setting(data)) is not None:
            self.applied(change)

    @rule(data=st.data(), stale=st.booleans(), gone=st.booleans())
    def read(self, data: st.DataObject, stale: bool, gone: bool) -> None:
        """Values of the plant; whoever looked the elements up before the last edit may name some that are gone."""
        first, second = self.setting(data), self.setting(data)
        if first is None or second is None:
            return
        told = {each.path: each for each in (first, second) if each.submodel_id == first.submodel_id}
        values = [Told(path, {"value": each.attributes["value"]}, each.element) for path, each in told.items()]
        if stale and gone:
            values.append(Told(("Gone",), {"value": "1"}, prop("Gone")))
        known = self.model.world[Kind.SUBMODEL, first.submodel_id]
        self.applied(Readings(first.submodel_id, 0 if stale else known.revision, values))

    @rule(data=st.data(), put=st.lists(documents, min_size=1, max_size=3), gone=st.none() | identifiers)
    def several(self, data: st.DataObject, put: list[Document], gone: str | None) -> None:
        changes: list[Change] = [Put(document) for document in put]
        if (change := self.setting(data)) is not None:
            changes.insert(0, change)
        if gone is not None:
            changes.append(Delete(Kind.SUBMODEL, gone))
        self.applied(*changes)

    @rule()
    def fold(self) -> None:
        self.run(self.storage.fold(time.time() + 1))

    @rule()
    @precondition(lambda self: self.model.world)
    def reopen(self) -> None:
        self.run(self.storage.close())
        self.storage = self.run(SqliteStorage.open(self.url))

    @invariant()
    def all_answers_are_the_same(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        for kind in IDENTIFIABLES:
            await self.compare_documents(kind)
            assert await self.pages(kind) == self.ids(kind)
            for name in NAMES:
                assert await self.pages(kind, Label(index.ID_SHORT, name)) == self.ids(kind, name)
        for path in SPEEDS:
            for number in NUMBERS:
                criterion = ElementValue(text(path), float(number))
                assert await self.pages(Kind.SUBMODEL, criterion) == self.ids(Kind.SUBMODEL, None, path, number)
                named = await self.pages(Kind.SUBMODEL, criterion, Label(index.ID_SHORT, NAMES[0]))
                assert named == self.ids(Kind.SUBMODEL, NAMES[0], path, number)
        logged = await self.logged()
        assert [(each.event, each.identifier) for each in logged] == self.model.log

    async def compare_documents(self, kind: Kind) -> None:
        asked = [*reversed(IDENTIFIERS), "urn:none"]
        found = await self.storage.read(kind, asked)
        known = [self.model.world[kind, each] for each in asked if (kind, each) in self.model.world]
        assert [(shown(stored), stored.revision) for stored in found] == [
            (each.document, each.revision) for each in known
        ]
        assert [self.storage.peek(kind, stored.identifier) for stored in found] == found

    async def logged(self) -> list[Logged]:
        """The whole log."""
        found: list[Logged] = []
        if self.model.log:
            async for batch in self.storage.changes(0):
                found += batch
                if len(found) >= len(self.model.log):
                    break
        return found

    async def pages(self, kind: Kind, *criteria: Criterion) -> list[str]:
        """The ids on all pages of two."""
        page = await self.storage.page(kind, criteria, 2)
        found = [stored.identifier for stored in page.result]
        while page.cursor is not None:
            page = await self.storage.page(kind, criteria, 2, page.cursor)
            found += [stored.identifier for stored in page.result]
        return found

    def ids(self, kind: Kind, name: str | None = None, path: IdShortPath = (), value: str = "") -> list[str]:
        """The ids of the documents with this idShort, and this value at a path, in the order of creation."""
        there = [
            (known.created, identifier)
            for (of, identifier), known in self.model.world.items()
            if of is kind
            and (name is None or known.document.get("idShort") == name)
            and (not path or _is(known.document, path, value))
        ]
        return [identifier for _, identifier in sorted(there)]


def shown(stored: Stored) -> Document:
    """The document as readers get it."""
    document: Document = orjson.loads(stored.body)
    return apply_values(document, list(stored.values.items()))


def _has(document: Document, path: IdShortPath) -> bool:
    try:
        resolve(document, path)
    except NotFound:
        return False
    return True


def _is(document: Document, path: IdShortPath, value: str) -> bool:
    return _has(document, path) and resolve(document, path).get("value") == value


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
