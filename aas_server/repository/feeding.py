"""The plant and the repository: elements are bound to it, its readings are stored, what is set of them is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from aas_server.model import Document, Kind
from aas_server.model.edit import Attributes, apply_values
from aas_server.model.errors import NotFound, Unavailable
from aas_server.model.paths import IdShortPath, resolver
from aas_server.repository.conditions import Condition
from aas_server.repository.live import Feed
from aas_server.repository.settings import ValuesOf
from aas_server.repository.slots import Converter, Slot

if TYPE_CHECKING:
    from aas_server.repository import Repository


class Plant(Protocol):
    """Where values go that somebody sets of elements which the plant feeds."""

    async def write(self, submodel_id: str, values: Sequence[tuple[IdShortPath, Attributes]]) -> None:
        """Write all. Raises Forbidden, Invalid, Unavailable and what else the plant says; nothing is queued."""
        ...


class Feeding:
    """The plant's side of a repository."""

    def __init__(self, repository: "Repository") -> None:
        self._repository = repository
        self._live = repository.live

    async def bind(self, submodel_id: str, wanted: Mapping[IdShortPath, Converter]) -> list[Slot]:
        """Slots into which the plant puts the values of these elements, whether they are there already or not."""
        exists = await self._repository.exists(Kind.SUBMODEL, submodel_id)
        self._repository.cache.drop((Kind.SUBMODEL, submodel_id))  # and with it finished answers
        base = await self._repository.stored(Kind.SUBMODEL, submodel_id) if exists else None
        return self._live.bind(submodel_id, wanted, base)

    async def unbind(self, slots: Iterable[Slot]) -> None:
        """These elements are no longer fed; what came last is stored."""
        await self.store()
        for slot in slots:
            self._live.unbind(slot)
            self._repository.cache.drop((Kind.SUBMODEL, slot.feed.submodel_id))

    async def store(self) -> int:
        """Store what has come since the last time, the newest of each element; returns of how many.

        A submodel that cannot be stored keeps no other from it. Raises what was wrong with the first of them.
        """
        feeds = [feed for feed in self._live.feeds.values() if feed.dirty]
        count = sum(len(feed.dirty) for feed in feeds)
        failed: list[Exception] = []
        for feed in feeds:
            try:
                await self._store(feed)
            except Exception as error:
                failed.append(error)
        if failed:
            raise failed[0]
        return count

    async def _store(self, feed: Feed) -> None:
        readings, whole = feed.told()
        try:
            if readings is not None:
                await self._repository.apply([readings])
            if whole:
                await self._repository.update(
                    Kind.SUBMODEL, feed.submodel_id, lambda document: apply_values(document, whole)
                )
        except NotFound:
            pass  # nobody has the submodel, or the element, any more
        except BaseException:
            await self._renew(feed)
            raise

    async def _renew(self, feed: Feed) -> None:
        """Nothing of it is stored: what the slots took for stored is looked up again, and all of it is to be stored."""
        if await self._repository.exists(Kind.SUBMODEL, feed.submodel_id):
            base = await self._repository.stored(Kind.SUBMODEL, feed.submodel_id)
            feed.rebind(base.document, base.revision)


async def written(repository: "Repository", submodel_id: str, values: ValuesOf, condition: Condition) -> ValuesOf:
    """Write to the plant what belongs there; returns what is left to be stored. Raises what the plant says."""
    entry = await repository.get(Kind.SUBMODEL, submodel_id)
    condition.check(entry.etag)
    fed = [each for each in values(entry.document) if repository.live.fed(submodel_id, each[0])]
    if fed:
        if repository.plant is None:
            raise Unavailable("the plant is not connected")
        await repository.plant.write(submodel_id, fed)
    return lambda document: [each for each in values(document) if not repository.live.fed(submodel_id, each[0])]


#: Attributes that say the value of an element.
_VALUES = ("value", "min", "max")


async def sent(
    repository: "Repository",
    submodel_id: str,
    path: IdShortPath,
    edit: Callable[[Document], Document],
    condition: Condition,
) -> None:
    """Write to the plant what an edit of an element changes in values that the plant feeds, before it is stored.

    Raises what the edit raises, PreconditionFailed, and what the plant says; then nothing is to be stored.
    """
    feed = repository.live.feeds.get(submodel_id)
    if feed is None or not (slots := feed.related(path)):
        return
    entry = await repository.get(Kind.SUBMODEL, submodel_id)
    condition.check(entry.etag)
    before, after = resolver(entry.document), resolver(edit(entry.document))
    places = dict.fromkeys(place for slot in slots for place in (slot.path, *(at for at, _ in slot.updates())))
    values = [(place, said) for place in places if (said := _changed(before, after, place))]
    if values and repository.plant is None:
        raise Unavailable("the plant is not connected")
    if values and repository.plant is not None:
        await repository.plant.write(submodel_id, values)


def _changed(
    before: Callable[[IdShortPath], Document], after: Callable[[IdShortPath], Document], place: IdShortPath
) -> Attributes:
    """The value of an element as an edit has it, where that is another one; nothing where the element goes."""
    try:
        old, new = before(place), after(place)
    except NotFound:
        return {}
    return {name: new[name] for name in _VALUES if name in new and old.get(name) != new[name]}
