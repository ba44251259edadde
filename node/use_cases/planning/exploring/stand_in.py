"""Members as one may guess them from a plan: nobody's tastes are known, only what each spent its credits on.

Invariant: nothing private goes in; every figure that comes out is a guess and is called one.
"""

from dataclasses import dataclass

from protocol.core.errors import RefusedError
from protocol.planning.cards import MICRO, ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.floors import list_unsupplied, measure_missing
from protocol.planning.plan import Plan, make_plan
from protocol.planning.responses import Effort, NestTastes, Tastes
from protocol.planning.rounds import RoundReport, close_round, start_state, warm_start
from protocol.planning.simulation.members import gather_members
from protocol.planning.state import State

ROUNDS_MOST = 60
FINER = 10
FINER_ROUNDS_MOST = 10
"""Once within the tolerance, guesses come so many times nearer if as many rounds more will do: what differs between two
is then what was asked, and not where the rounds happened to stop."""
EFFORT_SHARE = 0.05
"""Marginal effort at full level, as a share of what the technique turns over at start prices."""
SHARE_LEAST = 1e-6


class UnmetError(RefusedError):
    """The basic needs cannot all be met: `missing` units by the good's place in the table."""

    def __init__(self, table: GoodsTable, missing: dict[int, int]) -> None:
        names = ", ".join(table.goods[number].id for number in sorted(missing))
        super().__init__(f"the basic needs cannot all be met: {names}")
        self.missing = missing


@dataclass(frozen=True)
class StandIns:
    """Guessed tastes by council and effort by workplace."""

    tastes: dict[str, Tastes]
    efforts: dict[str, Effort]


@dataclass(frozen=True)
class Tried:
    """A plan that was tried: its last state, for the next to start from, and how close it came."""

    economy: Economy
    state: State
    plan: Plan
    report: RoundReport


def guess_members(plan: Plan) -> StandIns:
    """Each council keeps to the shares of its credits that it spent on each good; work is a little harder the more."""
    prices = [max(price, 1) for price in plan.prices]
    tastes = {card.id: _guess_tastes(plan, card, prices) for card in plan.consumers}
    efforts = {card.id: _guess_effort(plan.goods_table, card) for card in plan.workplaces}
    return StandIns(tastes, efforts)


def try_plan(
    table: GoodsTable,
    consumers: tuple[ConsumerCard, ...],
    workplaces: tuple[WorkplaceCard, ...],
    members: StandIns,
    earlier: Tried | None = None,
) -> Tried:
    """Rounds until the worst good is well within the table's tolerance.

    RefusedError names needs that cannot all be met.
    """
    economy = build_economy(table, consumers, workplaces)
    if missing := {number: units for number, units in enumerate(measure_missing(economy)) if units > 0}:
        raise UnmetError(table, missing)
    if unsupplied := list_unsupplied(economy):
        raise RefusedError.at(table.goods[unsupplied[0]].id, "is wanted, and nobody can supply it")
    everybody = gather_members(economy, members.tastes, members.efforts)
    state = start_state(economy) if earlier is None else warm_start(economy, earlier.state, earlier.economy)
    reports: list[RoundReport] = []
    while not _is_done(reports, table.tolerance_ppm):
        state, report = close_round(economy, state, everybody.answer(state))
        reports.append(report)
    if not reports[-1].is_close_enough:
        raise RefusedError.at("rounds", f"no plan within the tolerance after {ROUNDS_MOST} rounds")
    return Tried(economy, state, make_plan(economy, state, clear_plan(economy, state), reports[-1]), reports[-1])


def _is_done(reports: list[RoundReport], tolerance_ppm: int) -> bool:
    if not reports or len(reports) == ROUNDS_MOST:
        return bool(reports)
    within = sum(report.is_close_enough for report in reports)
    is_fine = reports[-1].worst_good_ppm * FINER <= tolerance_ppm
    return reports[-1].is_close_enough and (is_fine or within > FINER_ROUNDS_MOST)


def _guess_tastes(plan: Plan, card: ConsumerCard, prices: list[int]) -> Tastes:
    units = iter(plan.consumption[card.id])
    nests = []
    for nest in card.nests:
        spent = []
        for good, floor in zip(nest.goods, nest.floors, strict=True):
            whole = 10 ** plan.goods_table.goods[good].decimals
            spent.append(prices[good] * (next(units) - floor) / whole / MICRO)
        least = max(sum(spent), 1 / MICRO) * SHARE_LEAST
        nests.append(NestTastes(1.0, tuple(max(share, least) for share in spent)))
    return Tastes(tuple(nests))


def _guess_effort(table: GoodsTable, card: WorkplaceCard) -> Effort:
    costs = []
    for technique in card.techniques:
        value = sum(abs(amount) * table.goods[good].start_price_micro for good, amount in technique.net) / 2 / MICRO**2
        costs.append(EFFORT_SHARE * value / (card.capacity / technique.capacity_use))
    return Effort(tuple(costs))
