"""What bridges do today, to be compared with: an OPC UA handler that PATCHes every value over HTTP.

`python -m benchmarks.bridge OPC_URL HTTP_URL SUBMODEL_ID COUNT`: follows ns=1;s=v0 ... and prints each second how many
it has written.
"""

import asyncio
import sys
from typing import Any

import aiohttp
from asyncua.client.client import Client

from aas_server.model.identifiers import encode

WORKERS = 16


class Handler:
    """Called by the client for each value."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def datachange_notification(self, node: Any, value: Any, _: Any) -> None:
        self.waiting.put_nowait((node.nodeid.Identifier, value))


class Bridge:
    def __init__(self, http: aiohttp.ClientSession, base: str, handler: Handler) -> None:
        self._http, self._base, self._handler = http, base, handler
        self.written = 0

    async def write(self) -> None:
        while True:
            name, value = await self._handler.waiting.get()
            async with self._http.patch(f"{self._base}/{name}/$value", json=value) as answer:
                answer.raise_for_status()
            self.written += 1


async def main(opc: str, http: str, submodel_id: str, count: int) -> None:
    handler = Handler()
    async with Client(opc) as client, aiohttp.ClientSession() as session:
        bridge = Bridge(session, f"{http}/submodels/{encode(submodel_id)}/submodel-elements", handler)
        workers = [asyncio.create_task(bridge.write()) for _ in range(WORKERS)]
        subscription = await client.create_subscription(50, handler)
        await subscription.subscribe_data_change([client.get_node(f"ns=1;s=v{number}") for number in range(count)])
        while not any(worker.done() for worker in workers):
            await asyncio.sleep(1)
            print(bridge.written, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
