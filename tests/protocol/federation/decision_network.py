"""Co-ops deciding over a network that a seed makes slow, forgetful and unjust, some of them lying."""

from collections.abc import Sequence
from random import Random

from protocol.federation import decision
from protocol.federation.decision import (
    NO_ROUND,
    Cast,
    Closed,
    Event,
    Judged,
    Precommit,
    Prevote,
    Proposal,
    Received,
    SetTimer,
    Start,
    Timeout,
    ValueReady,
    Vote,
)

SLOT = bytes(range(32))
VALUES = (b"A" * 32, b"B" * 32, b"C" * 32)
PEACE_TURNS_MAX = 400


class Network:
    """Honest states, the votes that exist, and who has which of them. All choices come from the seed."""

    def __init__(
        self,
        voters: Sequence[str],
        liars: Sequence[str],
        seed: int,
        slot: bytes = SLOT,
        values: Sequence[bytes] = VALUES,
    ) -> None:
        self.choice = Random(seed)
        self.slot, self.values, self.voters, self.liars = slot, values, voters, liars
        self.honest = [voter for voter in voters if voter not in liars]
        self.states = {node: decision.open_decision(node, voters, slot) for node in self.honest}
        self.votes: list[Vote] = []
        self.seen: dict[str, set[Vote]] = {node: set() for node in self.honest}
        self.timers: dict[str, set[Timeout]] = {node: set() for node in self.honest}
        self.closed: dict[str, Closed] = {}
        self.broken_rules: list[str] = []

    def tell(self, node: str, event: Event) -> None:
        """Let one honest node handle an event, and note what it does."""
        self.states[node], actions = decision.handle(self.states[node], event)
        for action in actions:
            if isinstance(action, Cast):
                self._note_cast(action.vote)
            elif isinstance(action, SetTimer):
                self.timers[node].add(Timeout(action.round, action.step))
            elif isinstance(action, Closed):
                self.closed[node] = action

    def disturb(self) -> None:
        """One thing that can happen on a bad day."""
        node = self.choice.choice(self.honest)
        happening = self.choice.random()
        if happening < 0.55:
            missing = [vote for vote in self.votes if vote not in self.seen[node]]
            if missing:
                self.deliver(node, self.choice.choice(missing))
        elif happening < 0.70:
            self.fire(node)
        elif happening < 0.80:
            self.tell(node, Judged(self.choice.choice(self.values), self.choice.random() < 0.7))
        elif happening < 0.85:
            self.tell(node, ValueReady(self.choice.choice(self.values)))
        elif happening < 0.90:
            self.tell(node, Start())
        elif happening < 0.93:
            self.crash(node)
        elif self.liars:
            self.votes.append(self.lie(self.choice.choice(self.liars)))

    def deliver(self, node: str, vote: Vote) -> None:
        """One vote reaches one node."""
        self.seen[node].add(vote)
        self.tell(node, Received(vote))

    def fire(self, node: str) -> None:
        """One of a node's waits runs out."""
        if self.timers[node]:
            timer = self.choice.choice(sorted(self.timers[node], key=repr))
            self.timers[node].remove(timer)
            self.tell(node, timer)

    def crash(self, node: str) -> None:
        """A node stops and comes back with its own log, and with some of the others' votes."""
        own = [vote for vote in self.votes if vote.voter == node]
        kept = {vote for vote in sorted(self.seen[node], key=repr) if self.choice.random() < 0.5}
        self.seen[node], self.timers[node] = kept, set()
        self.states[node] = decision.restore(node, self.voters, self.slot, own, kept)
        self.tell(node, Start())

    def lie(self, liar: str) -> Vote:
        """A vote that nobody honest would have signed, or might have."""
        highest = max((state.round for state in self.states.values()), default=0)
        round_number = self.choice.randrange(max(highest, 0) + 2)
        value = self.choice.choice((None, *self.values))
        kind = self.choice.choice((Proposal, Prevote, Precommit))
        if kind is Proposal:
            valid_round = self.choice.randrange(NO_ROUND, round_number)
            return Proposal(self.slot, round_number, value or self.values[0], valid_round, liar)
        return (Prevote if kind is Prevote else Precommit)(self.slot, round_number, value, liar)

    def make_peace(self) -> None:
        """From now on all votes reach all before any wait runs out, and all would accept anything."""
        for node in self.honest:
            for value in self.values:
                self.tell(node, Judged(value, True))
            self.tell(node, ValueReady(self.values[0]))
            self.tell(node, Start())
        for _ in range(PEACE_TURNS_MAX):
            while missing := [
                (node, vote) for node in self.honest for vote in self.votes if vote not in self.seen[node]
            ]:
                for node, vote in missing:
                    self.deliver(node, vote)
            if len(self.closed) == len(self.honest):
                return
            for node in self.honest:
                for timer in sorted(self.timers[node], key=repr):
                    self.timers[node].remove(timer)
                    self.tell(node, timer)

    def _note_cast(self, vote: Vote) -> None:
        for known in self.votes:
            if (known.voter, known.round, type(known)) == (vote.voter, vote.round, type(vote)):
                self.broken_rules.append(f"{vote.voter} signed twice in round {vote.round}")
        self.votes.append(vote)
        self.seen[vote.voter].add(vote)
