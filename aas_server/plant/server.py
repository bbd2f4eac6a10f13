"""The conveyor as an OPC UA server: its variables change as its physics does, and it takes a setpoint and calls."""

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import asyncua.ua
from asyncua.common.methods import uamethod
from asyncua.server.server import Server

from aas_server.plant import NAMESPACE
from aas_server.plant.drive import LEAST_FRICTION, MOST_FRICTION, MOST_SPEED, Drive

#: Its types are written for those who build clients.
ua: Any = asyncua.ua

#: How often physics goes on, in seconds, and how many of these steps a sensor takes.
STEP, SHOWN = 0.02, 5

TYPES = {
    float: ua.VariantType.Double,
    int: ua.VariantType.UInt64,
    str: ua.VariantType.String,
    bool: ua.VariantType.Boolean,
}

#: What clients may set, each with what becomes of it.
SETTABLE = ("SpeedSetpoint", "EmergencyStop")


class Conveyor:
    """One conveyor behind one server."""

    def __init__(self, server: Server, drive: Drive) -> None:
        self._server, self.drive = server, drive
        self._nodes: dict[str, Any] = {}
        self._shown: dict[str, object] = {}

    async def build(self) -> None:
        """Its address space: a folder of variables and methods, named as the sensors are."""
        index = await self._server.register_namespace(NAMESPACE)
        folder = await self._server.nodes.objects.add_object(
            ua.NodeId("Conveyor", index), ua.QualifiedName("Conveyor", index)
        )
        for name, value in self.drive.measured().items():
            node_id, named = ua.NodeId(name, index), ua.QualifiedName(name, index)
            node = await folder.add_variable(node_id, named, value, TYPES[type(value)])
            self._nodes[name] = node.nodeid
            if name in SETTABLE:
                await node.set_writable()
        await self._add_set_friction(folder, index)

    async def _add_set_friction(self, folder: Any, index: int) -> None:
        told = ua.LocalizedText(f"the coefficient between drum and belt, from {LEAST_FRICTION:g} to {MOST_FRICTION:g}")
        wanted = ua.Argument(Name="Friction", DataType=ua.NodeId(ua.ObjectIds.Double), ValueRank=-1, Description=told)
        node_id, named = ua.NodeId("SetFriction", index), ua.QualifiedName("SetFriction", index)
        await folder.add_method(node_id, named, self._set_friction, [wanted], [])

    @property
    def _set_friction(self) -> Any:
        @uamethod
        def set_friction(_: Any, friction: float) -> Any:
            if not LEAST_FRICTION <= friction <= MOST_FRICTION:
                return ua.CallMethodResult(
                    StatusCode=ua.StatusCode(ua.StatusCodes.BadInvalidArgument),
                    InputArgumentResults=[ua.StatusCode(ua.StatusCodes.BadOutOfRange)],
                )
            self.drive.friction = friction
            return None

        return set_friction

    async def run(self) -> None:
        """Go on for ever, at the pace of the clock."""
        loop = asyncio.get_running_loop()
        began, done = loop.time(), 0
        while True:
            await self._obey()
            for _ in range(SHOWN):
                self.drive.step(STEP)
            await self._show()
            done += SHOWN
            await asyncio.sleep(max(0.0, began + done * STEP - loop.time()))

    async def _obey(self) -> None:
        """What clients have set since the sensors were last read. A setpoint that cannot be is set back."""
        setpoint, stopped = [await self._value(name) for name in SETTABLE]
        if isinstance(setpoint, float) and 0 <= setpoint <= MOST_SPEED:
            self.drive.setpoint = setpoint
        else:
            self._shown.pop("SpeedSetpoint", None)
        self.drive.stopped = bool(stopped)

    async def _value(self, name: str) -> object:
        value: object = await self._server.get_node(self._nodes[name]).read_value()
        return value

    async def _show(self) -> None:
        """Put what has changed into its node, with the time it was measured."""
        now = datetime.now(UTC)
        for name, value in self.drive.measured().items():
            if self._shown.get(name) != value:
                self._shown[name] = value
                data = ua.DataValue(ua.Variant(value, TYPES[type(value)]), SourceTimestamp=now, ServerTimestamp=now)
                await self._server.write_attribute_value(self._nodes[name], data)


@contextlib.asynccontextmanager
async def conveyor(port: int, drive: Drive | None = None) -> AsyncIterator[Conveyor]:
    """A conveyor that answers at a port of this machine. Raises OSError where that cannot be had."""
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_server_name("Conveyor")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    machine = Conveyor(server, drive or Drive())
    await machine.build()
    async with server:
        yield machine


async def run(port: int, tell: Callable[[str], None], attached: bool) -> None:
    """Run a conveyor until it is interrupted or, attached, until its standard input ends. Raises OSError."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what goes wrong at the start is raised, too
    async with conveyor(port) as machine:
        tell(f"the conveyor answers at opc.tcp://127.0.0.1:{port}")
        running = asyncio.ensure_future(machine.run())
        if attached:
            _at_end_of_input(running.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _at_end_of_input(then: Callable[[], object]) -> None:
    """Who started this process holds the other end: it ends even where that one is killed."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        sys.stdin.read()
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            loop.call_soon_threadsafe(then)

    threading.Thread(target=wait, daemon=True).start()
