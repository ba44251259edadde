"""Calling peers: one patient caller for each, with back-off and chance, quiet while a session stands.

Invariant: a peer is called only at its own address and only its pinned certificate may answer.
Spec: docs/spec/gossip/session.md
"""

import asyncio
import contextlib
import ssl
from types import SimpleNamespace
from typing import Any, Final

import aiohttp

from node.peering.connection import Socket
from node.peering.contexts import Identity
from node.peering.listener import HANDSHAKE_WAIT_S, HEADER_WAIT_S, ROUTE
from protocol.core.errors import PeerError
from protocol.gossip import limits
from storage.peers.peer_state import Peer

DIAL_WAIT_S: Final = HANDSHAKE_WAIT_S + HEADER_WAIT_S
CONTEXTS_MAX: Final = 64
"""TLS contexts that are kept for the next call."""
TOO_MANY: Final = 429
NOT_NOW: Final = {409: "another connection is kept", 503: "has sessions enough at the moment"}
TOLD_WAIT_S_MAX: Final = 3_600
"""However long a peer tells us to stay away, after so long we ask again."""


class TurnedAwayError(PeerError):
    """The peer does not want us at the moment; `wait_s` says for how long."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"sent us away for {wait_s} s: this node has broken its rules")
        self.wait_s = wait_s


class NotNowError(PeerError):
    """The peer is there and wants no session just now."""


class Dialer:
    """Makes WebSockets to peers."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._contexts: dict[bytes, ssl.SSLContext] = {}
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_refuse_redirect)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), trace_configs=[trace], trust_env=False
        )

    async def dial(self, peer: Peer, reason: str = "") -> Socket:
        """A socket to the peer, `reason` said with the call; PeerError says in plain words why there is none."""
        try:
            async with asyncio.timeout(DIAL_WAIT_S):
                socket = await self._session.ws_connect(
                    peer.url.replace("wss://", "https://", 1) + ROUTE,
                    params={"as": reason} if reason else None,
                    ssl=self._context(peer.tls_certificate),
                    compress=0,
                    max_msg_size=limits.FRAME_BYTES_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=limits.CLOSING_WAIT_MS / 1_000),
                )
        except aiohttp.WSServerHandshakeError as error:
            raise _read_refusal(error) from None
        except aiohttp.ClientConnectorCertificateError:
            raise PeerError("answered with a certificate that is not the pinned one") from None
        except (aiohttp.ClientError, ssl.SSLError, OSError, TimeoutError) as error:
            raise PeerError(_describe(error)) from None
        if certificate_of(socket) != peer.tls_certificate:
            await socket.close()
            raise PeerError("answered with a certificate that is not the pinned one")
        return socket

    def _context(self, pinned: bytes) -> ssl.SSLContext:
        """The TLS context for a peer's certificate, made once: it takes a file and some milliseconds of the loop."""
        found = self._contexts.pop(pinned, None) or self._identity.client_context(pinned)
        self._contexts[pinned] = found
        if len(self._contexts) > CONTEXTS_MAX:
            del self._contexts[next(iter(self._contexts))]
        return found

    async def stop(self) -> None:
        """Close what is left open."""
        await self._session.close()


def certificate_of(socket: Any) -> bytes | None:
    """The DER certificate that the other side of a socket or request has shown."""
    tls = socket.get_extra_info("ssl_object")
    return None if tls is None else tls.getpeercert(binary_form=True)


async def wait_unless(changed: asyncio.Event, wait_s: float) -> None:
    """Wait for a time, or until there is news."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await changed.wait()
    changed.clear()


def _read_refusal(error: aiohttp.WSServerHandshakeError) -> PeerError:
    if error.status == TOO_MANY:
        told = "" if error.headers is None else error.headers.get("Retry-After", "")
        is_number = told.isdecimal() and len(told) <= len(str(TOLD_WAIT_S_MAX))
        return TurnedAwayError(min(int(told), TOLD_WAIT_S_MAX) if is_number else TOLD_WAIT_S_MAX)
    if error.status in NOT_NOW:
        return NotNowError(NOT_NOW[error.status])
    return PeerError(f"refused with status {error.status}")


def _describe(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot be reached: {error.os_error.strerror or type(error.os_error).__name__}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
        return "hung up during the greeting: perhaps it does not know this node's certificate"
    return f"cannot be reached: {type(error).__name__}"


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestRedirectParams
) -> None:
    raise PeerError("sends us elsewhere, which a peer may not do")
