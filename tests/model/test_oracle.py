"""Broken documents: verify and aas-core agree on whether something is wrong, apart from the differences listed here.

The documents are the valid instances of aas-core's corpus, changed in a few places. What is put in is what other
instances have under the same name, so that most changes are near misses rather than noise.
"""

import copy
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any

import orjson
import pytest
from aas_core3_1 import jsonization, verification
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aas_server.model.errors import Finding
from aas_server.model.metamodel import CLASSES
from aas_server.model.validation import verify
from conformance.deviations import read
from tests.shared import shared

Json = Any
Draw = Callable[[st.SearchStrategy[Any]], Any]

#: What only aas-core objects to, by its sentence, and the deviation that says why.
THEIRS = {"URI as per RFC 2396": "file-path", "AASd-014": "entity-with-both-asset-ids"}
#: What only we object to, by the constraint of the finding, and the deviation that says why.
OURS = {
    "AASd-022": "id-shorts-in-entities",
    "AASd-116": "reserved-asset-id-name",
    "AASd-129": "template-qualifiers-below",
}
#: aas-core decodes base64 as Python does by default: characters that do not belong there are passed over.
LENIENT = ("Blob/value", "EventPayload/payload")
#: aas-core asks the variables of an Operation for their idShort (AASd-117), we the Operation that holds them.
HELD = "OperationVariable"
#: Left out: XML Schema lets any zero have a sign and leading zeros, aas-core not in every type; for URIs see the
#: deviation any-uri-is-an-iri.
UNLIKE = re.compile(rb'xs:nonPositiveInteger|xs:anyURI|"[+-]00+"').search

#: Put in besides the values of the corpus: what is easily mistaken for the right thing.
WRONG: list[Json] = [
    None,
    "",
    [],
    {},
    0,
    True,
    "Submodel",
    "xs:int",
    "-1",
    "24:00:00",
    "en",
    "GlobalReference",
    "TemplateQualifier",
]


@cache
def instances() -> dict[str, list[Json]]:
    """Valid instances by class; of the many that differ in one value only, every twentieth and the first."""
    found, folders = defaultdict(list), Counter[str]()
    with zipfile.ZipFile(shared("corpus/aas-core3.1-cases-half.zip")) as archive:
        for name in sorted(archive.namelist()):
            body = archive.read(name)
            if not name.startswith("Json/Expected/") or not body or UNLIKE(body):
                continue
            folder = name.rpartition("/")[0] if "over" in name.lower() else name
            if folders[folder] % 20 == 0:
                found[name.split("/")[2]].append(orjson.loads(body))
            folders[folder] += 1
    return {class_name: each for class_name, each in found.items() if class_name != HELD}


@cache
def seen() -> dict[str, list[Json]]:
    """What the corpus has under each name."""
    values: dict[str, dict[bytes, Json]] = defaultdict(dict)
    for holder, key in (place for each in instances().values() for place in places(each)):
        if isinstance(key, str):
            values[key][orjson.dumps(holder[key])] = holder[key]
    return {name: list(each.values()) for name, each in values.items()}


def places(value: Json) -> Iterator[tuple[Json, str | int]]:
    """Every attribute and item in a document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in steps:
        yield value, key
        yield from places(below)


def change(draw: Draw, instance: Json) -> None:
    """Remove, exchange or double what stands in one place, or add an attribute beside it."""
    found = list(places(instance))
    holder, key = draw(st.sampled_from(found)) if found else (instance, "modelType")
    match draw(st.sampled_from(["remove", "exchange", "exchange", "add", "wrong"])), key:
        case "remove", _:
            holder.pop(key, None) if isinstance(holder, dict) else holder.pop(key)
        case "exchange", str():
            holder[key] = copy.deepcopy(draw(st.sampled_from(seen().get(key, WRONG))))
        case "add", str():
            name = draw(st.sampled_from(sorted(seen())))
            holder[name] = copy.deepcopy(draw(st.sampled_from(seen()[name])))
        case "add", int():
            holder.append(copy.deepcopy(holder[key]))
        case _:
            holder[key] = draw(st.sampled_from(WRONG))


@st.composite
def broken(draw: Draw) -> tuple[str, Json]:
    class_name = draw(st.sampled_from(sorted(instances())))
    instance = copy.deepcopy(draw(st.sampled_from(instances()[class_name])))
    for _ in range(draw(st.integers(1, 3))):
        change(draw, instance)
    return class_name, instance


def complaints(class_name: str, instance: Json) -> list[str]:
    """What aas-core objects to."""
    words = re.sub("(?<=.)([A-Z])", r"_\1", class_name).lower().replace("iec61360", "iec_61360")
    try:
        return [error.cause for error in verification.verify(getattr(jsonization, f"{words}_from_jsonable")(instance))]
    except jsonization.DeserializationException as error:
        return [error.cause]
    except ValueError as error:  # of a Blob that is no base64, straight from Python's decoder
        return [str(error)]


def only_ours(finding: Finding) -> bool:
    """aas-core reads past a modelType where the class has none; our schema is closed."""
    extra = finding.constraint == "additionalProperties" and finding.path.endswith("modelType")
    return extra or finding.constraint in OURS or finding.constraint in LENIENT


def differing(class_name: str, instance: Json) -> tuple[list[str], list[str]] | None:
    """Both verdicts, where they differ and no listed reason explains it."""
    ours, theirs = list(verify(instance, class_name)), complaints(class_name, instance)
    unexplained = not theirs and not all(map(only_ours, ours))
    missed = not ours and not all(any(known in each for known in THEIRS) for each in theirs)
    return ([str(each) for each in ours], theirs) if unexplained or missed else None


def every_change(class_name: str, instance: Json) -> Iterator[Json]:
    """The instance with one thing removed, exchanged for what stands elsewhere under its name, or added."""
    for number, (holder, key) in enumerate(list(places(instance))):
        changed = copy.deepcopy(instance)
        twin, _ = next(islice(places(changed), number, None))
        for other in others(str(key), holder[key])[number % 3 :: 3][:4]:
            twin[key] = other
            yield changed
        del twin[key]
        yield changed
    for attribute in CLASSES[class_name]:
        if attribute.name not in instance:
            same_type = (each.name for every in CLASSES.values() for each in every if each.type == attribute.type)
            for name in dict.fromkeys((attribute.name, *same_type)):
                yield from ({**instance, attribute.name: value} for value in others(name, None)[:3])


def others(name: str, value: Json) -> list[Json]:
    return [copy.deepcopy(each) for each in seen().get(name, ()) if each != value]


def test_verdicts_after_one_change_are_those_of_aas_core() -> None:
    cases = [(name, each) for name, found in instances().items() for each in found]
    counted = Counter[bool]()
    for class_name, instance in cases:
        for changed in every_change(class_name, instance):
            assert differing(class_name, changed) is None, changed
            counted[not any(verify(changed, class_name))] += 1
    assert min(counted[True], counted[False]) > 500


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_verdicts_on_broken_documents_are_those_of_aas_core(data: st.DataObject) -> None:
    class_name, instance = data.draw(broken())
    assert differing(class_name, instance) is None


@pytest.mark.parametrize("identifier", [*THEIRS.values(), *OURS.values()])
def test_each_difference_is_a_deviation_with_a_reason(identifier: str) -> None:
    assert identifier in {one.identifier for one in read()}
