"""Whether a document is an instance of the metamodel: everything that is wrong with it, each with its path.

First the structure, by the JSON Schema made from the table; then, where the structure can be read, the constraints of
Part 1 and Part 3a in one walk. Constraints that need another document to be judged (AASd-006, AASd-007, AASd-012) or
that only say how to read one (AASd-115) are not looked at.
"""

from collections.abc import Iterator
from itertools import islice

from aas_server.model import Document, Json
from aas_server.model.errors import Finding
from aas_server.model.metamodel import MODEL_TYPES
from aas_server.model.validation import constraints, containers, structure

#: Enough to see what is wrong; a document may be wrong in as many places as it has bytes.
MOST = 100

#: What makes a document unreadable for every part of the server, as opposed to a rule that it breaks.
_SHAPE = frozenset({"type", "required", "additionalProperties", "enum", "const", "modelType", "depth"})


def verify(instance: Json, class_name: str | None = None) -> Iterator[Finding]:
    """What is wrong with an instance of a class of the metamodel, at most 100 findings; without a class, of modelType.

    >>> [str(each) for each in verify({"modelType": "Property", "idShort": "a", "valueType": "xs:int", "value": "x"})]
    ["value: 'x' is no xs:int (valueType)"]
    """
    return islice(_findings(instance, class_name), MOST)


def is_structural(finding: Finding) -> bool:
    """Whether the document has the wrong shape; otherwise it can be read and stored, and breaks a rule."""
    return finding.constraint in _SHAPE


def verify_child(container: Document, element: Document, replaced: str | int | None = None) -> Iterator[Finding]:
    """What a submodel or containing element has against this element as its direct child, the element itself apart.

    `replaced` is the last step of the path where the element takes the place of another, which then does not count.
    Whether the idShort is taken (AASd-022) is not asked.
    """
    return (
        Finding(path, message, constraint)
        for path, message, constraint in containers.child(container, element, replaced)
    )


def _findings(instance: Json, class_name: str | None) -> Iterator[Finding]:
    unreadable = structure.unreadable(instance)
    if unreadable is None and class_name is None:
        class_name, unreadable = _named(instance)
    if unreadable is not None or class_name is None:
        yield unreadable or Finding("", "has no class")
        return
    found = list(islice(structure.findings(instance, class_name), MOST))
    yield from found
    if not any(map(is_structural, found)):
        yield from constraints.findings(instance, class_name)


def _named(instance: Json) -> tuple[str | None, Finding | None]:
    """The class that modelType names."""
    if not isinstance(instance, dict):
        return None, Finding("", f"must be an object, not {structure.kind(instance)}", "type")
    if "modelType" not in instance:
        return None, Finding("", "lacks modelType, which says what it is", "required")
    name = instance["modelType"]
    if name not in MODEL_TYPES:
        return None, Finding("modelType", f"{structure.shown(name)} is no class of the metamodel", "modelType")
    return name, None
