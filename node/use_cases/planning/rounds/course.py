"""How far a call has come: its readings, the present economy and state; the next follows from each closed set.

Invariant: nothing here depends on when or in which order a set's records arrived, so every node takes the same course.
Spec: docs/spec/planning/plan-records.md, docs/spec/planning/ratification.md
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.rounds.draft import Draft
from node.use_cases.planning.rounds.troubles import describe_worst
from protocol.core.errors import RefusedError
from protocol.planning.audit.replay import ReplayedRound
from protocol.planning.audit.restless import WINDOW_ROUNDS
from protocol.planning.batches.candidate_record import PlanCandidate
from protocol.planning.batches.counts import read_candidates
from protocol.planning.batches.reading import BatchReading, begin_batches
from protocol.planning.batches.sizes import has_batches
from protocol.planning.call import DRAFTS_MAX, Allocation, PlanAnswer, PlanCall, PlanCards
from protocol.planning.cards import GoodsTable
from protocol.planning.certificate import all_workplaces
from protocol.planning.economy import Economy, build_economy
from protocol.planning.floors import check_floors
from protocol.planning.nested.region_card import fix_prices
from protocol.planning.ratifying.words import Ballot, Words, leave_out, list_approving, list_leaving, weigh_words
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.state import State

OVER = ("in force", "stopped")


@dataclass
class ReadingReport:
    """What one reading came to: a report for each round, and the draft at its end; `left_out` refused drafts before.

    `is_settled`: no round follows, for it is close enough and no other level is waited for, or it was the last one.
    One that `decides_batches` has no cards of its own; `batches` are what was decided, None while nothing is or where
    none hold: then its draft is the one before.
    """

    reading: int
    reports: list[RoundReport] = field(default_factory=list)
    draft: Draft | None = None
    left_out: frozenset[str] = frozenset()
    is_settled: bool = False
    decides_batches: bool = False
    batches: BatchReading | None = None


class Course:
    """Where a call stands: waiting for the goods table, cards, rounds, voting, in force or stopped; with what people of
    this home have released, by reading.

    `speaker` is the log that speaks for the region in the plan above, empty where there is none; `allocation` names the
    plan above that a region's last drafts keep to, and `fixed_prices` are theirs (micro-credits).
    `recent` are the last rounds of the reading, for whoever asks what holds them up.
    """

    def __init__(self, call: PlanCall, caller: str = "") -> None:
        self.call = call
        self.speaker = "" if call.above is None else caller
        self.releases: dict[int, Release] = {}
        self.allocation: Allocation | None = None
        self.fixed_prices: tuple[int, ...] | None = None
        self.stage = "waiting for the goods table"
        self.table: GoodsTable | None = None
        self.readings = [ReadingReport(1)]
        self.economy: Economy | None = None
        self.state: State | None = None
        self.ratified: bytes | None = None
        self.recent: list[ReplayedRound] = []
        self.has_started = call.start is None
        self._unpinned: tuple[Economy | None, State | None] = None, None

    @property
    def reading(self) -> ReadingReport:
        """The reading that is going on."""
        return self.readings[-1]

    @property
    def attempt(self) -> int:
        """Which draft is made or voted on: 0 after the last reading of the call, then one for each made again."""
        return max(0, sum(not one.decides_batches for one in self.readings) - self.call.readings)

    @property
    def rounds_closed(self) -> int:
        """The rounds of all readings so far."""
        return sum(len(reading.reports) for reading in self.readings)

    @property
    def asks_for(self) -> tuple[object, ...]:
        """What the call is for: calls that ask for the same must not both come in force."""
        call = self.call
        return call.start, call.roster if call.start is None else None, call.scope, call.period, call.revision

    @property
    def is_over(self) -> bool:
        """Whether nothing further will come."""
        return self.stage in OVER

    def go_on_from(self, earlier: "Course") -> None:
        """Begin where the plan in force that the call names has ended; RefusedError where that cannot be."""
        said, before = self.call, earlier.call
        if (said.scope, said.period, said.revision) != (before.scope, before.period, before.revision + 1):
            reason = f"is not the next revision of {before.scope}, {before.period}, revision {before.revision}"
            raise RefusedError.at("call", reason)
        self.economy, self.state, self.has_started = earlier.economy, earlier.state, True
        self.allocation, self.fixed_prices = earlier.allocation, earlier.fixed_prices

    async def begin_rounds(self, bodies: Iterable[PlanCards]) -> None:
        """The set of cards is closed: the rounds of this reading begin where the last ones ended."""
        assert self.table is not None
        said = list(bodies)
        consumers = [card for body in said for card in body.consumers]
        workplaces = [card for body in said for card in body.workplaces]
        self._keep_to(next((body.allocation for body in said if body.allocation is not None), None))
        await self._turn_to(build_economy(self.table, consumers, workplaces))

    async def close_round(self, bodies: Iterable[PlanAnswer]) -> RoundReport:
        """The set of a round's answers is closed; RefusedError when it was the last one and there is no draft yet."""
        assert self.economy is not None and self.state is not None
        bodies = list(bodies)
        answers = {said.card: Answer(body.state, said.quantities) for body in bodies for said in body.answers}
        before = self.state
        self.state, report = await asyncio.to_thread(close_round, self.economy, before, answers)
        self.recent = [*self.recent, ReplayedRound(before, answers, report)][-WINDOW_ROUNDS:]
        reports = self.reading.reports
        reports.append(report)
        goes_on = any(body.level is not None and body.level.goes_on for body in bodies)
        self.reading.is_settled = not self.has_rounds_left or (report.is_close_enough and not goes_on)
        if self.has_rounds_left or report.is_close_enough:
            return report
        if self.reading.batches is None:
            reason = f"{self.call.rounds_max} rounds and no draft: {describe_worst(self.economy, report)}"
            raise RefusedError.at("rounds", reason)
        return report

    @property
    def unbatched(self) -> Draft:
        """The draft whose batches this reading decides."""
        draft = self.readings[-2].draft
        assert draft is not None
        return draft

    @property
    def whole_economy(self) -> Economy | None:
        """The economy of the cards as they were said, also while some of it is decided already."""
        return self.whole[0]

    @property
    def whole(self) -> tuple[Economy | None, State | None]:
        """That economy, and the last state of all of it."""
        return (self.economy, self.state) if self.reading.batches is None else self._unpinned

    @property
    def has_rounds_left(self) -> bool:
        """Whether another round may follow."""
        return len(self.reading.reports) < self.call.rounds_max

    async def begin_batches(self, said: Mapping[str, PlanCandidate]) -> None:
        """The set of candidates is closed: further rounds round the best one, or the vote where none holds."""
        assert self.economy is not None and self.state is not None
        draft = self.unbatched
        candidates = read_candidates(draft.plan, {origin: body.batches for origin, body in said.items()})
        found = await asyncio.to_thread(begin_batches, self.economy, self.state, draft.plan, candidates)
        if found is None:
            self.end_reading(draft)
            return
        self.reading.batches = found
        self._unpinned = self.economy, self.state
        self.economy, self.state = found.pinned.economy, found.start
        self.stage, self.recent = "rounds", []

    def end_reading(self, draft: Draft) -> None:
        """There is a draft: the next reading's cards, the batches that it knows nothing of, or the vote."""
        reading = self.reading
        reading.draft = draft
        if reading.batches is not None:
            # Whatever goes on from here goes on from rounds in which everything was free.
            self.economy, self.state = self._unpinned
            self.recent = []
        if reading.reading < self.call.readings:
            self.readings.append(ReadingReport(self._next_number()))
            self.stage = "cards"
        elif self.allocation is None and not reading.decides_batches and has_batches(all_workplaces(draft.plan)):
            kept = ReadingReport(self._next_number(), left_out=reading.left_out, decides_batches=True)
            self.readings.append(kept)
            self.stage = "batches"
        else:
            self.stage = "voting"

    def _next_number(self) -> int:
        number = self.reading.reading + 1
        if number > DRAFTS_MAX:
            raise RefusedError.at("vote", f"refused once more, and a call has at most {DRAFTS_MAX} drafts")
        return number

    async def close_vote(self, ballot: Ballot, words: Words) -> str:
        """The set of words on the draft is closed: in force, made again without whoever refused, or RefusedError."""
        outcome = weigh_words(ballot, words)
        if outcome == "not approved":
            raise RefusedError.at("vote", f"{len(list_approving(ballot, words))} approved, {ballot.needed} must")
        if outcome == "in force":
            self.stage, self.ratified = outcome, ballot.digest
        else:
            await self._make_again(self.reading.left_out | list_leaving(ballot, words))
        return outcome

    async def _make_again(self, left_out: frozenset[str]) -> None:
        """Another draft from the same cards without those of members who refused."""
        assert self.economy is not None
        number = self._next_number()
        if self.speaker in left_out:
            self._keep_to(None)
        await self._turn_to(leave_out(self.economy, left_out))
        self.readings.append(ReadingReport(number, left_out=left_out))

    def _keep_to(self, allocation: Allocation | None) -> None:
        """From here on the drafts keep to a plan above, at its prices and the region's own of this moment; or not."""
        assert self.table is not None
        if allocation is not None and self.allocation is not None and allocation.plan == self.allocation.plan:
            return
        self.allocation, self.fixed_prices = allocation, None
        if allocation is not None:
            start = tuple(good.start_price_micro for good in self.table.goods)
            own = start if self.state is None else self.state.prices.tolist()
            self.fixed_prices = fix_prices(own, allocation.prices)

    async def _turn_to(self, economy: Economy) -> None:
        """Rounds over another economy, from where the last rounds ended if there were any."""
        # Needs are never rationed by price: where they cannot all be met the call stops and says which.
        await asyncio.to_thread(check_floors, economy)
        before, self.economy = self.economy, economy
        if self.state is None or before is None:
            self.state = start_state(economy)
        else:
            self.state = warm_start(economy, self.state, before)
        self.stage, self.recent = "rounds", []
