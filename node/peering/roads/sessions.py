"""What the roads want of whoever holds the sessions and their transports."""

from collections.abc import Iterator
from typing import Protocol

from protocol.gossip.events import Event
from protocol.gossip.peers import Fault
from protocol.gossip.session import Session


class Link(Protocol):
    """One session's way to its peer: what the exchange wants of a transport."""

    session: Session

    def send(self, raw: bytes) -> None:
        """Send a frame before all bulk."""

    def send_bulk(self, frames: Iterator[bytes]) -> None:
        """Send frames in their turn, each read only when the one before is on its way."""

    def set_timer(self, at_ms: int) -> None:
        """Hand the session Due at this time of the monotonic clock."""

    def close(self, reason: str, fault: Fault | None) -> None:
        """Close the transport once what was sent is through; `fault` is held against the peer."""


class Sessions(Protocol):
    """All sessions of one node."""

    def tell(self, link: Link, event: Event) -> None:
        """Hand an event to one session and carry out what it wants; never raises."""

    def broadcast(self, event: Event) -> None:
        """The same to all of them."""
