"""What a query is made of."""

import re

#: What a query is made of; a SERVICE that is no part of an IRI, a text, a comment or a name is the keyword.
_TOKENS = re.compile(
    r"""<[^<>"{}|^`\\\x00-\x20]*>|\#[^\n\r]*"""
    r"""|"{3}(?:"{0,2}(?:[^"\\]|\\.))*"{3}|'{3}(?:'{0,2}(?:[^'\\]|\\.))*'{3}"""
    r"""|"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'"""
    r"""|[?$]\w+|(?:[A-Za-z_][\w.\-]*)?:[\w.\-%:\\]*|@\w+|(?P<word>[A-Za-z_]\w*)|.""",
    re.DOTALL,
)


def tokens(query: str) -> list[str]:
    """The pieces of a query, in their order; together they are the query."""
    return [match[0] for match in _TOKENS.finditer(query)]


def words(query: str) -> set[str]:
    """Its keywords and other words, in capitals; what stands in names, IRIs, texts and comments is none."""
    return {match["word"].upper() for match in _TOKENS.finditer(query) if match["word"]}


def calls_out(query: str) -> bool:
    """Whether a query asks another server.

    >>> calls_out("SELECT * { service <http://x> {} }"), calls_out('SELECT ("SERVICE" AS ?service) {} # SERVICE')
    (True, False)
    """
    return "SERVICE" in words(query)
