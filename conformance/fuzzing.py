"""Schemathesis against a running server: what an OpenAPI document says, drawn at random and at its edges.

Every answer must be one the document foresees: no server error, no other status, content type, header or schema.
The seed is fixed and the examples are bounded, so that a run repeats.
"""

import re
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import CheckFailureInfo, ScenarioRecorder

from aas_server.api.openapi.examples import BODIES, PATHS
from aas_server.api.serialization import AASX
from aas_server.model import identifiers, paths
from aas_server.model.metamodel import SUBMODEL_ELEMENTS
from aas_server.model.negotiating import JSON
from aas_server.model.paths import CHILDREN
from aas_server.model.references import target
from conformance.official import METHODS
from conformance.responses import everything
from conformance.sent import OPERATION, REQUEST, large, prepared

CHECKS = {
    "not_a_server_error": {},
    "status_code_conformance": {},
    "content_type_conformance": {},
    "response_headers_conformance": {},
    "response_schema_conformance": {},
    "unsupported_method": {},
    "negative_data_rejection": {"expected-statuses": [400, 403, 404, 405, 406, 409, 412, 413, 415]},
}
SEED = 20260423


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried: random requests for each operation, and whether the edges of each parameter are tried, too.

    A document that tells a part of the API says nothing about methods it does not name: it is not `complete`.
    """

    examples: int
    edges: bool = True
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """One answer that is not as the document says, and the request that got it."""

    operation: str
    check: str
    text: str
    request: str = ""

    def __str__(self) -> str:
        return f"{self.operation}: {self.check}: {self.text}" + (f"\n        {self.request}" if self.request else "")


@dataclass(slots=True)
class Outcome:
    """What a run found, and how many answers of which status each operation gave."""

    failures: list[Failure] = field(default_factory=list)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def operations(self) -> set[str]:
        return {operation for operation, _ in self.answers}

    def succeeded(self, operation: str) -> bool:
        return any(status < 400 for name, status in self.answers if name == operation)


def fuzz(document: Mapping[str, Any], base: str, effort: Effort) -> Outcome:
    """Everything about the answers of the server at `base` that is not as the document says."""
    world = World(origin(base))
    sent = prepared(document)
    schema = schemathesis.openapi.from_dict(sent, config=_config(world, base, effort, large(sent)))

    @schema.hook
    def after_call(context: Any, case: Any, response: Any) -> None:
        if response.status_code < 300 and case.method.upper() != "GET":
            world.restore()

    outcome = Outcome()
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder):
                outcome.failures += _failures(recorder)
                outcome.answers.update(_answers(recorder))
            case events.NonFatalError(label=label, value=error):
                outcome.failures.append(Failure(label, "error", f"{type(error).__name__}: {error}"))
            case events.FatalError(exception=error):
                raise error
    return outcome


def offered(server: str) -> dict[str, Any]:
    """Our own OpenAPI document, as a server serves it."""
    with urllib.request.urlopen(f"{server}/openapi.json", timeout=60) as answer:  # noqa: S310 -- always http
        found: dict[str, Any] = orjson.loads(answer.read())
    return found


def common(document: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """An official document with what the server offers, by our own; parameters have other names in each."""
    known = {(method, _nameless(path)) for path, item in own["paths"].items() for method in item}
    found = {
        path: {name: each for name, each in item.items() if name not in METHODS or (name, _nameless(path)) in known}
        for path, item in document["paths"].items()
    }
    return {**document, "paths": {path: item for path, item in found.items() if METHODS & item.keys()}}


def _nameless(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def origin(base: str) -> str:
    """Scheme and host of an address.

    >>> origin("http://127.0.0.1:8080/api/v3.1")
    'http://127.0.0.1:8080'
    """
    return "/".join(base.split("/")[:3])


class World:
    """What the server holds while it is asked, taken down at the start and put back after every change."""

    def __init__(self, server: str) -> None:
        self.server = server
        for path, document in EXAMPLES.items():
            self._send("PUT", path, orjson.dumps(document), JSON)
        picture = f"/shells/{PATHS['aasIdentifier']}/asset-information/thumbnail"
        self._send("PUT", picture, form("a.png", b"no picture"), FORM)
        self.package = self._send("GET", "/serialization", None, AASX[0])
        element = f"/submodels/{OPERATION['submodelIdentifier']}/submodel-elements/{OPERATION['idShortPath']}"
        self.handles = {
            "anything": self._begin("PUT", "/bulk/shell-descriptors", [BODIES["AssetAdministrationShellDescriptor"]]),
            "operations": self._begin("POST", f"{element}/invoke-async", REQUEST),
        }
        self.restore()

    def restore(self) -> None:
        self._send("POST", "/upload", self.package, AASX[0])
        self._send("PUT", f"/packages/{PATHS['packageId']}", form("a.aasx", self.package), FORM)

    def _begin(self, method: str, path: str, body: Any) -> str:
        """The handle of something that is done by and by."""
        request = urllib.request.Request(  # noqa: S310 -- always http
            self.server + path, orjson.dumps(body), {"Content-Type": JSON}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return str(answer.headers["Location"]).rpartition("/")[2]

    def _send(self, method: str, path: str, body: bytes | None, media_type: str) -> bytes:
        headers = {"Content-Type": media_type, "Accept": media_type}
        request = urllib.request.Request(self.server + path, body, headers, method=method)  # noqa: S310 -- always http
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            found: bytes = answer.read()
        return found

    def aims(self) -> dict[str, dict[str, list[str]]]:
        """What stands in the parameters of paths, by aim: a shell, a submodel it refers to, elements of some kinds.

        One of each, so that they fit together: an element of one submodel is nowhere in another.
        """
        held = {what: everything(self.server, what) for what in ("shells", "submodels", "concept-descriptions")}
        pictured = [each for each in held["shells"] if "defaultThumbnail" in each["assetInformation"]]
        found = {aim: _place(held, kinds) for aim, (kinds, _, _) in AIMED.items() if kinds}
        found["anything"] |= {
            "cdIdentifier": [identifiers.encode(each["id"]) for each in held["concept-descriptions"]],
            "packageId": [identifiers.encode(each["packageId"]) for each in everything(self.server, "packages")],
        }
        for aim, handle in self.handles.items():
            found[aim]["handleId"] = [handle]
        return found | {"pictures": {"aasIdentifier": [identifiers.encode(each["id"]) for each in pictured]}}


def _place(held: Mapping[str, list[Any]], kinds: Iterable[str]) -> dict[str, list[str]]:
    """The submodel with the most elements of these kinds, a shell that refers to it, and where the elements are."""
    shells = {target(each): shell["id"] for shell in held["shells"] for each in shell.get("submodels", ())}
    places = {
        submodel["id"]: [paths.text(path) for path, element in paths.walk(submodel) if element["modelType"] in kinds]
        for submodel in held["submodels"]
        if submodel["id"] in shells
    }
    best = max(places, key=lambda each: len(places[each]))
    return {
        "aasIdentifier": [identifiers.encode(shells[best])],
        "submodelIdentifier": [identifiers.encode(best)],
        "idShortPath": places[best],
    }


#: What leads to elements of some kinds: their modelTypes, the methods and the paths.
AIMED: dict[str, tuple[Iterable[str], str, str]] = {
    "anything": (SUBMODEL_ELEMENTS, ".", "."),
    "files": (("File",), "GET|PUT|DELETE", "/attachment$"),
    "operations": (("Operation",), "GET|POST", "/(invoke|operation)"),
    "containers": (tuple(CHILDREN), "POST", r"\{idShortPath\}$"),
    "pictures": ((), "GET|DELETE", "/thumbnail$"),
}
FORM = "multipart/form-data; boundary=between-the-fields"


def form(name: str, content: bytes) -> bytes:
    """A form with one file."""
    start = f'--between-the-fields\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return start.encode() + content + b"\r\n--between-the-fields--\r\n"


#: The documents that the examples of our own OpenAPI document speak of.
EXAMPLES = {
    f"/submodels/{PATHS['submodelIdentifier']}": BODIES["Submodel"],
    f"/shells/{PATHS['aasIdentifier']}": BODIES["AssetAdministrationShell"],
    f"/concept-descriptions/{PATHS['cdIdentifier']}": BODIES["ConceptDescription"],
}


def _config(world: World, base: str, effort: Effort, without_edges: list[str]) -> SchemathesisConfig:
    aims = world.aims()
    named = {f"{aim} {name}": values for aim, known in aims.items() for name, values in known.items() if values}
    checks = {name: more for name, more in CHECKS.items() if effort.complete or name != "unsupported_method"}
    phases = {"examples": True, "coverage": effort.edges, "fuzzing": effort.examples > 0, "stateful": False}
    return SchemathesisConfig.from_dict(
        {
            "base-url": base,
            "seed": SEED,
            "continue-on-failure": True,
            "request-timeout": 60,
            "checks": {"enabled": False, **{name: {"enabled": True, **more} for name, more in checks.items()}},
            "phases": {name: {"enabled": enabled} for name, enabled in phases.items()},
            "generation": {
                "max-examples": max(effort.examples, 1),
                "deterministic": True,
                "no-shrink": True,
                "database": "none",
            },
            "dictionaries": {name: {"values": values} for name, values in named.items()},
            "parameters": _drawn("anything", named),
            "operations": [
                *(
                    {"include-method-regex": methods, "include-path-regex": path, "parameters": _drawn(aim, named)}
                    for aim, (_, methods, path) in AIMED.items()
                    if aim != "anything"
                ),
                *({"include-name": name, "phases": {"coverage": {"enabled": False}}} for name in without_edges),
            ],
        }
    )


def _drawn(aim: str, named: Iterable[str]) -> dict[str, Any]:
    """Parameters of paths are nearly always drawn from what is there."""
    return {
        f"path.{name.split()[1]}": {"dictionary": name, "probability": 0.9} for name in named if name.split()[0] == aim
    }


def _failures(recorder: ScenarioRecorder) -> Iterator[Failure]:
    for checks in recorder.checks.values():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                yield _failure(recorder.label, check.name, check.failure_info)


def _failure(operation: str, check: str, found: CheckFailureInfo) -> Failure:
    text = " ".join(f"{found.failure.title}: {found.failure.message}".split())
    return Failure(operation, check, text[:600], found.code_sample[:600])


def _answers(recorder: ScenarioRecorder) -> Iterable[tuple[str, int]]:
    for interaction in recorder.interactions.values():
        if interaction.response is not None:
            yield recorder.label, interaction.response.status_code
