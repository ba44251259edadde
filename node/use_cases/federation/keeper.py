"""Keeps the roster: hears who wants in or out, takes part in deciding each version, and knows whom to trust with what.

Invariant: this node votes for a change that any member vouches for; a new charter, or the end of a member's log, only
after a person here accepted it.
Invariant: once it has turned to ending a member's log, it signs nothing more in the ordinary slot of that version.
Spec: docs/spec/federation/federation.md, docs/spec/federation/succession.md
"""

import asyncio
from collections.abc import Mapping

from node.use_cases.context import Node
from node.use_cases.federation.admitting import admit_invited, is_admissible, is_fit, meet_candidates
from node.use_cases.federation.deciding import Decider, find_content, has_voted, read_own_lock
from node.use_cases.federation.history import federation_of, find_said, read_history
from node.use_cases.federation.roster_records import CHANGE_KINDS, find_retirement, list_charters, list_offered
from node.use_cases.federation.verbs import card_of_member
from node.use_cases.keys.following import is_agreed, meet_successors
from node.use_cases.peers import pin_card
from node.use_cases.status import KeeperReport
from protocol.core.errors import RefusedError
from protocol.federation.charter import Charter, outside_witnesses
from protocol.federation.membership import (
    Admission,
    CharterProposal,
    History,
    Question,
    Retirement,
    Said,
    Succession,
    apply_changes,
    format_changes,
    list_changes,
    list_questions,
    parse_changes,
    read_change,
)
from protocol.federation.vote_records import VOTE_KINDS, hash_content
from protocol.log.cosignature import witness_name
from protocol.log.quorum import Rule
from storage.log.record_index import records_between

KINDS = frozenset({"federation.founding", "federation.join", "key.succession", *CHANGE_KINDS, *VOTE_KINDS})


class RosterKeeper:
    """The federation as this node knows it, or (`above`) the one in which it speaks for its own; `history` is None
    outside any."""

    def __init__(self, node: Node, above: bool = False) -> None:
        self._node, self._above = node, above
        self.history: History | None = None
        self._decider: Decider | None = None
        self._closed_slot = b""
        self._subject = ""
        self._word: Said | None = None
        self._lock: bytes | None = None
        self._offered: list[Said] = []
        self._beside: frozenset[bytes] = frozenset()
        self._is_overtaken = False
        self._is_following = False
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """Read what the logs say already, and listen; taking no part in deciding, a node knows whom to believe."""
        self.history = read_history(self._node, above=self._above)
        self._node.changes.add_listener(self._hear)
        self._is_following = True

    async def start(self) -> None:
        """Take part in deciding."""
        if not self._is_following:
            self.follow()
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

    def waits_for(self) -> tuple[str, ...]:
        """Whose word is still out on the next version."""
        return () if self._decider is None else self._decider.waits_for()

    def describe(self) -> KeeperReport:
        """For the status page."""
        if self.history is None:
            return KeeperReport()
        newest = self.history.newest.roster
        return KeeperReport(newest.version, len(newest.members), self.waits_for())

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
        members = {
            witness_name(member.origin): member.witness_key
            for member in history.newest.roster.members
            if member.origin in charter.witnesses
        }
        return members | {key.name: key.public for key in outside_witnesses(charter)}

    def witness_rule(self) -> Rule:
        """The charter's rule for when a head counts as witnessed."""
        return "half" if self.charter is None else self.charter.witness_rule

    def _hear(self, origin: str, start: int, stop: int) -> None:
        for indexed in records_between(self._node.database.reader, origin, start, stop, KINDS):
            if indexed.record.kind not in VOTE_KINDS or self._decider is None:
                self._poked.set()
            elif indexed.body.slot == self._decider.slot:
                self._decider.take(indexed)
            elif indexed.body.slot in self._beside:
                self._is_overtaken = True
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
        if self.history is None or self._decider is None or self._is_overtaken or self._is_elsewhere():
            await self._read_anew()
        if self.history is None:
            return
        if self._decider is None:
            await self._meet_members()
            if self.history.lacks or self._closed_slot in self._slots():
                # The next version is decided, but a record that it names or was proposed by is still on its way.
                return
        await self._take_part()
        self._offered = list_offered(self._node.database.reader, self.history)
        await meet_successors(self._node, self._offered)
        await meet_candidates(self._node, self._offered)
        if not self._above:
            # Whom a person here invites is invited into this home's own federation.
            await admit_invited(self._node, self.history)
        self._offer()

    async def _read_anew(self) -> None:
        """Follow what was decided, be it in a slot in which this node had no part."""
        self._is_overtaken = False
        history = read_history(self._node, self.history, self._above)
        if self._is_elsewhere() or (history is not None and history.slot != self.history_slot):
            await self._stop_deciding()
        self.history = history

    def _is_elsewhere(self) -> bool:
        """Whether this home left that federation and has founded or joined another."""
        return self.history is not None and self.history.federation != federation_of(self._node, self._above)

    @property
    def history_slot(self) -> bytes:
        """The ordinary slot of the version that comes next; empty outside any federation."""
        return b"" if self.history is None else self.history.slot

    def _slots(self) -> frozenset[bytes]:
        assert self.history is not None
        return frozenset(question.slot for question in list_questions(self.history))

    async def _take_part(self) -> None:
        """Decide the ordinary question; or, for good, that a member's log ends, once enough have agreed to it.

        Whoever turns signs nothing more in the ordinary slot, and brings along what it held to there.
        """
        assert self.history is not None
        question, word = self._pick_question()
        self._word = word
        if self._decider is not None and self._decider.slot == question.slot:
            return
        await self._stop_deciding()
        self._lock = read_own_lock(self._node, self.history.slot) if question.subject else None
        self._subject, self._beside = question.subject, self._slots() - {question.slot}
        voters, needed = question.voters, question.needed
        self._decider = Decider(self._node, question.slot, voters, self._judge, self._closed, needed)

    def _pick_question(self) -> tuple[Question, Said | None]:
        assert self.history is not None
        agreed = find_retirement(self._node, self.history)
        for question in list_questions(self.history)[1:]:
            if self._node.origin in question.voters and has_voted(self._node, question.slot):
                return question, agreed[1] if agreed is not None and agreed[0] == question else None
        return (self.history.question, None) if agreed is None else agreed

    async def _stop_deciding(self) -> None:
        decider, self._decider = self._decider, None
        if decider is not None:
            await decider.stop()

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

    def _offer(self) -> None:
        """Propose all changes that could be made now, and let the decision begin when there are any."""
        # While this node published, the slot may have been closed: then the next turn opens the one that follows.
        if self._decider is None or self.history is None:
            return
        content = self._make_offer()
        if content is not None:
            self._decider.offer(content)
            self._decider.start()
        elif self._decider.has_proposal:
            self._decider.start()
        self._decider.judge_again()

    def _make_offer(self) -> bytes | None:
        assert self.history is not None
        if self._lock is not None:
            return find_content(self._node, self.history.slot, self._lock)
        if self._subject:
            return None if self._word is None else format_changes([self._word.leaf])
        ripe = [said for said in self._offered if self._is_ripe(said) and self._is_accepted(said)]
        changes = list_changes(self.history, ripe)
        return format_changes([said.leaf for said in changes]) if changes else None

    def _judge(self, content: bytes) -> bool | None:
        assert self.history is not None
        if self._lock is not None:
            return hash_content(content) == self._lock
        try:
            db = self._node.database.reader
            saids = [find_said(db, leaf, every_branch=False) for leaf in parse_changes(content)]
            here = [said for said in saids if said is not None]
            for said in here:
                read_change(self.history, said, self._subject)
            verdicts = [self._is_accepted(said) for said in here]
            if False in verdicts:
                return False
            if None in saids or None in verdicts:
                return None
            apply_changes(self.history, here, self._subject)
        except RefusedError:
            return False
        return True

    def _is_accepted(self, said: Said) -> bool | None:
        if isinstance(said.body, Admission):
            return is_admissible(self._node, said.body)
        if isinstance(said.body, Succession):
            return is_fit(said.body.member) and is_agreed(self._node, said.body)
        if isinstance(said.body, Retirement):
            return self._word is not None and said.body == self._word.body
        if not isinstance(said.body, CharterProposal):
            return True
        assert self.history is not None
        own = list_charters(self._node.database.reader, self.history).get(self._node.origin)
        return own is not None and bool(own.body == said.body)

    def _is_ripe(self, said: Said) -> bool:
        """Whether enough members want this charter: one that fewer want would only be voted down, again and again."""
        assert self.history is not None
        if not isinstance(said.body, CharterProposal):
            return True
        wanted = list_charters(self._node.database.reader, self.history).values()
        agreeing = [one for one in wanted if one.body == said.body]
        return len(agreeing) >= self.history.question.needed

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
