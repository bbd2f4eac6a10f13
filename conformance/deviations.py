"""Where the official files contradict themselves or the prose: what we do, why, and how a schema must be read.

`deviations.toml` is the list. A deviation may carry patches to the official OpenAPI document, in the words of JSON
Patch (RFC 6902: replace, remove, move) and one more, `pattern`, which exchanges a regular expression everywhere.
"""

import copy
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIST = Path(__file__).with_name("deviations.toml")


@dataclass(frozen=True, slots=True)
class Deviation:
    identifier: str
    clause: str
    choice: str
    reason: str
    patches: tuple[Mapping[str, Any], ...] = ()
    #: Patches that only a generator of requests needs.
    repairs: tuple[Mapping[str, Any], ...] = ()
    #: Findings of schemathesis that this explains: regular expressions of operation, check and text.
    excuses: tuple[Mapping[str, str], ...] = ()


def read(path: Path = LIST) -> list[Deviation]:
    """All deviations. Raises ValueError where one is incomplete or an id repeats."""
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("deviation", [])
    deviations = [deviation(entry) for entry in listed]
    names = [one.identifier for one in deviations]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{path.name}: repeated id {', '.join(sorted(repeated))}")
    return deviations


def deviation(entry: Mapping[str, Any]) -> Deviation:
    if missing := {"id", "clause", "choice", "reason"} - {key for key, value in entry.items() if value}:
        raise ValueError(f"deviation {entry.get('id', entry)!r} lacks {', '.join(sorted(missing))}")
    more = (tuple(entry.get(name, ())) for name in ("patch", "repair", "excuse"))
    return Deviation(entry["id"], entry["clause"], entry["choice"], entry["reason"], *more)


def excused(deviations: Iterable[Deviation], operation: str, check: str, text: str) -> Deviation | None:
    """The deviation that explains a finding of schemathesis, if one does."""
    for one in deviations:
        for excuse in one.excuses:
            found = {"operation": operation, "check": check, "text": text}
            if all(re.search(pattern, found[name]) for name, pattern in excuse.items()):
                return one
    return None


def table(deviations: Iterable[Deviation]) -> str:
    """The deviations as a Markdown table, as docs/conformance.md has it."""
    rows = [(f"`{one.identifier}`", one.clause, one.choice, one.reason) for one in deviations]
    lines = [("Id", "Clause", "What this server does", "Why"), ("---",) * 4, *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def patched(document: Mapping[str, Any], deviations: Iterable[Deviation]) -> dict[str, Any]:
    """The document as the deviations say it is to be read. Raises LookupError for a patch that finds nothing."""
    changed = copy.deepcopy(dict(document))
    for one in deviations:
        for patch in one.patches:
            try:
                apply(changed, patch)
            except LookupError as error:
                raise LookupError(f"deviation {one.identifier!r}: {error}") from None
    return changed


def apply(document: dict[str, Any], patch: Mapping[str, Any]) -> None:
    match patch["op"]:
        case "pattern":
            if not replace_pattern(document, patch["from"], patch["value"]):
                raise LookupError(f"no pattern {patch['from']!r}")
        case "move":
            holder, key = locate(document, patch["from"])
            value = holder.pop(key)
            holder, key = locate(document, patch["path"], exists=False)
            holder[key] = value
        case "replace":
            holder, key = locate(document, patch["path"])
            holder[key] = patch["value"]
        case "remove":
            holder, key = locate(document, patch["path"])
            del holder[key]
        case unknown:
            raise LookupError(f"unknown op {unknown!r}")


def locate(document: Any, pointer: str, *, exists: bool = True) -> tuple[Any, Any]:
    """The object or array that a JSON Pointer (RFC 6901) leads into, and the last step."""
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    holder = document
    for step in steps:
        holder = holder[int(step) if isinstance(holder, list) else step]
    key = int(last) if isinstance(holder, list) else last
    if exists and key not in (range(len(holder)) if isinstance(holder, list) else holder):
        raise LookupError(f"nothing at {pointer}")
    return holder, key


def replace_pattern(schema: Any, old: str, new: str) -> int:
    """Exchange a regular expression wherever it stands as `pattern`; the number of places."""
    if isinstance(schema, list):
        return sum(replace_pattern(item, old, new) for item in schema)
    if not isinstance(schema, dict):
        return 0
    here = schema.get("pattern") == old
    if here:
        schema["pattern"] = new
    return here + sum(replace_pattern(value, old, new) for value in schema.values())
