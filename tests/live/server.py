"""An OPC UA server to be run by tests as a process of its own, told what to do line by line.

It speaks through asyncua, as the client under test does: good for faults; a foreign server shows that both are right.
"""

import asyncio
import json
import logging
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncua.ua
from asyncua.common.methods import uamethod
from asyncua.common.structures104 import new_enum, new_struct, new_struct_field
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from cryptography.x509.oid import ExtendedKeyUsageOID

#: Its types are written for those who build clients.
ua: Any = asyncua.ua

NAMESPACE = "urn:tests:plant"


async def build(server: Server, variables: int) -> None:
    index = await server.register_namespace(NAMESPACE)
    folder = await server.nodes.objects.add_folder(ua.NodeId("Plant", index), ua.QualifiedName("Plant", index))
    mode = await new_enum(server, index, "Mode", ["Off", "Idle", "Running"])
    await new_struct(
        server,
        index,
        "Point",
        [new_struct_field("X", ua.VariantType.Double), new_struct_field("Y", ua.VariantType.Double)],
    )
    await server.load_data_type_definitions()
    values: dict[str, tuple[Any, Any]] = {
        "Speed": (1.0, ua.VariantType.Double),
        "Count": (7, ua.VariantType.Int16),
        "On": (True, ua.VariantType.Boolean),
        "Name": ("press", ua.VariantType.String),
        "Made": (datetime(2026, 11, 27, 12, tzinfo=UTC), ua.VariantType.DateTime),
        "Label": (ua.LocalizedText("läuft", "de"), ua.VariantType.LocalizedText),
        "Raw": (b"\x01\x02", ua.VariantType.ByteString),
        "Array": ([1.0, 2.0, 3.0], ua.VariantType.Double),
        "Limits": (ua.Range(-1.0, 2.5), ua.VariantType.ExtensionObject),
        "Point": (ua.Point(X=1.0, Y=2.0), ua.VariantType.ExtensionObject),
    }
    for name, (value, kind) in values.items():
        node = await folder.add_variable(ua.NodeId(name, index), ua.QualifiedName(name, index), value, kind)
        await node.set_writable()
    picked = await folder.add_variable(
        ua.NodeId("Mode", index), ua.QualifiedName("Mode", index), 1, ua.VariantType.Int32, mode.nodeid
    )
    await picked.set_writable()
    await folder.add_variable(ua.NodeId("Fixed", index), ua.QualifiedName("Fixed", index), 1.0, ua.VariantType.Double)
    for number in range(variables):
        name = f"V{number}"
        await folder.add_variable(ua.NodeId(name, index), ua.QualifiedName(name, index), 0.0, ua.VariantType.Double)
    await add_methods(folder, index)


async def add_methods(folder: Any, index: int) -> None:
    @uamethod
    def add(_: Any, first: float, second: float) -> float:
        if second == 13:
            raise ua.uaerrors.UaStatusCodeError(ua.StatusCodes.BadOutOfRange)
        return first + second

    def argument(name: str) -> ua.Argument:
        return ua.Argument(Name=name, DataType=ua.NodeId(ua.ObjectIds.Double), ValueRank=-1)

    await folder.add_method(
        ua.NodeId("Add", index), ua.QualifiedName("Add", index), add, [argument("a"), argument("b")], [argument("sum")]
    )


async def obey(server: Server, variables: int) -> None:
    """Orders on standard input: `{"Speed": 4.5}`, `{"Speed": [null, "BadSensorFailure"]}`, `{"all": 3}`."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    index = await server.get_namespace_index(NAMESPACE)
    while line := await reader.readline():
        for name, value in json.loads(line).items():
            if name == "all":
                await change_all(server, index, value, variables)
            else:
                await change(server, index, name, value)
        sys.stdout.write("done\n")
        sys.stdout.flush()


async def change_all(server: Server, index: int, value: float, variables: int) -> None:
    for number in range(variables):
        data = ua.DataValue(ua.Variant(float(value), ua.VariantType.Double), SourceTimestamp=datetime.now(UTC))
        await server.write_attribute_value(ua.NodeId(f"V{number}", index), data)


async def change(server: Server, index: int, name: str, value: Any) -> None:
    status = "Good"
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str):
        value, status = value
    node = server.get_node(ua.NodeId(name, index))
    held = (await node.read_data_value(raise_on_bad_status=False)).Value
    kind = held.VariantType if held and held.VariantType is not ua.VariantType.Null else None
    data = ua.DataValue(
        ua.Variant(value, kind) if value is not None else ua.Variant(None, ua.VariantType.Null),
        StatusCode=ua.StatusCode(getattr(ua.StatusCodes, status)),
        SourceTimestamp=datetime.now(UTC),
    )
    await server.write_attribute_value(node.nodeid, data)


class Users(UserManager):
    """One user, and a password."""

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        known = username is None or (username, password) == ("operator", "secret")
        return User(role=UserRole.Admin) if known else None


async def secure(server: Server, folder: Path) -> None:
    """All policies, with a certificate of its own."""
    certificate, key = folder / "server.der", folder / "server.pem"
    host = socket.gethostname()
    uri = f"urn:{host}:plant"
    await server.set_application_uri(uri)
    await setup_self_signed_certificate(
        key, certificate, uri, host, [ExtendedKeyUsageOID.SERVER_AUTH], {"commonName": "Plant"}
    )
    await server.load_certificate(str(certificate))
    await server.load_private_key(key)
    kinds = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
    server.set_security_policy(
        [getattr(ua.SecurityPolicyType, f"{kind}_{mode}") for kind in kinds for mode in ("Sign", "SignAndEncrypt")]
        + [ua.SecurityPolicyType.NoSecurity]
    )


async def main(port: int, variables: int, folder: str) -> None:
    logging.disable(logging.CRITICAL)
    server = Server(user_manager=Users() if folder else None)
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    if folder:
        await secure(server, Path(folder))
    else:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await build(server, variables)
    async with server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await obey(server, variables)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
