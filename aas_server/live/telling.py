"""How the plant stands, in words: each connection, each mapping, and what cannot be carried out."""

from collections.abc import Callable
from functools import partial

from aas_server.live.carrying import Carried
from aas_server.live.following import Live
from aas_server.live.plan import ElementAt, ItemAt, Sink, Source
from aas_server.model import Document
from aas_server.model.paths import text


def overview(live: Live) -> Document:
    """Connections with their counts, and all defects."""
    return {
        "connections": [line.document() for line in live.lines.values()],
        "mappings": len(live.carried),
        "operations": len(live.calls),
        "defects": [{"origin": defect.origin, "text": defect.text} for defect in live.defects],
    }


def mappings(live: Live) -> list[tuple[str, Callable[[], Document]]]:
    """Each mapping by its origin, shown when asked for."""
    return [(each.mapping.origin, partial(mapping, live, each)) for each in live.carried.values()]


def mapping(live: Live, carried: Carried) -> Document:
    """One mapping: where it is written, its sources with what is wrong with them, its sinks with what they show."""
    shown: Document = {
        "origin": carried.mapping.origin,
        "sources": [_source(live, source) for source in carried.mapping.sources],
        "sinks": [_sink(carried, sink) for sink in carried.mapping.sinks],
    }
    wrong = [carried.error, carried.failed, *(source.get("error", "") for source in shown["sources"])]
    if words := "; ".join(dict.fromkeys(each for each in wrong if each)):
        shown["error"] = words
    return shown


def _source(live: Live, source: Source) -> Document:
    match source.at:
        case ItemAt(endpoint, item):
            line = live.lines.get(endpoint)
            shown = {"name": source.name, "endpoint": endpoint.base, "href": item.href, "writable": item.writable}
            if line is not None and (error := line.error(item) or line.connection.standing.error):
                shown["error"] = error
            return shown
        case ElementAt(submodel_id, path):
            return {"name": source.name, "submodelId": submodel_id, "path": text(path)}


def _sink(carried: Carried, sink: Sink) -> Document:
    slot = carried.slots[sink.name]
    shown: Document = {"name": sink.name, "submodelId": sink.submodel_id, "path": text(sink.path)}
    updates = slot.updates()
    if len(updates) == 1 and "value" in updates[0][1]:
        shown["value"] = updates[0][1]["value"]
    for header, name in (("X-Value-Quality", "quality"), ("X-Source-Timestamp", "sourceTimestamp")):
        if header in slot.headers():
            shown[name] = slot.headers()[header]
    if slot.error:
        shown["error"] = slot.error
    return shown
