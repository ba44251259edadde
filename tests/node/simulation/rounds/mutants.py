"""Bugs planted on purpose in the rounds of a plan, one at a time: what the simulation must find.

Each is something that a person could write by mistake in a line or two. The seed beside it shows it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from node.simulation.rounds import scenario as lies
from node.simulation.rounds.scenario import Scenario
from node.use_cases.federation.deciding import Decider
from node.use_cases.planning.rounds import course, run
from node.use_cases.planning.rounds.slot import Slot
from protocol.federation import decision
from protocol.planning import call, rounds
from protocol.planning.rounds import Answer
from storage.log.record_index import IndexedRecord

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """`rules`: what may be said to be broken; `seed`: where it shows; `is_apt`: which other seeds are worth a try."""

    name: str
    plant: Plant
    rules: frozenset[str]
    seed: int
    is_apt: Callable[[Scenario], bool]


def _lies(*told: str) -> Callable[[Scenario], bool]:
    return lambda scenario: scenario.members <= 5 and bool(set(told) & set(scenario.lies.values()))


def _is_troubled(scenario: Scenario) -> bool:
    return scenario.members <= 5 and bool(scenario.crashes)


def _has_refusers(scenario: Scenario) -> bool:
    return scenario.members <= 5 and bool(scenario.refusers)


def _is_parted(scenario: Scenario) -> bool:
    return scenario.members <= 5 and bool(scenario.partitions)


def _count_second_answers(patch: pytest.MonkeyPatch) -> None:
    real = run.PlanRun._hold

    def hold(self: run.PlanRun, slot: Slot, indexed: IndexedRecord) -> None:
        slot.held.pop(indexed.origin, None)
        real(self, slot, indexed)

    patch.setattr(run.PlanRun, "_hold", hold)


def _count_late_words(patch: pytest.MonkeyPatch) -> None:
    """Whoever was silent in the closed set but is held by now counts: late answers, and cards of the left out."""
    real = run.PlanRun._apply

    async def apply(self: run.PlanRun, slot: Slot, content: bytes) -> bool:
        listed = call.parse_set(content)
        held = {origin: indexed.leaf for origin, indexed in slot.held.items()}
        return await real(self, slot, call.format_set({name: leaf or held.get(name) for name, leaf in listed.items()}))

    patch.setattr(run.PlanRun, "_apply", apply)


def _ask_for_no_state(patch: pytest.MonkeyPatch) -> None:
    real = rounds._check_answer

    def check(economy: Any, state_hash: bytes, participant: str, answer: Answer) -> None:
        real(economy, state_hash, participant, Answer(state_hash, answer.quantities))

    patch.setattr(rounds, "_check_answer", check)


def _take_any_card(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run, "audit_cards", lambda *given: [])


def _close_with_fewer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "quorum", lambda count: max(1, count // 2))


def _forget_own_votes(patch: pytest.MonkeyPatch) -> None:
    real = Decider._list_votes
    patch.setattr(Decider, "_list_votes", lambda self: [vote for vote in real(self) if vote.voter != self._node.origin])


def _speak_again_after_a_crash(patch: pytest.MonkeyPatch) -> None:
    real = run.PlanRun.contribute

    async def contribute(self: run.PlanRun, slot: Slot) -> None:
        if not hasattr(slot, "has_been_asked"):
            slot.has_been_asked = True  # type: ignore[attr-defined]
            slot.contributed = False
            slot.held.pop(self.node.origin, None)
        await real(self, slot)

    patch.setattr(run.PlanRun, "contribute", contribute)


def _keep_who_refused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(course, "leave_out", lambda economy, left_out: economy)


DIVERGED = frozenset({"one set a slot", "one state a round", "one digest a reading", "only first words count"})
KEPT = frozenset({"who refused is in no later plan"})
TWICE, AGAIN = frozenset({"one vote a step"}), frozenset({"one word a slot"})
MUTANTS = (
    Mutant("a second answer counts", _count_second_answers, DIVERGED, 12, _lies(lies.SECOND_ANSWER)),
    Mutant("a late word counts", _count_late_words, DIVERGED, 25, _lies(lies.LATE)),
    Mutant("an answer to another state counts", _ask_for_no_state, DIVERGED, 0, _lies(lies.FALSE_HASH)),
    Mutant("a card above what the charter allots counts", _take_any_card, DIVERGED, 10, _lies(lies.FALSE_CARD)),
    Mutant("the card of who refused is kept", _keep_who_refused, KEPT, 0, _has_refusers),
    Mutant("half of the voters close a slot", _close_with_fewer, DIVERGED, 23, _is_parted),
    Mutant("own votes are forgotten in a crash", _forget_own_votes, TWICE, 1, _is_troubled),
    Mutant("words are said again after a crash", _speak_again_after_a_crash, AGAIN, 3, _is_troubled),
)
