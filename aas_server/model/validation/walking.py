"""One pass over an instance of any class: at each attribute that calls for it, the rules of the class are asked."""

from typing import Final

from aas_server.model import Document
from aas_server.model.errors import Finding
from aas_server.model.metamodel import CHOICES, CLASSES, Attribute, ancestors
from aas_server.model.validation import common, elements, iec61360, keys
from aas_server.model.validation.violations import Rule, Steps, text

_TABLES: Final = (common.RULES, elements.RULES, keys.RULES, iec61360.RULES, iec61360.LANGUAGES)

#: What is to be done at one attribute: rules to ask, and the class of what is held, to go on with.
Stop = tuple[tuple[Rule, ...], str | None]


def _rules(name: str, attribute: Attribute) -> tuple[Rule, ...]:
    here = [(base, attribute.name) for base in ancestors(name)]
    special = tuple(table[key] for key in here for table in _TABLES if key in table)
    if attribute.type != "Reference":
        return special
    return (keys.sound_references(attribute.name) if attribute.many else keys.sound_reference(attribute.name), *special)


def _matters(name: str, seen: frozenset[str] = frozenset({"Reference"})) -> bool:
    """Something can be wrong with an instance of this class, or below it; for references their holder has rules."""
    if name in seen:
        return False
    if name in CHOICES:
        return any(_matters(each, seen | {name}) for each in CHOICES[name])
    return any(_rules(name, each) or _matters(each.type, seen | {name}) for each in CLASSES.get(name, ()))


def _stop(name: str, attribute: Attribute) -> Stop | None:
    rules = _rules(name, attribute)
    held = attribute.type if _matters(attribute.type) else None
    return (rules, held) if rules or held else None


def _stops(name: str) -> dict[str, Stop]:
    found = ((each.name, _stop(name, each)) for each in CLASSES[name])
    return {attribute: stop for attribute, stop in found if stop}


#: By class, what to do at which attribute.
STOPS: Final = {name: _stops(name) for name in CLASSES}


class Walk:
    """Collects findings. The way to a finding is put together only when there is one."""

    def __init__(self, in_instance: bool = False) -> None:
        self.findings: list[Finding] = []
        self._steps: list[str | int] = []
        self._in_instance = in_instance

    def visit(self, instance: Document, name: str) -> None:
        if name not in STOPS:
            name = instance["modelType"]
        if name == "Submodel":
            self._in_instance = instance.get("kind") != "Template"
        stops = STOPS[name]
        for attribute in instance:
            if attribute in stops:
                rules, held = stops[attribute]
                for rule in rules:
                    for violation in rule(instance):
                        self._report(*violation)
                if held is not None:
                    self._enter(attribute, instance[attribute], held)

    def _enter(self, attribute: str, value: Document | list[Document], held: str) -> None:
        steps = self._steps
        steps.append(attribute)
        if isinstance(value, dict):
            self.visit(value, held)
        else:
            for position, item in enumerate(value):
                steps.append(position)
                self.visit(item, held)
                steps.pop()
        steps.pop()

    def _report(self, below: Steps, message: str, constraint: str) -> None:
        # Whether an element alone is part of a template only its submodel can say.
        if constraint != "AASd-129" or self._in_instance:
            self.findings.append(Finding(text((*self._steps, *below)), message, constraint))


def findings(instance: Document, name: str, in_instance: bool = False) -> list[Finding]:
    """All violations of constraints on and below an instance whose structure is sound.

    `in_instance` says of an element alone that its submodel is no template.
    """
    walk = Walk(in_instance)
    walk.visit(instance, name)
    return walk.findings
