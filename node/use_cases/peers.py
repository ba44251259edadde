"""Whom this node talks to: its own card to hand out, and the cards of others that it was given.

Invariant: a peer comes in by its card alone, by hand; its keys never change under one origin.
Spec: docs/spec/gossip/session.md
"""

import sqlite3
from collections.abc import Iterator
from typing import Annotated, Protocol

import msgspec

from node.use_cases.context import Node, NoParams, Operation
from node.use_cases.description import LINE, Command, Page, Rows, help_of
from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import public_keys
from protocol.federation.peer_card import CARD_LENGTH_MAX, PeerCard, check_card, check_url, format_card, parse_card
from protocol.federation.peer_certificate import make_certificate
from storage.log import log_store
from storage.peers import peer_state
from storage.peers.peer_state import PEERS_MAX, Peer

ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - listening everywhere is no address that a peer can call


class PeerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A pinned peer and how it stands with it; `state` is `not running` where the node does not run.

    Only a session knows how many strangers it named, which sizes it says it holds that differ from ours, and whether
    it holds more of our own log than we do.
    """

    origin: str
    name: str
    url: str
    state: str
    direction: str = ""
    connected_since_ms: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    last_seen_ms: int = 0
    last_error: str = ""
    strangers: int = 0
    sizes_that_differ: dict[str, int] = {}
    holds_more_of_our_log: bool = False


class PeeringReport(msgspec.Struct, frozen=True):
    """The running sessions: the port that peers reach, how many are connected, and how it stands with each."""

    port: int
    connected: int
    peers: tuple[PeerLine, ...]


class Neighbour(msgspec.Struct, frozen=True):
    """What a node in the local network says of itself: `fingerprint` is the hex SHA-256 of its certificate. All of it
    is only a claim."""

    name: str
    url: str
    fingerprint: str


class LanReport(msgspec.Struct, frozen=True):
    """Our own fingerprint, and who is in the local network that nobody has pinned."""

    fingerprint: str
    found: tuple[Neighbour, ...]


class _PeeringPart(Protocol):
    """What the running sessions offer to use cases."""

    port: int

    def refresh(self) -> None:
        """Take in which peers are pinned now."""
        ...

    def describe(self) -> PeeringReport:
        """How it stands with each of them."""
        ...


class OwnCard(msgspec.Struct, frozen=True):
    """This node's card, to be pasted into `rochdale peer add` elsewhere; the address in it may be empty."""

    card: str
    origin: str
    name: str
    url: str


class AddPeer(msgspec.Struct, frozen=True, kw_only=True):
    """A card, and the address to call instead of the one in it (`wss://host:port`, empty: never call)."""

    card: Annotated[str, msgspec.Meta(max_length=2 * CARD_LENGTH_MAX), LINE]
    url: Annotated[
        str | None, help_of("Call this address (wss://host:port) instead of the one in the card; '' never calls.")
    ] = None


class OnePeer(msgspec.Struct, frozen=True):
    """A peer by its origin."""

    origin: str


class PeerList(msgspec.Struct, frozen=True):
    """All pinned peers, by origin."""

    peers: tuple[PeerLine, ...]


def own_card(node: Node) -> PeerCard:
    """This node's own card, for invitations and rosters."""
    keys = public_keys(node.keys)
    return PeerCard(
        origin=node.origin,
        name=node.name,
        url=_own_url(node),
        log_key=keys.log,
        witness_key=keys.witness,
        mirror_key=keys.mirror,
        tls_certificate=make_certificate(node.keys.tls),
    )


async def pin_card(node: Node, card: PeerCard) -> None:
    """Pin a peer by a card that came with an invitation or a roster; an address we know outlives an empty one."""
    check_card(card)
    known = peer_state.peer(node.database.reader, card.origin)
    url = card.url or ("" if known is None else known.url)
    await _pin(node, card, url)


async def make_card(node: Node, _: NoParams) -> OwnCard:
    """This node's own card."""
    card = own_card(node)
    return OwnCard(format_card(card), card.origin, card.name, card.url)


async def add_peer(node: Node, params: AddPeer) -> PeerLine:
    """Pin a peer by its card (private), know its log, and call it; a second time changes its name and address only.
    RefusedError for a card that cannot be or is our own, another key under one origin, another origin with its
    certificate, or too many peers."""
    card = parse_card(params.card)
    url = card.url if params.url is None else params.url
    check_url(url)
    await _pin(node, card, url)
    return PeerLine(origin=card.origin, name=card.name, url=url, state="added")


async def remove_peer(node: Node, params: OnePeer) -> PeerLine:
    """Hang up on a peer and forget its pins; the records of its log stay. RefusedError where it is not pinned."""
    known = peer_state.peer(node.database.reader, params.origin)
    if known is None:
        raise RefusedError.at("origin", "no peer of this origin is pinned")
    await node.database.write(lambda db: peer_state.remove_peer(db, params.origin))
    _refresh(node)
    return PeerLine(origin=known.origin, name=known.name, url=known.url, state="removed")


async def list_peers(node: Node, _: NoParams) -> PeerList:
    """All pinned peers and how it stands with each."""
    part: _PeeringPart | None = node.parts.get("peering")
    if part is not None:
        return PeerList(part.describe().peers)
    return PeerList(
        tuple(
            PeerLine(
                origin=peer.origin,
                name=peer.name,
                url=peer.url,
                state="not running",
                last_seen_ms=peer.last_seen_ms,
                last_error=peer.last_error,
            )
            for peer in peer_state.peers(node.database.reader)
        )
    )


async def _pin(node: Node, card: PeerCard, url: str) -> None:
    if card.origin == node.origin or card.tls_certificate == make_certificate(node.keys.tls):
        raise RefusedError.at("card", "this is the node's own card")
    peer = Peer(card.origin, card.name, url, card.tls_certificate, card.log_key, card.witness_key, card.mirror_key)
    known = peer_state.peer(node.database.reader, card.origin)
    if known is None or known[:7] != peer[:7]:
        await node.database.write(lambda db: _store_pin(db, peer))
    _refresh(node)


def _store_pin(db: sqlite3.Connection, peer: Peer) -> None:
    """Peer and log in one transaction, refused as a whole."""
    for known in peer_state.peers(db):
        if known.origin == peer.origin and known[3:7] != peer[3:7]:
            raise RefusedError.at("card", "this origin is pinned with other keys; remove it first if that is right")
        if known.origin != peer.origin and known.tls_certificate == peer.tls_certificate:
            raise RefusedError.at("card", f"this certificate is pinned under {known.origin} already")
    try:
        log_store.add_log(db, peer.origin, peer.log_key)
    except PeerError as error:
        raise RefusedError.at("card", error.reason) from None
    if not peer_state.add_peer(db, peer):
        raise RefusedError.at("card", f"{PEERS_MAX} peers are pinned already")


def _refresh(node: Node) -> None:
    part: _PeeringPart | None = node.parts.get("peering")
    if part is not None:
        part.refresh()


def _own_url(node: Node) -> str:
    config = node.config
    if config.peer_url or config.peer_host in ANY_ADDRESS:
        return config.peer_url
    part: _PeeringPart | None = node.parts.get("peering")
    port = config.peer_port if part is None else part.port
    host = f"[{config.peer_host}]" if ":" in config.peer_host else config.peer_host
    return f"wss://{host}:{port}" if port else ""


def _tell_card(answer: OwnCard) -> Iterator[str]:
    yield answer.card


def _tell_added(answer: PeerLine) -> Iterator[str]:
    how = f"calling {answer.url}" if answer.url else "waiting to be called"
    yield f"Added {answer.name} ({answer.origin}), {how}."


def _tell_peers(answer: PeerList) -> Iterator[str | Rows]:
    if not answer.peers:
        yield "No peers yet: give others what `rochdale peer card` prints, and `rochdale peer add` what they give you."
        return
    rows = [(one.name, one.origin, one.state, one.direction, one.last_error) for one in answer.peers]
    yield Rows(("name", "origin", "state", "direction", "last error"), rows)


def _tell_removed(answer: PeerLine) -> Iterator[str]:
    yield f"Removed {answer.origin}."


OPERATIONS = (
    Operation(
        "peer.card",
        NoParams,
        make_card,
        "This node's card: one line for others to add.",
        writes=False,
        tell=_tell_card,
        command=Command("peer card", group="The nodes of other co-ops that this one talks to."),
    ),
    Operation(
        "peer.add",
        AddPeer,
        add_peer,
        "Add a peer by its CARD: the line that `rochdale peer card` printed there, or a file that holds it.",
        tell=_tell_added,
        command=Command("peer add", ("card",), "no-card", 1),
    ),
    Operation(
        "peer.list",
        NoParams,
        list_peers,
        "The peers, and how it stands with each.",
        writes=False,
        tell=_tell_peers,
        command=Command("peer list"),
        page=Page("/logs", "Peers"),
    ),
    Operation(
        "peer.remove",
        OnePeer,
        remove_peer,
        "Hang up on the peer of this ORIGIN and forget its keys. Its records stay.",
        tell=_tell_removed,
        command=Command("peer remove", ("origin",), "nobody.example/log", 1),
    ),
)
