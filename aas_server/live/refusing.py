"""Elements of mappings that may not be carried out: nobody sets them, for the machine would not hear of it."""

from collections import defaultdict
from collections.abc import Iterable

from aas_server.live.carrying import Place
from aas_server.live.converting import converter
from aas_server.live.plan import Mapping
from aas_server.model.paths import IdShortPath
from aas_server.model.quality import status_code
from aas_server.repository.feeding import Feeding
from aas_server.repository.slots import Converter, Slot

_REFUSED = status_code("BadConfigurationError")


class Refused:
    """Their slots, which nothing feeds."""

    def __init__(self, feeding: Feeding) -> None:
        self._feeding = feeding
        self._slots: list[Slot] = []

    async def take(self, mappings: Iterable[Mapping], fed: set[Place]) -> None:
        """From now on these are refused, but for elements that others feed."""
        places = {(sink.submodel_id, sink.path) for mapping in mappings for sink in mapping.sinks} - fed
        if places == {(slot.feed.submodel_id, slot.path) for slot in self._slots}:
            return
        await self.close()
        wanted: dict[str, dict[IdShortPath, Converter]] = defaultdict(dict)
        for submodel_id, path in places:
            wanted[submodel_id][path] = converter
        for submodel_id, paths in wanted.items():
            self._slots += await self._feeding.bind(submodel_id, paths)
        for slot in self._slots:
            slot.set(None, _REFUSED, 0)

    async def close(self) -> None:
        if self._slots:
            await self._feeding.unbind(self._slots)
            self._slots = []
