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
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.server.server import Server
from asyncua.server.uaprocessor import UaProcessor
from asyncua.server.user_managers import UserManager
from asyncua.ua.ua_binary import nodeid_from_binary
from cryptography.x509.oid import ExtendedKeyUsageOID

#: Its types are written for those who build clients.
ua: Any = asyncua.ua

NAMESPACE = "urn:tests:plant"
#: Requests that take their time.
taking: set[asyncio.Task[Any]] = set()


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
    fields = [
        new_struct_field("Ratio", ua.VariantType.Float),
        new_struct_field("Number", ua.VariantType.Int16),
        new_struct_field("Mode", mode),
        new_struct_field("Bytes", ua.VariantType.Byte, array=True),
        new_struct_field("Id", ua.VariantType.NodeId),
        new_struct_field("Maybe", ua.VariantType.Float, optional=True),
    ]
    await new_struct(server, index, "Sample", fields)
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
        "Ratio": (0.5, ua.VariantType.Float),
        "Sample": (ua.Sample(Ratio=0.5, Bytes=[1, 2]), ua.VariantType.ExtensionObject),
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
    await add_methods(folder, index, mode.nodeid)


async def add_methods(folder: Any, index: int, mode: Any) -> None:
    @uamethod
    def add(_: Any, first: float, second: float) -> float:
        if second == 13:
            raise ua.uaerrors.UaStatusCodeError(ua.StatusCodes.BadOutOfRange)
        return first + second

    @uamethod
    def switch(_: Any, to: int, kind: int, ratio: float) -> str:
        return f"{to} {kind} {ratio}"

    def argument(name: str, kind: Any = None) -> ua.Argument:
        return ua.Argument(Name=name, DataType=kind or ua.NodeId(ua.ObjectIds.Double), ValueRank=-1)

    await folder.add_method(
        ua.NodeId("Add", index), ua.QualifiedName("Add", index), add, [argument("a"), argument("b")], [argument("sum")]
    )
    given = [
        argument("to", mode),
        argument("kind", ua.NodeId(ua.ObjectIds.Enumeration)),
        argument("ratio", ua.NodeId(ua.ObjectIds.Float)),
    ]
    told = [argument("told", ua.NodeId(ua.ObjectIds.String))]
    await folder.add_method(ua.NodeId("Switch", index), ua.QualifiedName("Switch", index), switch, given, told)


async def obey(server: Server, variables: int) -> None:
    """Orders on standard input, values of nodes by their names, and what is no node.

    `{"Speed": 4.5}`, `{"Speed": [null, "BadSensorFailure"]}`; a structure that is not as the server describes it:
    `{"Point": {"body": "0102"}}`; all that are numbered: `{"all": 3}`; a ByteString that is shorter than it says:
    `{"torn": "Raw"}`; passwords are to come without an encryption of their own: `{"readable": true}`; nobody without
    a name is let in: `{"named": true}`; a node that takes some seconds to be read and written, while others are
    answered or wait, too: `{"slow": ["Speed", 20, true]}`.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    index = await server.get_namespace_index(NAMESPACE)
    while line := await reader.readline():
        for name, value in json.loads(line).items():
            match name:
                case "named":
                    server.set_identity_tokens([ua.UserNameIdentityToken])
                case "all":
                    await change_all(server, index, value, variables)
                case "torn":
                    await change(server, index, value, Torn(b"\x01"))
                case "readable":
                    take_readable_passwords(server)
                case "slow":
                    slow_down(*value)
                case _:
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
    match value:
        case dict():
            value = unlike(held.Value if held else None, value)
        case str() if kind is ua.VariantType.ByteString:
            value = value.encode()
    data = ua.DataValue(
        ua.Variant(value, kind) if value is not None else ua.Variant(None, ua.VariantType.Null),
        StatusCode=ua.StatusCode(getattr(ua.StatusCodes, status)),
        SourceTimestamp=datetime.now(UTC),
    )
    await server.write_attribute_value(node.nodeid, data)


def take_readable_passwords(server: Server) -> None:
    for endpoint in server.iserver.endpoints:
        for token in endpoint.UserIdentityTokens:
            token.SecurityPolicyUri = SecurityPolicyNone.URI


class Torn(bytes):
    """Bytes that are fewer than they say."""

    def __len__(self) -> int:
        return 1_000_000


def unlike(held: Any, given: dict[str, str]) -> Any:
    """A structure with this body; of the type that is held, or of one that nobody describes."""
    known = held.TypeId if isinstance(held, ua.ExtensionObject) else ua.typeid_by_extension_objects[type(held)]
    kind = ua.NodeId.from_string(given["type"]) if "type" in given else known
    return ua.ExtensionObject(TypeId=kind, Body=bytes.fromhex(given["body"]))


def slow_down(name: str, seconds: float, beside: bool) -> None:
    """Reads and writes that name a node take their time. This server serves one request of a connection after the
    other; `beside` makes it serve what comes after meanwhile, as most do."""
    processor: Any = UaProcessor
    process = processor.process_message
    slow = {ua.ObjectIds.ReadRequest_Encoding_DefaultBinary, ua.ObjectIds.WriteRequest_Encoding_DefaultBinary}

    async def process_message(self: Any, header: Any, body: Any) -> Any:
        if nodeid_from_binary(body.copy()).Identifier not in slow or name.encode() not in bytes(body):
            return await process(self, header, body)
        if beside:
            taking.add(asyncio.create_task(later(self, header, body)))
            return True
        return await later(self, header, body)

    async def later(self: Any, header: Any, body: Any) -> Any:
        await asyncio.sleep(seconds)
        return await process(self, header, body)

    processor.process_message = process_message


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
