"""How full a node's queues are, against their named limits.

Invariant: whatever a peer sends, no queue is longer than its limit says.
Spec: docs/spec/simulation.md
"""

from collections.abc import Iterator
from typing import Any, Final

from node.peering import backlog, connection
from node.simulation.world.account.ledger import ViolationError
from node.simulation.world.machine import Machine
from protocol.gossip import limits
from storage import database

BUNDLE_PARTS: Final = 2
"""What is read beyond the limit before a session waits: a frame, and the bundle that it made whole."""
SPAWNED_MAX: Final = 256
"""Pieces of work for each session beside those that its reader has begun: one for every answer in turn."""


def check_queues(machine: Machine) -> None:
    """ViolationError where a queue of this machine's node is longer than its limit."""
    if "peering" not in machine.node.parts:
        return
    for name, length, limit in _measure(machine):
        if length > limit:
            raise ViolationError("a queue without bound", f"{machine.name}: {name} {length}, at most {limit}")


def _count_commit_bytes(largest_frame: int) -> int:
    """What a session may bring at once: a commit's bundles, and the one that came in parts on top of them."""
    return min(limits.COMMIT_BYTES, limits.COMMIT_BUNDLES * largest_frame) + BUNDLE_PARTS * largest_frame


def _measure(machine: Machine) -> Iterator[tuple[str, int, int]]:
    shared: Any = machine.peering.exchange
    work = shared._backlog
    yield "changes that wait for the disk", machine.database.count_waiting(), database.QUEUE_CHANGES_MAX
    yield "pieces of work", len(work._tasks), backlog.TASKS_MAX + SPAWNED_MAX * max(1, len(shared.links))
    for unverified in work._bytes.values():
        yield "unverified bytes", unverified, limits.UNVERIFIED_BYTES_MAX + _count_commit_bytes(machine.largest_frame)
    for link in shared.links.values():
        yield "bytes to send", link._urgent_bytes, connection.SEND_BYTES_MAX + limits.FRAME_BYTES_MAX
        yield "answers in turn", len(link._bulk), connection.BULK_JOBS_MAX + 1
        hearing = link.session._hearing
        yield "cosignatures before their head", hearing.cosignatures._held_count, limits.COSIGNATURES_HELD_MAX
        yield "transfers", len(hearing.fetcher._active), limits.TRANSFERS_MAX
