"""The vote on a draft: which words are in, and which set of them this node would close.

Invariant: no clock ends a vote; it waits for people, and a set that leaves out a word that is here is refused.
Spec: docs/spec/planning/ratification.md
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from node.use_cases.planning.calls.terms import Terms
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.slot import Slot
from protocol.planning.call import PlanApproval, PlanCall, format_set, judge_set, parse_set
from protocol.planning.contributions import owner_of_card
from protocol.planning.facilitating.notices import Standing
from protocol.planning.ratifying.words import Ballot, is_ripe


@dataclass
class VoteSlot(Slot):
    """The set of first words on one attempt's draft, in the making."""

    ballot: Ballot = field(kw_only=True)

    def format_own_set(self, standing: Standing) -> bytes:
        """The set that this node would propose now; nobody can set a meeting's word aside."""
        return format_set({name: self.held[name].leaf if name in self.held else None for name in self.expected})

    def judge(self, content: bytes, standing: Standing) -> bool | None:
        """Whether this node accepts a proposed set; None while it lacks a word that is listed."""
        held = {origin: indexed.leaf for origin, indexed in self.held.items()}
        verdict = judge_set(content, self.expected, held, frozenset(held))
        return self._is_ripe(parse_set(content), standing) if verdict else verdict

    def wait_left_s(self, origin: str, call: PlanCall, standing: Standing, now_s: float) -> float:
        """Without end until the words that are in may be closed: a vote waits for people."""
        listed = {name: indexed.leaf for name, indexed in self.held.items()}
        return 0.0 if not standing.is_held and self._is_ripe(listed, standing) else math.inf

    def _is_ripe(self, listed: Mapping[str, bytes | None], standing: Standing) -> bool:
        if self.reading in standing.votes_ended:
            return True
        words: dict[str, PlanApproval | None] = {
            name: self.held[name].body if listed.get(name) else None for name in self.expected
        }
        return is_ripe(self.ballot, words)


def make_ballot(draft: Draft, terms: Terms) -> Ballot:
    """What is voted on: the draft, whose cards are in it, and how many must approve."""
    plan = draft.plan
    cards = [*(card.id for card in plan.consumers), *(card.id for card in plan.workplaces)]
    return Ballot(
        draft.digest, frozenset(map(owner_of_card, cards)), terms.members, terms.approvals_needed, terms.people_needed
    )
