"""What must hold, kept beside the members: one set a slot, one state, one digest, and nobody's word but the first.

Invariant: the ledger reads logs and what honest members came to; it takes no part.
"""

import traceback
from typing import Any

from node.simulation.rounds.economy import CREDITS
from node.simulation.rounds.memory_node import MemoryLog
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.slot import Slot
from node.use_cases.planning.rounds.voting import VoteSlot
from protocol.federation.vote_records import VOTE_KINDS, vote_of
from protocol.federation.votes import audit_double_votes
from protocol.planning.batches.candidate_record import PlanCandidate, candidate_slot
from protocol.planning.batches.counts import audit_candidate
from protocol.planning.call import CARDS_ROUND, PlanAnswer, PlanApproval, PlanCards, answer_slot, card_slot, parse_set
from protocol.planning.cards import MICRO
from protocol.planning.contributions import owner_of_card
from protocol.planning.ratifying.words import vote_slot


class _BrokenError(Exception):
    """Something that must hold does not: its rule and what was seen."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail


class Ledger:
    """What the honest members came to. It is their journal too: what they did not expect is broken at once."""

    def __init__(self, logs: list[MemoryLog], call: bytes) -> None:
        self._call = call
        self._logs = {log.origin: log for log in logs}
        self.sets: dict[bytes, bytes] = {}
        self.states: dict[bytes, bytes] = {}
        self.drafts: dict[int, Draft] = {}
        self.broken: list[_BrokenError] = []

    def info(self, event: str, **fields: object) -> None:
        """Nothing to see to."""

    def warning(self, event: str, **fields: object) -> None:
        """A person would be told; the end of the world looks at the members themselves."""

    def error(self, event: str, **fields: object) -> None:
        """Nothing of this is expected."""
        self.fault("no node meets an error", f"{event} {fields}")

    def exception(self, event: str, **fields: Any) -> None:
        """Nor of this."""
        self.fault("no node meets an error", f"{event} {fields} {traceback.format_exc(limit=-2)}")

    def note_set(self, origin: str, slot: Slot, content: bytes, state: bytes) -> None:
        """A member follows a closed set, that of a round in reply to `state`."""
        if self.sets.setdefault(slot.id, content) != content:
            self.fault("one set a slot", f"{origin} follows another in reading {slot.reading}, round {slot.number}")
        for name, leaf in parse_set(content).items():
            if leaf is None:
                continue
            if leaf != self._first_word(name, slot, state):
                self.fault("only first words count", f"{name} in reading {slot.reading}, round {slot.number}")

    def note_state(self, origin: str, slot: Slot, state: bytes) -> None:
        """A member stands at a state after a slot."""
        if self.states.setdefault(slot.id, state) != state:
            self.fault("one state a round", f"{origin}, reading {slot.reading}, round {slot.number}")

    def note_draft(self, origin: str, reading: int, draft: Draft, votes: int) -> None:
        """A member computed a draft, after so many votes on others."""
        if self.drafts.setdefault(reading, draft).digest != draft.digest:
            self.fault("one digest a reading", f"{origin}, reading {reading}")
        cards = [card.id for card in draft.plan.consumers] + [card.id for card in draft.plan.workplaces]
        kept = sorted(set(map(owner_of_card, cards)) & self._refused(votes))
        if kept:
            self.fault("who refused is in no later plan", f"{origin}, reading {reading}: {kept[0]}")

    def _refused(self, votes: int) -> set[str]:
        """Whose refusal was in one of the first votes."""
        closed = [self.sets.get(vote_slot(self._call, attempt)) for attempt in range(votes)]
        listed = {leaf for content in closed if content is not None for leaf in parse_set(content).values()}
        spoken = [(row.leaf, one.body, name) for name, log in self._logs.items() for _, row, one in log.entries]
        return {name for leaf, body, name in spoken if leaf in listed and not body.approve}

    def _first_word(self, origin: str, slot: Slot, state: bytes) -> bytes | None:
        """The first record in a log that could count in a slot: of its kind, for it, and in reply to its state."""
        for _, row, indexed in self._logs[origin].entries:
            body = indexed.body
            if isinstance(slot, VoteSlot):
                if isinstance(body, PlanApproval) and vote_slot(body.call, body.attempt) == slot.id:
                    return row.leaf
            elif slot.number == CARDS_ROUND:
                if isinstance(body, PlanCards) and card_slot(body) == slot.id and _keeps_credits(body):
                    return row.leaf
                if isinstance(body, PlanCandidate) and candidate_slot(body) == slot.id and self._is_possible(body):
                    return row.leaf
            elif isinstance(body, PlanAnswer) and answer_slot(body) == slot.id and _is_apt(body, state):
                return row.leaf
        return None

    def _is_possible(self, body: PlanCandidate) -> bool:
        draft = self.drafts.get(body.reading - 1)
        return draft is not None and not audit_candidate(body, draft.plan, draft.digest)

    def look_at_logs(self, honest: set[str]) -> None:
        """Nobody honest says a thing twice: one vote a step, one word a slot."""
        votes = []
        for origin in sorted(honest):
            spoken: list[bytes] = []
            for _, row, indexed in self._logs[origin].entries:
                if row.kind in VOTE_KINDS and (vote := vote_of(indexed.body, origin)) is not None:
                    votes.append(vote)
                elif row.kind in ("plan.card", "plan.answer", "plan.candidate"):
                    spoken.append(row.subject)
            if len(set(spoken)) < len(spoken):
                self.fault("one word a slot", f"{origin} spoke twice in one")
        for twice in audit_double_votes(votes):
            self.fault("one vote a step", f"{twice.first.voter} voted twice in round {twice.first.round}")

    def fault(self, rule: str, detail: str) -> None:
        """Something does not hold."""
        self.broken.append(_BrokenError(rule, detail))


def _is_apt(answer: PlanAnswer, state: bytes) -> bool:
    """Whether an answer is in reply to a state and asks for nothing below nothing."""
    return answer.state == state and all(units >= 0 for one in answer.answers for units in one.quantities)


def _keeps_credits(cards: PlanCards) -> bool:
    """Whether a member claims no more than it is due."""
    return all(sum(nest.credits_micro for nest in card.nests) <= CREDITS * MICRO for card in cards.consumers)
