"""A peer whose keys are right and whose words are not: it signs its log by hand, entry by entry."""

import hashlib
from collections.abc import Sequence
from typing import Any

from node.use_cases.receive import Receiver
from protocol.core.encoding import encode
from protocol.core.identity import generate, key_id
from protocol.core.record import Record, format_record
from protocol.federation.peer_card import PeerCard
from protocol.federation.peer_certificate import make_certificate
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.merkle import leaf_hash, root_of

ORIGIN = "south.example/log"
AT_MS = 1_750_000_000_000
PUSH_ENTRIES = 64


class HostileLog:
    """Entries in the name of `south.example/log`; each is signed for, whatever it holds."""

    def __init__(self) -> None:
        self.key, self.witness, self.mirror = (generate(hashlib.sha256(name).digest()) for name in (b"l", b"w", b"m"))
        self.entries: list[bytes] = []
        self._pushed = 0

    @property
    def card(self) -> PeerCard:
        """Its card, in good order."""
        certificate = make_certificate(hashlib.sha256(b"tls").digest())
        keys = (self.key.public, self.witness.public, self.mirror.public)
        return PeerCard(ORIGIN, "South", "", *keys, certificate)

    def say(self, kind: str, body: Any, **changes: Any) -> int:
        """A well-formed record; its index."""
        given = {"kind": kind, "seq": len(self.entries), "at": AT_MS, "by": key_id(self.key.public), "body": body}
        return self.say_raw(format_record(Record(**(given | changes))))

    def say_raw(self, entry: bytes) -> int:
        """Any bytes as an entry; its index."""
        self.entries.append(entry)
        return len(self.entries) - 1

    def envelope(self, **changes: Any) -> dict[str, Any]:
        """The map of a record that is in order, but for the changes."""
        given = {"v": 1, "kind": "supply.product", "seq": len(self.entries), "at": AT_MS, "refs": [], "sigs": []}
        return given | {"by": key_id(self.key.public), "body": {}} | changes

    def say_envelope(self, **changes: Any) -> int:
        """A canonical map that is almost a record."""
        return self.say_raw(encode(self.envelope(**changes)))

    async def push(self, receiver: Receiver) -> None:
        """Hand over what was said since, a few entries at a time, each time under a signed head."""
        while self._pushed < len(self.entries):
            stop = min(self._pushed + PUSH_ENTRIES, len(self.entries))
            fresh = self.entries[self._pushed : stop]
            note = sign(self, self.entries[:stop])
            await receiver.admit_push(ORIGIN, self._pushed, len(fresh), note, format_bundle(fresh))
            self._pushed = stop


def sign(log: HostileLog, entries: Sequence[bytes]) -> bytes:
    """The signed head over these entries."""
    return sign_checkpoint(Checkpoint(ORIGIN, len(entries), root_of([leaf_hash(one) for one in entries])), log.key)
