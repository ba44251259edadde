"""What this node says itself while a call is made: its cards, its answers, the batches it finds, what it checked.

Invariant: what this node answers is on disk in its own log before anyone sees it, once per slot.
Invariant: nothing of its own goes out before a person has released it; batches are found from the public draft alone.
Spec: docs/spec/planning/plan-records.md
"""

import asyncio
from collections.abc import Callable

from node.use_cases.context import Node
from node.use_cases.planning.calls.terms import Terms
from node.use_cases.planning.facilitating.notices import read_standing
from node.use_cases.planning.nested.voices import FindRun, Voice, find_nobody, find_voice
from node.use_cases.planning.proposals.own_side import (
    forget_side,
    is_planned_with,
    keep_side,
    kept_side,
    leave_free,
    try_release,
)
from node.use_cases.planning.proposals.private_side import PrivateSide, answer_cards
from node.use_cases.planning.rounds.course import Course
from node.use_cases.planning.rounds.draft import Draft, check_draft, make_draft
from node.use_cases.planning.rounds.slot import Slot
from node.use_cases.planning.rounds.voting import VoteSlot
from node.use_cases.publish import publish
from node.use_cases.shared_files import share_file
from protocol.core.errors import RefusedError
from protocol.federation.scopes import FEDERATION
from protocol.planning.batches.candidate_record import PlanCandidate
from protocol.planning.call import CARDS_ROUND, CardRegret, PlanAnswer, PlanCall, PlanCheck
from protocol.planning.plan import Plan
from protocol.planning.state import hash_state
from storage.log.record_index import own_words

SEARCH_S_MAX = 60.0
"""So long a node looks for better batches at most, and never for more than half of the wait for cards."""

Search = Callable[[Plan, float], tuple[int, ...]]
"""Better batches for a draft than the repair's, found within so many seconds; none where none are."""


def find_nothing(draft: Plan, wait_s: float) -> tuple[int, ...]:
    """What a machine without a solver finds."""
    return ()


class Speaker(Course):
    """A member's own part in a call, wherever that stands."""

    def __init__(
        self,
        node: Node,
        call_id: bytes,
        call: PlanCall,
        terms: Terms,
        search: Search = find_nothing,
        caller: str = "",
        find_run: FindRun = find_nobody,
    ) -> None:
        super().__init__(call, caller)
        self.node, self.call_id, self.terms = node, call_id, terms
        self.trouble = ""
        self.search, self._find_run = search, find_run
        self.standing = read_standing(node, call_id, terms)

    @property
    def voice(self) -> Voice | None:
        """How this member speaks for another level in this call; None where it does not, or not yet."""
        release = self.releases.get(min(self.reading.reading, self.call.readings))
        region = "" if release is None else release.region
        return find_voice(self, self.call_id, self.node.origin, region, self._find_run)

    async def contribute(self, slot: Slot) -> None:
        """Publish this node's own cards or answers, once; nothing without a person's release."""
        me, reading = self.node.origin, self.reading.reading
        if slot.contributed or me not in slot.expected or me in slot.held or isinstance(slot, VoteSlot):
            return
        try:
            if self.stage == "batches":
                await self._publish_candidate(slot)
            else:
                await (self._publish_cards(slot) if slot.number == CARDS_ROUND else self._publish_answers(slot))
        except RefusedError as error:
            # This member is silent and told why; the plan goes on, and other cards may be released while they count.
            self.trouble = f"this co-op's own word in reading {reading} did not go out: {error}"
            if self.stage == "cards":
                self.releases.pop(reading, None)
                slot.contributed = False
                await forget_side(self.node, self.call_id, reading)

    async def _publish_cards(self, slot: Slot) -> None:
        assert self.table is not None
        reading = self.reading.reading
        release = self.releases.get(reading)
        if release is None:
            return
        side = kept_side(self.node, self.call_id, reading)
        if side is None:
            voice, others = self.voice, [indexed.body for indexed in slot.held.values()]
            speaks = bool(release.region) or self.speaker == self.node.origin
            if speaks and (voice is None or not voice.is_ready(self._is_waited_for(slot))):
                return
            side = await try_release(self.node, release, self.call_id, reading, self.table, self.terms)
            side = side if voice is None else voice.add_card(side, others)
            await keep_side(self.node, side, self.table, self.terms)
        slot.contributed = True
        await publish(self.node, "plan.card", side.cards)

    def _is_waited_for(self, slot: Slot) -> bool:
        """Whether others than this member have still time to speak."""
        missing = slot.expected - slot.held.keys() - {self.node.origin}
        return any(self.wait_left_s(slot, origin) > 0 for origin in missing)

    def wait_left_s(self, slot: Slot, origin: str) -> float:
        """How long this node still waits for a participant, in seconds."""
        return slot.wait_left_s(origin, self.call, self.standing, self.node.clock.monotonic_s())

    async def _publish_candidate(self, slot: Slot) -> None:
        """Say which batches this machine finds; that it finds none better is a word too, for nobody waits for it."""
        draft, slot.contributed = self.unbatched, True
        wait_s = min(SEARCH_S_MAX, self.call.cards_wait_ms / 2_000)
        batches = await asyncio.to_thread(self.search, draft.plan, wait_s)
        if self.node.origin not in slot.held:
            body = PlanCandidate(self.call_id, self.reading.reading, draft.digest, batches)
            await publish(self.node, "plan.candidate", body)

    async def _publish_answers(self, slot: Slot) -> None:
        assert self.economy is not None and self.state is not None
        side, batches = self._planned_side(), self.reading.batches
        if side is None:
            return
        if batches is not None:
            side = leave_free(side, batches.pinned)
        voice = self.voice if side.spoken else None
        spoken = None if voice is None else voice.answer(self.node.origin in slot.silent_before)
        if side.spoken and spoken is None:
            return
        slot.contributed = True
        answers = await asyncio.to_thread(answer_cards, side, self.state, self.economy)
        answers, level = (answers, None) if spoken is None else ((*answers, spoken[0]), spoken[1])
        said = self.reading.reading, slot.number, hash_state(self.state), answers, level
        await publish(self.node, "plan.answer", PlanAnswer(self.call_id, *said))

    def _planned_side(self) -> PrivateSide | None:
        """What stands behind this member's cards in this reading, None where the plan counts without them."""
        economy = self.whole_economy
        assert economy is not None
        side = kept_side(self.node, self.call_id, min(self.reading.reading, self.call.readings))
        return side if side is not None and is_planned_with(side, economy) else None

    async def finish_reading(self) -> None:
        """Write the draft that the rounds end in, hand it on, and say what a check of it found."""
        assert self.economy is not None and self.state is not None
        reading, side = self.reading, self._planned_side()
        if reading.batches is None:
            said, last = (self.call_id, self.call, reading.reading), reading.reports[-1]
            kept_to = self.allocation, self.fixed_prices
            draft = await asyncio.to_thread(make_draft, self.economy, self.state, last, *said, side, *kept_to)
        else:
            plan = await asyncio.to_thread(reading.batches.conclude, self.state, reading.reports)
            draft = await asyncio.to_thread(check_draft, plan, side)
        if self.speaker != self.node.origin:
            # Whoever speaks for a region is asked for files by the level above too; the others have the draft as well.
            await share_file(self.node, draft.document, FEDERATION)
        if self._has_checked(draft) is False and self.node.origin in self.terms.members:
            regrets = tuple(CardRegret(card, value) for card, value in sorted(draft.own_regrets.items()))
            body = PlanCheck(self.call_id, reading.reading, draft.digest, len(draft.findings), regrets)
            await publish(self.node, "plan.check", body)
        self.end_reading(draft)

    def _has_checked(self, draft: Draft) -> bool:
        me = self.node.origin
        said = own_words(self.node.database.reader, "plan.check", self.call_id, {me})
        return any(indexed.body.digest == draft.digest for indexed in said.get(me, ()))
