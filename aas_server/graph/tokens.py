"""What a query is made of."""

import re
from collections.abc import Collection
from itertools import pairwise

#: What a query is made of; a SERVICE that is no part of an IRI, a text, a comment or a name is the keyword.
_TOKENS = re.compile(
    r"""<[^<>"{}|^`\\\x00-\x20]*>|\#[^\n\r]*"""
    r"""|"{3}(?:"{0,2}(?:[^"\\]|\\.))*"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\.))*'{3}"""
    r"""|"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'"""
    r"""|[?$]\w+|:[\w.\-%:\\]*|@\w+|(?P<word>[A-Za-z_][\w.\-]*)(?P<name>:[\w.\-%:\\]*)?|.""",
    re.DOTALL,
)


def tokens(query: str) -> list[str]:
    """The pieces of a query, in their order; together they are the query."""
    return [match[0] for match in _TOKENS.finditer(query)]


def words(query: str) -> set[str]:
    """Its keywords and other words, in capitals; what stands in names, IRIs, texts and comments is none."""
    found = (match["word"] for match in _TOKENS.finditer(query) if match["word"] and match["name"] is None)
    return {word.upper() for each in found for word in re.split(r"[.\-]", each)}  # `true.SERVICE` are three


def calls_out(query: str) -> bool:
    """Whether a query asks another server.

    >>> calls_out("SELECT * { service <http://x> {} }"), calls_out('SELECT ("SERVICE" AS ?service) {} # SERVICE')
    (True, False)
    >>> calls_out("ASK { ?s ?p true.SERVICE<http://x>{} }"), calls_out("ASK { ?s service:x service.y:z }")
    (True, False)
    """
    return "SERVICE" in words(query)


def undeclared(query: str, known: Collection[str]) -> str:
    """The first prefix that is neither known nor declared; empty where there is none.

    >>> undeclared("PREFIX a: <urn:a> SELECT ?s { ?s a:x g:y ; foaf:name ?n }", ("g",))
    'foaf'
    """
    found = [match for match in _TOKENS.finditer(query) if match["name"] is not None or match[0].strip()]
    declared = {
        each["word"]
        for before, each in pairwise(found)
        if (before["word"] or "").upper() == "PREFIX" and each["name"] == ":"
    }
    used = [match["word"] for match in found if match["name"] is not None]
    return next((each for each in used if each not in declared and each not in known), "")
