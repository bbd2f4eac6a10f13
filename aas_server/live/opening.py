"""The plant is connected as long as a block lasts."""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aas_server.live import AssetConnection, Endpoint
from aas_server.live.allowing import check
from aas_server.live.commanding import Commands
from aas_server.live.credentials import Credentials, from_toml, of
from aas_server.live.following import Live
from aas_server.live.http import HttpConnection
from aas_server.live.mqtt import MqttConnection
from aas_server.repository import Repository

#: Seconds that the first plan may take before the server goes on without it.
PLANNING = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Connector:
    """Opens connections by the scheme of their endpoint. `pki` is the directory of OPC UA certificates."""

    pki: Path
    trust_all: bool = False
    credentials: Mapping[str, Credentials] = field(default_factory=dict)

    async def prepare(self, endpoints: Iterable[Endpoint]) -> None:
        """Load what connecting to them takes: OPC UA is long, and only loaded by whoever has such endpoints."""
        if any(endpoint.scheme == "opc.tcp" for endpoint in endpoints):
            await asyncio.to_thread(importlib.import_module, "aas_server.live.opcua.connection")

    def connect(self, endpoint: Endpoint) -> AssetConnection:
        credentials = of(endpoint, self.credentials)
        match endpoint.scheme:
            case "opc.tcp":
                from aas_server.live.opcua.connection import OpcUaConnection
                from aas_server.live.opcua.security import Pki

                return OpcUaConnection(endpoint, credentials, Pki(self.pki, self.trust_all))
            case "mqtt" | "mqtts":
                return MqttConnection(endpoint, credentials)
            case _:
                return HttpConnection(endpoint, credentials)


def connector(pki: str, trust_all: bool, credentials: str, permitted: Sequence[str]) -> Connector:
    """What the settings say of connections. Raises ValueError for credentials or patterns that cannot be read."""
    check(permitted)
    return Connector(Path(pki), trust_all, from_toml(Path(credentials)) if credentials else {})


@contextlib.asynccontextmanager
async def following(live: Live, interval: float) -> AsyncIterator[None]:
    """The plan is followed, and what comes is stored every so many seconds.

    The first plan is waited for: whoever sets a value afterwards sets it at the plant.
    """
    tasks = [
        asyncio.create_task(_lasting(live), name="live"),
        asyncio.create_task(live.store(interval), name="live storing"),
        asyncio.create_task(live.transform(), name="live transforming"),
    ]
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(live.planned.wait(), PLANNING)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await live.close()


async def _lasting(live: Live) -> None:
    """Whatever goes wrong with one plan, the next change makes another."""
    while True:
        try:
            return await live.follow()
        except Exception:
            log.exception("following the plant failed; it is tried again")
            await asyncio.sleep(5)


def commands(live: Live, repository: Repository) -> Commands:
    """What goes to the plant goes through these."""
    found = Commands(live)
    repository.plant = found
    return found
