"""The official OpenAPI documents, each with the operations that no other has said in the same words."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.deviations import Deviation, apply
from conformance.sent import resolved

METHODS = {"get", "put", "post", "patch", "delete"}
#: How an operation is called says nothing about how it answers.
NAMES = ("operationId", "tags", "summary", "description")


def documents(specs: Path, deviations: Iterable[Deviation]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The bundled documents as the deviations read them; the collection of all comes last."""
    listed, seen = list(deviations), set[str]()
    for path in sorted(
        (specs / "bundled").glob("*.json"), key=lambda each: (each.name.startswith("Entire"), each.name)
    ):
        document = read_with(json.loads(path.read_bytes()), listed)
        document["paths"] = dict(_unseen(document, seen))
        if document["paths"]:
            yield path.stem, document


def read_with(document: dict[str, Any], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """The document with every patch that concerns it; not every one has what a patch changes."""
    for one in deviations:
        for patch in (*one.patches, *one.repairs):
            try:
                apply(document, patch)
            except LookupError:
                continue
    return document


def _unseen(document: Mapping[str, Any], seen: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        new = {name: value for name, value in item.items() if name not in METHODS}
        for method in sorted(METHODS & item.keys()):
            said = json.dumps([method, path, _words(document, item[method])], sort_keys=True)
            if said not in seen:
                seen.add(said)
                new[method] = item[method]
        if METHODS & new.keys():
            yield path, new


def _words(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    """Everything an operation says, with the definitions it leads to."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [{name: value for name, value in operation.items() if name not in NAMES}]
    first = waiting[0]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)} as pointer if reference not in found:
                found[reference] = resolved(document, dict(pointer))
                waiting.append(found[reference])
            case dict() as mapping:
                waiting.extend(mapping.values())
            case list() as items:
                waiting.extend(items)
    return [first, found]
