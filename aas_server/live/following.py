"""The plan carried out: connections opened and closed, items observed, elements fed, as submodels come and go."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from aas_server.live import AssetConnection, Endpoint
from aas_server.live.carrying import Carried, Place
from aas_server.live.compiling import compiled
from aas_server.live.converting import converter
from aas_server.live.declaring import Declared
from aas_server.live.finding import Configurations
from aas_server.live.lines import Line
from aas_server.live.lua.transforming import Order, Transforming
from aas_server.live.permitting import endpoints, permitted
from aas_server.live.plan import Call, Defect, ItemAt, Plan, Sink
from aas_server.live.plan import Mapping as Mapped
from aas_server.live.refusing import Refused
from aas_server.live.saying import value_of
from aas_server.model import Document, Kind
from aas_server.model.changes import Event, Logged
from aas_server.model.errors import Gone, Malformed, NotFound, Problem
from aas_server.model.paths import IdShortPath, resolve
from aas_server.model.quality import GOOD, status_code
from aas_server.repository import Repository
from aas_server.repository.feeding import Feeding
from aas_server.repository.slots import Converter, Slot

log = logging.getLogger(__name__)

#: Changes that come so soon after each other, in seconds, lead to one new plan.
TOGETHER = 0.2
#: Seconds that a plan of what has been loaded may take before defects are warned of without it.
PATIENCE = 10.0
#: Seconds between two runs of a transformation; scripts in one go.
TICK, AT_ONCE = 0.1, 100
_UNREADABLE = status_code("BadDataEncodingUnsupported")


class Connecting(Protocol):
    """What opens connections."""

    async def prepare(self, endpoints: Iterable[Endpoint]) -> None: ...

    def connect(self, endpoint: Endpoint) -> AssetConnection: ...


class Live:
    """What is connected. `permitted` names the endpoints that may be (see allowing), `stale` is in seconds."""

    def __init__(
        self,
        repository: Repository,
        connecting: Connecting,
        permitted: Sequence[str],
        stale: float = 30.0,
        transforming: Transforming | None = None,
        declared: Declared = Declared(),  # noqa: B008 - frozen
    ) -> None:
        self.repository, self.feeding = repository, Feeding(repository)
        self._connecting, self._permitted, self._stale = connecting, permitted, stale
        self._declared = declared
        self.plan = Plan()
        #: Whether a plan has been carried out.
        self.planned = asyncio.Event()
        self.defects: tuple[Defect, ...] = ()
        #: Documents are still being loaded: what is missing may yet come, and nobody is warned of it.
        self.patient = False
        self._warned: frozenset[Defect] = frozenset()
        #: The last change that the plan knows of.
        self._seen = 0
        self.lines: dict[Endpoint, Line] = {}
        self.carried: dict[Mapped, Carried] = {}
        self.calls: dict[Place, Call] = {}
        self._transforming = transforming
        self._configurations = Configurations(repository)
        #: The mappings that elements of a submodel feed.
        self._elements: dict[str, list[Carried]] = {}
        self._refused = Refused(self.feeding)
        #: What feeds a slot.
        self.behind: dict[Slot, tuple[Carried, Sink]] = {}

    # Following

    async def follow(self) -> None:
        """Keep in step with the submodels, until the store closes."""
        while True:
            changes = self.repository.changes()
            first = asyncio.ensure_future(anext(changes))
            try:
                await asyncio.sleep(0)  # from now on nothing is missed
                await self._load()
                await self._take(await first)
                async for batch in changes:
                    await self._take(batch)
            except StopAsyncIteration:
                return
            except Gone as error:
                log.info("the plan is made anew: %s", error)
            else:
                return
            finally:
                first.cancel()

    async def _take(self, batch: Sequence[Logged]) -> None:
        if self._touched(batch):
            await asyncio.sleep(TOGETHER)
            await self.make()
        await self._move(batch)
        self._seen = batch[-1].sequence

    def _touched(self, batch: Iterable[Logged]) -> bool:
        """Whether a batch changes what the plan is made of. What the plant itself says does not."""
        edits = [change for change in batch if change.kind is Kind.SUBMODEL and not change.quality]
        noted = [self._configurations.note(each.identifier) for each in edits if each.event is not Event.VALUE]
        values = self._configurations.known | self.plan.interfaces
        return any(noted) or any(
            each.identifier in (values if each.event is Event.VALUE else self.plan.read | values) for each in edits
        )

    async def _load(self) -> None:
        self._seen = self.repository.documents.newest
        await self._configurations.load()
        await self.make()

    # Plans

    async def make(self) -> None:
        """Make the plan anew, and carry out the difference."""
        known: dict[str, Document | None] = {}
        await self._fetch(known, self._configurations.known)
        configurations = [
            document for each in sorted(self._configurations.known) if (document := known[each]) is not None
        ]
        while True:
            files = self._declared.declarations
            plan = await asyncio.to_thread(compiled, configurations, known.get, declarations=files)
            if not await self._fetch(known, plan.read - known.keys()):
                break
        await self.carry_out(plan)

    async def _fetch(self, known: dict[str, Document | None], identifiers: Iterable[str]) -> bool:
        missing = list(identifiers)
        known.update(dict.fromkeys(missing))
        for entry in await self.repository.several(Kind.SUBMODEL, missing):
            known[entry.identifier] = entry.document
        return bool(missing)

    async def carry_out(self, plan: Plan) -> None:
        """From now on this is the plan. What stays the same is not interrupted."""
        whole = plan.mappings
        plan, refused = permitted(plan, self._permitted, scripts=self._transforming is not None)
        self.plan, self.defects = plan, (*self._declared.defects, *plan.defects, *refused)
        if not self.patient:
            self._warn()
        if plan.mappings or plan.calls:
            several: list[Mapped | Call] = [*plan.mappings, *plan.calls]
            await self._connecting.prepare({endpoint for each in several for endpoint in endpoints(each)})
        wanted = dict.fromkeys(plan.mappings)
        gone = [carried for mapping, carried in self.carried.items() if mapping not in wanted]
        await self._begin([mapping for mapping in wanted if mapping not in self.carried])
        await self._end(gone)  # what is fed by another from now on is fed all the time
        fed = {(slot.feed.submodel_id, slot.path) for slot in self.behind}
        await self._refused.take([mapping for mapping in whole if mapping not in wanted], fed)
        self._elements = defaultdict(list)
        for carried in self.carried.values():
            for submodel_id in {at.submodel_id for _, at in carried.elements()}:
                self._elements[submodel_id].append(carried)
        self.calls = {(call.submodel_id, call.path): call for call in plan.calls}
        for call in plan.calls:
            self._line(call.endpoint)
        await self._tidy({call.endpoint for call in plan.calls})
        self.planned.set()

    def _warn(self) -> None:
        """Say what is newly wrong."""
        for defect in self.defects:
            if defect not in self._warned:
                log.warning("%s: %s", defect.origin, defect.text)
        self._warned = frozenset(self.defects)

    async def loaded(self) -> None:
        """All that was to be loaded is here: once the plan is made of it, and from then on, defects are warned of."""
        newest = self.repository.documents.newest
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while self._seen < newest:  # noqa: ASYNC110 - once, at the start
                    await asyncio.sleep(TOGETHER)
        self.patient = False
        self._warn()

    async def _end(self, gone: Sequence[Carried]) -> None:
        if not gone:
            return
        for carried in gone:
            for line, item, target in carried.fed:
                line.remove(item, target)
            del self.carried[carried.mapping]
            for slot in carried.slots.values():
                del self.behind[slot]
        await self.feeding.unbind([slot for carried in gone for slot in carried.slots.values()])

    async def _begin(self, new: Sequence[Mapped]) -> None:
        wanted: dict[str, dict[IdShortPath, Converter]] = defaultdict(dict)
        for mapping in new:
            for sink in mapping.sinks:
                wanted[sink.submodel_id][sink.path] = converter
        slots = {
            (identifier, slot.path): slot
            for identifier, paths in wanted.items()
            for slot in await self.feeding.bind(identifier, paths)
        }
        for mapping in new:
            carried = Carried(mapping, {sink.name: slots[sink.submodel_id, sink.path] for sink in mapping.sinks})
            self.carried[mapping] = carried
            self.behind |= {carried.slots[sink.name]: (carried, sink) for sink in mapping.sinks}
            self._connect_sources(carried)
            for name, at in carried.elements():
                await self._feed(carried, name, at.submodel_id, at.path)

    def _connect_sources(self, carried: Carried) -> None:
        for source in carried.mapping.sources:
            target = carried.target(source.name)
            if isinstance(source.at, ItemAt) and target is not None:
                line = self._line(source.at.endpoint)
                line.add(source.at.item, target)
                carried.fed.append((line, source.at.item, target))

    def _line(self, endpoint: Endpoint) -> Line:
        if endpoint not in self.lines:
            connection = self._connecting.connect(endpoint)
            self.lines[endpoint] = Line(endpoint, connection, self._announce, self._stale)
        return self.lines[endpoint]

    async def _tidy(self, called: set[Endpoint]) -> None:
        """Tell each line what it has to observe, and close those that have nothing left."""
        for endpoint, line in list(self.lines.items()):
            if line.idle and endpoint not in called:
                del self.lines[endpoint]
                await line.close()
                with contextlib.suppress(Problem):
                    await self.repository.delete(Kind.CONNECTION, endpoint.base)
            else:
                await line.observe()

    async def _announce(self, line: Line) -> None:
        """Store how a line stands: one event for all its elements."""
        shown = {name: given for name, given in line.document().items() if name in ("endpoint", "state", "error")}
        try:
            await self.repository.put({"id": line.endpoint.base, **shown}, kind=Kind.CONNECTION)
        except Problem as problem:
            log.warning("the state of %s is not stored: %s", line.endpoint.base, problem)

    # Elements as sources

    async def _move(self, batch: Iterable[Logged]) -> None:
        """Elements that feed others have changed."""
        await self._feed_from(change.identifier for change in batch if change.kind is Kind.SUBMODEL)

    async def _feed_from(self, submodel_ids: Iterable[str]) -> None:
        for submodel_id in dict.fromkeys(submodel_ids):
            for carried in self._elements.get(submodel_id, ()):
                for name, at in carried.elements():
                    if at.submodel_id == submodel_id:
                        await self._feed(carried, name, submodel_id, at.path)

    async def _feed(self, carried: Carried, name: str, submodel_id: str, path: IdShortPath) -> None:
        if (target := carried.target(name)) is None:
            return
        try:
            entry = await self.repository.get(Kind.SUBMODEL, submodel_id, path)
            value = value_of(resolve(entry.document, path))
            slot = self.repository.live.slot(submodel_id, path)
            target.set(value, slot.code if slot else GOOD, slot.source_time if slot else 0)
            carried.error = ""
        except (NotFound, Malformed) as problem:
            carried.error = str(problem)
            target.set(None, _UNREADABLE, 0)

    # Transformations

    async def transform(self) -> None:
        """Run the scripts whose sources have changed, again and again."""
        while self._transforming is not None:
            await asyncio.sleep(TICK)
            try:
                await self._transform(self._transforming)
            except Exception:
                log.exception("transformations failed; they are tried again")

    async def _transform(self, transforming: Transforming) -> None:
        due = [each for each in self.carried.values() if each.dirty and each.complete]
        for start in range(0, len(due), AT_ONCE):
            several = due[start : start + AT_ONCE]
            for each in several:
                each.dirty = False
            orders = [_order(each) for each in several]
            for each, order, made in zip(several, orders, await transforming.run(orders), strict=True):
                each.take(made)
                each.dirty = each.dirty or transforming.rests(order.script)

    # Storing, and the end

    async def store(self, interval: float) -> None:
        """Store what has come, again and again."""
        while True:
            await asyncio.sleep(interval)
            for line in self.lines.values():
                line.measure()
            try:
                await self.feeding.store()
                await self._feed_from(self.repository.live.requalified())
            except Exception:
                log.exception("readings are not stored, and tried again")

    async def close(self) -> None:
        """Close all connections and store what came last."""
        if self._transforming is not None:
            await self._transforming.close()
        await asyncio.gather(*(line.close() for line in self.lines.values()), return_exceptions=True)
        self.lines.clear()
        with contextlib.suppress(Problem):
            await self.feeding.unbind([slot for each in self.carried.values() for slot in each.slots.values()])
            await self._refused.close()
        self.carried.clear()


def _order(carried: Carried) -> Order:
    """What the script of a mapping is given now."""
    sources = {name: given.value for name, given in carried.inputs.items()}
    return Order(carried.mapping.transformation or "", sources, carried.mapping.origin)
