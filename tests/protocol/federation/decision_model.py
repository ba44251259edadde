"""Every way four co-ops, one of them lying, can go through the first rounds of one decision.

The state of the model is what binds the three honest nodes: their own votes and their rounds. Everything else (which
votes of others a node holds, what it thinks of a value, which waits run) is chosen afresh before every step: the node
is restored from its own votes by the real `restore`, given some of the votes that exist, and driven by the real
`handle`. A node that may lose all this at any instant can do whatever one that keeps it can do, so no behaviour is
missed; what is reduced and why that is sound is written in docs/spec/federation/decision.md.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import combinations
from random import Random
from typing import NamedTuple

import msgspec

from protocol.federation import decision
from protocol.federation.decision import (
    NO_ROUND,
    Event,
    Judged,
    Precommit,
    Prevote,
    Proposal,
    Start,
    Timeout,
    ValueReady,
    Vote,
)

VOTERS = ("ash", "birch", "cedar", "dogwood")
HONEST = VOTERS[:3]
LIAR = VOTERS[3]
VALUES = (b"A" * 32, b"B" * 32)
HONEST_NEEDED = 2
"""Honest votes that make a quorum of three together with the liar's: written out, not read from the rule."""

Local = tuple[frozenset[Vote], int]
"""One honest node: the votes it has cast, and the round it is in."""
Votes = frozenset[Vote]
Choice = tuple[list[Vote], list[Event]]
"""What a node is given before one step: votes of others, and what happens then."""
World = tuple[Local, ...]


class Electorate(NamedTuple):
    """Who decides in a model: `honest` are those of the voters that take part as the rules say, `liar` is empty where
    the others are only silent. `acceptable`: the values that an honest node may ever like; all where it is not named.
    """

    voters: tuple[str, ...] = VOTERS
    honest: tuple[str, ...] = HONEST
    liar: str = LIAR
    values: tuple[bytes, ...] = VALUES
    needed: int | None = None
    acceptable: Mapping[str, frozenset[bytes]] = {}


FOUR = Electorate()


def find_slot(first_proposer: str, voters: tuple[str, ...] = VOTERS) -> bytes:
    """A slot whose round 0 is proposed by the named co-op."""
    slots = (bytes([number]) * 32 for number in range(256))
    return next(slot for slot in slots if decision.proposer(voters, slot, 0) == first_proposer)


class Model:
    """The worlds that three honest nodes and a liar can reach in rounds 0 to `last_round` of one slot."""

    def __init__(self, first_proposer: str, last_round: int, electorate: Electorate = FOUR) -> None:
        self.slot = find_slot(first_proposer, electorate.voters)
        self.last_round = last_round
        self.who = electorate
        self._interned: dict[Local, Local] = {}
        self._names: dict[Local, str] = {}
        self._parts: dict[tuple[Local, int], tuple[Votes, ...]] = {}
        self._steps: dict[tuple[object, ...], frozenset[Local]] = {}

    def explore(self, worlds_max: int = 10_000_000) -> Iterator[World]:
        """Every reachable world, once."""
        local = self._intern((frozenset(), 0))
        start: World = (local,) * len(self.who.honest)
        seen, queue = {start}, deque([start])
        while queue:
            world = queue.popleft()
            yield world
            for seat in range(len(self.who.honest)):
                for following in self.list_following(world, seat):
                    if following not in seen:
                        assert len(seen) < worlds_max, "the model grew beyond its bound"
                        seen.add(following)
                        queue.append(following)

    def walk(self, choice: Random, steps: int) -> Iterator[World]:
        """One way through the worlds, for rounds that are too many to see all."""
        local = self._intern((frozenset(), 0))
        world: World = (local,) * len(self.who.honest)
        for _ in range(steps):
            yield world
            following = list(self.list_following(world, choice.randrange(len(self.who.honest))))
            # A set's own order hangs on the process that made it; a walk must be the same in all of them.
            following.sort(key=lambda one: [self._name(local) for local in one])
            world = choice.choice(following) if following else world

    def list_following(self, world: World, seat: int) -> Iterator[World]:
        """The worlds after one honest node's next step, for any votes delivered, judgement or wait run out."""
        others = world[:seat] + world[seat + 1 :]
        for local in self.list_steps(seat, world[seat], *others):
            yield (*world[:seat], local, *world[seat + 1 :])

    def list_steps(self, seat: int, local: Local, *others: Local) -> set[Local]:
        """Where one honest node can be after its next step, by what the others have signed."""
        node, parts = self.who.honest[seat], [self._part_votes(other, local[1]) for other in others]
        found: set[Local] = set()
        for group, list_choices in enumerate(_CHOICES):
            heard = frozenset[Vote]().union(*(part[group] for part in parts))
            key = (seat, local, group, heard)
            if key not in self._steps:
                choices = list_choices(self, node, local[1], heard)
                ends = (end for choice in choices for end in self._drive(node, local, *choice))
                within = {self._intern(end) for end in ends if end[1] <= self.last_round and end != local}
                self._steps[key] = frozenset(within)
            found |= self._steps[key]
        return found

    def _part_votes(self, other: Local, round_number: int) -> tuple[Votes, ...]:
        """Another node's votes, parted by the rules that read them: one part for each entry of _CHOICES."""
        key = (other, round_number)
        if key not in self._parts:
            now = [vote for vote in other[0] if vote.round == round_number]
            earlier = [vote for vote in other[0] if vote.round < round_number and isinstance(vote, Prevote)]
            later = [vote for vote in other[0] if vote.round > round_number]
            self._parts[key] = (
                frozenset(earlier),
                frozenset(earlier) | {vote for vote in now if isinstance(vote, Proposal)},
                frozenset(vote for vote in now if isinstance(vote, Prevote)),
                frozenset(vote for vote in now if isinstance(vote, Precommit)),
                frozenset(later),
            )
        return self._parts[key]

    def list_proposing(self, node: str, round_number: int, others: Votes) -> Iterator[Choice]:
        """The wait for a proposal runs out; or this node has something to propose, old or new."""
        yield [], [Timeout(round_number, "propose")]
        for value in self.who.values:
            yield [], [ValueReady(value)]
            for earlier in range(round_number):
                support = self._collect_prevotes(earlier, value, others)
                yield support, [Judged(value, True)]
                yield support, [Judged(value, False)]

    def list_prevoting(self, node: str, round_number: int, others: Votes) -> Iterator[Choice]:
        """A proposal comes in, with all that speaks for it, and is liked or not."""
        proposals = [vote for vote in others if isinstance(vote, Proposal)]
        leader = decision.proposer(self.who.voters, self.slot, round_number)
        if leader == self.who.liar:
            earlier, values = range(NO_ROUND, round_number), self.who.values
            proposals = [
                Proposal(self.slot, round_number, value, valid, leader) for value in values for valid in earlier
            ]
        for proposal in proposals:
            support = self._collect_prevotes(proposal.valid_round, proposal.value, others)
            for acceptable in (True, False):
                yield [proposal], [Judged(proposal.value, acceptable)]
                yield [proposal, *support], [Judged(proposal.value, acceptable)]
        for value in self.who.values:
            yield [], [Judged(value, True)]
            yield [], [Judged(value, False)]

    def list_precommitting(self, node: str, round_number: int, others: Votes) -> Iterator[Choice]:
        """Any of the prevotes of this round come in, and the wait for more may run out."""
        for delivered in self._pair_with_lies(others, Prevote, round_number):
            yield delivered, [Timeout(round_number, "prevote")]

    def list_going_on(self, node: str, round_number: int, others: Votes) -> Iterator[Choice]:
        """Any of the precommits of this round come in, and the wait for more may run out."""
        for delivered in self._pair_with_lies(others, Precommit, round_number):
            yield delivered, [Timeout(round_number, "precommit")]

    def list_skipping(self, node: str, round_number: int, others: Votes) -> Iterator[Choice]:
        """Any votes of later rounds come in; the liar claims to be as far on as it likes."""
        for size in range(1, len(self.who.honest)):
            for part in combinations({vote.voter: vote for vote in sorted(others, key=_get_round)}.values(), size):
                yield list(part), []
        for ahead in others if self.who.liar else ():
            for reached in range(round_number + 1, ahead.round + 1):
                yield [ahead, Precommit(self.slot, reached, None, self.who.liar)], []

    def _collect_prevotes(self, round_number: int, value: bytes, others: Votes) -> list[Vote]:
        """All that could speak for a value in an earlier round, the liar's word included."""
        if round_number == NO_ROUND:
            return []
        known = [vote for vote in others if isinstance(vote, Prevote) and vote.round == round_number]
        lies = [Prevote(self.slot, round_number, value, self.who.liar)] if self.who.liar else []
        return [*(vote for vote in known if vote.value == value), *lies]

    def _pair_with_lies(
        self, heard: Votes, kind: type[Prevote] | type[Precommit], round_number: int
    ) -> Iterator[list[Vote]]:
        """Any part of what honest nodes said, with nothing, any one thing or two things that the liar says.

        Any two stand for all pairs: a ballot box counts whoever signed twice for every value (test_votes.py).
        """
        liar, values = self.who.liar, (None, *self.who.values)
        said: list[Vote] = [kind(self.slot, round_number, value, liar) for value in values] if liar else []
        lies = [[], *([lie] for lie in said), *([said[1:]] if liar else [])]
        for size in range(len(heard) + 1):
            for part in combinations(heard, size):
                for lie in lies:
                    yield [*part, *lie]

    def _drive(self, node: str, local: Local, delivered: list[Vote], events: list[Event]) -> Iterator[Local]:
        """What the real table makes of it: wherever the node can be stopped, also between two votes."""
        own, round_number = local
        state = decision.restore(node, self.who.voters, self.slot, own, delivered, self.who.needed)
        state = msgspec.structs.replace(state, round=round_number)
        for event in (Start(), *events):
            if not self._may_come(node, event):
                continue
            state, actions = decision.handle(state, event)
            for action in actions:
                if isinstance(action, decision.Cast):
                    yield own, round_number
                    own |= {action.vote}
                    round_number = max(round_number, action.vote.round)
            round_number = state.round
            yield own, round_number

    def _may_come(self, node: str, event: Event) -> bool:
        """Whether a node can be told this: nothing makes it like what it must not."""
        liked = self.who.acceptable.get(node)
        is_liking = isinstance(event, ValueReady) or (isinstance(event, Judged) and event.acceptable)
        return liked is None or not is_liking or event.value in liked  # type: ignore[union-attr]

    def _name(self, local: Local) -> str:
        if local not in self._names:
            votes, number = local
            self._names[local] = f"{number} {sorted(map(repr, votes))}"
        return self._names[local]

    def _intern(self, local: Local) -> Local:
        return self._interned.setdefault(local, local)


_CHOICES = (
    Model.list_proposing,
    Model.list_prevoting,
    Model.list_precommitting,
    Model.list_going_on,
    Model.list_skipping,
)


def _get_round(vote: Vote) -> int:
    return vote.round
