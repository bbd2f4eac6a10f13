"""Functions that tests let carry out Operations, as a user would write them."""

import asyncio
import threading
import time

from aas_server.operations import Invocation, OperationFailed, Operations

SUBMODEL = "urn:x:operations"
operations = Operations()
#: Set by a test to let `Blocks` end.
released = threading.Event()


@operations.at(SUBMODEL, "Add")
def add(call: Invocation) -> dict[str, object]:
    return {"Sum": call.inputs["A"] + call.inputs["B"], "Count": call.inoutputs["Count"] + 1}


@operations.at(SUBMODEL, "Cell.Wait")
async def wait(call: Invocation) -> dict[str, object]:
    await asyncio.sleep(call.inputs["Seconds"])
    return {"Waited": True}


@operations.at(SUBMODEL, "Blocks")
def block(call: Invocation) -> dict[str, object]:
    released.wait(20)
    time.sleep(0)
    return {}


@operations.at(SUBMODEL, "Refuses")
async def refuse(call: Invocation) -> dict[str, object]:
    raise OperationFailed("the press is open")


@operations.at(SUBMODEL, "Breaks")
def break_(call: Invocation) -> dict[str, object]:
    raise ZeroDivisionError("secret")


@operations.at(SUBMODEL, "Nonsense")
def nonsense(call: Invocation) -> dict[str, object]:
    return {"Answer": "forty-two", "More": 1}


@operations.at(SUBMODEL, "Cancels")
async def cancel(call: Invocation) -> dict[str, object]:
    raise asyncio.CancelledError


@operations.meaning("urn:meaning:echo")
async def echo(call: Invocation) -> dict[str, object]:
    return {"Back": call.inputs["Text"]}
