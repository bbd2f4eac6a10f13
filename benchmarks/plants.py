"""Plants for measurements: node-opcua with many variables, and the server that follows them."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from aas_server.model import Document
from benchmarks import foreign, processes
from benchmarks.processes import Server, free_port

SCRIPT = Path(__file__).with_name("plant.js")
#: Elements of one submodel.
EACH = 100
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Plant:
    """A server whose `count` variables change together every `period` ms; none of them where it is 0."""

    url: str
    count: int
    period: int
    kind: str

    @property
    def rate(self) -> float:
        """Changes per second."""
        return self.count * 1000 / self.period


@contextlib.contextmanager
def plant(folder: Path, count: int, period: int, kind: str = "Double") -> Iterator[Plant]:
    """Raises foreign.Missing where there is no node-opcua."""
    port = free_port()
    with foreign.running([str(SCRIPT), str(port), str(count), str(period), kind], folder / "node", b"ready"):
        yield Plant(f"opc.tcp://127.0.0.1:{port}", count, period, kind)


def identifier(number: int) -> str:
    """The submodel that the variable of this number belongs to."""
    return f"urn:bench:live:{number // EACH}"


def submodels(of: Plant) -> bytes:
    """An element for each variable."""
    return orjson.dumps({"submodels": [_submodel(first, of) for first in range(0, of.count, EACH)]})


def _submodel(first: int, of: Plant) -> Document:
    elements = [_element(f"v{number}", of.kind) for number in range(first, min(first + EACH, of.count))]
    return {"modelType": "Submodel", "id": identifier(first), "submodelElements": elements}


def _element(name: str, kind: str) -> Document:
    if kind == "LocalizedText":
        return {"modelType": "MultiLanguageProperty", "idShort": name}
    return {"modelType": "Property", "idShort": name, "valueType": "xs:double", "value": "0"}


def mappings(of: Plant, publishing: float) -> str:
    """A file that maps each variable to its element."""
    parts = [
        f'[[mapping]]\nendpoint = "{of.url}"\nnode = "ns=1;s=v{number}"\nsubmodel = "{identifier(number)}"\n'
        f'path = "v{number}"\nsampling = 0\nqueue = 10\npublishing = {publishing}\n'
        for number in range(of.count)
    ]
    return "\n".join(parts)


@contextlib.contextmanager
def followed(folder: Path, of: Plant, publishing: float = 0.05) -> Iterator[Server]:
    """The server, once all of the plant is observed."""
    environment, file = folder / "live.json", folder / "live.toml"
    environment.write_bytes(submodels(of))
    file.write_text(mappings(of, publishing), encoding="utf-8")
    for old in folder.glob("live.db*"):
        old.unlink()
    server = processes.ours("live", folder, "--live-mappings", str(file), load=[environment])
    try:
        _until(server, of.count)
        yield server
    finally:
        server.stop()


def _until(server: Server, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (found := standing(server))["readings"] >= count and not found["troubled"]:
            return
        time.sleep(0.2)
    raise RuntimeError(f"the plant is not followed: {found}")


def standing(server: Server) -> dict[str, Any]:
    """How the connection stands."""
    asked = http.client.HTTPConnection("127.0.0.1", server.port)
    asked.request("GET", "/live")
    with asked.getresponse() as answer:
        found = json.loads(answer.read())
    asked.close()
    return dict(found["connections"][0]) if found["connections"] else {"readings": 0, "troubled": found}
