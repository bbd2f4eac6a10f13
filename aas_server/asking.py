"""What the commands do that ask the graph: queries, the library, and whether view and repository agree."""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from aas_server.model.errors import Malformed, Unavailable
from aas_server.remote import answered, document, table

Print = Callable[[str], None]
#: Media types by the names that the command takes; a table is made of the first.
FORMS = {
    "table": "application/sparql-results+json, text/turtle;q=0.9",
    "json": "application/sparql-results+json",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "xml": "application/sparql-results+xml",
    "turtle": "text/turtle",
    "ntriples": "application/n-triples",
    "jsonld": "application/ld+json",
    "rdfxml": "application/rdf+xml",
}
#: Tries, and seconds between them, while the graph is being built.
TRIES, PAUSE = 120, 1.0


async def query(url: str, text: str, given: Mapping[str, str], form: str, show: Print, tell: Print) -> None:
    """Show the answer to a query: its text, `@file`, or the name of one in the library, whose parameters are given.

    Raises Malformed where it cannot be one, Refused with what the server says, Unavailable.
    """
    url, headers = url.rstrip("/"), {"Accept": FORMS[form]}
    if re.fullmatch(r"[\w-]+", text):
        asked: tuple[str, str, dict[str, Any]] = "GET", f"{url}/sparql/queries/{text}", {"params": dict(given)}
    elif given:
        raise Malformed("only queries of the library have parameters")
    else:
        asked = "POST", f"{url}/sparql", {"data": {"query": await _read(text)}}
    method, where, more = asked
    for left in range(TRIES, -1, -1):
        try:
            media, body = await answered(method, where, headers=headers, **more)
            break
        except Unavailable as error:
            if not left or "being built" not in str(error):
                raise
            tell(str(error))
            await asyncio.sleep(PAUSE)
    _show(media, body, form, show)


async def _read(text: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return await asyncio.to_thread(Path(text[1:]).read_text, encoding="utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{text[1:]} is not UTF-8") from None


def _show(media: str, body: bytes, form: str, show: Print) -> None:
    if form != "table" or not media.endswith("results+json"):
        show(body.decode().rstrip("\n"))
        return
    told = orjson.loads(body)
    if "boolean" in told:
        show("yes" if told["boolean"] else "no")
        return
    heads = told["head"]["vars"]
    rows = [[row.get(name, {}).get("value") for name in heads] for row in told["results"]["bindings"]]
    for line in table("rows", heads, rows):
        show(line)


async def queries(url: str, show: Print) -> None:
    """Show what is in the library."""
    told = await document("GET", f"{url.rstrip('/')}/sparql/queries")
    for each in told["queries"]:
        show(f"{each['name']}: {each['title']}")
        for parameter in each["parameters"]:
            show(f"    {parameter['name']} = {parameter['default']}   {parameter['description']}")


async def check(url: str, show: Print) -> bool:
    """Whether view and repository agree; shows the graphs that do not. Raises Refused, Unavailable."""
    url = url.rstrip("/")
    differences = (await document("GET", f"{url}/graph/differences"))["differences"]
    standing = await document("GET", f"{url}/graph")
    for each in differences:
        show(f"differs: {each}")
    agree = "differs" if differences else "is as its documents say"
    show(f"the graph of {standing.get('statements', 0)} statements {agree}, at position {standing['position']}")
    return not differences
