"""The first words to a server: who is there answers them soon, however slow it is afterwards."""

import asyncio

from asyncua.client.client import Client

#: Seconds that a connection may take to come about, and the answer to the first message.
HELLO = 3.0


class Greeting(Client):
    """A client that gives up soon where nobody answers, so that a server is found soon when it is back."""

    async def connect_socket(self) -> None:
        async with asyncio.timeout(HELLO):
            await super().connect_socket()

    async def send_hello(self) -> None:
        async with asyncio.timeout(HELLO):
            await super().send_hello()
