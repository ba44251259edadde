"""Keeps the roster: hears who wants in or out, takes part in deciding each version, and knows whom to trust with what.

Invariant: this node votes for a change that any member vouches for; a new charter only after a person here accepted it.
"""

import asyncio
from collections.abc import Mapping
from functools import lru_cache

from node.use_cases.context import Node
from node.use_cases.federation.deciding import Decider
from node.use_cases.federation.verbs import (
    INVITED_SETTING,
    card_of_member,
    find_said,
    member_of_card,
    read_history,
)
from node.use_cases.keys.following import is_agreed, meet_successors, vouch_for_successor
from node.use_cases.peers import pin_card
from node.use_cases.publish import publish
from protocol.core.encoding import to_struct
from protocol.core.errors import RefusedError
from protocol.core.record import Reference
from protocol.federation.charter import Charter, hash_charter
from protocol.federation.membership import (
    Admission,
    CharterProposal,
    History,
    Retirement,
    Said,
    Succession,
    apply_changes,
    format_changes,
    list_changes,
    parse_changes,
    read_change,
)
from protocol.federation.peer_card import PeerCard, check_card
from protocol.federation.roster import Member
from protocol.federation.vote_records import VOTE_KINDS
from protocol.log.quorum import Rule
from storage.record_index import IndexedRecord, records, records_between
from storage.settings import setting

ACCEPTED_SETTING = "accepted_charter"
CHANGE_KINDS = (
    "federation.admission",
    "federation.leave",
    "federation.heads",
    "federation.charter",
    "federation.succession",
    "federation.retirement",
)
KINDS = frozenset({"federation.founding", "federation.join", "key.succession", *CHANGE_KINDS, *VOTE_KINDS})
FIT_KEPT = 1_024
WITNESS_NAME = "{origin}/witness"


class RosterKeeper:
    """The federation as this node knows it; `history` is None outside any."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.history: History | None = None
        self._decider: Decider | None = None
        self._closed_slot = b""
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what the logs say already, then listen."""
        self.history = read_history(self._node)
        self._node.changes.add_listener(self._hear)
        self._task = asyncio.create_task(self._work(), name="roster")
        self._poked.set()

    async def stop(self) -> None:
        """Take no further part in deciding."""
        for task in (self._task,):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._decider is not None:
            await self._decider.stop()

    def poke(self) -> None:
        """A person here has agreed to something: look again."""
        self._poked.set()

    def waits_for(self) -> tuple[str, ...]:
        """Whose word is still out on the next version."""
        return () if self._decider is None else self._decider.waits_for()

    def describe(self) -> dict[str, object]:
        """For the status page."""
        if self.history is None:
            return {"federation": None}
        newest = self.history.newest.roster
        return {"version": newest.version, "members": len(newest.members), "waits_for": list(self.waits_for())}

    @property
    def charter(self) -> Charter | None:
        """The charter in force, None outside any federation."""
        return None if self.history is None else self.history.newest.charter

    def witness_duties(self) -> frozenset[str]:
        """The logs whose heads this node's witness cosigns: every other member's, while the charter names it."""
        charter, history = self.charter, self.history
        if charter is None or history is None or self._node.origin not in charter.witnesses:
            return frozenset()
        return frozenset(history.newest.voters) - {self._node.origin}

    def witness_keys(self) -> Mapping[str, bytes]:
        """The keys of the charter's witnesses, by the name their lines carry."""
        charter, history = self.charter, self.history
        if charter is None or history is None:
            return {}
        return {
            WITNESS_NAME.format(origin=member.origin): member.witness_key
            for member in history.newest.roster.members
            if member.origin in charter.witnesses
        }

    def witness_rule(self) -> Rule:
        """The charter's rule for when a head counts as witnessed."""
        return "half" if self.charter is None else self.charter.witness_rule

    def _hear(self, origin: str, start: int, stop: int) -> None:
        for indexed in records_between(self._node.database.reader, origin, start, stop, KINDS):
            if indexed.record.kind not in VOTE_KINDS:
                self._poked.set()
            elif self._decider is not None and indexed.body.slot == self._decider.slot:
                self._decider.take(indexed)
            elif self._decider is None:
                self._poked.set()

    async def _work(self) -> None:
        while True:
            await self._poked.wait()
            self._poked.clear()
            try:
                await self._advance()
            except RefusedError as error:
                self._node.log.warning("roster.refused", reason=error.reason)
            except Exception:
                self._node.log.exception("roster.failed")

    async def _advance(self) -> None:
        if self.history is None or self._decider is None:
            self.history = read_history(self._node)
        if self.history is None:
            return
        if self._decider is None:
            await self._meet_members()
            if self.history.lacks or self.history.slot == self._closed_slot:
                # The next version is decided, but a record that it names or was proposed by is still on its way.
                return
            self._open_decider()
        await meet_successors(self._node, self.history)
        await self._admit_invited()
        self._offer()

    async def _meet_members(self) -> None:
        """Pin every member, so that its log is mirrored and its sessions are let in."""
        assert self.history is not None
        for member in self.history.newest.roster.members:
            if member.origin == self._node.origin:
                continue
            try:
                await pin_card(self._node, card_of_member(member))
            except RefusedError as error:
                # One that we cannot reach (we hold other keys under its origin, say) keeps us from no other.
                self._node.log.warning("roster.member_not_pinned", origin=member.origin, reason=error.reason)
        planner = self._node.parts.get("planner")
        if planner is not None:
            planner.open_calls()

    def _open_decider(self) -> None:
        assert self.history is not None
        voters = self.history.newest.voters
        self._decider = Decider(self._node, self.history.slot, voters, self._judge, self._closed)

    def _offer(self) -> None:
        """Propose all changes that could be made now, and let the decision begin when there are any."""
        # While this node published, the slot may have been closed: then the next turn opens the one that follows.
        if self._decider is None or self.history is None:
            return
        changes = list_changes(self.history, [said for said in self._pending() if self._is_accepted(said)])
        if changes:
            self._decider.offer(format_changes([said.leaf for said in changes]))
            self._decider.start()
        elif self._decider.has_proposal:
            self._decider.start()
        self._decider.judge_again()

    def _pending(self) -> list[Said]:
        assert self.history is not None
        db, found = self._node.database.reader, list[Said]()
        for kind in CHANGE_KINDS:
            for indexed in records(db, kind, self.history.federation):
                if not indexed.record.sigs and indexed.leaf not in self.history.applied:
                    found.append(Said(indexed.origin, indexed.index, indexed.leaf, indexed.body))
        return found

    def _judge(self, content: bytes) -> bool | None:
        assert self.history is not None
        try:
            db = self._node.database.reader
            saids = [find_said(db, leaf, every_branch=False) for leaf in parse_changes(content)]
            for said in saids:
                if said is not None:
                    read_change(self.history, said)
                    if not self._is_accepted(said):
                        return False
            if None in saids:
                return None
            apply_changes(self.history, [said for said in saids if said is not None])
        except RefusedError:
            return False
        return True

    def _is_accepted(self, said: Said) -> bool:
        if isinstance(said.body, Admission):
            # Two members may vouch for one request: the second word must not bring back whoever has left since.
            return _is_fit(said.body.member) and said.body.join.leaf not in self._list_used_requests()
        if isinstance(said.body, Succession | Retirement):
            is_fit = isinstance(said.body, Retirement) or _is_fit(said.body.member)
            return is_fit and is_agreed(self._node, said.body)
        if not isinstance(said.body, CharterProposal):
            return True
        accepted = setting(self._node.database.reader, ACCEPTED_SETTING)
        return said.origin == self._node.origin or accepted == hash_charter(said.body.charter)

    def _list_used_requests(self) -> set[bytes]:
        """The requests to join that a version has followed: a co-op that left says anew that it wants to belong."""
        assert self.history is not None
        found = records(self._node.database.reader, "federation.admission", self.history.federation)
        return {indexed.body.join.leaf for indexed in found if indexed.leaf in self.history.applied}

    def _closed(self, _: bytes) -> None:
        decider, self._decider = self._decider, None
        if decider is not None:
            self._closed_slot = decider.slot
            self._retire(decider)
        self._poked.set()

    def _retire(self, decider: Decider) -> None:
        # Stopped from a task of its own: the decider is still on the stack that called back.
        task = asyncio.create_task(decider.stop())
        self._retiring = task

    async def _admit_invited(self) -> None:
        """Vouch for those whom a person here invited and who said in their own log that they want to belong."""
        assert self.history is not None
        history, db = self.history, self._node.database.reader
        members = set(history.newest.voters)
        if self._node.origin not in members:
            return
        vouched = records(db, "federation.admission", history.federation)
        admitted = {indexed.body.join.leaf for indexed in vouched if indexed.origin in members}
        for indexed in records(db, "federation.join", history.federation):
            invited = setting(db, f"{INVITED_SETTING}/{indexed.origin}")
            if indexed.origin in members or indexed.leaf in admitted or invited is None or indexed.record.sigs:
                continue
            await self._admit(indexed, to_struct(invited, PeerCard, "invited"))

    async def _admit(self, indexed: IndexedRecord, card: PeerCard) -> None:
        assert self.history is not None
        member = member_of_card(card, indexed.body.kind, indexed.body.heads)
        if await vouch_for_successor(self._node, self.history, member):
            return
        request = Reference(indexed.origin, indexed.index, indexed.leaf)
        await publish(
            self._node, "federation.admission", Admission(self.history.federation, member, request), [request]
        )


@lru_cache(FIT_KEPT)
def _is_fit(member: Member) -> bool:
    """Whether a member that somebody vouches for has a card by which nodes can meet it; asked again at every turn."""
    try:
        check_card(card_of_member(member))
    except RefusedError:
        return False
    return True
