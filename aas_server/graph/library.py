"""Named queries: files of SPARQL with a title, a description, and parameters that a client may set.

The first line of a file is the title, the comments below it the description. A line like
`# $maker text "Northwind Drives Ltd"@en : who made them` declares a parameter: its name, its kind, the value that it
has where nobody sets one, and a sentence. In the query it stands as `$maker`; variables are written with `?`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aas_server.graph.iris import concepts, iri
from aas_server.graph.projecting import literal
from aas_server.graph.tokens import tokens
from aas_server.model.errors import Malformed

#: text: a literal; thing: the id of an asset, a shell, a submodel; concept: a semantic id, however spelled.
KINDS = ("text", "thing", "concept", "number")
_PARAMETER = re.compile(r"#\s*\$(\w+)\s+(\w+)\s+(.+?)\s+:\s+(.+)\Z")
_TEXT = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"(?P<kind>@[\w-]+|\^\^\S+)?\Z')
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_LANGUAGE = re.compile(r"(.*)@([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may be set: `default` is a term as SPARQL has it."""

    name: str
    kind: str
    default: str
    description: str

    def term(self, given: str) -> str:
        """What a client gives, as a term. Raises Malformed where it cannot be one."""
        match self.kind:
            case "number":
                if not _NUMBER.match(given):
                    raise Malformed(f"{self.name} is {given[:100]!r}, which is no number")
                return given
            case "thing":
                return f"<{iri(_bare(given))}>"
            case "concept":
                found = concepts(_bare(given))
                if len(found) != 1:
                    raise Malformed(f"{self.name} is {given[:100]!r}, which names {len(found)} concepts; one is needed")
                return f"<{found[0]}>"
        return self._text(given)

    def _text(self, given: str) -> str:
        """A literal of the kind that the default is; a language at its end, as in `Firma@de`, counts."""
        kind = match["kind"] or "" if (match := _TEXT.match(self.default)) else ""
        if (written := _TEXT.match(given)) and "\\" not in given:  # as the library shows texts
            return literal(written["text"]) + (written["kind"] or kind if (written["kind"] or "@")[0] == "@" else kind)
        if kind.startswith("@") and (spoken := _LANGUAGE.match(given)):
            return f"{literal(spoken[1])}@{spoken[2]}"
        return literal(given) + kind


def _bare(given: str) -> str:
    """An IRI without the brackets that SPARQL puts around it."""
    return given[1:-1] if given.startswith("<") and given.endswith(">") else given


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One query of the library."""

    name: str
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    text: str

    def filled(self, given: Mapping[str, str]) -> str:
        """The query with what a client gives, and defaults for what it does not. Raises Malformed."""
        known = {each.name: each for each in self.parameters}
        if unknown := given.keys() - known.keys():
            raise Malformed(f"{self.name} has no parameter {sorted(unknown)[0]!r}; it has {', '.join(known) or 'none'}")
        terms = {name: each.term(given[name]) if name in given else each.default for name, each in known.items()}
        return "".join(terms.get(token[1:], token) if token[0] == "$" else token for token in tokens(self.text))


def parsed(name: str, text: str) -> NamedQuery:
    """A query as its file has it. Raises ValueError, in words for who wrote it."""
    lines = text.splitlines()
    head = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    title, *rest = lines[:head] or [""]
    if not title.strip("# "):
        raise ValueError(f"{name}: its first line must be a comment with its title")
    parameters = tuple(_parameter(name, line) for line in rest if line.lstrip("# ").startswith("$"))
    sentences = " ".join(line.strip("# ") for line in rest if not line.lstrip("# ").startswith("$"))
    body = "\n".join(lines[head:]).strip() + "\n"
    _check(name, body, {each.name for each in parameters})
    return NamedQuery(name, title.strip("# "), sentences, parameters, body)


def _parameter(name: str, line: str) -> Parameter:
    match = _PARAMETER.match(line)
    if match is None or match[2] not in KINDS:
        raise ValueError(f"{name}: {line!r} is not `# $name kind default : sentence`; kinds are {', '.join(KINDS)}")
    return Parameter(match[1], match[2], match[3], match[4])


def _check(name: str, body: str, declared: set[str]) -> None:
    """What is written with `$` is declared, and nothing else has its name."""
    used = {token for token in tokens(body) if token[0] in "?$" and len(token) > 1}
    if missing := {token[1:] for token in used if token[0] == "$"} ^ declared:
        raise ValueError(f"{name}: ${sorted(missing)[0]} must be declared, and used")
    if twice := {token[1:] for token in used if token[0] == "?"} & declared:
        raise ValueError(f"{name}: ?{sorted(twice)[0]} has the name of a parameter")


def library(*folders: Path) -> dict[str, NamedQuery]:
    """All queries of these folders by the names of their files; later folders win. Raises ValueError, OSError."""
    files = [path for folder in folders for path in sorted(folder.glob("*.rq"))]
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
    return {path.stem: parsed(path.stem, path.read_text(encoding="utf-8")) for path in files}
