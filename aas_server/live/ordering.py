"""Mappings beside each other: two onto one element, and such as feed themselves, are refused."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from aas_server.live.plan import Defect, ElementAt, Mapping
from aas_server.live.reading import place
from aas_server.model.paths import IdShortPath

Place = tuple[str, IdShortPath]


def checked(mappings: Sequence[Mapping]) -> tuple[list[Mapping], list[Defect]]:
    """The mappings that can be carried out together, and why the others cannot."""
    alone, defects = _alone(mappings)
    circular = _circular(alone)
    defects += [
        Defect(
            mapping.origin,
            "it feeds itself: its sinks lead back to its sources"
            + (f" through {', '.join(others)}" if (others := _others(alone, circular, mapping)) else ""),
        )
        for number, mapping in enumerate(alone)
        if number in circular
    ]
    return [mapping for number, mapping in enumerate(alone) if number not in circular], defects


def _others(mappings: Sequence[Mapping], circular: dict[int, int], mapping: Mapping) -> list[str]:
    group = circular[mappings.index(mapping)]
    return [each.origin for at, each in enumerate(mappings) if circular.get(at) == group and each is not mapping][:3]


def _alone(mappings: Sequence[Mapping]) -> tuple[list[Mapping], list[Defect]]:
    """Those that share no element with one before; elements inside each other count as one."""
    taken: dict[Place, str] = {}
    inside: dict[Place, str] = {}
    found: list[Mapping] = []
    defects: list[Defect] = []
    for mapping in mappings:
        sinks = [(sink.submodel_id, sink.path) for sink in mapping.sinks]
        clash = next((each for each in _clashes(sinks, taken, inside)), None)
        if clash is not None:
            defects.append(Defect(mapping.origin, f"{place(*clash[0])} is fed by {clash[1]} already"))
            continue
        for sink in sinks:
            taken[sink] = mapping.origin
            for above in _above(sink):
                inside.setdefault(above, mapping.origin)
        found.append(mapping)
    return found, defects


def _clashes(sinks: Sequence[Place], taken: dict[Place, str], inside: dict[Place, str]) -> Iterator[tuple[Place, str]]:
    own: set[Place] = set()
    for sink in sinks:
        if sink in own:
            yield sink, "the same mapping"
        own.add(sink)
        for place_of in (sink, *_above(sink)):
            if place_of in taken:
                yield sink, taken[place_of]
        if sink in inside:
            yield sink, inside[sink]


def _above(at: Place) -> list[Place]:
    return [(at[0], at[1][:end]) for end in range(1, len(at[1]))]


def _circular(mappings: Sequence[Mapping]) -> dict[int, int]:
    """The mappings that are part of a circle, each with the number of its circle."""
    feeds: dict[int, set[int]] = {number: set() for number in range(len(mappings))}
    at, under = defaultdict[Place, set[int]](set), defaultdict[Place, set[int]](set)
    for number, mapping in enumerate(mappings):
        for sink in mapping.sinks:
            at[sink.submodel_id, sink.path].add(number)
            for above in _above((sink.submodel_id, sink.path)):
                under[above].add(number)
    for number, mapping in enumerate(mappings):
        for source in mapping.sources:
            if isinstance(source.at, ElementAt) and not source.at.server:
                seen = (source.at.submodel_id, source.at.path)
                for feeder in under[seen].union(*(at[each] for each in (seen, *_above(seen)))):
                    feeds[feeder].add(number)
    return _circles(feeds)


def _circles(feeds: dict[int, set[int]]) -> dict[int, int]:
    """Circles are taken out, one after the other, until none is left."""
    found: dict[int, int] = {}
    while True:
        left = {number: fed - found.keys() for number, fed in feeds.items() if number not in found}
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle: list[int] = error.args[1]
            found.update(dict.fromkeys(circle, circle[0]))
        else:
            return found
