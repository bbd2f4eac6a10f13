"""Which form an answer takes: by what the query yields, and what the client accepts."""

from typing import Final

import pyoxigraph as ox

from aas_server.model.negotiating import chosen

Form = ox.QueryResultsFormat | ox.RdfFormat

_JSON, _XML = "application/sparql-results+json", "application/sparql-results+xml"
TABLES: Final[dict[str, Form]] = {
    _JSON: ox.QueryResultsFormat.JSON,
    "application/json": ox.QueryResultsFormat.JSON,
    _XML: ox.QueryResultsFormat.XML,
    "application/xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
#: CSV and TSV have no form for a yes or no.
BOOLEANS: Final = {name: form for name, form in TABLES.items() if not name.startswith("text/")}
GRAPHS: Final[dict[str, Form]] = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/trig": ox.RdfFormat.TRIG,
    "application/n-quads": ox.RdfFormat.N_QUADS,
}

Results = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples


def form_of(results: Results, accept: str) -> tuple[str, Form]:
    """The media type and the form that suits best. Raises NotAcceptable where none does."""
    match results:
        case ox.QueryTriples():
            table = GRAPHS
        case ox.QueryBoolean():
            table = BOOLEANS
        case _:
            table = TABLES
    name = chosen(accept, list(table))
    return name, table[name]
