"""What queries may call: the newest value of an element, how old it is, and how good."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pyoxigraph as ox

from aas_server.graph.sharing import NOWHERE, Scalar, Seen, Table
from aas_server.graph.terms import NS, XSD
from aas_server.model.quality import status_name

Function = Callable[..., Any]


def functions(table: Table, places: Mapping[str, int]) -> dict[ox.NamedNode, Function]:
    """The functions by their IRIs; `places` says where the value of an element is."""

    def seen(element: Any) -> Seen | None:
        place = places.get(element.value, NOWHERE) if isinstance(element, ox.NamedNode) else NOWHERE
        return table.read(place) if place != NOWHERE else None

    def live(element: Any) -> ox.Literal | None:
        found = seen(element)
        return _literal(found.value) if found is not None and found.value is not None else None

    def age(element: Any) -> ox.Literal | None:
        found = seen(element)
        return _literal(max(0.0, time.time() - found.source_time)) if found is not None and found.source_time else None

    def quality(element: Any) -> ox.Literal | None:
        found = seen(element)
        return ox.Literal(status_name(found.status)) if found is not None else None

    return {ox.NamedNode(f"{NS}{each.__name__}"): each for each in (live, age, quality)}


def _literal(value: Scalar) -> ox.Literal:
    match value:
        case bool():
            return ox.Literal(str(value).lower(), datatype=ox.NamedNode(f"{XSD}boolean"))
        case int():
            return ox.Literal(str(value), datatype=ox.NamedNode(f"{XSD}integer"))
        case float():
            return ox.Literal(repr(value), datatype=ox.NamedNode(f"{XSD}double"))
    return ox.Literal(value)
