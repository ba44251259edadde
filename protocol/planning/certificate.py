"""The certificate: does this plan hold to the last unit, and how far can it be from the best one?

Invariants: integers and fractions only; what cannot be checked is said to be unknown, never assumed.
Spec: docs/spec/planning/plan.md, section "Certificate".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from protocol.core.errors import Finding, shorten
from protocol.core.quantities import divide_up
from protocol.planning.audit.cards import audit_cards
from protocol.planning.audit.columns import CardColumns, Column, read_cards, read_column, read_quantities, sum_products
from protocol.planning.batches.sizes import DRAFT, audit_batches, cost_setups
from protocol.planning.card_rules import DECIMALS_MOST, audit_goods_table
from protocol.planning.cards import MICRO, PPM, ConsumerCard, WorkplaceCard
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

BALANCE_ONE = int(10**BALANCE_DECIMALS)
# Costs count in prices x the smallest unit that any good may have.
COST_ONE = int(10**DECIMALS_MOST)


@dataclass(frozen=True)
class Certificate:
    """What a check found. The plan holds when `findings` is empty.

    `gap_micro` bounds how much better any plan could be, in micro-credits: the sum of all regrets and `slack_micro`,
    the worth of what is left over. It is None while the regrets of `unknown_regrets` are missing; `known_gap_micro`
    sums what is known. Regrets of councils and workplaces are self-attested; those of trade nodes are recomputed.
    """

    findings: tuple[Finding, ...]
    credits_micro: int
    slack_micro: int
    known_gap_micro: int
    gap_micro: int | None
    unknown_regrets: tuple[str, ...]

    @property
    def gap_ppm(self) -> int | None:
        """The gap as parts per million of all credits, rounded up."""
        return None if self.gap_micro is None else divide_up(self.gap_micro * PPM, self.credits_micro)


def check_certificate(plan: Plan, regrets: Mapping[str, int]) -> Certificate:
    """Everything that anyone can recompute about a plan; `regrets` in micro-credits by participant, as attested."""
    columns = read_cards(plan.consumers, all_workplaces(plan))
    findings = _audit_cards(plan, columns)
    if not findings:
        findings = _audit_shape(plan, columns)
    credits = sum(columns.credits.tolist())
    if findings:
        return Certificate(tuple(findings), max(credits, 1), 0, 0, None, ())
    eaten, levels = (
        read_quantities(plan.consumption, plan.consumers),
        read_quantities(plan.activity, all_workplaces(plan)),
    )
    left = _measure_left(plan, columns, eaten, levels)
    findings = _audit_balances(plan, left) + _audit_workplaces(plan, columns, levels)
    findings += _audit_consumers(plan, columns, eaten)
    if DRAFT in plan.parameters:
        findings += audit_batches(all_workplaces(plan), plan.activity)
    slack = sum(price * amount for price, amount in zip(plan.prices, left, strict=True))
    slack_micro = divide_up(slack, BALANCE_ONE)
    expected = [card.id for card in plan.consumers] + [card.id for card in plan.workplaces]
    unknown = tuple(name for name in expected if name not in regrets)
    findings += [Finding(name, "a regret below 0") for name in expected if regrets.get(name, 0) < 0]
    known = sum(max(regrets[name], 0) for name in expected if name in regrets)
    known += sum(trade_regret(plan, card) for card in plan.goods_table.trade) + max(slack_micro, 0)
    # Regrets know nothing of setting up: without it, a plan could be better by so much more.
    known += cost_setups(all_workplaces(plan), plan.activity)
    return Certificate(tuple(findings), credits, slack_micro, known, None if unknown else known, unknown)


def measure_left(plan: Plan) -> list[int]:
    """Supply minus demand of every good, in 10^-12 whole units."""
    columns = read_cards(plan.consumers, all_workplaces(plan))
    eaten, levels = (
        read_quantities(plan.consumption, plan.consumers),
        read_quantities(plan.activity, all_workplaces(plan)),
    )
    return _measure_left(plan, columns, eaten, levels)


def _measure_left(plan: Plan, columns: CardColumns, eaten: Column, levels: Column) -> list[int]:
    goods = plan.goods_table.goods
    taken = sum_products(eaten, np.ones(len(eaten), np.int64), columns.good, len(goods))
    moved = sum_products(columns.net_amount, levels[columns.technique], columns.net_good, len(goods))
    return [
        (good.endowment - units) * int(10 ** (BALANCE_DECIMALS - good.decimals)) - net
        for good, units, net in zip(goods, taken, moved, strict=True)
    ]


def goods_of(card: ConsumerCard) -> list[int]:
    """The goods of a council in the order of its answers."""
    return [good for nest in card.nests for good in nest.goods]


def all_workplaces(plan: Plan) -> tuple[WorkplaceCard, ...]:
    """Workplaces, then trade nodes."""
    return plan.workplaces + plan.goods_table.trade


def capacity_used(plan: Plan, card: WorkplaceCard) -> int:
    """Use of capacity in 10^-12 of its unit."""
    levels = plan.activity[card.id]
    return sum(technique.capacity_use * level for technique, level in zip(card.techniques, levels, strict=True))


def gain_per_capacity(plan: Plan, card: WorkplaceCard) -> list[Fraction]:
    """What each technique makes at plan prices less what it uses, before effort: micro-credits per unit of capacity."""
    gains = []
    for technique in card.techniques:
        worth = -sum(plan.prices[good] * amount for good, amount in technique.net)
        gains.append(Fraction(worth, technique.capacity_use))
    return gains


def trade_regret(plan: Plan, card: WorkplaceCard) -> int:
    """What a trade node, which has no effort cost, would still gain at plan prices: micro-credits, rounded up."""
    best = max(gain_per_capacity(plan, card))
    reachable = best * Fraction(card.capacity if best > 0 else card.least, MICRO)
    gained = Fraction(0)
    for technique, level in zip(card.techniques, plan.activity[card.id], strict=True):
        gained -= Fraction(sum(plan.prices[good] * amount for good, amount in technique.net) * level, BALANCE_ONE)
    regret = reachable - gained
    return max(0, divide_up(regret.numerator, regret.denominator))


def _audit_cards(plan: Plan, columns: CardColumns) -> list[Finding]:
    findings = audit_goods_table(plan.goods_table)
    if findings:
        return findings
    findings = audit_cards(plan.goods_table, plan.consumers, plan.workplaces, columns)
    if not plan.consumers:
        findings.append(Finding("consumers", "a plan without a council"))
    return findings


def _audit_shape(plan: Plan, columns: CardColumns) -> list[Finding]:
    """Every card once, every quantity there, nothing negative."""
    findings: list[Finding] = []
    makers = all_workplaces(plan)
    names = [card.id for card in plan.consumers] + [card.id for card in makers]
    if len(set(names)) != len(names):
        findings.append(Finding("cards", "a participant has more than one card"))
    if len(plan.prices) != len(plan.goods_table.goods) or min(plan.prices) < 0:
        findings.append(Finding("prices", "there must be one price per good, none below 0"))
    sizes = np.bincount(columns.council).tolist()
    names = [card.id for card in plan.consumers]
    findings += _audit_column(plan.consumption, dict(zip(names, sizes, strict=True)), "consumption")
    findings += _audit_column(plan.activity, {card.id: len(card.techniques) for card in makers}, "activity")
    return findings


def _audit_column(column: Mapping[str, tuple[int, ...]], sizes: Mapping[str, int], place: str) -> list[Finding]:
    findings = [Finding(f"{place}.{shorten(name)}", "has no card") for name in sorted(column.keys() - sizes.keys())]
    for name, size in sizes.items():
        if len(column.get(name, ())) != size:
            findings.append(Finding(f"{place}.{name}", f"must hold {size} quantities"))
        elif min(column[name]) < 0:
            findings.append(Finding(f"{place}.{name}", "holds a quantity below 0"))
    return findings


def _audit_balances(plan: Plan, left: list[int]) -> list[Finding]:
    findings = []
    for good, amount in zip(plan.goods_table.goods, left, strict=True):
        if amount < 0:
            units = -(amount // 10 ** (BALANCE_DECIMALS - good.decimals))
            findings.append(Finding(f"balance.{good.id}", f"{units} units more are used than there are"))
    return findings


def _audit_workplaces(plan: Plan, columns: CardColumns, levels: Column) -> list[Finding]:
    cards = all_workplaces(plan)
    findings = []
    uses = sum_products(columns.capacity_use, levels, columns.workplace, len(cards))
    for card, used in zip(cards, uses, strict=True):
        if used > card.capacity * MICRO:
            findings.append(Finding(f"capacity.{card.id}", f"{used} used of {card.capacity * MICRO} (10^-12)"))
        if used < card.least * MICRO:
            findings.append(Finding(f"least.{card.id}", f"{used} used, at least {card.least * MICRO} agreed (10^-12)"))
    return findings


def _audit_consumers(plan: Plan, columns: CardColumns, eaten: Column) -> list[Finding]:
    goods, cards = plan.goods_table.goods, plan.consumers
    findings = []
    for row in np.flatnonzero(eaten < columns.floor).tolist():
        place = f"floor.{cards[columns.council[row]].id}.{goods[columns.good[row]].id}"
        findings.append(Finding(place, f"{eaten[row]} units, the floor is {columns.floor[row]}"))
    worth = read_column(
        [price * int(10 ** (DECIMALS_MOST - good.decimals)) for price, good in zip(plan.prices, goods, strict=True)]
    )
    costs = sum_products(worth[columns.good], eaten - columns.floor, columns.council, len(cards))
    credits = sum_products(columns.credits, np.ones(len(columns.credits), np.int64), columns.nest_council, len(cards))
    for card, cost, allotted in zip(cards, costs, credits, strict=True):
        over = divide_up(cost, COST_ONE) - allotted
        if over > 0:
            findings.append(Finding(f"credits.{card.id}", f"{over} micro-credits above its allotment"))
    return findings
