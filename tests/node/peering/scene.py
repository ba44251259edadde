"""A running node, and a peer in whose name a test says whatever it wants."""

import aiohttp

from node.use_cases.context import Node
from protocol.core.identity import generate
from protocol.gossip.messages import Have, Push
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root_of
from storage.log import log_store
from storage.peers import gossip_marks
from tests.node.peering.raw_peer import RawPeer, call, identity_of

ENTRIES = [b"entry %d" % index for index in range(600)]


class Scene:
    """A running node, and the home of a peer that does not run: the test speaks in its name."""

    def __init__(self, node: Node, other: Node, session: aiohttp.ClientSession) -> None:
        self.node, self.other, self.session = node, other, session
        self.origin = other.origin
        self.log_key = generate(other.keys.log)

    async def greet(self) -> RawPeer:
        peer = await call(self.session, self.node, identity_of(self.other))
        await peer.greet(self.origin)
        await peer.hear(Have)
        return peer

    def note(self, entries: list[bytes]) -> bytes:
        checkpoint = Checkpoint(self.origin, len(entries), root_of([leaf_hash(entry) for entry in entries]))
        return sign_checkpoint(checkpoint, self.log_key)

    def push(self, entries: list[bytes], start: int = 0, note: bytes = b"") -> Push:
        rest = entries[start:]
        return Push(self.origin, start, len(rest), note or self.note(entries), format_bundle(rest))

    def stored(self) -> tuple[int, list[bytes], dict[int, bytes]]:
        db = self.node.database.reader
        size = log_store.head(db, self.origin)
        assert size is not None
        return size.size, log_store.entries(db, self.origin, 0, 1_000), gossip_marks.pending_roots(db, self.origin)
