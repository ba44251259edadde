"""One plan call at this node: from the cards to a draft, slot by slot, as the logs settle them.

Invariant: the next state follows from closed sets alone, so a node that was away catches up from the logs.
"""

import asyncio
import math
from collections.abc import Callable, Sequence

from node.use_cases.context import Node
from node.use_cases.federation.deciding import Decider, closed_content
from node.use_cases.planning.calls.terms import Terms
from node.use_cases.planning.facilitating.notices import read_standing
from node.use_cases.planning.nested.voices import FindRun, find_nobody, measure_patience
from node.use_cases.planning.rounds.course import Course
from node.use_cases.planning.rounds.slot import Slot
from node.use_cases.planning.rounds.speaking import Search, Speaker, find_nothing
from node.use_cases.planning.rounds.voting import VoteSlot, make_ballot
from node.use_cases.shared_files import share_file
from node.use_cases.status import CallProgress
from protocol.core.encoding import decode, to_struct
from protocol.core.errors import Finding, RefusedError
from protocol.federation.scopes import FEDERATION
from protocol.federation.vote_records import VOTE_KINDS
from protocol.gossip.limits import FILE_BYTES_MAX
from protocol.planning.batches.candidate_record import PlanCandidate
from protocol.planning.batches.counts import audit_candidate
from protocol.planning.call import (
    CARDS_ROUND,
    PlanAnswer,
    PlanApproval,
    PlanCall,
    PlanCards,
    parse_set,
    round_slot,
)
from protocol.planning.cards import GoodsTable
from protocol.planning.contributions import audit_answer, audit_cards, owner_of_card
from protocol.planning.facilitating.notices import PlanNotice
from protocol.planning.ratifying.words import vote_slot
from storage.log.record_index import IndexedRecord, record_by_leaf, records

FETCH_AGAIN_S = 0.5
SET_ASIDE_MAX = 1_000
"""Contributions set aside whose reasons are kept: whoever sends more is no better off for it."""

SLOT_KINDS = {"cards": "plan.card", "rounds": "plan.answer", "batches": "plan.candidate"}
"""What is said at which stage."""

FindPlan = Callable[[bytes | None], Course | None]
"""The call whose plan in force has this digest, None while there is none here."""


class PlanRun(Speaker):
    """A call's progress at this node; `advance` does all that can be done with what is known."""

    def __init__(
        self,
        node: Node,
        call_id: bytes,
        call: PlanCall,
        terms: Terms,
        find_plan: FindPlan = lambda _: None,
        search: Search = find_nothing,
        caller: str = "",
        find_run: FindRun = find_nobody,
    ) -> None:
        super().__init__(node, call_id, call, terms, search, caller, find_run)
        self._find_plan = find_plan
        self.slot: Slot | None = None
        self.set_aside: dict[bytes, tuple[Finding, ...]] = {}
        self._silent_before: frozenset[str] = frozenset()
        self._wake: asyncio.TimerHandle | None = None
        self.poked = asyncio.Event()

    def take(self, indexed: IndexedRecord) -> None:
        """Hear a record that may concern the present slot; what does not is left to who reads it."""
        slot = self.slot
        if indexed.body is None or self.is_over:
            return
        if isinstance(indexed.body, PlanNotice) or indexed.leaf in self.standing.set_aside:
            self._hear_facilitators()
        if slot is None:
            return
        if isinstance(indexed.body, PlanCards | PlanAnswer | PlanCandidate | PlanApproval):
            # Cards and candidates have slots of one form: what is not asked for here is no word at all.
            if indexed.record.kind == slot.kind and self._slot_of(indexed.body) == slot.id:
                self._hold(slot, indexed)
        elif indexed.record.kind not in VOTE_KINDS:
            return
        elif slot.decider is not None and indexed.body.slot == slot.id:
            slot.decider.take(indexed)
        self.poked.set()

    def _hear_facilitators(self) -> None:
        was_held, self.standing = self.standing.is_held, read_standing(self.node, self.call_id, self.terms)
        if was_held and not self.standing.is_held and self.slot is not None:
            # Nobody's time ran while nobody was to speak.
            self.slot.opened_s = self.node.clock.monotonic_s()
        self.poked.set()

    async def advance(self) -> None:
        """Do everything that what is known allows; RefusedError stops the call with its reason."""
        if self.terms.outdated and not self.is_over:
            await self._stop(self.terms.outdated)
        try:
            while not self.is_over and await self._step():
                self._poke_other()
        except RefusedError as error:
            await self._stop(str(error))

    def waits_for(self) -> tuple[str, ...]:
        """Whose card, answer or vote is still out."""
        slot = self.slot
        if slot is None:
            return ()
        missing = tuple(sorted(slot.expected - slot.held.keys()))
        return missing if missing or slot.decider is None else slot.decider.waits_for()

    def describe(self) -> CallProgress:
        """Where the call stands at this node."""
        waits_for, reading = self.waits_for(), self.reading
        return CallProgress(self.stage, self.trouble, reading.reading, len(reading.reports), waits_for)

    async def close(self) -> None:
        """Take no further part."""
        if self._wake is not None:
            self._wake.cancel()
        if self.slot is not None and self.slot.decider is not None:
            await self.slot.decider.stop()

    async def _step(self) -> bool:
        if self.table is None:
            return await self._load_table()
        if not self.has_started:
            earlier = self._find_plan(self.call.start)
            if earlier is None:
                self.stage = "waiting for the plan that it goes on from"
                return False
            self.go_on_from(earlier)
            self.stage = "cards"
        if self.slot is None:
            self._open_vote() if self.stage == "voting" else self._open_slot()
        slot = self.slot
        assert slot is not None
        # While the plan is held nothing new is said here; what the others close all the same is followed.
        if slot.content is None and not self.standing.is_held:
            await self.contribute(slot)
            self._drive(slot)
        if slot.content is None:
            return False
        return await self._apply(slot, slot.content)

    async def _load_table(self) -> bool:
        raw = self.node.files.get(self.call.goods_table)
        if raw is None:
            peering = self.node.parts.get("peering")
            if peering is None or not await peering.fetch_file(self.call.goods_table):
                self._wake_in(FETCH_AGAIN_S)
                return False
            raw = self.node.files.get(self.call.goods_table)
            if raw is None:
                return False
            # Whoever cannot reach the caller of the plan gets it here.
            await share_file(self.node, raw, FEDERATION)
        self.table = to_struct(decode(raw, FILE_BYTES_MAX), GoodsTable, "goods table")
        self.stage = "cards"
        return True

    def _open_slot(self) -> None:
        kind = SLOT_KINDS[self.stage]
        members = expected = frozenset(self.terms.members)
        number, short = CARDS_ROUND, frozenset[str]()
        if kind != "plan.card":
            assert self.economy is not None and self.state is not None
            owners = frozenset(owner_of_card(card) for card in self.economy.participants)
            # Whoever has no card may find batches too; nobody waits for it for long.
            short = self._silent_before | (members - owners)
            if kind == "plan.answer":
                expected, number = owners, self.state.round + 1
        slot_id = round_slot(self.call_id, self.reading.reading, number)
        slot = Slot(self.reading.reading, number, slot_id, kind, expected, short, self.node.clock.monotonic_s())
        slot.patience_ms = measure_patience(self, kind == "plan.card")
        self._watch(slot, records(self.node.database.reader, kind, slot_id))

    def _open_vote(self) -> None:
        assert self.reading.draft is not None
        slot_id, expected = vote_slot(self.call_id, self.attempt), frozenset(self.terms.members)
        ballot, kind = make_ballot(self.reading.draft, self.terms), "plan.approval"
        number, now_s = len(self.reading.reports) + 1, self.node.clock.monotonic_s()
        slot = VoteSlot(self.reading.reading, number, slot_id, kind, expected, frozenset(), now_s, ballot=ballot)
        spoken = records(self.node.database.reader, kind, self.call_id)
        self._watch(slot, [indexed for indexed in spoken if indexed.body.attempt == self.attempt])

    def _watch(self, slot: Slot, said: Sequence[IndexedRecord]) -> None:
        """Take up what was said already, and take part in closing the slot unless that is done."""
        self.slot, slot_id = slot, slot.id
        for indexed in said:
            self._hold(slot, indexed)
        slot.content = closed_content(self.node, slot_id, self.terms.members)
        if slot.content is None:
            decider = Decider(
                self.node,
                slot_id,
                self.terms.members,
                lambda content: slot.judge(content, self.standing),
                lambda content: self._closed(slot, content),
            )
            slot.decider = decider

    def _hold(self, slot: Slot, indexed: IndexedRecord) -> None:
        """Keep a participant's first valid contribution; remember which came before our own wait ran out."""
        if indexed.origin in slot.held or indexed.origin not in slot.expected or not indexed.is_own_word:
            return
        if not self._is_valid(slot, indexed):
            return
        slot.held[indexed.origin] = indexed
        if self.wait_left_s(slot, indexed.origin) > 0:
            slot.in_time.add(indexed.origin)
        if indexed.origin == self.node.origin:
            slot.contributed = True

    def _is_valid(self, slot: Slot, indexed: IndexedRecord) -> bool:
        assert self.table is not None
        if isinstance(slot, VoteSlot):
            return True
        if isinstance(indexed.body, PlanCandidate):
            found = audit_candidate(indexed.body, self.unbatched.plan, self.unbatched.digest)
        elif slot.number == CARDS_ROUND:
            people = self.terms.members[indexed.origin]
            terms = self.terms.terms_of(indexed.origin)
            found = audit_cards(indexed.origin, indexed.body, self.table, people, terms)
            if indexed.body.allocation is not None and indexed.origin != self.speaker:
                found.append(Finding("allocation", "is for whoever speaks for this region to bring"))
        else:
            assert self.economy is not None and self.state is not None
            found = audit_answer(indexed.origin, indexed.body, self.economy, self.state)
        if found and len(self.set_aside) < SET_ASIDE_MAX:
            self.set_aside[indexed.leaf] = tuple(found)
        return not found

    def _poke_other(self) -> None:
        """What came about here may be what this member waits for in the call of another level."""
        voice = self.voice
        if voice is not None and isinstance(voice.there, PlanRun):
            voice.there.poked.set()

    def _drive(self, slot: Slot) -> None:
        """Offer our set once all have spoken or our wait ran out, and judge anew what could not be judged."""
        decider = slot.decider
        if decider is None:
            return
        missing = slot.expected - slot.held.keys()
        waiting_s = [self.wait_left_s(slot, origin) for origin in missing]
        if all(left_s <= 0 for left_s in waiting_s):
            decider.offer(slot.format_own_set(self.standing))
            decider.start()
        else:
            left_s = min(left_s for left_s in waiting_s if left_s > 0)
            if left_s < math.inf:
                self._wake_in(max(0.05, left_s))
            if decider.has_proposal:
                decider.start()
        decider.judge_again()

    def _closed(self, slot: Slot, content: bytes) -> None:
        slot.content = content
        self.poked.set()

    async def _apply(self, slot: Slot, content: bytes) -> bool:
        """Follow a closed set; False while a record that it names has not arrived."""
        found: dict[str, IndexedRecord] = {}
        for origin, leaf in parse_set(content).items():
            if leaf is not None:
                indexed = record_by_leaf(self.node.database.reader, leaf)
                if indexed is None:
                    self._wake_in(FETCH_AGAIN_S)
                    return False
                found[origin] = indexed
        if slot.decider is not None:
            await slot.decider.stop()
        self._silent_before = frozenset() if isinstance(slot, VoteSlot) else slot.expected - found.keys()
        self.slot = None
        bodies = {name: indexed.body for name, indexed in found.items()}
        if isinstance(slot, VoteSlot):
            outcome = await self.close_vote(slot.ballot, {name: bodies.get(name) for name in slot.expected})
            self.node.log.info("plan.vote", attempt=self.attempt, outcome=outcome)
        elif self.stage == "batches":
            await self.begin_batches(bodies)
        elif slot.number == CARDS_ROUND:
            await self.begin_rounds(bodies.values())
        else:
            report = await self.close_round(bodies.values())
            number, worst_ppm = self.reading.reading, report.worst_good_ppm
            self.node.log.info("plan.round", reading=number, round=report.round, worst_good_ppm=worst_ppm)
            if self.reading.is_settled:
                await self.finish_reading()
        return True

    async def _stop(self, reason: str) -> None:
        self.stage, self.trouble = "stopped", reason
        self._poke_other()
        self.node.log.warning("plan.stopped", reason=reason)
        await self.close()

    def _slot_of(self, body: PlanCards | PlanAnswer | PlanCandidate | PlanApproval) -> bytes:
        if isinstance(body, PlanApproval):
            return vote_slot(body.call, body.attempt)
        number = body.round if isinstance(body, PlanAnswer) else CARDS_ROUND
        return round_slot(body.call, body.reading, number)

    def _wake_in(self, delay_s: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = asyncio.get_running_loop().call_later(delay_s, self.poked.set)
