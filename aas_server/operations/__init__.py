"""What carries out Operations: Python functions that users register, and other servers that an Operation names.

    from aas_server.operations import Invocation, Operations

    operations = Operations()

    @operations.at("https://example.com/submodels/press", "Add")
    def add(call: Invocation) -> dict:
        return {"Sum": call.inputs["A"] + call.inputs["B"]}

`aas-server serve --operations mymodule:operations` offers it, or an entry point of the group `aas_server.operations`.
"""

from aas_server.operations.functions import Operations, loaded
from aas_server.repository.invoking import Invocation, OperationFailed

__all__ = ["Invocation", "OperationFailed", "Operations", "loaded"]
