"""The first words to a server: who is there answers them soon, however slow it is afterwards; and who we are."""

import asyncio

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto.security_policies import SecurityPolicyNone

from aas_server.model.errors import Forbidden

#: Seconds that a connection may take to come about, and the answer to the first message.
HELLO = 3.0
#: What is said of who does not answer the first message.
STRANGE = "who listens there does not answer as an OPC UA server does"
#: Why a password stays here, and what to do.
READABLE = (
    "BadSecurityPolicyRejected: anybody on the way could read the password: let the interface ask for a policy, or say "
    "plain = true in the credentials of this endpoint (mapping browse: --plain)"
)


class Greeting(Client):
    """A client that gives up soon where nobody answers, so that a server is found soon when it is back.

    `plain` lets it send a password that is not encrypted.
    """

    plain = False

    async def connect_socket(self) -> None:
        async with asyncio.timeout(HELLO):
            await super().connect_socket()

    async def send_hello(self) -> None:
        """Raises ConnectionError where the answer is none of an OPC UA server."""
        try:
            async with asyncio.timeout(HELLO):
                await super().send_hello()
        except TimeoutError:
            raise ConnectionError(f"BadTimeout: {STRANGE}") from None
        except ConnectionError:
            raise ConnectionError(f"BadConnectionClosed: {STRANGE}") from None

    def _add_user_auth(self, params: ua.ActivateSessionParameters, username: str | None, password: str | None) -> None:
        """The server says whether it wants the password encrypted. Raises Forbidden where it would go out readable."""
        policy = self.server_policy(ua.UserTokenType.UserName).SecurityPolicyUri
        encrypted = self.security_policy.Mode == ua.MessageSecurityMode.SignAndEncrypt
        if password and not (encrypted or self.plain) and policy in (None, "", SecurityPolicyNone.URI):
            raise Forbidden(READABLE)
        super()._add_user_auth(params, username, password)
