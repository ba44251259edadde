"""Looking for peers in the local network (multicast DNS); off unless a person turns it on.

Invariant: what is found is only noted (node/peering/nearby.py); the certificate decides who is talked to.
Spec: docs/guides/run.md
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from node.peering.nearby import fingerprint_of
from node.peering.peering import Peering
from node.use_cases.context import Node
from node.use_cases.peers import ANY_ADDRESS, LanReport
from protocol.core.errors import RefusedError
from protocol.federation.peer_certificate import make_certificate
from storage.peers import peer_state

SERVICE: Final = "_rochdale._tcp.local."
LABEL_LENGTH: Final = 16
RESOLVE_WAIT_MS: Final = 3_000
RESOLVING_MAX: Final = 16
NAME_BYTES_MAX: Final = 200
FIELD_BYTES_MAX: Final = 255


class Lan:
    """This node's voice and ear in the local network."""

    def __init__(self, node: Node, peering: Peering) -> None:
        self._node = node
        self._peering = peering
        self._fingerprint = fingerprint_of(make_certificate(node.keys.tls))
        self._label = f"{self._fingerprint[:LABEL_LENGTH]}.{SERVICE}"
        self._tasks: set[asyncio.Task[None]] = set()
        self._dns: Any = None
        self._browser: Any = None
        self._told: Any = None

    async def start(self) -> None:
        """Say where we are, and listen; RefusedError where the package for it is not installed."""
        try:
            from zeroconf import IPVersion, ServiceInfo
            from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf
        except ImportError:
            reason = "looking for peers in this network needs one more package: pip install 'rochdale[lan]'"
            raise RefusedError.at("lan", reason) from None
        hosts = _list_hosts(self._node.config.peer_host)
        self._dns = AsyncZeroconf(interfaces=hosts, ip_version=IPVersion.All)
        name = self._node.name.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
        self._told = ServiceInfo(
            SERVICE,
            self._label,
            port=self._peering.port,
            parsed_addresses=list(hosts),
            properties={"fingerprint": self._fingerprint, "name": name},
            server=f"{self._fingerprint[:LABEL_LENGTH]}.local.",
        )
        await self._dns.async_register_service(self._told)
        self._browser = AsyncServiceBrowser(self._dns.zeroconf, SERVICE, handlers=[self._hear])

    async def stop(self) -> None:
        """Say goodbye and fall silent."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._browser is not None:
            await self._browser.async_cancel()
        if self._dns is not None:
            await self._dns.async_unregister_service(self._told)
            await self._dns.async_close()

    def describe(self) -> LanReport:
        """For the status: our own fingerprint, and who is here that nobody has pinned."""
        pinned = [peer.tls_certificate for peer in peer_state.peers(self._node.database.reader)]
        found = self._peering.nearby.strangers(pinned)
        return LanReport(self._fingerprint, tuple(found))

    def _hear(self, zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        if name == self._label:
            return
        if state_change.name == "Removed":
            self._peering.nearby.forget(name)
        elif len(self._tasks) < RESOLVING_MAX:
            task = asyncio.get_running_loop().create_task(self._resolve(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _resolve(self, name: str) -> None:
        from zeroconf.asyncio import AsyncServiceInfo

        found = AsyncServiceInfo(SERVICE, name)
        if not await found.async_request(self._dns.zeroconf, RESOLVE_WAIT_MS):
            return
        fingerprint, called = (_read_field(found.properties, field) for field in (b"fingerprint", b"name"))
        for host in found.parsed_addresses():
            if self._peering.nearby.note(name, called, fingerprint, host, found.port or 0):
                self._peering.refresh()
                self._peering.exchange.tell_watchers()
                return


def _list_hosts(peer_host: str) -> Sequence[str]:
    """The addresses under which this machine is reached in its networks: the one we listen at, or all but loopback."""
    if peer_host not in ANY_ADDRESS:
        return [peer_host]
    import ifaddr

    found = [address.ip for adapter in ifaddr.get_adapters() for address in adapter.ips]
    hosts = [one for one in found if isinstance(one, str) and not one.startswith("127.")]
    return hosts or ["127.0.0.1"]


def _read_field(properties: Any, field: bytes) -> str:
    raw = properties.get(field) or b""
    return str(raw[:FIELD_BYTES_MAX].decode("utf-8", "replace"))
