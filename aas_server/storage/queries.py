"""SQL is SQL, in a file: each query has a name and can be read, run and explained by itself."""

import re
from functools import cache
from importlib.resources import files

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


@cache
def queries(file: str) -> dict[str, str]:
    """The queries of a .sql file beside this module, by name, without their comments."""
    text = (files(__package__) / file).read_text(encoding="utf-8")
    return {name: _bare(body) for name, body in _NAMED.findall(text)}


def _bare(body: str) -> str:
    return " ".join(line.strip() for line in body.splitlines() if line.strip() and not line.startswith("--"))


def migrations() -> list[tuple[int, str]]:
    """The steps from an empty store to the newest form, by number."""
    folder = files(__package__) / "migrations"
    found = [(int(file.name.removesuffix(".sql")), file) for file in folder.iterdir() if file.name.endswith(".sql")]
    return [(number, file.read_text(encoding="utf-8")) for number, file in sorted(found, key=lambda each: each[0])]
