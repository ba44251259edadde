"""One member speaks for its region in the call of the level above, and for that level in the region's own call.

Its two cards have nobody's wishes behind them: each answer follows from the state of the other call, so whoever has the
minutes of both can work every one of them out again.
Invariant: nothing is said for another level before a person at this node has released that this member speaks.
Spec: docs/spec/planning/nested-plans.md, section "On real nodes".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from node.use_cases.planning.proposals.private_side import PrivateSide
from node.use_cases.planning.rounds.course import Course
from protocol.core.errors import RefusedError
from protocol.planning.call import Allocation, CardAnswer, OtherLevel, PlanCards
from protocol.planning.cards import WorkplaceCard
from protocol.planning.contributions import owner_of_card, workplace_id
from protocol.planning.economy import Economy, build_economy
from protocol.planning.nested.region_card import (
    ABOVE_LABEL,
    REGION_LABEL,
    ROUNDS_BELOW,
    Pull,
    allocation_of,
    answer_of_above,
    answer_of_region,
    card_of_above,
    card_of_allocation,
    match_goods,
    outline_region,
    prices_above,
)
from protocol.planning.responses import Effort
from protocol.planning.state import hash_state

ROUNDS_OVER = ("voting", "in force", "stopped")


def find_nobody(call_id: bytes) -> Course | None:
    """Where no other call is followed."""
    return None


FindRun = Callable[[bytes], Course | None]
"""A call by its id, None where this node does not follow it."""

Spoken = tuple[CardAnswer, OtherLevel]


class Voice(Protocol):
    """This member's word in one call (`here`) for another level, whose call is `there`."""

    @property
    def there(self) -> Course:
        """The call of the other level, as far as it has come at this node."""

    def is_ready(self, is_waited_for: bool) -> bool:
        """Whether the card can be made; `is_waited_for`: others may still hand in cards here."""

    def add_card(self, side: PrivateSide, others: Sequence[PlanCards]) -> PrivateSide:
        """This member's cards with the one for the other level; `others` are those of the others here."""

    def answer(self, was_silent: bool) -> Spoken | None:
        """That card's answer to the present state, None while the other level has to go on first."""


def find_voice(here: Course, call_id: bytes, origin: str, region: str, find_run: FindRun) -> Voice | None:
    """How `origin` speaks in this call: for the region whose call is named (hex), or for the level above.

    None where it does not, and while the other call is not known here.
    """
    if region:
        below = find_run(bytes.fromhex(region))
        return None if below is None else RegionVoice(here, below, origin)
    above = find_run(here.call.above) if here.call.above is not None and here.speaker == origin else None
    return None if above is None else _AboveVoice(here, above, origin, call_id.hex())


def measure_patience(here: Course, is_for_cards: bool) -> Mapping[str, float]:
    """For whom the wait is longer, in milliseconds: a region's rounds take time, and a vote above waits for people."""
    if is_for_cards:
        return {here.speaker: math.inf} if here.speaker else {}
    # In a region longer than above: there, whoever waits for another region has given up before.
    wait_ms = here.call.cards_wait_ms * (2 if here.speaker else 1)
    assert here.economy is not None
    # Of a batches reading, too: whoever answers for a region is not hurried.
    return {owner_of_card(card.id): wait_ms for card in here.economy.workplaces if card.apart}


@dataclass(frozen=True)
class RegionVoice:
    """For the region in the plan above: what the region's own plan, so far, has the level above bring and take."""

    here: Course
    there: Course
    origin: str

    def is_ready(self, is_waited_for: bool) -> bool:
        """Once the set of the region's cards is closed."""
        return _find_card(self.there.economy, self.origin, ABOVE_LABEL) is not None

    def add_card(self, side: PrivateSide, others: Sequence[PlanCards]) -> PrivateSide:
        """The region's outline: what stands for the level above in its closed cards, turned round."""
        above = _find_card(self.there.economy, self.origin, ABOVE_LABEL)
        assert above is not None and self.there.table is not None and self.here.table is not None
        name = workplace_id(self.origin, REGION_LABEL)
        return _add(side, card_of_above(above, self.there.table, self.here.table, name))

    def answer(self, was_silent: bool) -> Spoken | None:
        """After the region's rounds for this state; whoever was silent in the round before says what there is."""
        (economy, state), table = self.there.whole, self.here.table
        outline = _find_card(self.here.economy, self.origin, REGION_LABEL)
        above = _find_card(economy, self.origin, ABOVE_LABEL)
        if outline is None or above is None or economy is None or state is None or table is None:
            return None
        goes_on = self.there.stage == "rounds"
        needed = 1 if was_silent else ROUNDS_BELOW * (self.here.rounds_closed + 1)
        if goes_on and self.there.rounds_closed < needed:
            return None
        order = match_goods(outline, above, table, economy.table)
        said = answer_of_region(outline, above, order, economy, state)
        reports = self.there.reading.reports
        is_open = goes_on and not (reports and reports[-1].is_close_enough)
        return CardAnswer(outline.id, said), OtherLevel(hash_state(state), is_open)


@dataclass(frozen=True)
class _AboveVoice:
    """For the level above in the region's plan: what its state pulls towards; and in the end what it allocates."""

    here: Course
    there: Course
    origin: str
    name: str

    @property
    def _is_last(self) -> bool:
        return self.here.reading.reading >= self.here.call.readings

    def is_ready(self, is_waited_for: bool) -> bool:
        """Once a person here has released it and all others have spoken, for the outline is made of their cards; in the
        last reading once there is a plan above in force, or there will be none."""
        is_released = any(release.region == self.name for release in self.there.releases.values())
        if not is_released or self.there.table is None or is_waited_for:
            return False
        return self.there.is_over if self._is_last else True

    def add_card(self, side: PrivateSide, others: Sequence[PlanCards]) -> PrivateSide:
        """The outline turned round, or the allocation, which is done as a whole."""
        table, own = self.there.table, self.here.table
        assert table is not None and own is not None
        name = workplace_id(self.origin, ABOVE_LABEL)
        if self._is_last:
            return side if self.there.ratified is None else self._add_allocation(side, name)
        cards = [side.cards, *others]
        consumers = [card for one in cards for card in one.consumers]
        workplaces = [card for one in cards for card in one.workplaces]
        alone = build_economy(own, consumers, workplaces)
        outline = outline_region(workplace_id(self.origin, REGION_LABEL), alone, table)
        return _add(side, card_of_above(outline, table, own, name))

    def _add_allocation(self, side: PrivateSide, name: str) -> PrivateSide:
        draft = next(one.draft for one in reversed(self.there.readings) if one.draft is not None)
        plan, own = draft.plan, self.here.table
        assert own is not None and draft.digest == self.there.ratified
        region = workplace_id(self.origin, REGION_LABEL)
        fixed = next((card for card in plan.workplaces if card.id == region), None)
        allocated = {} if fixed is None else allocation_of(fixed, plan.activity[region], plan.goods_table)
        card = card_of_allocation(allocated, own, name)
        allocation = Allocation(draft.digest, prices_above(plan, own))
        side = msgspec.structs.replace(side, cards=msgspec.structs.replace(side.cards, allocation=allocation))
        return side if card is None else msgspec.structs.replace(_add(side, card), spoken="")

    def answer(self, was_silent: bool) -> Spoken | None:
        """To the newest state above, in as many rounds as it is given; then as long as it takes to settle here."""
        above = _find_card(self.here.economy, self.origin, ABOVE_LABEL)
        economy, state = self.there.whole
        outline = _find_card(economy, self.origin, REGION_LABEL)
        # Batches are decided above once its own rounds are over.
        is_over = self.there.stage in ROUNDS_OVER or self.there.reading.decides_batches
        if outline is None or economy is None or state is None:
            if is_over:
                raise RefusedError.at("above", "the plan above is made without this region")
            return None
        turns = ROUNDS_BELOW * (self.there.rounds_closed + 1)
        if not is_over and (self.there.stage != "rounds" or self.here.rounds_closed >= turns):
            return None
        assert above is not None and self.here.economy is not None and self.here.state is not None
        order = match_goods(outline, above, economy.table, self.here.economy.table)
        pull = Pull(outline, economy, state)
        said = answer_of_above(above, order, pull, self.here.economy, self.here.state)
        return CardAnswer(above.id, tuple(said)), OtherLevel(hash_state(state), not is_over)


def _add(side: PrivateSide, card: WorkplaceCard) -> PrivateSide:
    """Nobody works behind such a card: it has no effort of its own."""
    cards = msgspec.structs.replace(side.cards, workplaces=(*side.cards.workplaces, card))
    return msgspec.structs.replace(side, cards=cards, efforts={**side.efforts, card.id: Effort((0.0,))}, spoken=card.id)


def _find_card(economy: Economy | None, origin: str, label: str) -> WorkplaceCard | None:
    """The outline of this member that stands for another level, None where there is none (yet, or any more)."""
    name = workplace_id(origin, label)
    cards = () if economy is None else economy.workplaces
    return next((card for card in cards if card.id == name and card.apart), None)
