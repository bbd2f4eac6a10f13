"""Whether a document is an instance of the metamodel: its structure first, then the constraints of Parts 1 and 3a.

Not checked, because the answer is not in the document: AASd-006, AASd-007 and AASd-012 (what a valueId stands for),
AASc-3a-003 (concepts referred to by a value list). AASd-115 is how a list is read, not what it may hold.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from aas_server.model import Document, Json, structure
from aas_server.model.errors import Finding
from aas_server.model.paths import CHILDREN
from aas_server.model.validation import walking
from aas_server.model.validation.elements import fitting_child
from aas_server.model.validation.violations import text

__all__ = ["MOST", "is_structural", "verify", "verify_child", "verify_within"]

#: So many findings are told; who has more has the same mistake many times.
MOST: Final = 100

#: Structural findings that leave no doubt what an attribute holds: the constraints can be looked at in spite of them.
_READABLE: Final = frozenset({"minItems", "minLength", "maxLength", "pattern"})


def verify(instance: Json, model_type: str | None = None) -> Iterator[Finding]:
    """What is wrong with an instance of a class of the metamodel, at most 100 findings.

    The class is `model_type` or else what the instance says of itself. Where the structure leaves doubt what
    an attribute holds, the constraints are not looked at.
    """
    name = model_type or (instance.get("modelType") if isinstance(instance, dict) else None)
    if not isinstance(name, str):
        yield _nameless(instance)
        return
    found = list(islice(structure.findings(instance, name), MOST))
    yield from found
    if all(finding.constraint in _READABLE for finding in found):
        yield from walking.findings(instance, name)[: MOST - len(found)]


def _nameless(instance: Json) -> Finding:
    if not isinstance(instance, dict):
        return Finding("", "an object is expected", "type")
    if "modelType" not in instance:
        return Finding("", "modelType is missing", "modelType")
    return Finding("modelType", "the name of a class is expected", "modelType")


def verify_child(container: Document, element: Document, replaced: int | None = None) -> Iterator[Finding]:
    """What a container objects to in an element that is to become its child: AASd-117, AASd-107 to AASd-109, AASd-114.

    `replaced` is the position of the child that gives way to it, and is not compared with. Container and element are
    sound in themselves. That no other child has the idShort (AASd-022) is for the caller to see.
    """
    attribute = CHILDREN[container["modelType"]]
    for below, message, constraint in fitting_child(container, attribute, element, replaced):
        yield Finding(text(below), message, constraint)


def verify_within(submodel: Document, element: Document) -> Iterator[Finding]:
    """What only its submodel can say of a sound element: a TemplateQualifier belongs in templates (AASd-129)."""
    if submodel.get("kind") != "Template":
        found = walking.findings(element, element["modelType"], in_instance=True)
        yield from (finding for finding in found if finding.constraint == "AASd-129")


def is_structural(finding: Finding) -> bool:
    """The finding is about the shape of the document (a keyword of JSON Schema), not about a constraint.

    >>> is_structural(Finding("value", "is missing", "required")), is_structural(Finding("", "no asset", "AASd-131"))
    (True, False)
    """
    return finding.constraint[:1].islower()
