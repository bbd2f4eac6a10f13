"""The JSON-LD 1.1 context of AAS JSON: read through it, the documents of this server are RDF as they stand.

Made from the table of the metamodel, with the IRIs of the official mapping. A name that means the same everywhere is
defined once. What else it means in a class stands in a context of that class, which its modelType chooses, or the
attribute that leads there. docs/graph.md says where a context cannot give what the mapping gives.
"""

from functools import cache
from typing import Final

from aas_server.graph.quads import AAS, TYPED, member, properties
from aas_server.graph.terms import XSD
from aas_server.model import Document, Json
from aas_server.model.metamodel import CLASSES, ENUMERATIONS, MODEL_TYPES, REGISTERED, Attribute

#: Classes whose objects also stand alone, without modelType: what their names mean is what they mean by default.
_ALONE: Final = ("Reference", "AssetInformation", "Environment")
_CLASSES: Final = (*_ALONE, *(name for name in CLASSES if name not in _ALONE and name not in REGISTERED))
#: What has an order that says something.
_ORDERED: Final = ("Reference/keys", "SubmodelElementList/value")
#: Ids become nodes; texts in a language become what RDF has for them; the pages of lists become what is on them.
_KEYWORDS: Final = {
    "id": "@id",
    "modelType": "@type",
    "language": "@language",
    "text": "@value",
    "result": "@graph",
    "paging_metadata": None,
}


#: The property that a name stands for, relative to the namespace of the standard, and its attribute.
Meant = tuple[str, Attribute]


def context() -> Document:
    """The document that holds the context."""
    shared = {name: _definition(*meant) for name, meant in _shared().items()}
    chosen = {name: {"@context": scope} for name in sorted(MODEL_TYPES) if (scope := _scope(name))}
    return {"@context": {"@version": 1.1, "@vocab": AAS, **shared, **_KEYWORDS, **chosen}}


@cache
def _meant(class_name: str) -> dict[str, Meant]:
    """What the names of a class stand for."""
    return {each.name: (iri.removeprefix(AAS), each) for iri, each in properties(class_name).items()}


@cache
def _meanings() -> dict[str, dict[str, Attribute]]:
    """What each name stands for in one class or another, first in those that stand alone."""
    found: dict[str, dict[str, Attribute]] = {}
    for class_name in _CLASSES:
        for name, (relative, attribute) in _meant(class_name).items():
            found.setdefault(name, {})[relative] = attribute
    return found


@cache
def _shared() -> dict[str, Meant]:
    """What names mean where nothing else is said: those with one meaning, and those of what stands alone."""
    alone = {name for class_name in _ALONE for name in _meant(class_name)}
    meanings = sorted(_meanings().items())
    return {name: next(iter(each.items())) for name, each in meanings if len(each) == 1 or name in alone}


def _scope(class_name: str, around: frozenset[str] = frozenset()) -> Document:
    """What names mean in this class and not everywhere, or not in what is around it."""
    own = {
        name: meant
        for name, meant in _meant(class_name).items()
        if name in around or _shared().get(name, ("",))[0] != meant[0]
    }
    return {name: _definition(*meant) for name, meant in own.items()}


def _inside(relative: str, type_: str) -> Document:
    """What names mean in the objects that an attribute leads to, where no modelType says it."""
    return _scope(type_, _around(relative)) if type_ in CLASSES and type_ not in MODEL_TYPES else {}


@cache
def _around(relative: str) -> frozenset[str]:
    """The names with several meanings beside an attribute: what is said of them goes on inside it.

    Not so where modelType says it.
    """
    holders = [name for name in _CLASSES if name not in MODEL_TYPES and relative in dict(_meant(name).values())]
    return frozenset(name for holder in holders for name in _meant(holder) if len(_meanings()[name]) > 1)


def _definition(relative: str, attribute: Attribute) -> Json:
    """The definition of a term; only what is not the default."""
    more: Document = {}
    if relative in _ORDERED:
        more["@container"] = "@list"
    if attribute.type in ENUMERATIONS:
        more |= {"@type": "@vocab", "@context": _members(attribute.type)}
    elif attribute.type in TYPED:
        more["@type"] = TYPED[attribute.type]
    elif scope := _inside(relative, attribute.type):
        more["@context"] = scope
    return {"@id": relative, **more} if more else relative


def _members(enumeration: str) -> Document:
    """What the literals of an enumeration stand for.

    `xs:double` can only become the IRI of the type itself: a context knows prefixes, no other names with a colon.
    """
    if enumeration == "DataTypeDefXsd":
        return {"xs": XSD}
    return {each: member(enumeration, each).removeprefix(AAS) for each in ENUMERATIONS[enumeration]}
