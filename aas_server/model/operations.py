"""Arguments of Operations: checked against the variables the Operation declares, in both serialisations (Part 2)."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aas_server.model import Document, Json
from aas_server.model.edit import apply_values
from aas_server.model.errors import Finding, Invalid, Malformed
from aas_server.model.modifiers import ApiVersion
from aas_server.model.validation import verify
from aas_server.model.valueonly import changes, named_values

#: The attribute of an Operation that declares what a request, or a result, carries under another name.
DECLARED: Final = {
    "inputArguments": "inputVariables",
    "inoutputArguments": "inoutputVariables",
    "outputArguments": "outputVariables",
}
REQUEST: Final = ("inputArguments", "inoutputArguments")
RESULT: Final = ("outputArguments", "inoutputArguments")
_KNOWN: Final = (*REQUEST, "clientTimeoutDuration", "requestId")

#: Attributes in which an argument must be as its variable is declared.
_SHAPE: Final = ("modelType", "valueType", "typeValueListElement", "valueTypeListElement")
_OPTIONAL: Final = ("ZeroToOne", "ZeroToMany")
_CARDINALITY: Final = ("cardinality", "smt/cardinality", "multiplicity")
_DURATION: Final = re.compile(
    r"P(?=.)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{0,9})?)S)?)?\Z"
)
#: Seconds of a year, a month, a day, an hour, a minute, a second; years and months as they are on average.
_SECONDS: Final = (365.2425 * 86400, 30.436875 * 86400, 86400, 3600, 60, 1)

#: Elements by their idShorts, in the order of the declaration.
Elements = Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call as elements in the normal serialisation."""

    inputs: Elements
    inoutputs: Elements

    @property
    def values(self) -> dict[str, Json]:
        """All of them as ValueOnly by idShort; one without a value is None."""
        return values({**self.inputs, **self.inoutputs})


def values(elements: Elements) -> dict[str, Json]:
    """ValueOnly by idShort; None where an element has no value."""
    return dict.fromkeys(elements) | named_values(list(elements.values()), blobs=True)


def declared(operation: Document, arguments: str) -> dict[str, Document]:
    """The variables behind one of `inputArguments`, `inoutputArguments`, `outputArguments`, by idShort."""
    return {each["value"].get("idShort", ""): each["value"] for each in operation.get(DECLARED[arguments]) or ()}


def read(operation: Document, request: Json, *, value_only: bool, version: ApiVersion = ApiVersion.V31) -> Arguments:
    """The arguments in an OperationRequest, or an OperationRequestValueOnly. Raises Malformed, Invalid.

    Variables whose cardinality allows it may be left out; nothing else may, and nothing may come on top.
    """
    if not isinstance(request, dict):
        raise Malformed("the body must be a JSON object: an OperationRequest")
    if unknown := sorted(request.keys() - set(_KNOWN)):
        raise Malformed(f"an OperationRequest has no {unknown[0]!r}; it has {', '.join(_KNOWN[:3])}")
    found = [
        _of_values(operation, name, request.get(name), version)
        if value_only
        else _of_variables(operation, name, request.get(name))
        for name in REQUEST
    ]
    return Arguments(*found)


def seconds(request: Json, most: float) -> float:
    """How long the caller waits, from clientTimeoutDuration (xs:duration), at most `most`. Raises Malformed."""
    if not isinstance(request, dict) or "clientTimeoutDuration" not in request:
        return most
    text = request["clientTimeoutDuration"]
    parts = _DURATION.match(text) if isinstance(text, str) else None
    if parts is None:
        raise Malformed(f"clientTimeoutDuration {str(text)[:80]!r} is no duration such as 'PT10S'")
    total = math.fsum(float(part) * each for part, each in zip(parts.groups(), _SECONDS, strict=True) if part)
    return min(total, most)


# The normal serialisation


def _of_variables(operation: Document, name: str, given: Json) -> Elements:
    known = declared(operation, name)
    if given is not None and not isinstance(given, list):
        raise Malformed(f"{name} must be an array of operation variables")
    found: dict[str, Document] = {}
    findings: list[Finding] = []
    for number, variable in enumerate(given or ()):
        wrong = list(_wrong(known, found, variable, f"{name}[{number}]"))
        findings += wrong
        if not wrong:
            found[variable["value"]["idShort"]] = variable["value"]
    findings += _missing(known, found, name) if not findings else ()
    if findings:
        raise Invalid(findings)
    return {id_short: found[id_short] for id_short in known if id_short in found}


def _wrong(known: Elements, found: Elements, variable: Json, where: str) -> Iterator[Finding]:
    structural = [
        Finding(f"{where}.{each.path}".rstrip("."), each.message, each.constraint)
        for each in verify(variable, "OperationVariable")
    ]
    if structural:
        yield from structural
        return
    element = variable["value"]
    id_short = element.get("idShort")
    if id_short not in known:
        yield Finding(where, f"the operation has no such variable {id_short!r}; it has {_names(known)}")
    elif id_short in found:
        yield Finding(where, f"{id_short!r} is given more than once")
    else:
        yield from _misshapen(known[id_short], element, where)


def _misshapen(variable: Document, element: Document, where: str) -> Iterator[Finding]:
    for attribute in _SHAPE:
        if element.get(attribute) != variable.get(attribute):
            yield Finding(
                f"{where}.value.{attribute}", f"must be {variable.get(attribute)!r}, not {element.get(attribute)!r}"
            )


def _missing(known: Elements, found: Elements, name: str) -> Iterator[Finding]:
    for id_short, variable in known.items():
        if id_short not in found and not _may_be_missing(variable):
            yield Finding(name, f"the argument {id_short!r} is missing")


def _may_be_missing(variable: Document) -> bool:
    return any(
        qualifier["type"].lower() in _CARDINALITY and qualifier.get("value") in _OPTIONAL
        for qualifier in variable.get("qualifiers") or ()
    )


def _names(known: Elements) -> str:
    return ", ".join(known) or "none"


# ValueOnly


def _of_values(operation: Document, name: str, given: Json, version: ApiVersion) -> Elements:
    known = declared(operation, name)
    if given is not None and not isinstance(given, dict):
        raise Malformed(f"{name} must be an object of values by idShort")
    return filled(known, given or {}, name, version)


def filled(known: Elements, given: Mapping[str, Json], name: str, version: ApiVersion = ApiVersion.V31) -> Elements:
    """The declared variables with these values. Raises Invalid: missing, surplus, or no value of its type."""
    findings = [
        Finding(f"{name}.{each}", f"the operation has no such variable; it has {_names(known)}")
        for each in given
        if each not in known
    ]
    if findings := [*findings, *_missing(known, given, name)]:
        raise Invalid(findings)
    bare = [_emptied(variable) for id_short, variable in known.items() if given.get(id_short) is not None]
    holder = {"modelType": "Submodel", "id": name, "submodelElements": bare}
    wanted = {each["idShort"]: given[each["idShort"]] for each in bare}
    try:
        made = apply_values(holder, changes(holder, wanted, (), version))
    except Invalid as invalid:
        raise Invalid(
            [Finding(f"{name}.{each.path}", each.message, each.constraint) for each in invalid.findings]
        ) from None
    except Malformed as malformed:
        raise Malformed(f"{name}: {malformed}") from None
    with_value = {element["idShort"]: element for element in made["submodelElements"]}
    return {each: with_value.get(each) or _emptied(known[each]) for each in known if each in given}


def _emptied(variable: Document) -> Document:
    """The variable without the value it is declared with, where that is a single one; lists keep their form."""
    if variable["modelType"] not in ("Property", "Range", "MultiLanguageProperty", "ReferenceElement"):
        return variable
    return {name: value for name, value in variable.items() if name not in ("value", "valueId", "min", "max")}


def variables(elements: Sequence[Document]) -> list[Document]:
    """Elements as OperationVariables."""
    return [{"value": element} for element in elements]
