"""What peers say of two versions of a log, or of one that ended: judged, kept, told to all who may have that log.

Invariant: a log of which two versions are known stands still, however the evidence came.
Spec: docs/spec/gossip/session.md, docs/spec/log/branch-point.md
"""

from collections.abc import Callable

from node.peering.serving import format_evidence, format_later_head, serve
from node.use_cases.branch_point import BranchFinder
from node.use_cases.context import Node
from node.use_cases.fork_watch import (
    Evidence,
    admit_evidence,
    admit_later_head,
    judge_note,
    list_evidence,
    list_later_heads,
)
from protocol.gossip import events, limits
from protocol.gossip.events import Event
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import Frontier
from protocol.gossip.messages import Fork
from protocol.log.branch_point import SIZE_BYTES, is_trunk
from storage.log import fork_cuts


class ForkTalk:
    """All sessions' talk about forks."""

    def __init__(self, node: Node, frontier: Frontier, broadcast: Callable[[Event], None]) -> None:
        self._node = node
        self._frontier = frontier
        self._broadcast = broadcast
        self._branches = BranchFinder(node)
        self._later_told: set[bytes] = set()
        frontier.frozen.update(evidence.origin for evidence in list_evidence(node.database.reader))

    def stand_still(self) -> None:
        """Two versions of a log may have met elsewhere, in an import or before our witness; or a log has ended."""
        db = self._node.database.reader
        for evidence in list_evidence(db):
            if evidence.origin not in self._frontier.frozen:
                self._tell_fork(evidence)
        for later in list_later_heads(db):
            if later.note not in self._later_told:
                self._later_told.add(later.note)
                self._broadcast(events.ForkKnown(later.end.origin, format_later_head(later), 0))
        ends = fork_cuts.retired_logs(db).items()
        self._frontier.frozen.update(origin for origin, (size, _) in ends if self._frontier.size(origin) >= size)

    async def check(self, action: events.CheckFork) -> list[bytes]:
        """Judge what a peer says of two versions; the frames that answer it. PeerError where it does not hold."""
        origin, proof = action.origin, action.proof
        if is_trunk(proof):
            return self._tell_branches(await self._branches.admit(origin, (action.note_a, action.note_b), proof))
        if action.note_b:
            evidence = Evidence(origin, action.note_a, action.note_b, proof)
            self._tell_fork(await admit_evidence(self._node, evidence))
            return []
        if proof == limits.AFTER_END:
            # What is new of it is told to all with the next tick, as is what this node has found itself.
            await admit_later_head(self._node, origin, action.note_a)
            return []
        if len(proof) == SIZE_BYTES:
            return self._tell_branches(self._branches.answer(origin, proof))
        if proof:
            return self._tell_branches(await self._branches.take(origin, action.note_a, proof))
        found, send_ours = await judge_note(self._node, origin, action.note_a)
        ours = list(serve(self._node, events.ServeNote(origin))) if send_ours else []
        self._tell_fork(found)
        return ours + self._tell_branches(self._branches.begin(origin, action.note_a))

    def _tell_fork(self, found: Evidence | None) -> None:
        if found is not None:
            self._frontier.frozen.add(found.origin)
            # To all, also to where it came from: that peer may hold one branch only.
            self._broadcast(events.ForkKnown(found.origin, format_evidence(found), 0))

    def _tell_branches(self, said: Fork | None) -> list[bytes]:
        """A question or answer goes to the peer, what was found to all."""
        if said is None:
            return []
        if not said.note_b:
            return [format_frame(said)]
        self._broadcast(events.ForkKnown(said.origin, format_frame(said), 0))
        return []
