"""Elements of AID and AIMC submodels, found by what they mean; by idShort where the meaning is missing or misspelt."""

import math
from collections.abc import Callable, Iterator

from aas_server.live.plan import Defect, Guard
from aas_server.model import Document
from aas_server.model.errors import NotFound
from aas_server.model.paths import IdShortPath, children, resolver, text

AID = "https://admin-shell.io/idta/AssetInterfacesDescription/"
AIMC = "https://admin-shell.io/idta/AssetInterfacesMappingConfiguration/"
TD = "https://www.w3.org/2019/wot/td#"
HYPERMEDIA = "https://www.w3.org/2019/wot/hypermedia#"
SECURITY = "https://www.w3.org/2019/wot/security#"
MQTT = "https://www.w3.org/2019/wot/mqtt#"
HTTP = "https://www.w3.org/2011/http#"
UAV = "http://opcfoundation.org/UA/WoT-Binding/"

#: The shortest interval at which something is asked for or sent, in seconds.
FASTEST = 0.01

Read = Callable[[str], Document | None]


class Defective(Exception):
    """What cannot be carried out, in words for whoever wrote it."""


def meanings(element: Document) -> Iterator[str]:
    """The values of the last keys of all its semantic ids; published ones have blanks at their ends."""
    references = [element.get("semanticId"), *(element.get("supplementalSemanticIds") or ())]
    for reference in references:
        if reference and reference.get("keys"):
            yield reference["keys"][-1]["value"].strip()


def means(element: Document, *wanted: str) -> bool:
    """Whether it has one of these meanings; version 1/1 of what AID defines counts as 1/0."""
    found = {meaning.replace(f"{AID}1/1/", f"{AID}1/0/") for meaning in meanings(element)}
    return not found.isdisjoint(wanted)


def child(element: Document | None, id_short: str, *wanted: str) -> Document | None:
    """The child of this meaning, else the one of this idShort; None where there is neither."""
    below = children(element) if element else []
    named = next((each for each in below if each.get("idShort") == id_short), None)
    if not wanted or (named is not None and means(named, *wanted)):
        return named
    return next((each for each in below if means(each, *wanted)), named)


def value(element: Document | None, id_short: str, *wanted: str) -> str:
    """The trimmed value of such a child; empty where it has none."""
    found = child(element, id_short, *wanted)
    given = found.get("value") if found else None
    return given.strip() if isinstance(given, str) else ""


def seconds(text_given: str, where: str, *, least: float = FASTEST) -> float | None:
    """An interval of at least so much. Raises Defective for what is none."""
    if not text_given:
        return None
    try:
        found = float(text_given)
    except ValueError:
        raise Defective(f"{where} is {text_given!r}, which is no number of seconds") from None
    if not least <= found < 1e7:
        raise Defective(f"{where} is {text_given}: it must be at least {least:g} seconds")
    return found


def guard(least: float | None, most: float | None, stale: float | None = None, rate: float | None = None) -> Guard:
    """What guards a write. Raises Defective for bounds that nothing is within, and for a rate that is none."""
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    if not low <= high:  # nor is anything within NaN
        raise Defective(f"min_max is from {low:g} to {high:g}: nothing is within")
    if rate is not None and not 0 < rate < math.inf:
        raise Defective(f"maxWriteRate is {rate:g}: it must be more than 0")
    return Guard(least, most, stale, rate)


def qualifier(element: Document, name: str) -> str:
    """The value of the qualifier of this type, by the last part of its name; empty where there is none."""
    for each in element.get("qualifiers") or ():
        if str(each.get("type", "")).rpartition("/")[2].rpartition(":")[2] == name:
            return str(each.get("value") or "").strip()
    return ""


class World:
    """The submodels around: each looked up once, and remembered as looked at."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[str, Callable[[IdShortPath], Document] | None] = {}
        self.defects: list[Defect] = []

    @property
    def read(self) -> frozenset[str]:
        return frozenset(self._known)

    def at(self, submodel_id: str, path: IdShortPath) -> Document | None:
        """The element there; None where the submodel is not here. Raises Defective for a path that leads nowhere."""
        if submodel_id not in self._known:
            document = self._read(submodel_id)
            self._known[submodel_id] = resolver(document) if document is not None else None
        find = self._known[submodel_id]
        if find is None:
            return None
        try:
            return find(path)
        except NotFound as error:
            raise Defective(f"{error} in {submodel_id}") from None

    def target(self, reference: Document | None) -> tuple[str, IdShortPath]:
        """The submodel and path that a ModelReference leads to. Raises Defective."""
        keys = (reference or {}).get("keys") or []
        if not keys or not keys[0]["value"].strip():
            raise Defective("the reference is empty")
        start = next((at for at, key in enumerate(keys) if key["type"] == "Submodel"), None)
        if start is None or len(keys) == start + 1:
            shown = ", ".join(f"({key['type']}){key['value']}" for key in keys)
            raise Defective(f"the reference does not lead from a submodel to an element in it: {shown}")
        path: list[str | int] = []
        in_list = False
        for key in keys[start + 1 :]:
            step = key["value"].strip()
            path.append(int(step) if in_list and step.isascii() and step.isdigit() else step)
            in_list = key["type"] == "SubmodelElementList"
        return keys[start]["value"].strip(), tuple(path)


def place(submodel_id: str, path: IdShortPath) -> str:
    """Where something is, for people."""
    return f"{text(path)} in {submodel_id}" if path else submodel_id
