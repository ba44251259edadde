"""A pinned peer that says whatever a test wants: real certificate, real TLS, frames by hand."""

import asyncio

import aiohttp

from node.clock import Clock
from node.peering.contexts import Identity
from node.peering.listener import ROUTE
from node.use_cases.context import Node
from node.use_cases.peers import own_card
from protocol.gossip import limits
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.messages import Bye, Fork, Hello, Message
from tests.node.homes import WAIT_S


class RawPeer:
    """One connection to a node, in the name of a home that does not run."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: list[Message] = []

    async def greet(self, origin: str) -> None:
        """Say hello as `origin` and hear the other's hello and frontier."""
        await self.say(Hello(limits.PROTOCOL_VERSION, origin, b"an epoch of ours", b"", 0))

    async def say(self, message: Message) -> None:
        await self.socket.send_bytes(format_frame(message))

    async def hear(self, kind: type[Message]) -> Message:
        """The next message of a kind; what comes before it is kept in `heard`."""
        async with asyncio.timeout(WAIT_S):
            while True:
                received = await self.socket.receive()
                assert received.type is aiohttp.WSMsgType.BINARY, f"no {kind.__name__}: {self.heard}"
                message = parse_frame(received.data)
                self.heard.append(message)
                if isinstance(message, kind):
                    return message

    async def hear_reason(self) -> str:
        """Why the other side says goodbye; empty when it just hangs up."""
        async with asyncio.timeout(WAIT_S):
            while (received := await self.socket.receive()).type is aiohttp.WSMsgType.BINARY:
                message = parse_frame(received.data)
                self.heard.append(message)
                if isinstance(message, Bye):
                    return message.reason
        return ""

    def heard_notes(self) -> list[bytes]:
        """The signed heads that were sent as a question about a fork."""
        return [message.note_a for message in self.heard if isinstance(message, Fork)]


async def call(session: aiohttp.ClientSession, node: Node, identity: Identity) -> RawPeer:
    """Connect to a running node with an identity of one's own."""
    port = node.parts["peering"].port
    context = identity.client_context(own_card(node).tls_certificate)
    socket = await session.ws_connect(f"https://127.0.0.1:{port}{ROUTE}", ssl=context, compress=0, max_msg_size=0)
    return RawPeer(socket)


def identity_of(node: Node) -> Identity:
    """The TLS identity of a home."""
    return Identity(node.keys.tls, Clock())
