"""Clearing: from nearly balanced answers to a plan that holds to the last unit.

The last answers are fitted to one another nest by nest, then exact integers settle what is left of rounding.
Invariants: settling takes integers only; above-floor quantities of a short good are cut in proportion, then activities
that use it, and never a floor; nobody ends above their credits.
Spec: docs/spec/planning/planning-step.md, sections "Fitting" and "Clearing".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from protocol.core.errors import Finding, refuse
from protocol.core.quantities import divide_up
from protocol.planning.cards import MICRO, Technique, WorkplaceCard
from protocol.planning.economy import Economy
from protocol.planning.private.fixed_recipes import fix_recipes
from protocol.planning.solver.baskets import SHARE_BITS, fit_baskets
from protocol.planning.state import State

CLEARING_PASSES_MOST = 1_000
# Balances are counted in 10^-12 whole units: millionths of an activity x millionths of a whole unit per activity.
BALANCE_DECIMALS = 12


@dataclass(frozen=True)
class FittedPlan:
    """What fitting comes to: units per council edge, millionths per technique, both in the economy's order, and
    micro-credits per good. It need not hold exactly yet."""

    consumption: tuple[int, ...]
    activity: tuple[int, ...]
    prices: tuple[int, ...]


@dataclass(frozen=True)
class ClearedPlan(FittedPlan):
    """A fitted plan after clearing: it holds exactly, after so many `passes`."""

    passes: int

    def by_card(self, economy: Economy) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """Consumption and activity of each card, in the order in which the cleared economy has them."""
        quantities = self.consumption + self.activity
        consumption, activity = (
            {card.id: quantities[rows.start : rows.stop] for card in cards for rows in [economy.answer_ranges[card.id]]}
            for cards in (economy.consumers, economy.workplaces)
        )
        return consumption, activity


class _Ledger:
    """The quantities while they are being cut; `lift[good]` turns units of a good into 10^-12 whole units."""

    def __init__(self, economy: Economy, fitted: FittedPlan) -> None:
        eaters = economy.eaters
        self.goods = economy.goods
        self.lift: list[int] = [10 ** (BALANCE_DECIMALS - good.decimals) for good in economy.goods]
        self.edge_good: list[int] = eaters.good.tolist()
        floors = [floor for card in economy.consumers for nest in card.nests for floor in nest.floors]
        self.floors = floors
        self.above = [max(units - floor, 0) for units, floor in zip(fitted.consumption, floors, strict=True)]
        self.activity = list(fitted.activity)
        self.cards = economy.workplaces
        self.techniques: list[Technique] = [technique for card in self.cards for technique in card.techniques]
        self.users: list[list[tuple[int, int]]] = [[] for _ in self.goods]
        for position, technique in enumerate(self.techniques):
            for good, amount in technique.net:
                if amount > 0:
                    self.users[good].append((position, amount))
        self.eaters: list[list[int]] = [[] for _ in self.goods]
        for edge, good in enumerate(self.edge_good):
            self.eaters[good].append(edge)
        self.ranges = [economy.answer_ranges[card.id] for card in self.cards]
        self.offset = len(self.edge_good)

    def shortages(self) -> list[int]:
        """Demand minus supply of every good, floors included, in 10^-12 whole units."""
        short = [-good.endowment * lift for good, lift in zip(self.goods, self.lift, strict=True)]
        for good, floor, above in zip(self.edge_good, self.floors, self.above, strict=True):
            short[good] += (floor + above) * self.lift[good]
        for technique, level in zip(self.techniques, self.activity, strict=True):
            for good, amount in technique.net:
                short[good] += amount * level
        return short

    def work(self) -> Iterator[tuple[WorkplaceCard, list[int], int]]:
        """Each workplace, its techniques, and how much of its capacity they use, in 10^-12."""
        for card, positions in zip(self.cards, self.ranges, strict=True):
            rows = [position - self.offset for position in positions]
            yield card, rows, sum(self.techniques[row].capacity_use * self.activity[row] for row in rows)

    def keep_capacities(self) -> None:
        """Scales a workplace down to its capacity; it is off by rounding at most."""
        for card, rows, used in self.work():
            if used > card.capacity * MICRO:
                for row in rows:
                    self.activity[row] = self.activity[row] * card.capacity * MICRO // used

    def keep_leasts(self) -> None:
        """Lifts a workplace to its least, from rounding or from a cut that took too much of it."""
        for card, rows, used in self.work():
            if used < card.least * MICRO:
                row = max(rows, key=lambda row: self.activity[row])
                self.activity[row] += divide_up(card.least * MICRO - used, self.techniques[row].capacity_use)

    def fixed_techniques(self) -> set[int]:
        """Techniques of workplaces that stand at their least: these are not cut."""
        fixed: set[int] = set()
        for card, rows, used in self.work():
            spare = max(self.techniques[row].capacity_use for row in rows) * len(rows)
            if card.least and used <= card.least * MICRO + spare + used // LEAST_MARGIN:
                fixed.update(rows)
        return fixed

    def cut_consumers(self, good: int, short: int) -> int:
        """Cuts above-floor quantities in proportion; returns what is still short."""
        above = sum(self.above[edge] for edge in self.eaters[good])
        less = min(above, divide_up(short, self.lift[good]))
        for edge in self.eaters[good]:
            self.above[edge] = self.above[edge] * (above - less) // above if above else 0
        left: int = short - less * self.lift[good]
        return max(0, left)

    def cut_users(self, good: int, short: int, fixed: set[int]) -> int:
        """Scales the activities that use a good down in proportion; returns what is still short."""
        free = [(row, amount) for row, amount in self.users[good] if row not in fixed and self.activity[row]]
        used = sum(amount * self.activity[row] for row, amount in free)
        less = min(used, short)
        for row, _ in free:
            self.activity[row] = self.activity[row] * (used - less) // used
        return short - less


LEAST_MARGIN = 1_000
FIXED_SHARE_LEAST = 0.9


def clear_plan(economy: Economy, state: State, prices: tuple[int, ...] | None = None) -> ClearedPlan:
    """The plan that a state ends in: its last answers, fitted and settled, at `prices` where these are given.

    Raises RefusedError naming each good whose floors cannot be met, and by how much.
    """
    fixed, last = fix_recipes(economy, state)
    if fixed is economy:
        fitted = fit_plan(economy, state)
    else:
        # Fixed recipes can only be cut. So fitting says little about prices, and those of the last round stand; and
        # where a good is short, no nest is to pay for all the others.
        fitted = fit_plan(fixed, last, FIXED_SHARE_LEAST)
        prices = prices or tuple(state.prices.tolist())
    return settle(fixed, fitted if prices is None else replace(fitted, prices=prices))


def fit_plan(economy: Economy, state: State, share_least: float = 0.0) -> FittedPlan:
    """The last answers with each nest's basket scaled as a whole, what is made for them, and the prices of that."""
    fit = fit_baskets(economy, state, share_least)
    basket: list[int] = fit.basket.tolist()
    shares: list[int] = fit.shares[economy.eaters.nest].tolist()
    floors = [floor for card in economy.consumers for nest in card.nests for floor in nest.floors]
    most: list[int] = economy.answer_bounds[1][: len(basket)].tolist()
    eaten = [
        min(floor + ((units * share) >> SHARE_BITS), bound)
        for units, floor, share, bound in zip(basket, floors, shares, most, strict=True)
    ]
    return FittedPlan(tuple(eaten), tuple(fit.activity.tolist()), tuple(fit.prices.tolist()))


def settle(economy: Economy, fitted: FittedPlan) -> ClearedPlan:
    """What is left of a fitted plan once balances, capacities, floors and credits hold. Raises as clear_plan."""
    ledger = _Ledger(economy, fitted)
    _keep_credits(economy, fitted, ledger)
    ledger.keep_capacities()
    for passes in range(CLEARING_PASSES_MOST):
        ledger.keep_leasts()
        short = ledger.shortages()
        if max(short) <= 0:
            _refuse_beyond_capacity(ledger)
            units = tuple(floor + above for floor, above in zip(ledger.floors, ledger.above, strict=True))
            return ClearedPlan(units, tuple(ledger.activity), fitted.prices, passes)
        fixed = ledger.fixed_techniques()
        left = {}
        for good, missing in enumerate(short):
            if missing > 0:
                left[good] = ledger.cut_users(good, ledger.cut_consumers(good, missing), fixed)
        _refuse_unmet(ledger, {good: missing for good, missing in left.items() if missing > 0})
    _refuse_unmet(ledger, {good: missing for good, missing in enumerate(ledger.shortages()) if missing > 0})
    raise AssertionError("a plan with nothing short was not returned")


def _keep_credits(economy: Economy, fitted: FittedPlan, ledger: _Ledger) -> None:
    prices = fitted.prices
    for card in economy.consumers:
        edges = economy.answer_ranges[card.id]
        cost = sum(
            ledger.above[edge] * prices[ledger.edge_good[edge]] * ledger.lift[ledger.edge_good[edge]] for edge in edges
        )
        credits = sum(nest.credits_micro for nest in card.nests) * int(10**BALANCE_DECIMALS)
        if cost > credits:
            for edge in edges:
                ledger.above[edge] = ledger.above[edge] * credits // cost


def _refuse_beyond_capacity(ledger: _Ledger) -> None:
    """Activities are counted in millionths; where the least is all of the capacity none of them may be right."""
    findings = [
        Finding(card.id, "no whole millionths of its activities lie between its least and its capacity")
        for card, _, used in ledger.work()
        if used > card.capacity * MICRO
    ]
    refuse(findings, "a workplace cannot do what it offers")


def _refuse_unmet(ledger: _Ledger, left: dict[int, int]) -> None:
    findings = []
    for good, missing in left.items():
        units = divide_up(missing, ledger.lift[good])
        findings.append(
            Finding(ledger.goods[good].id, f"floors and least activities need {units} units more than there are")
        )
    refuse(findings, "the floors cannot all be met")
