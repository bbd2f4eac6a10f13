"""What goes to the plant: values that somebody sets, and Operations that are methods of it."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from aas_server.live import Value
from aas_server.live.converting import converter
from aas_server.live.following import Live
from aas_server.live.lines import Line
from aas_server.live.plan import Call, Guard, ItemAt
from aas_server.live.saying import value_of
from aas_server.model import Document, Json
from aas_server.model.edit import Attributes, apply_values
from aas_server.model.errors import Forbidden, Malformed, Problem, Refused, TimedOut, Unavailable
from aas_server.model.moments import moment
from aas_server.model.operations import declared
from aas_server.model.paths import IdShortPath, text
from aas_server.model.quality import is_bad, status_name
from aas_server.model.valueonly import value_only
from aas_server.repository.invoking import Handler, Invocation, OperationFailed
from aas_server.repository.slots import Slot

#: What a StatusCode means to whoever wrote; any other Bad one is a refusal of the plant.
_PROBLEMS: dict[str, type[Problem]] = {
    "BadTypeMismatch": Malformed,
    "BadOutOfRange": Malformed,
    "BadIndexRangeNoData": Malformed,
    "BadUserAccessDenied": Forbidden,
    "BadNotWritable": Forbidden,
    "BadNotConnected": Unavailable,
    "BadTimeout": TimedOut,
    "BadRequestTimeout": TimedOut,
}


_NOTHING = Guard()


class Order(NamedTuple):
    """One value on its way to the plant."""

    slot: Slot
    line: Line
    at: ItemAt
    value: Value


class Commands:
    """Writes values and calls methods, within what guards them."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._written: dict[Slot, deque[float]] = defaultdict(deque)

    async def write(self, submodel_id: str, values: Sequence[tuple[IdShortPath, Attributes]]) -> None:
        """Write to the nodes behind elements; all are looked at before anything is sent.

        Raises Forbidden where a mapping does not let write, Malformed for what a guard or the node refuses, Unavailable
        where nothing is connected, TimedOut, Refused with the name of the StatusCode.
        """
        wanted: dict[Slot, list[tuple[IdShortPath, Attributes]]] = defaultdict(list)
        for path, attributes in values:
            slot = self._live.repository.live.fed(submodel_id, path)
            assert slot is not None  # noqa: S101 - the repository asks for elements that are fed only
            wanted[slot].append((path, attributes))
        orders = [self._order(slot, updates) for slot, updates in wanted.items()]
        by_line: dict[int, list[Order]] = defaultdict(list)
        for order in orders:
            by_line[id(order.line)].append(order)
        await asyncio.gather(*(self._send(each) for each in by_line.values()))

    def _order(self, slot: Slot, updates: Sequence[tuple[IdShortPath, Attributes]]) -> Order:
        where = f"{text(slot.path)} in {slot.feed.submodel_id}"
        if slot not in self._live.behind:
            raise Forbidden(f"{where} has a mapping that is not carried out, for a reason that /live tells")
        found = self._behind(slot)
        if found is None:
            raise Forbidden(f"{where} is made by a mapping and cannot be set")
        line, at, guard = found
        if not at.item.writable:
            key = "writable" if self._live.behind[slot][0].mapping.declared else "forms.op"
            raise Forbidden(f"{where} is fed by {at.endpoint.base}; its mapping does not let it be written ({key})")
        if slot.element is None:
            raise Malformed(f"{where}: {slot.error}")
        depth = len(slot.path)
        element = apply_values(slot.element, [(path[depth:], attributes) for path, attributes in slot.updates()])
        value = value_of(apply_values(element, [(path[depth:], attributes) for path, attributes in updates]))
        self._guard(where, slot, guard, value, line)
        return Order(slot, line, at, value)

    def _behind(self, slot: Slot) -> tuple[Line, ItemAt, Guard] | None:
        """The line and item that a slot is fed from; None where it is made of other things."""
        carried, sink = self._live.behind[slot]
        at = carried.item(sink)
        return (self._live.lines[at.endpoint], at, sink.guard) if at is not None else None

    def _guard(self, where: str, slot: Slot, guard: Guard, value: Value, line: Line) -> None:
        _bound(where, guard, value)
        if guard.stale is not None:
            seen = moment(slot.source_time)
            age = time.time() - (seen.timestamp() if seen else line.heard)
            if slot.silent is not None or age > guard.stale:
                raise Unavailable(f"{where}: what was read of it last is older than {guard.stale:g} s")
        if guard.rate is not None:
            self._pace(where, slot, guard.rate)

    def _pace(self, where: str, slot: Slot, rate: float) -> None:
        if slot not in self._written:
            for gone in self._written.keys() - self._live.behind.keys():
                del self._written[gone]
        now, before = time.monotonic(), self._written[slot]
        while before and before[0] <= now - max(1.0, 1 / rate):
            before.popleft()
        if len(before) >= max(1.0, rate):
            raise Unavailable(f"{where} is written no more than {rate:g} times in a second")
        before.append(now)

    async def _send(self, orders: Sequence[Order]) -> None:
        line = orders[0].line
        statuses = await line.connection.write([(order.at.item, order.value) for order in orders])
        for order, status in zip(orders, statuses, strict=True):
            if is_bad(status):
                name = status_name(status)
                problem = _PROBLEMS.get(name, Refused)
                raise problem(f"{name}: {order.at.item.href} does not take {order.value!r:.80}")
        with contextlib.suppress(Problem):  # it is written, and what there is to see of it comes by itself
            await line.refresh([order.at.item for order in orders])

    # Operations

    def find(self, submodel_id: str, path: IdShortPath, operation: Document) -> Handler | None:
        call = self._live.calls.get((submodel_id, path))
        if call is None:
            return None

        async def handle(invocation: Invocation) -> Mapping[str, Json]:
            return await self._call(call, invocation)

        return handle

    async def _call(self, call: Call, invocation: Invocation) -> Mapping[str, Json]:
        given = {**invocation.arguments.inputs, **invocation.arguments.inoutputs}
        line = self._live.lines[call.endpoint]
        answered = await line.connection.invoke(call.action, {name: value_of(each) for name, each in given.items()})
        variables = {
            **declared(invocation.operation, "outputArguments"),
            **declared(invocation.operation, "inoutputArguments"),
        }
        if missing := [name for name in answered if name not in variables]:
            raise OperationFailed(f"the method answers {missing[0]!r}, which the Operation does not declare")
        return {name: _answered(variables[name], value) for name, value in answered.items()}


def _answered(variable: Document, value: Value) -> Json:
    """What a method answers, as the variable shows it. Raises Malformed."""
    return value_only(apply_values(variable, converter(variable)(value)))


def _bound(where: str, guard: Guard, value: Value) -> None:
    """Raises Malformed for a number that is out of bounds, wherever in a value it is."""
    match value:
        case list():
            for each in value:
                _bound(where, guard, each)
        case dict():
            parts = dict(guard.parts)
            for name, each in value.items():
                _bound(where, replace(guard, parts=()), each)
                _bound(f"{name} of {where}", parts.get(name, _NOTHING), each)
        case int() | float() if not isinstance(value, bool):
            _within(where, guard, value)


def _within(where: str, guard: Guard, value: float) -> None:
    low, high = guard.least, guard.most
    if (low is None or value >= low) and (high is None or value <= high):
        return
    raise Malformed(f"{where}: {value} is not {_range(low, high)}, as its interface demands")


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
