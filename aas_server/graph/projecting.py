"""Documents as triples that are easy to ask for: direct links, typed values, one IRI for each concept, facts.

Pure: a document in, lines of N-Triples without their full stop out. Triples about assets and concepts may come from
several documents: they are told apart, so that each stands once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aas_server.graph.iris import Places, broader, concepts, iri
from aas_server.graph.parts import Parts, steps
from aas_server.graph.terms import BROADER, LABEL, SPECIFIC, TYPE, XSD, term
from aas_server.graph.units import Units
from aas_server.model import Document
from aas_server.model.metamodel import ENUMERATIONS
from aas_server.model.paths import IdShortPath, children, text

_ESCAPED = re.compile(r'["\\\n\r\t\x00-\x08\x0b\x0c\x0e-\x1f]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z").match
#: Types of values that are more than texts here; whatever else a document says is a text.
_TYPED = frozenset(ENUMERATIONS["DataTypeDefXsd"]) - {"xs:string"}

ASSET, SUBMODEL, CONCEPT, UNIT, API = map(term, ("asset", "submodel", "concept", "unit", "apiUrl"))
ELEMENT, IN, PATH, INDEX = map(term, ("element", "inSubmodel", "path", "index"))
VALUE, MIN, MAX, FIRST, SECOND = map(term, ("value", "min", "max", "first", "second"))


@dataclass(slots=True)
class Projection:
    """What one document says: `graph` is where its own triples stand, `shared` are those that others may say, too."""

    graph: str
    own: list[str] = field(default_factory=list)
    shared: dict[str, None] = field(default_factory=dict)


def node(identifier: str) -> str:
    return f"<{iri(identifier)}>"


def literal(value: str, value_type: str = "xs:string") -> str:
    """
    >>> literal('a "b"'), literal("1.5", "xs:double")
    ('"a \\\\"b\\\\""', '"1.5"^^<http://www.w3.org/2001/XMLSchema#double>')
    """
    if _ESCAPED.search(value):
        value = _ESCAPED.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}", value)
    return f'"{value}"^^<{XSD}{value_type[3:]}>' if value_type in _TYPED else f'"{value}"'


def texts(given: object) -> list[str]:
    """Texts in languages, each once."""
    found = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    made = [
        literal(each["text"]) + (f"@{each['language']}" if _LANGUAGE(each["language"]) else "")
        for each in found
        if isinstance(each.get("text"), str) and isinstance(each.get("language"), str)
    ]
    return list(dict.fromkeys(made))


def last_key(reference: object) -> str:
    """What a reference leads to, by its last key."""
    keys = reference.get("keys") if isinstance(reference, dict) else None
    return str(keys[-1].get("value", "")) if keys else ""


def meanings(document: Document) -> list[str]:
    """The concepts that something means, its own and the supplemental ones."""
    references = [document.get("semanticId"), *(document.get("supplementalSemanticIds") or ())]
    return list(dict.fromkeys(each for reference in references for each in concepts(last_key(reference))))


class Projector:
    """Makes projections for one root of the API; `units` says what people write for units."""

    def __init__(self, root: str, units: Units) -> None:
        self.places, self.units = Places(root), units

    # Shells

    def shell(self, document: Document) -> Projection:
        this, place = node(document["id"]), self.places.shell(document["id"])
        found = Projection(place)
        own = found.own
        own += [f"{this} {TYPE} {term('Shell')}", f"{this} {API} <{place}>"]
        own += _labels(this, document)
        if origin := last_key(document.get("derivedFrom")):
            own.append(f"{this} {term('derivedFrom')} {node(origin)}")
        submodels = [node(last_key(each)) for each in document.get("submodels") or () if last_key(each)]
        own += [f"{this} {SUBMODEL} {each}" for each in dict.fromkeys(submodels)]
        information = document.get("assetInformation") or {}
        if asset_id := information.get("globalAssetId"):
            asset = node(asset_id)
            own.append(f"{this} {ASSET} {asset}")
            found.shared |= dict.fromkeys(_about_asset(asset, information))
            found.shared |= dict.fromkeys(f"{asset} {SUBMODEL} {each}" for each in submodels)
        return found

    # Concept descriptions

    def concept(self, document: Document) -> Projection:
        place = self.places.concept(document["id"])
        found = Projection(place)
        for each in concepts(document["id"]) or (iri(document["id"]),):
            this = f"<{each}>"
            found.own += [f"{this} {TYPE} {term('Concept')}", f"{this} {API} <{place}>", *_labels(this, document)]
            for content in _iec61360(document):
                found.own += [f"{this} {LABEL} {name}" for name in texts(content.get("preferredName"))]
                if (unit := self.units.of(content)) is not None:
                    found.own.append(f"{this} {UNIT} <{unit}>")
            _broaden(found, each)
        found.own = list(dict.fromkeys(found.own))
        return found

    # Submodels

    def submodel(self, document: Document) -> Projection:
        this, place = node(document["id"]), self.places.submodel(document["id"])
        found = Projection(place)
        found.own += [f"{this} {TYPE} {term('Submodel')}", f"{this} {API} <{place}>", *_labels(this, document)]
        if document.get("kind") == "Template":
            found.own.append(f'{this} {term("kind")} "Template"')
        for each in meanings(document):
            found.own.append(f"{this} {TYPE} <{each}>")
            _broaden(found, each)
        _Elements(self, document, found).all()
        return found


class _Elements:
    """The elements of one submodel, added to its projection."""

    def __init__(self, projector: Projector, document: Document, found: Projection) -> None:
        self._places, self._units = projector.places, projector.units
        self._document, self._found = document, found
        self._this = node(document["id"])
        self._facts: set[str] = set()
        self._parts = Parts(document)

    def all(self) -> None:
        for at, element in enumerate(children(self._document)):
            self._element(element, (element.get("idShort") or at,), self._this, None, meanings(element))
        for whole, part in self._parts.pairs():
            self._found.shared[f"{node(whole)} {term('hasPart')} {node(part)}"] = None

    def _element(self, element: Document, path: IdShortPath, above: str, at: int | None, meant: list[str]) -> None:
        own = self._found.own
        this = f"<{self._places.element(self._document['id'], path)}>"
        own += [f"{above} {ELEMENT} {this}", f"{this} {IN} {self._this}", f"{this} {PATH} {literal(text(path))}"]
        if at is not None:
            own.append(f'{this} {INDEX} "{at}"^^<{XSD}integer>')
        values = list(self._values(element))
        own += [f"{this} {VALUE} {value}" for value in values]
        own += [f"{this} {more}" for more in self._more(element)]
        for concept in meant:
            own.append(f"{this} {CONCEPT} <{concept}>")
            _broaden(self._found, concept)
            self._facts_of(concept, values)
        listed = element["modelType"] == "SubmodelElementList"
        common = concepts(last_key(element.get("semanticIdListElement"))) if listed else ()
        for number, below in enumerate(children(element)):
            step: str | int = number if listed else below.get("idShort") or number
            meant = list(dict.fromkeys((*meanings(below), *common)))
            self._element(below, (*path, step), this, number if listed else None, meant)

    def _facts_of(self, concept: str, values: list[str]) -> None:
        """A submodel says a value of a concept, each once, however many elements say it."""
        for value in values:
            fact = f"{self._this} <{concept}> {value}"
            if fact not in self._facts:
                self._facts.add(fact)
                self._found.own.append(fact)

    def _values(self, element: Document) -> Iterator[str]:
        value = element.get("value")
        match element["modelType"]:
            case "Property" if isinstance(value, str):
                yield literal(value, element.get("valueType", ""))
            case "MultiLanguageProperty":
                yield from texts(value)
            case "File" if isinstance(value, str) and value:
                yield literal(value, "xs:anyURI")
            case "ReferenceElement" if value:
                if (target := self._target(value)) is not None:
                    yield target

    def _more(self, element: Document) -> Iterator[str]:
        """What only some kinds of elements have."""
        match element["modelType"]:
            case "Range":
                ends = ((MIN, element.get("min")), (MAX, element.get("max")))
                yield from (
                    f"{end} {literal(v, element.get('valueType', ''))}" for end, v in ends if isinstance(v, str)
                )
            case "RelationshipElement" | "AnnotatedRelationshipElement":
                targets = [(FIRST, self._target(element.get("first"))), (SECOND, self._target(element.get("second")))]
                yield from (f"{end} {target}" for end, target in targets if target is not None)
            case "Entity" if element.get("globalAssetId"):
                yield f"{term('entityAsset')} {node(element['globalAssetId'])}"
        for unit in filter(None, map(self._units.of, _iec61360(element))):
            yield f"{UNIT} <{unit}>"

    def _target(self, reference: object) -> str | None:
        """What a reference leads to: an element by its URL, something by its id, a concept."""
        keys = reference.get("keys") if isinstance(reference, dict) else None
        if not keys:
            return None
        first = str(keys[0].get("value", ""))
        if keys[0].get("type") == "Submodel" and len(keys) > 1:
            return f"<{self._places.element(first, steps(keys[1:]))}>"
        if keys[-1].get("type") == "GlobalReference":
            return next((f"<{each}>" for each in concepts(last_key(reference))), None)
        return node(last_key(reference)) if last_key(reference) else None


def _labels(this: str, document: Document) -> list[str]:
    names = texts(document.get("displayName"))
    if id_short := document.get("idShort"):
        names.insert(0, literal(id_short))
    return [f"{this} {LABEL} {name}" for name in dict.fromkeys(names)]


def _about_asset(asset: str, information: Document) -> Iterator[str]:
    yield f"{asset} {TYPE} {term('Asset')}"
    if kind := information.get("assetKind"):
        yield f"{asset} {term('assetKind')} {literal(kind)}"
    for each in concepts(information.get("assetType") or ""):
        yield f"{asset} {TYPE} <{each}>"
    for given in information.get("specificAssetIds") or ():
        if isinstance(given.get("value"), str):
            name = iri(SPECIFIC + re.sub(r"\W", "_", str(given.get("name"))))
            yield f"{asset} <{name}> {literal(given['value'])}"
            for each in meanings(given):
                yield f"{asset} <{each}> {literal(given['value'])}"


def _iec61360(document: Document) -> Iterator[Document]:
    for each in document.get("embeddedDataSpecifications") or ():
        content = each.get("dataSpecificationContent")
        if isinstance(content, dict):
            yield content


def _broaden(found: Projection, concept: str) -> None:
    if (wider := broader(concept)) is not None:
        found.shared[f"<{concept}> {BROADER} <{wider}>"] = None
