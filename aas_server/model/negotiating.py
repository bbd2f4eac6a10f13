"""Media types: which of those offered an Accept header wants."""

import re
from collections.abc import Sequence

from aas_server.model.errors import NotAcceptable

JSON = "application/json"
XML = "application/xml"
#: The syntaxes of RDF that documents come in.
TURTLE, NTRIPLES = "text/turtle", "application/n-triples"
JSONLD, RDFXML = "application/ld+json", "application/rdf+xml"
RDF = (TURTLE, JSONLD, NTRIPLES, RDFXML)
#: What a header has to contain somewhere to want a document as something else than JSON.
_OTHER = re.compile("xml|turtle|triples|ld.json", re.IGNORECASE)


def chosen(accept: str, offered: Sequence[str]) -> str:
    """The offered media type that an Accept header wants most, the first where it takes anything.

    >>> chosen("", (JSON, XML)), chosen("application/xml, application/json;q=0.5", (JSON, XML))
    ('application/json', 'application/xml')
    >>> chosen("text/*", (JSON, "text/csv"))
    'text/csv'

    Raises NotAcceptable where it takes none of them.
    """
    wanted: list[tuple[float, int, str]] = []
    for number, part in enumerate(accept.split(",")):
        name, *parameters = (each.strip() for each in part.split(";"))
        quality = next((float(each[2:]) for each in parameters if each.startswith("q=") and _is_number(each[2:])), 1.0)
        if quality > 0:
            wanted.append((-quality, number, name.lower()))
    for _, _, name in sorted(wanted):
        if name in offered:
            return name
        if name in ("", "*/*"):
            return offered[0]
        if name.endswith("/*") and (found := [each for each in offered if each.startswith(name[:-1])]):
            return found[0]
    raise NotAcceptable(f"Accept {accept!r}: offered are {', '.join(offered)}")


def preferred(accept: str) -> str:
    """What a document is wanted as; whoever names nothing we offer gets JSON.

    >>> preferred("application/xml"), preferred("*/*"), preferred("text/html, application/xml;q=0.9, */*;q=0.8")
    ('application/xml', 'application/json', 'application/xml')
    >>> preferred("text/turtle"), preferred("image/png")
    ('text/turtle', 'application/json')
    """
    if _OTHER.search(accept) is None:
        return JSON
    try:
        return chosen(accept, (JSON, XML, *RDF))
    except NotAcceptable:
        return JSON


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()
