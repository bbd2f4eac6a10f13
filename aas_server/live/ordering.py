"""Mappings beside each other: two onto one element, and such as feed themselves, are refused."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from aas_server.live.plan import Defect, ElementAt, Mapping
from aas_server.live.reading import place
from aas_server.model.paths import IdShortPath

Place = tuple[str, IdShortPath]
#: Which mappings each mapping feeds, by their numbers.
Feeds = dict[int, set[int]]


def checked(mappings: Sequence[Mapping]) -> tuple[list[Mapping], list[Defect]]:
    """The mappings that can be carried out together, and why the others cannot."""
    alone, defects = _alone(mappings)
    circular = _circular(alone)
    groups = defaultdict[int, list[str]](list)
    for number, circle in circular.items():
        groups[circle].append(alone[number].origin)
    defects += [Defect(alone[each].origin, _words(alone[each], groups[circle])) for each, circle in circular.items()]
    return [mapping for number, mapping in enumerate(alone) if number not in circular], defects


def _words(mapping: Mapping, circle: Sequence[str]) -> str:
    others = [origin for origin in circle[:4] if origin != mapping.origin][:3]
    return "it feeds itself: its sinks lead back to its sources" + (f" through {', '.join(others)}" if others else "")


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
            if isinstance(source.at, ElementAt):
                seen = (source.at.submodel_id, source.at.path)
                for feeder in under[seen].union(*(at[each] for each in (seen, *_above(seen)))):
                    feeds[feeder].add(number)
    return _circles(feeds)


def _circles(feeds: Feeds) -> dict[int, int]:
    """Who leads back to itself, with its circle: strongly connected components, by the two walks of Kosaraju."""
    fed_by: dict[int, set[int]] = {number: set() for number in feeds}
    for number, fed in feeds.items():
        for each in fed:
            fed_by[each].add(number)
    circle_of: dict[int, int] = {}
    for start in reversed(_finished(feeds)):
        waiting = [start] if start not in circle_of else []
        while waiting:
            number = waiting.pop()
            if number not in circle_of:
                circle_of[number] = start
                waiting += [each for each in fed_by[number] if each not in circle_of]
    sizes = Counter(circle_of.values())
    return {number: at for number, at in sorted(circle_of.items()) if sizes[at] > 1 or number in feeds[number]}


def _finished(feeds: Feeds) -> list[int]:
    """All in the order in which a walk in depth leaves them."""
    left: list[int] = []
    seen: set[int] = set()
    for start in feeds:
        walk = [(start, iter(feeds[start]))] if start not in seen else []
        seen.add(start)
        while walk:
            number, ahead = walk[-1]
            if (following := next((each for each in ahead if each not in seen), None)) is None:
                left.append(number)
                walk.pop()
            else:
                seen.add(following)
                walk.append((following, iter(feeds[following])))
    return left
