"""Operations are carried out: by a handler that somebody offers, within a time, with an outcome that is always told."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from aas_server.model import Document, Json
from aas_server.model.errors import Invalid, Malformed, Problem
from aas_server.model.operations import RESULT, Arguments, Elements, declared, filled, variables
from aas_server.model.paths import IdShortPath, text
from aas_server.repository.handles import Finished, State

log = logging.getLogger(__name__)


class OperationFailed(Exception):
    """A handler says that the operation could not be carried out; the caller is told in these words."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of an Operation.

    `inputs` and `inoutputs` are the arguments as ValueOnly by idShort, `arguments` the same as elements; `operation` is
    the Operation as it is stored. `seconds` is how long the caller waits for the outcome.
    """

    submodel_id: str
    path: IdShortPath
    operation: Document
    arguments: Arguments
    inputs: Mapping[str, Json]
    inoutputs: Mapping[str, Json]
    seconds: float

    @property
    def name(self) -> str:
        return f"{text(self.path)} in {self.submodel_id}"


#: What a handler answers: ValueOnly of the output variables, and of those inoutput variables that it changes.
Outcome = Mapping[str, Json]
Handler = Callable[[Invocation], Awaitable[Outcome]]


class Operations(Protocol):
    """Who can carry out operations: Python functions, other servers, machines."""

    def find(self, submodel_id: str, path: IdShortPath, operation: Document) -> Handler | None:
        """What carries this one out; None where nothing here does."""
        ...


async def invoke(operations: Operations, invocation: Invocation) -> Finished:
    """Carry an operation out. What goes wrong on the way is its outcome, as Part 2 wants it: Failed or Timeout.

    The result is JSON that `answer` shows: `outputArguments` and `inoutputArguments` as elements, or `text`.
    """
    begun = time.monotonic()
    finished = await _carried_out(operations, invocation)
    log.info(
        "operation %s: %s after %.3f s",
        invocation.name,
        finished.state,
        time.monotonic() - begun,
        extra={"submodel": invocation.submodel_id, "path": text(invocation.path), "state": finished.state.value},
    )
    return finished


async def _carried_out(operations: Operations, invocation: Invocation) -> Finished:
    handler = operations.find(invocation.submodel_id, invocation.path, invocation.operation)
    if handler is None:
        return _failed(f"nothing here carries out {invocation.name}: no handler, delegation or machine is set for it")
    try:
        async with asyncio.timeout(invocation.seconds):
            outcome = await handler(invocation)
    except TimeoutError:
        return _told(State.TIMEOUT, f"{invocation.name} did not end within {invocation.seconds:g} s")
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise  # the server stops, or the caller has gone
        return _told(State.CANCELED, f"{invocation.name} was canceled by what carries it out")
    except (OperationFailed, Problem) as problem:
        return _failed(str(problem))
    except Exception:
        log.exception("the handler of operation %s failed", invocation.name)
        return _failed(f"the handler of {invocation.name} failed; the log of the server has the details")
    return _checked(invocation, outcome)


def _checked(invocation: Invocation, outcome: Outcome) -> Finished:
    """The outcome as elements; a handler that does not answer what the Operation declares has failed."""
    try:
        found = _filled(invocation, outcome)
    except (Invalid, Malformed, TypeError) as wrong:
        log.warning("the handler of operation %s answers what it should not: %s", invocation.name, wrong)
        return _failed(f"the handler of {invocation.name} answers what it should not: {wrong}")
    shown = {name: variables(list(elements.values())) for name, elements in found.items() if elements}
    return Finished(State.COMPLETED, shown)


def _filled(invocation: Invocation, outcome: Outcome) -> dict[str, Elements]:
    """Output and inoutput variables with what the handler answers; an inoutput variable it leaves out is unchanged."""
    if not isinstance(outcome, Mapping):
        raise TypeError(f"{type(outcome).__name__} is no object of values by idShort")
    outputs, inoutputs = (declared(invocation.operation, name) for name in RESULT)
    changed = {name: value for name, value in outcome.items() if name in inoutputs}
    rest = {name: value for name, value in outcome.items() if name not in inoutputs}
    made = {
        **invocation.arguments.inoutputs,
        **filled({name: inoutputs[name] for name in changed}, changed, RESULT[1]),
    }
    in_order = {name: made[name] for name in inoutputs if name in made}
    return {RESULT[0]: filled(outputs, rest, RESULT[0]), RESULT[1]: in_order}


def _failed(reason: str) -> Finished:
    return _told(State.FAILED, reason)


def _told(state: State, reason: str) -> Finished:
    return Finished(state, {"text": reason})
