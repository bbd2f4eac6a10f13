"""Every GET of repositories, registries and discovery, as `/api/v3.1` answers it, against the official schemas."""

import json
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from aas_server.model import identifiers, paths
from conformance.deviations import Deviation, patched

PREFIX = "/api/v3.1"
OFFICIAL = "bundled/Entire-API-Collection-V3.1.json"
#: The services whose GETs are asked; the others are packages and the single services without an address.
SERVICES = (
    *("/shells", "/submodels", "/concept-descriptions", "/serialization", "/description"),
    *("/shell-descriptors", "/submodel-descriptors", "/lookup"),
)
#: A handle exists only after an operation was invoked; there is nothing to read on a server that only holds data.
UNANSWERABLE = "{handleId}"
#: `$path` and `$value` of an element that has none is refused (Part 2, 'Modifier Constraints').
REFUSED = 400
#: An attachment that was never uploaded, a thumbnail that does not exist.
MISSING = 404


@dataclass(frozen=True, slots=True)
class Answer:
    """What one GET of the official document was answered with."""

    template: str
    path: str
    status: int
    content_type: str
    body: Any

    def __str__(self) -> str:
        return f"GET {self.path} ({self.status}, {self.template})"


def official(specs: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((specs / OFFICIAL).read_bytes())
    return read


def answers(base: str, api: Mapping[str, Any]) -> Iterator[Answer]:
    """Each GET of the repositories, with every identifier and every element the server holds put in."""
    world = World(base + PREFIX)
    for template in asked(api):
        for path in world.fill(template):
            yield ask(base + PREFIX, template, path)


def asked(api: Mapping[str, Any]) -> list[str]:
    """The paths of the repositories that can be read."""
    readable = (template for template, operations in api["paths"].items() if "get" in operations)
    return [template for template in readable if template.startswith(SERVICES) and UNANSWERABLE not in template]


def ask(base: str, template: str, path: str) -> Answer:
    try:
        with urllib.request.urlopen(base + path, timeout=30) as reply:  # noqa: S310 -- always http
            return answer(template, path, reply)
    except urllib.error.HTTPError as reply:
        with reply:
            return answer(template, path, reply)


def answer(template: str, path: str, reply: Any) -> Answer:
    content_type = reply.headers.get_content_type()
    body = reply.read()
    return Answer(
        template, path, reply.status, content_type, json.loads(body) if content_type.endswith("json") else body
    )


class World:
    """What the server holds: the values that the parameters of a path can take."""

    def __init__(self, base: str) -> None:
        listed = {what: everything(base, what) for what in ("shells", "submodels", "concept-descriptions")}
        self.submodels = {document["id"]: document for document in listed["submodels"]}
        self.shells = listed["shells"]
        self.concepts = [document["id"] for document in listed["concept-descriptions"]]

    def fill(self, template: str) -> Iterator[str]:
        for values in self.parameters(template):
            path = template
            for name, value in values.items():
                path = path.replace("{" + name + "}", value)
            yield path

    def parameters(self, template: str) -> Iterator[dict[str, str]]:
        if "{cdIdentifier}" in template:
            yield from ({"cdIdentifier": identifiers.encode(concept)} for concept in self.concepts)
            return
        shells = self.shells if "{aasIdentifier}" in template else [None]
        for shell in shells:
            for submodel_id in self.below(shell) if "{submodelIdentifier}" in template else [""]:
                for path in self.elements(submodel_id) if "{idShortPath}" in template else [""]:
                    yield {
                        "aasIdentifier": identifiers.encode(shell["id"]) if shell else "",
                        "submodelIdentifier": identifiers.encode(submodel_id),
                        "idShortPath": path,
                    }

    def below(self, shell: Any) -> list[str]:
        if shell is None:
            return list(self.submodels)
        referred = [reference["keys"][0]["value"] for reference in shell.get("submodels", [])]
        return [identifier for identifier in referred if identifier in self.submodels]

    def elements(self, submodel_id: str) -> Iterator[str]:
        return (quote(paths.text(path)) for path, _ in paths.walk(self.submodels[submodel_id]))


def everything(base: str, what: str) -> list[Any]:
    """All pages of a list."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask(base, f"/{what}", f"/{what}?limit=50" + (f"&cursor={quote(cursor)}" if cursor else "")).body
        found += page["result"]
        cursor = page["paging_metadata"].get("cursor")
    return found


class Judge:
    """Says what is wrong with an answer, reading the official document with a set of deviations."""

    def __init__(self, api: Mapping[str, Any], deviations: Iterable[Deviation]) -> None:
        self.api = patched(api, deviations)
        self.registry = Registry[Any]().with_resource("urn:official", DRAFT202012.create_resource(self.api))
        self.validators: dict[str, Draft202012Validator] = {}

    def complaints(self, given: Answer) -> Iterator[str]:
        schema = self.schema(given)
        if schema is None:
            yield f"{given}: {given.content_type} with this status is not foreseen"
        elif schema != "binary":
            for error in self.validator(schema).iter_errors(given.body):
                yield f"{given}: {error.json_path}: {error.message[:300]}"

    def schema(self, given: Answer) -> str | None:
        """A pointer to the schema of the answer, `binary` for files, None where no such answer is foreseen."""
        here = f"/paths/{given.template.replace('~', '~0').replace('/', '~1')}/get/responses"
        responses = self.api["paths"][given.template]["get"]["responses"]
        code = str(given.status) if str(given.status) in responses else "default"
        at, response = f"{here}/{code}", responses[code]
        if "$ref" in response:
            at = response["$ref"][1:]
            response = self.api["components"]["responses"][at.rpartition("/")[2]]
        foreseen = response.get("content", {})
        if given.content_type in foreseen and given.content_type.endswith("json"):
            return f"{at}/content/{given.content_type.replace('/', '~1')}/schema"
        return "binary" if any(is_binary(content) for content in foreseen.values()) and given.status < 300 else None

    def validator(self, pointer: str) -> Draft202012Validator:
        if pointer not in self.validators:
            self.validators[pointer] = Draft202012Validator(
                {"$ref": f"urn:official#{pointer}"},
                registry=self.registry,
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
        return self.validators[pointer]


def is_binary(content: Mapping[str, Any]) -> bool:
    return bool(content.get("schema", {}).get("format") == "binary")


def unexpected(given: Answer) -> bool:
    """Neither a success nor a refusal that the standard demands for this kind of element."""
    modified = given.template.endswith(("/$value", "/$path", "/$metadata"))
    if given.status == REFUSED:
        return not (modified and "{idShortPath}" in given.template)
    if given.status in (MISSING, 405):
        return not given.template.endswith(("/attachment", "/thumbnail"))
    return given.status != 200


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with an answer, or, without a template, with the list of deviations."""

    template: str
    text: str


def examine(given: Iterable[Answer], api: Mapping[str, Any], deviations: Iterable[Deviation]) -> Iterator[Complaint]:
    """Everything wrong with the answers."""
    judge = Judge(api, deviations)
    for one in given:
        if unexpected(one):
            yield Complaint(one.template, f"{one}: unexpected status: {told(one)}")
        yield from (Complaint(one.template, text) for text in judge.complaints(one))


def told(given: Answer) -> str:
    """The message that came with a refusal."""
    messages = given.body.get("messages", []) if isinstance(given.body, dict) else []
    return "; ".join(message.get("text", "") for message in messages) or "no message"


def unused(given: Iterable[Answer], api: Mapping[str, Any], deviations: Iterable[Deviation]) -> list[Complaint]:
    """The deviations without whose patches no more would be wrong: they excuse what no longer needs an excuse."""
    patching, few = [one for one in deviations if one.patches], representatives(given)
    anyway = set(examine(few, api, patching))
    return [
        Complaint("", f"deviation {one.identifier!r} is not needed: no answer depends on its patch")
        for one in patching
        if anyway.issuperset(examine(few, api, [other for other in patching if other is not one]))
    ]


def representatives(given: Iterable[Answer]) -> list[Answer]:
    """Answers without the repetition that the shell mounts add."""
    return [one for one in given if not one.template.startswith("/shells/{aasIdentifier}/submodels/")]


def per_template(given: Iterable[Answer]) -> Mapping[str, int]:
    """How many answers of status 200 each path of the document got."""
    counted: dict[str, int] = defaultdict(int)
    for one in given:
        counted[one.template] += one.status == 200
    return counted
