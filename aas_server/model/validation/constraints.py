"""One walk over an instance whose structure is right: each constraint is looked at where it can be violated."""

from collections.abc import Iterator
from typing import NamedTuple

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.metamodel import CHOICES, CLASSES, MODEL_TYPES, SUBMODEL_ELEMENTS, ancestors
from aas_server.model.validation import assets, concepts, containers, keys, qualities, texts
from aas_server.model.validation.check import Check, Checks

#: Deeper than any submodel that people make; a reader's stack is finite.
DEEPEST = 100

#: `Class.attribute` → what is looked at where an instance of the class, or of one that inherits from it, has the
#: attribute; modelType, which elements always have, stands for the instance as a whole.
_CHECKS: Checks = {
    **qualities.CHECKS,
    **texts.CHECKS,
    **keys.CHECKS,
    **assets.CHECKS,
    **containers.CHECKS,
    **concepts.CHECKS,
}


class _Step(NamedTuple):
    """What there is to do at one attribute of one class."""

    checks: tuple[Check, ...]
    below: str | None
    many: bool
    chosen: bool


def findings(instance: Document, class_name: str, depth: int = 0) -> Iterator[Finding]:
    """Every violation of a constraint in the instance and below it."""
    if class_name in CHOICES:
        class_name = instance["modelType"]
    if class_name in SUBMODEL_ELEMENTS and (depth := depth + 1) > DEEPEST:
        yield Finding("", f"lies more than {DEEPEST} elements deep", "depth")
        return
    steps = _STEPS[class_name]
    for name, value in instance.items():
        if (step := steps.get(name)) is None:
            continue
        for check in step.checks:
            yield from check(instance)
        if (below := step.below) is None:
            continue
        for index, item in enumerate(value) if step.many else ((-1, value),):
            kind = item["modelType"] if step.chosen else below
            for found in findings(item, kind, depth):
                yield _at(name if index < 0 else f"{name}[{index}]", found)


def _at(place: str, found: Finding) -> Finding:
    path = f"{place}.{found.path}" if found.path else place
    return Finding(path, found.message, found.constraint)


def _checks(class_name: str, attribute: str) -> tuple[Check, ...]:
    names = (f"{each}.{attribute}" for each in ancestors(class_name))
    return tuple(check for name in names for check in _CHECKS.get(name, ()))


def _worth_a_walk() -> frozenset[str]:
    """The classes in or below which there is something to look at; keys and texts are not among them."""
    types = {name: {each.type for each in attributes} for name, attributes in CLASSES.items()}
    found = {name for name in CLASSES if any(_checks(name, each.name) for each in CLASSES[name])}
    found |= set(CHOICES)
    while more := {name for name in types if name not in found and types[name] & found}:
        found |= more
    return frozenset(found)


def _steps(class_name: str) -> Iterator[tuple[str, _Step]]:
    for each in CLASSES[class_name]:
        checks = _checks(class_name, each.name)
        below = each.type if each.type in _WALKED else None
        if checks or below:
            yield each.name, _Step(checks, below, each.many, each.type in CHOICES)
    if class_name in MODEL_TYPES and (checks := _checks(class_name, "modelType")):
        yield "modelType", _Step(checks, None, many=False, chosen=False)


_WALKED = _worth_a_walk()
_STEPS = {name: dict(_steps(name)) for name in CLASSES}
