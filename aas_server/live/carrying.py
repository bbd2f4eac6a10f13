"""One mapping carried out: its slots, and the lines from which they are fed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aas_server.live import Item, Value
from aas_server.live.lines import Line, Target
from aas_server.live.plan import ElementAt, ItemAt, Sink
from aas_server.live.plan import Mapping as Mapped
from aas_server.model.quality import INITIAL, is_bad
from aas_server.repository.slots import Slot

Place = tuple[str, tuple[str | int, ...]]


class Input:
    """A source of a transformation, the newest it has said."""

    __slots__ = ("_carried", "_doubted", "name", "source_time", "status", "value")

    def __init__(self, carried: "Carried", name: str) -> None:
        self._carried, self._doubted, self.name = carried, False, name
        self.value: Value = None
        self.status, self.source_time = INITIAL, 0

    def set(self, value: Value, status: int, source_time: int) -> None:
        if value is None and is_bad(status):
            value = self.value
        changed = value != self.value or status != self.status or type(value) is not type(self.value)
        if changed or self._doubted:
            self.value, self.status, self._doubted = value, status, False
            self._carried.dirty = True
        self.source_time = source_time

    def doubt(self, status: int) -> None:
        """The source is silent: so is what is made of it, until it speaks again."""
        self._doubted = True
        for slot in self._carried.slots.values():
            slot.doubt(status)

    def last(self) -> tuple[Value, int, int] | None:
        """What the source said last."""
        return None if self.value is None and self.status == INITIAL else (self.value, self.status, self.source_time)


@dataclass(slots=True)
class Carried:
    """A mapping under way. `dirty` says that its transformation is to be made again."""

    mapping: Mapped
    slots: dict[str, Slot]
    inputs: dict[str, Input] = field(default_factory=dict)
    fed: list[tuple[Line, Item, Target]] = field(default_factory=list)
    dirty: bool = False
    error: str = ""
    #: What is wrong with the transformation.
    failed: str = ""

    @property
    def complete(self) -> bool:
        """Whether every source has said something."""
        return all(each.value is not None or each.status != INITIAL for each in self.inputs.values())

    def target(self, name: str) -> Target | None:
        """Where readings of the source of that name go: its input, or the sink that has its name."""
        if self.mapping.transformation is not None:
            return self.inputs.setdefault(name, Input(self, name))
        return self.slots.get(name)

    def elements(self) -> list[tuple[str, ElementAt]]:
        """The sources that are elements of this server."""
        return [(each.name, each.at) for each in self.mapping.sources if isinstance(each.at, ElementAt)]

    def item(self, sink: Sink) -> ItemAt | None:
        """The item that a sink is written back to; None where it is not the plant's."""
        source = next((each for each in self.mapping.sources if each.name == sink.name), None)
        if source is None or self.mapping.transformation is not None:
            return None
        return source.at if isinstance(source.at, ItemAt) else None

    def take(self, made: Mapping[str, Value] | str) -> None:
        """What the transformation has made, or what is wrong with it."""
        if isinstance(made, str):
            self.failed = made
            return
        unknown = [name for name in made if name not in self.slots]
        self.failed = f"the Transformation makes {unknown[0]!r}, which is no SinkId" if unknown else ""
        self.put(made)

    def put(self, outputs: Mapping[str, Value]) -> None:
        """What the transformation has made; quality and time are the worst and the latest of its sources."""
        status = max((each.status for each in self.inputs.values()), default=0)
        latest = max((each.source_time for each in self.inputs.values()), default=0)
        for name, slot in self.slots.items():
            if name in outputs:
                slot.set(outputs[name], status, latest)
