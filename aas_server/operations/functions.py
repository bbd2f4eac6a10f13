"""Python functions as handlers of Operations: registered by place or by meaning, run off the event loop."""

import asyncio
import contextlib
import functools
import importlib
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import entry_points
from typing import Any, TypeVar

from aas_server.model import Document
from aas_server.model.paths import IdShortPath, parse
from aas_server.repository.invoking import Handler, Invocation, OperationFailed, Outcome

log = logging.getLogger(__name__)

#: Entry points of this group name objects as `--operations` does.
GROUP = "aas_server.operations"
#: Calls of one plain function that may be under way at a time.
AT_ONCE = 32

Function = TypeVar("Function", bound=Callable[[Invocation], Outcome | Awaitable[Outcome]])


class Operations:
    """Functions by the place of the Operation they carry out, or by what it means (its semanticId).

    A function gets an Invocation and answers the values of the output variables, and of those inoutput variables that
    it changes, by idShort. It may be async; a plain one runs in a thread of its own. To say that the operation could
    not be carried out it raises OperationFailed with a sentence for the caller.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str, IdShortPath], Handler] = {}
        self._meanings: dict[str, Handler] = {}

    def at(self, submodel_id: str, path: str) -> Callable[[Function], Function]:
        """Registers the function for the Operation at an idShortPath in a submodel. Raises Malformed for no path."""
        return self._registering(self._places, (submodel_id, parse(path)))

    def meaning(self, semantic_id: str) -> Callable[[Function], Function]:
        """Registers the function for every Operation whose semanticId has this as the value of its last key."""
        return self._registering(self._meanings, semantic_id)

    @staticmethod
    def _registering(known: dict[Any, Handler], key: Any) -> Callable[[Function], Function]:
        def register(function: Function) -> Function:
            known[key] = handler(function)
            return function

        return register

    def find(self, submodel_id: str, path: IdShortPath, operation: Document) -> Handler | None:
        if (placed := self._places.get((submodel_id, path))) is not None:
            return placed
        keys = (operation.get("semanticId") or {}).get("keys") or [{}]
        return self._meanings.get(keys[-1].get("value", ""))


def handler(function: Callable[[Invocation], Any]) -> Handler:
    """The function as a handler, whichever kind it is."""
    return function if inspect.iscoroutinefunction(function) else Threaded(function)


class Threaded:
    """A plain function, each call of it in a thread of its own.

    A thread cannot be stopped: one whose caller waits no longer is left to itself, and counts until it ends.
    """

    def __init__(self, function: Callable[[Invocation], Outcome]) -> None:
        self._function = function
        self._running = 0

    async def __call__(self, invocation: Invocation) -> Outcome:
        if self._running >= AT_ONCE:
            raise OperationFailed(f"{invocation.name} is being carried out {AT_ONCE} times already; try again later")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Outcome] = loop.create_future()
        self._running += 1
        work = functools.partial(self._run, invocation, loop, done)
        threading.Thread(target=work, name=f"operation {invocation.name}", daemon=True).start()
        return await done

    def _run(self, invocation: Invocation, loop: asyncio.AbstractEventLoop, done: asyncio.Future[Outcome]) -> None:
        outcome: Outcome = {}
        error: Exception | None = None
        try:
            outcome = self._function(invocation)
        except Exception as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            loop.call_soon_threadsafe(self._settle, invocation, done, outcome, error)

    def _settle(
        self, invocation: Invocation, done: asyncio.Future[Outcome], outcome: Outcome, error: Exception | None
    ) -> None:
        self._running -= 1
        if done.done():
            log.warning("operation %s ended after nobody waited for it any more", invocation.name)
        elif error is not None:
            done.set_exception(error)
        else:
            done.set_result(outcome)


def loaded(names: Iterable[str]) -> list[Operations]:
    """The registrations that `module:name` texts and the entry points name. Raises ValueError for one that is none."""
    found = [_named(name) for name in names]
    return [*found, *(_registration(point.name, point.load()) for point in entry_points(group=GROUP))]


def _named(name: str) -> Operations:
    module, colon, attribute = name.partition(":")
    try:
        if not colon:
            raise ValueError(f"operations {name!r}: must be module:name")
        return _registration(name, getattr(importlib.import_module(module), attribute))
    except (ImportError, AttributeError) as error:
        raise ValueError(f"operations {name!r}: {error}") from None


def _registration(name: str, found: object) -> Operations:
    if not isinstance(found, Operations):
        raise ValueError(f"operations {name!r}: is a {type(found).__name__}, not an Operations")  # noqa: TRY004 - a setting
    return found
