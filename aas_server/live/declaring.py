"""TOML files of the operator that say what is mapped, for whoever wants a file rather than submodels.

A file that cannot be read is no file; a mapping in it that cannot be carried out is a defect, with its number.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aas_server.live import Action, Endpoint, Item, securing
from aas_server.live.forms import NODES, topic
from aas_server.live.interfaces import POLLED, endpoint
from aas_server.live.plan import Defect, Guard
from aas_server.live.reading import FASTEST, Defective, guard
from aas_server.model.errors import Malformed
from aas_server.model.paths import IdShortPath, parse

_NUMBERS = (int, float)
#: The keys of a mapping, with what each must be.
MAPPING: Mapping[str, tuple[type, ...]] = {
    "endpoint": (str,), "node": (str,), "topic": (str,), "resource": (str,), "submodel": (str,), "path": (str,),
    "operation": (str,), "object": (str,), "part": (str, list), "writable": (bool,), "observed": (bool,),
    "polling": _NUMBERS, "sampling": _NUMBERS, "publishing": _NUMBERS, "queue": (int,), "deadband": _NUMBERS,
    "min": _NUMBERS, "max": _NUMBERS, "max_staleness": _NUMBERS, "max_write_rate": _NUMBERS, "qos": (int,),
    "retain": (bool,),
}  # fmt: skip
ENDPOINT: Mapping[str, tuple[type, ...]] = {"base": (str,), "security": (str,), "token": (str,)}
#: The shortest intervals, in seconds.
_LEAST = {"polling": FASTEST, "publishing": FASTEST, "max_staleness": 0.001}
_NOTHING = Guard()
_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", list: "a list"}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One mapping of a file: an item or an action at an endpoint, and the element that it belongs to."""

    origin: str
    endpoint: Endpoint
    at: Item | Action
    submodel_id: str
    path: IdShortPath
    guard: Guard = _NOTHING


@dataclass(frozen=True, slots=True)
class Declared:
    """What files say, and what in them cannot be carried out."""

    declarations: tuple[Declaration, ...] = ()
    defects: tuple[Defect, ...] = ()


def declared(files: Iterable[Path]) -> Declared:
    """All that these files declare. Raises ValueError for a file that cannot be read, with the place in it."""
    declarations: list[Declaration] = []
    defects: list[Defect] = []
    for file in files:
        given = _read(file)
        known = _endpoints(file, given.get("endpoint", {}))
        for number, table in enumerate(given.get("mapping", []), start=1):
            origin = f"{file}: mapping {number}"
            try:
                declarations.append(_declaration(origin, table, known))
            except (Defective, Malformed, ValueError) as error:
                defects.append(Defect(origin, str(error)))
    return Declared(tuple(declarations), tuple(defects))


def _read(file: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{file} is no TOML: {error}") from None
    if unknown := sorted(given.keys() - {"endpoint", "mapping"}):
        raise ValueError(f"{file}: {unknown[0]} is none of [endpoint.NAME] and [[mapping]]")
    if not _tables(given.get("mapping", [])):
        raise ValueError(f"{file}: mappings are written as [[mapping]], in double brackets")
    return given


def _tables(given: Any) -> bool:
    return isinstance(given, list) and all(isinstance(each, dict) for each in given)


def _endpoints(file: Path, given: Any) -> Mapping[str, Endpoint]:
    """The endpoints that have names. Raises ValueError: what they are wrong in is wrong in all that use them."""
    if not isinstance(given, dict) or not all(isinstance(table, dict) for table in given.values()):
        raise ValueError(f"{file}: endpoints are written as [endpoint.NAME]")
    found: dict[str, Endpoint] = {}
    for name, table in given.items():
        try:
            _check(table, ENDPOINT)
            found[name] = _endpoint(
                _text(table, "base"), table.get("security", "None"), table.get("token", "Anonymous")
            )
        except (Defective, ValueError) as error:
            raise ValueError(f"{file}: endpoint {name!r}: {error}") from None
    return found


def _endpoint(base: str, security: str = "None", token: str = "Anonymous") -> Endpoint:  # noqa: S107 - its kind
    if token not in securing.TOKENS:
        raise Defective(f"token is {token!r}; it is one of {', '.join(securing.TOKENS)}")
    return endpoint(base, "it", securing.parse(security, token))


def _check(table: Mapping[str, Any], known: Mapping[str, tuple[type, ...]]) -> None:
    for name, value in table.items():
        if name not in known:
            raise Defective(f"{name} is no key here; known are {', '.join(known)}")
        if type(value) not in known[name]:
            raise Defective(f"{name} is {value!r}; it must be {' or '.join(_WORDS[kind] for kind in known[name])}")
    if not 0 <= table.get("sampling", 0) < 1e7:
        raise Defective(f"sampling is {table['sampling']}; it must be 0, as fast as the server can, or more")
    for name, least in _LEAST.items():
        if not least <= table.get(name, least) < 1e7:
            raise Defective(f"{name} is {table[name]}; it must be at least {least} seconds")
    if not 0 < table.get("max_write_rate", 1) < 1e7:
        raise Defective(f"max_write_rate is {table['max_write_rate']}; it must be more than 0")


def _text(table: Mapping[str, Any], name: str) -> str:
    if not (found := str(table.get(name, "")).strip()):
        raise Defective(f"{name} is missing")
    return found


def _declaration(origin: str, table: Mapping[str, Any], known: Mapping[str, Endpoint]) -> Declaration:
    """One mapping. Raises Defective, Malformed, ValueError with what is wrong with it."""
    _check(table, MAPPING)
    named = _text(table, "endpoint")
    if named not in known and "://" not in named:
        raise Defective(f"there is no [endpoint.{named}], and it is no address")
    leads = known[named] if named in known else _endpoint(named)
    href = _href(leads, table)
    if "operation" in table:
        action = Action(href, named_node(table["object"]) if "object" in table else "")
        return Declaration(origin, leads, action, _text(table, "submodel"), parse(_text(table, "operation")))
    item = _item(leads, href, table)
    return Declaration(origin, leads, item, _text(table, "submodel"), parse(_text(table, "path")), _guard(table))


def _href(leads: Endpoint, table: Mapping[str, Any]) -> str:
    """Where at its endpoint it is, in the protocol's own words."""
    match leads.scheme:
        case "opc.tcp":
            return named_node(_text(table, "node"))
        case "mqtt" | "mqtts":
            return topic(_text(table, "topic"))
        case _:
            return "/" + _text(table, "resource").lstrip("/")


def named_node(text: str) -> str:
    """A NodeId as it is, or a browse path from the root. Raises Defective."""
    if text.startswith("/"):
        return f"path:{text}"
    if not text.startswith(NODES):
        raise Defective(f"{text!r} names no node: it is like nsu=urn:x;s=Speed, ns=2;i=5 or /Objects/2:Plant/2:Speed")
    return text


def _item(leads: Endpoint, href: str, table: Mapping[str, Any]) -> Item:
    polling = table.get("polling")
    observed = bool(table.get("observed", polling is None)) and leads.scheme not in ("http", "https")
    queue = table.get("queue", 1)
    if not 1 <= queue <= 10_000:
        raise Defective(f"queue is {queue}; it must be from 1 to 10000")
    return Item(
        href,
        pick=_part(table.get("part", [])),
        observed=observed,
        polling=None if observed else float(polling or POLLED),
        sampling=table.get("sampling"),
        publishing=table.get("publishing"),
        queue=queue,
        deadband=float(table.get("deadband", 0.0)),
        writable=table.get("writable", False),
        options=_options(table),
    )


def _part(given: str | list[Any]) -> tuple[str | int, ...]:
    """A part of a value: the names of fields and the numbers of elements, outermost first."""
    steps = [each for each in given.split(".") if each] if isinstance(given, str) else given
    if not all(type(each) in (str, int) for each in steps):
        raise Defective(f"part is {given!r}; it is like Position.X, or a list of names and numbers")
    return tuple(steps)


def _options(table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if table.get("qos", 0) not in (0, 1, 2):
        raise Defective(f"qos is {table['qos']}; it is 0, 1 or 2")
    return tuple(
        (name, str(table[name]).lower() if name == "retain" else str(table[name])) for name in _SENT if name in table
    )


_SENT = ("qos", "retain")


def _guard(table: Mapping[str, Any]) -> Guard:
    if not table.get("min", -math.inf) <= table.get("max", math.inf):  # nor is anything within NaN
        given = " and ".join(f"{name} is {table[name]}" for name in ("min", "max") if name in table)
        raise Defective(f"{given}: nothing is within")
    return guard(table.get("min"), table.get("max"), table.get("max_staleness"), table.get("max_write_rate"))
