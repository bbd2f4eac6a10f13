"""Who we are to a server, and whom we believe: certificates in a directory, own, trusted, rejected."""

import asyncio
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies
from asyncua.crypto.cert_gen import (
    dump_private_key_as_pem,
    generate_private_key,
    generate_self_signed_app_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from aas_server.live import Security
from aas_server.live.credentials import Credentials
from aas_server.live.opcua.greeting import READABLE, Greeting
from aas_server.model.errors import Forbidden, Unsupported

POLICIES: dict[str, type[security_policies.SecurityPolicy]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
#: From the weakest to the strongest.
_STRENGTH = ["Aes128_Sha256_RsaOaep", "Basic256Sha256", "Aes256_Sha256_RsaPss"]
#: Seconds between two looks at whether a server has come to be believed.
LOOKED = 2.0
MODES = {
    "None": ua.MessageSecurityMode.None_,
    "Sign": ua.MessageSecurityMode.Sign,
    "SignAndEncrypt": ua.MessageSecurityMode.SignAndEncrypt,
}


class Untrusted(Forbidden):
    """Nobody has said that a server is to be believed; its certificate is kept in `file`."""

    def __init__(self, file: Path, trusted: Path, certificate: bytes) -> None:
        super().__init__(f"BadCertificateUntrusted: move {file} to {trusted} to believe this server")
        self.certificate = certificate


@dataclass(frozen=True, slots=True)
class Pki:
    """A directory of certificates. `trust_all` believes every server, which is for tests and closed networks."""

    folder: Path
    trust_all: bool = False

    @property
    def own(self) -> tuple[Path, Path]:
        return self.folder / "own" / "certificate.der", self.folder / "own" / "key.pem"

    @property
    def application(self) -> str:
        return f"urn:{socket.gethostname()}:aas-server"

    async def prepare(self) -> None:
        """Make the directory, and our certificate where there is none, or one that is no longer good."""
        await asyncio.to_thread(self._prepare)

    def _prepare(self) -> None:
        for name in ("own", "trusted", "rejected"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "own").chmod(0o700)
        certificate, key = self.own
        if certificate.exists() and key.exists():
            known = x509.load_der_x509_certificate(certificate.read_bytes())
            if known.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1):
                return
        self._make(certificate, key)

    def _make(self, certificate: Path, key: Path) -> None:
        """A certificate for a year, as OPC 10000-6, 6.2.2, wants it."""
        private = generate_private_key()
        host = socket.gethostname()
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(self.application), x509.DNSName(host)]
        made = generate_self_signed_app_certificate(
            private, "AAS server", {"organizationName": "AAS server"}, names, [ExtendedKeyUsageOID.CLIENT_AUTH]
        )
        key.touch(mode=0o600)
        key.write_bytes(dump_private_key_as_pem(private))
        certificate.write_bytes(made.public_bytes(Encoding.DER))

    async def judge(self, certificate: x509.Certificate) -> None:
        """Believe a server, or keep its certificate where somebody can look at it. Raises Forbidden."""
        if self.trust_all:
            return
        await asyncio.to_thread(self._judge, certificate)

    async def believed(self, certificate: bytes) -> None:
        """Returns when somebody has said that the server with this certificate is to be believed. Raises OSError."""
        while not await asyncio.to_thread(self._trusts, certificate):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(LOOKED)

    def _trusts(self, certificate: bytes) -> bool:
        trusted = (path for path in (self.folder / "trusted").glob("*") if path.is_file())
        return any(_der(path.read_bytes()) == certificate for path in trusted)

    def _judge(self, certificate: x509.Certificate) -> None:
        encoded = certificate.public_bytes(Encoding.DER)
        if not self._trusts(encoded):
            name = f"{_subject(certificate)}-{certificate.fingerprint(SHA256()).hex()[:16]}.der"
            rejected = self.folder / "rejected"
            rejected.mkdir(parents=True, exist_ok=True)
            (rejected / name).write_bytes(encoded)
            raise Untrusted(rejected / name, self.folder / "trusted", encoded)
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Forbidden(
                f"BadCertificateTimeInvalid: the server's certificate is valid from "
                f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
            )


def _der(given: bytes) -> bytes:
    try:
        loaded = x509.load_pem_x509_certificate(given) if given.startswith(b"-----") else None
        return loaded.public_bytes(Encoding.DER) if loaded else given
    except ValueError:
        return given


def _subject(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return re.sub(r"[^A-Za-z0-9.-]+", "_", str(names[0].value) if names else "server")[:60]


async def secured(client: Greeting, security: Security, credentials: Credentials, pki: Pki) -> None:
    """Set up how a client talks to its server. Raises Unsupported, Forbidden, and what the connection raises."""
    policy, mode = await _chosen(client, security, credentials)
    wants = policy != "None" or security.token == "Certificate"  # noqa: S105 - the kind of a token
    if wants:
        await pki.prepare()
        client.application_uri = pki.application
    if policy != "None":
        if policy not in POLICIES or mode not in MODES:
            raise Unsupported(f"BadSecurityPolicyRejected: {policy} with {mode} is not offered here")
        certificate, key = pki.own
        server = await _certificate(client, policy, mode)
        await pki.judge(x509.load_der_x509_certificate(server))
        await client.set_security(POLICIES[policy], certificate, key, server_certificate=server, mode=MODES[mode])
    client.plain = credentials.plain
    await _identified(client, security, credentials, pki)


async def _chosen(client: Greeting, security: Security, credentials: Credentials) -> tuple[str, str]:
    """The policy and mode. Raises Forbidden for None where a password would go that nobody lets go."""
    secret = security.token != "Certificate" and credentials.password  # noqa: S105 - the kind of a token
    if not security.auto:
        if secret and "None" in (security.policy, security.mode) and not credentials.plain:
            raise Forbidden(READABLE)  # encrypted or not: nobody has vouched for the certificate that it would be for
        return security.policy, security.mode
    policy, mode = await _strongest(client)
    if secret and policy == "None":  # whoever stands between may have left out the others
        raise Forbidden(
            "BadSecurityPolicyRejected: the server offers no policy but None, to which no password goes unless the "
            "interface asks for None and the credentials of this endpoint say plain = true (mapping browse: "
            "--security None --plain)"
        )
    return policy, mode


async def _identified(client: Client, security: Security, credentials: Credentials, pki: Pki) -> None:
    if security.token == "Certificate":  # noqa: S105 - the kind of a token
        certificate, key = (credentials.certificate, credentials.key) if credentials.certificate else map(str, pki.own)
        await client.load_client_certificate(certificate)
        await client.load_private_key(Path(key))
    elif credentials.user:
        client.set_user(credentials.user)
        client.set_password(credentials.password)
    elif security.token == "UserName":  # noqa: S105 - the kind of a token
        raise Forbidden("BadIdentityTokenInvalid: the server wants a user; the credentials name none for this endpoint")


async def _offered(client: Client) -> list[ua.EndpointDescription]:
    other = Greeting(client.server_url.geturl(), timeout=client.uaclient._timeout)
    return await other.connect_and_get_server_endpoints()


async def _strongest(client: Client) -> tuple[str, str]:
    found = [("None", "None")]
    for each in await _offered(client):
        policy = (each.SecurityPolicyUri or "").rpartition("#")[2]
        mode = each.SecurityMode.name.rstrip("_")
        if policy in _STRENGTH and mode in MODES:
            found.append((policy, mode))
    return max(found, key=lambda each: (list(MODES).index(each[1]), ["None", *_STRENGTH].index(each[0])))


async def _certificate(client: Client, policy: str, mode: str) -> bytes:
    for each in await _offered(client):
        if (each.SecurityPolicyUri or "").endswith(f"#{policy}") and each.SecurityMode == MODES[mode]:
            certificate: bytes = each.ServerCertificate or b""
            return certificate
    raise Unsupported(f"BadSecurityPolicyRejected: the server does not offer {policy} with {mode}")
