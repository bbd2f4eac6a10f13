"""A child that answers queries: a frozen snapshot of the view, without sockets and with an end to everything."""

import contextlib
import io
import json
import os
import re
import socket
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pyoxigraph as ox

from aas_server.graph.confining import confine
from aas_server.graph.formats import form_of
from aas_server.graph.frames import framed, received
from aas_server.graph.terms import NS, PREFIXES
from aas_server.graph.tokens import calls_out, undeclared, words
from aas_server.graph.view import View
from aas_server.model.errors import Forbidden, Malformed, Problem, TooLarge

#: What queries may call, by its IRI.
Functions = Mapping[ox.NamedNode, Callable[..., Any]]
UPDATES = frozenset(("INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY"))
QUERIES = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))
_PLACE = re.compile(r"error at (\d+):(\d+)")
NOBODY = ox.NamedNode(f"{NS}nothing")


class Bounded(io.BytesIO):
    """What is written, up to a size."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._most:
            raise OSError("too large")
        return super().write(data)


def answer(store: ox.Store, calls: Functions, asked: dict[str, Any], query: str) -> tuple[str, bytes]:
    """Media type and body. Raises Malformed, Forbidden, NotAcceptable, TooLarge."""
    if calls_out(query):
        raise Forbidden("a query may not ask other servers: SERVICE is not carried out")
    try:
        results = store.query(
            query,
            base_iri=asked["base"] or None,
            prefixes=PREFIXES,
            custom_functions=dict(calls),
            **_dataset(asked, query),
        )
    except SyntaxError as error:
        raise _unread(query, str(error)) from None
    except RuntimeError as error:
        raise Malformed(f"the query cannot be answered: {error}") from None
    name, form = form_of(results, asked["accept"])
    written = Bounded(asked["size"])
    try:
        if isinstance(results, ox.QueryTriples):
            ox.serialize(results, written, form, prefixes=PREFIXES)  # type: ignore[arg-type]  # of graphs
        else:
            results.serialize(written, format=form)  # type: ignore[arg-type]  # of tables
    except RuntimeError as error:
        raise Malformed(f"the query cannot be answered: {error}") from None
    except OSError:
        raise TooLarge(f"the answer has more than {asked['size']} bytes; a LIMIT makes it smaller") from None
    return name, written.getvalue()


def _unread(query: str, words_: str) -> Problem:
    """Why a query cannot be read, in words that lead to the mending."""
    used = words(query)
    if used & UPDATES and not used & QUERIES:
        return Forbidden("the graph follows the repository: updates are not carried out")
    if "Prefix not found" in words_ and (missing := undeclared(query, PREFIXES)):
        return Malformed(f"the prefix {missing}: is not declared; known without are {', '.join(PREFIXES)}")
    match = _PLACE.search(words_)
    near = ""
    if match is not None:
        line = query.splitlines()[int(match[1]) - 1 : int(match[1])] or [""]
        near = f", near {line[0][max(0, int(match[2]) - 20) : int(match[2]) + 20].strip()!r}"
    return Malformed(f"the query cannot be read: {' '.join(words_.split())[:160]}{near}")


def _dataset(asked: dict[str, Any], query: str) -> dict[str, Any]:
    """All graphs together, but for a request or a query that says which (SPARQL 1.1 Protocol, 2.1.4)."""
    default, named = ([_named(each) for each in asked[name]] for name in ("default", "named"))
    if default or named:
        return {"default_graph": default or [NOBODY], "named_graphs": named}
    return {} if "FROM" in words(query) else {"use_default_graph_as_union": True}


def _named(iri: str) -> ox.NamedNode:
    try:
        return ox.NamedNode(iri)
    except ValueError as error:
        raise Malformed(f"{iri[:200]!r} is no IRI: {error}") from None


def serve(view: View, calls: Functions, live: Collection[str], channel: socket.socket, memory: int) -> None:
    """Answer until the other end is gone; never returns. `live` are the elements that the plant feeds."""
    with contextlib.suppress(BaseException):
        confine(memory)
        while (message := received(channel)) is not None:
            channel.sendall(_answered(view, calls, live, *message))
    os._exit(0)


def _answered(view: View, calls: Functions, live: Collection[str], asked: dict[str, Any], query: bytes) -> bytes:
    if asked["do"] == "digests":
        return framed({"type": "digests"}, json.dumps(view.digests(live)).encode())
    try:
        name, body = answer(view.store, calls, asked, query.decode())
    except Problem as problem:
        return framed({"problem": type(problem).__name__}, str(problem).encode())
    return framed({"type": name}, body)
