"""What the meetings' words on one draft come to: in force, again without whoever refused, or not approved.

Invariant: it follows from one closed set of first words alone, so every node comes to the same, whoever was late.
Invariant: whoever approved is never left out; whoever refused has no card in a plan that is in force.
Spec: docs/spec/planning/ratification.md
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from protocol.federation.votes import name_slot
from protocol.planning.call import PlanApproval
from protocol.planning.contributions import owner_of_card
from protocol.planning.economy import Economy, build_economy

VOTE_DOMAIN = b"rochdale/plan-vote/v1\0"

Outcome = Literal["in force", "again", "not approved"]
Words = Mapping[str, PlanApproval | None]
"""Each member's first word on an attempt, None while it is silent."""


class Ballot(msgspec.Struct, frozen=True):
    """One attempt's question: which draft (digest), whose cards are in it, and how many must approve.

    `needed` members who stand for `people_needed` of the people counted in `people`.
    """

    digest: bytes
    owners: frozenset[str]
    people: Mapping[str, int]
    needed: int
    people_needed: int


def vote_slot(call: bytes, attempt: int) -> bytes:
    """The decision slot of the set of words on an attempt's draft."""
    return name_slot(VOTE_DOMAIN, call, attempt)


def list_approving(ballot: Ballot, words: Words) -> frozenset[str]:
    """The members whose word approves this draft."""
    return frozenset(
        name for name, word in words.items() if word is not None and word.approve and word.digest == ballot.digest
    )


def list_leaving(ballot: Ballot, words: Words) -> frozenset[str]:
    """The members who refuse and have cards in the draft: the next one is made without them."""
    refused = {name for name, word in words.items() if word is not None and not word.approve}
    return ballot.owners & refused


def weigh_words(ballot: Ballot, words: Words) -> Outcome:
    """What a closed set of words comes to."""
    if list_leaving(ballot, words):
        return "again"
    return "in force" if _are_enough(ballot, list_approving(ballot, words)) else "not approved"


def is_ripe(ballot: Ballot, words: Words) -> bool:
    """Whether a set of words may be closed although some members are silent; more words never undo it.

    It may once enough approve; or once somebody with cards refused and as many have spoken as must approve, for then
    all are asked again anyway.
    """
    spoken = sum(word is not None for word in words.values())
    if spoken == len(words):
        return True
    if list_leaving(ballot, words):
        return spoken >= ballot.needed
    return _are_enough(ballot, list_approving(ballot, words))


def leave_out(economy: Economy, left_out: Iterable[str]) -> Economy:
    """The same economy without the cards of these members; RefusedError where no economy is left."""
    gone = frozenset(left_out)
    own = economy.workplaces[: economy.answering]
    return build_economy(
        economy.table,
        [card for card in economy.consumers if owner_of_card(card.id) not in gone],
        [card for card in own if owner_of_card(card.id) not in gone],
    )


def _are_enough(ballot: Ballot, names: frozenset[str]) -> bool:
    people = sum(ballot.people.get(name, 0) for name in names)
    return len(names) >= ballot.needed and people >= ballot.people_needed
