"""The Operation among the example shells, carried out: `make run` has something to invoke."""

from aas_server.operations.functions import Operations
from aas_server.repository.invoking import Invocation, Outcome

operations = Operations()


@operations.at("https://example.com/submodels/elements", "Operation")
def add(call: Invocation) -> Outcome:
    """The sum, and how often somebody has asked for one."""
    return {
        "Sum": call.inputs["Augend"] + call.inputs["Addend"],
        "Counter": (call.inoutputs["Counter"] or 0) + 1,
    }
