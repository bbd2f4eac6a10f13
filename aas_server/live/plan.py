"""The plan: what AID and AIMC submodels, and TOML files, say in the end; pure values, compared when one changes."""

from dataclasses import dataclass

from aas_server.live import Action, Endpoint, Item
from aas_server.model.paths import IdShortPath


@dataclass(frozen=True, slots=True)
class ElementAt:
    """An element in a submodel of this server."""

    submodel_id: str
    path: IdShortPath


@dataclass(frozen=True, slots=True)
class ItemAt:
    """An item at an endpoint."""

    endpoint: Endpoint
    item: Item


@dataclass(frozen=True, slots=True)
class Source:
    """Where values come from; `name` is its SourceId."""

    name: str
    at: ItemAt | ElementAt


@dataclass(frozen=True, slots=True)
class Guard:
    """What a value that is written to the plant must keep to; None guards nothing.

    `least` and `most` bound it; the newest reading must not be older than `stale` seconds; `rate` is the most writes in
    a second. Bounds hold for each number in a list or structure; `parts` guard fields of a structure by their names.
    """

    least: float | None = None
    most: float | None = None
    stale: float | None = None
    rate: float | None = None
    parts: "tuple[tuple[str, Guard], ...]" = ()


@dataclass(frozen=True, slots=True)
class Sink:
    """An element that takes values; `name` is its SinkId. It is written back where its source's item is writable."""

    name: str
    submodel_id: str
    path: IdShortPath
    guard: Guard = Guard()


@dataclass(frozen=True, slots=True)
class Mapping:
    """Sources to sinks (AIMC 2.0, MappingConfiguration). Without a transformation, by equal names.

    `origin` is where it is written, for people: a submodel and path, or a file. `transformation` is Lua. `declared`
    says that it stands in a file of the operator, whose word is a permission.
    """

    origin: str
    sources: tuple[Source, ...]
    sinks: tuple[Sink, ...]
    transformation: str | None = None
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """An Operation that is a method of the plant."""

    origin: str
    endpoint: Endpoint
    action: Action
    submodel_id: str
    path: IdShortPath
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Defect:
    """What in a submodel or file cannot be carried out: where, and why, in words."""

    origin: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be connected, made anew when a submodel changes that it depends on.

    `read` are all of these by their ids; `interfaces` are those whose values it depends on, too.
    """

    mappings: tuple[Mapping, ...] = ()
    calls: tuple[Call, ...] = ()
    defects: tuple[Defect, ...] = ()
    read: frozenset[str] = frozenset()
    interfaces: frozenset[str] = frozenset()
