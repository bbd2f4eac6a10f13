"""References (Part 1, 'Referencing'): their text, comparison, and the ones that point at a document or an element."""

from aas_server.model import Document, Kind
from aas_server.model.errors import NotFound
from aas_server.model.paths import IdShortPath, children, find, resolve
from aas_server.model.paths import text as shown


def text(reference: Document) -> str:
    """The chain of keys as one text, equal for references to the same thing.

    It is the text serialisation of Part 1 without the blanks; the type follows from the first key, and
    referredSemanticId says nothing about the target.

    >>> text({"keys": [{"type": "Submodel", "value": "urn:x"}, {"type": "Blob", "value": "b"}]})
    '(Submodel)urn:x,(Blob)b'
    """
    return ",".join([f"({key['type']}){key['value']}" for key in reference["keys"]])


def same(one: Document, other: Document) -> bool:
    """Whether two references have the same keys; exact also where a value looks like the text of further keys."""
    return [(key["type"], key["value"]) for key in one["keys"]] == [
        (key["type"], key["value"]) for key in other["keys"]
    ]


def _pairs(reference: Document) -> list[tuple[str, str]]:
    return [(key["type"], key["value"]) for key in reference["keys"]]


def same_meaning(one: Document, other: Document) -> bool:
    """Whether two semantic ids name one concept, be it by an external or by a model reference.

    Published templates mix the two forms, so only the values count, as aas-core compares them.
    """
    return [key["value"] for key in one["keys"]] == [key["value"] for key in other["keys"]]


def target(reference: Document) -> str | None:
    """The id of the Identifiable, or of the external thing, that the reference begins with."""
    keys = reference.get("keys")
    return keys[0]["value"] if keys else None


def to_shell(identifier: str) -> Document:
    return _model([(Kind.SHELL, identifier)])


def to_submodel(identifier: str) -> Document:
    """
    >>> to_submodel("urn:x:1")
    {'type': 'ModelReference', 'keys': [{'type': 'Submodel', 'value': 'urn:x:1'}]}
    """
    return _model([(Kind.SUBMODEL, identifier)])


def to_concept(identifier: str) -> Document:
    return _model([(Kind.CONCEPT, identifier)])


def to_element(submodel: Document, path: IdShortPath) -> Document:
    """The reference to an element; below a list the key's value is the index (AASd-128). Raises NotFound."""
    keys = [(submodel["modelType"], submodel["id"])]
    element = submodel
    for depth, step in enumerate(path, start=1):
        position = find(element, step)
        if position is None:
            raise NotFound(f"no element at {shown(path[:depth])!r}")
        element = children(element)[position]
        keys.append((element["modelType"], str(step)))
    return _model(keys)


def path_of(reference: Document, submodel: Document) -> IdShortPath:
    """The idShortPath that the keys after the first walk in this submodel, fragments left out. Raises NotFound."""
    path: IdShortPath = ()
    element = submodel
    for key in reference["keys"][1:]:
        if key["type"] == "FragmentReference":
            break
        step = _step(element, key["value"])
        element = resolve(element, (step,))
        path = (*path, step)
    return path


def _step(container: Document, value: str) -> str | int:
    in_list = container["modelType"] == "SubmodelElementList" and value.isdecimal() and value.isascii()
    return int(value) if in_list and len(value) <= len(str(len(children(container)))) else value


def _model(keys: list[tuple[str, str]]) -> Document:
    return {"type": "ModelReference", "keys": [{"type": str(kind), "value": value} for kind, value in keys]}
