"""The vocabulary of the view: a dozen terms, each with a sentence; everything else is taken from others."""

from typing import Final

#: What our own terms begin with.
NS: Final = "urn:aas-server:graph:"
#: What stands for identifiers that are no IRIs, and for asset ids by their names.
ID: Final = f"{NS}id:"
SPECIFIC: Final = f"{NS}assetId:"

RDF, RDFS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.w3.org/2000/01/rdf-schema#"
XSD, SKOS = "http://www.w3.org/2001/XMLSchema#", "http://www.w3.org/2004/02/skos/core#"
TYPE, LABEL, BROADER = f"<{RDF}type>", f"<{RDFS}label>", f"<{SKOS}broader>"

#: Prefixes that a query need not declare.
PREFIXES: Final = {
    "g": NS,
    "e": "https://api.eclass-cdp.com/",
    "unit": "http://qudt.org/vocab/unit/",
    "aas": "https://admin-shell.io/aas/3/1/",
    "rdf": RDF,
    "rdfs": RDFS,
    "xsd": XSD,
    "skos": SKOS,
    "qudt": "http://qudt.org/schema/qudt/",
    "sosa": "http://www.w3.org/ns/sosa/",
}

CLASSES: Final = {
    "Shell": "An Asset Administration Shell.",
    "Asset": "What a shell stands for; it also has its assetType as a class.",
    "Submodel": "A submodel; it also has its semantic id as a class.",
    "Concept": "A concept description, under the one spelling of its id.",
}
PROPERTIES: Final = {
    "asset": "From a shell to its asset.",
    "submodel": "From a shell, and from its asset, to a submodel.",
    "derivedFrom": "From a shell to the shell that it is derived from.",
    "element": "From a submodel or an element to an element directly below it.",
    "inSubmodel": "From an element, however deep, to its submodel.",
    "path": "The idShortPath of an element.",
    "index": "The position of an element in its list, from 0.",
    "concept": "From an element to what it means: its semantic id and its supplemental ones, each in one spelling.",
    "value": "The value: a typed literal, a text with its language, or what a reference leads to.",
    "min": "The lower end of a Range.",
    "max": "The upper end of a Range.",
    "first": "What a relationship leads from.",
    "second": "What a relationship leads to.",
    "unit": "The unit of a concept, or of an element that has its own: one of QUDT.",
    "hasPart": "From an asset to an asset that is a part of it, as bills of material say.",
    "entityAsset": "From an Entity to the asset that it stands for.",
    "assetKind": "Type, Instance, Role or NotApplicable.",
    "kind": "Template, of a submodel that is one.",
    "apiUrl": "Where something is found in the API.",
}
FUNCTIONS: Final = {
    "live": "The newest value of an element that the plant feeds.",
    "age": "The seconds since its source has seen it.",
    "quality": "How good it is: the name of a StatusCode.",
}


def term(name: str) -> str:
    """A term as N-Triples has it.

    >>> term("value")
    '<urn:aas-server:graph:value>'
    """
    return f"<{NS}{name}>"
