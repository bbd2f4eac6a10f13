"""A plant to try the server with: a belt conveyor as a model of its physics, behind a real OPC UA server.

The examples are connected to it. It knows nothing of shells: `aas-server plant` is a machine like any other.
"""

from typing import Final

#: Where the shells of the examples expect it.
PORT: Final = 14840
URL: Final = f"opc.tcp://127.0.0.1:{PORT}"
NAMESPACE: Final = "urn:example.com:conveyor"
