"""What a plan of several periods does with each good: made, eaten, used, and carried on to the next period.

Spec: docs/spec/planning/periods.md
"""

import msgspec

from protocol.core.quantities import format_decimal
from protocol.planning.certificate import all_workplaces, goods_of
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.periods.names import name_in, name_store
from protocol.planning.plan import Plan


class StockLine(msgspec.Struct, frozen=True, kw_only=True):
    """A good in a period; amounts are decimals in its unit.

    `there` lay there at the start, `from_before` came out of the store, `kept` goes into it, `left` is neither used nor
    kept.
    """

    good: str
    period: str
    there: str
    made: str
    from_before: str
    used: str
    eaten: str
    kept: str
    left: str


def list_stocks(plan: Plan, periods: tuple[str, ...]) -> tuple[StockLine, ...]:
    """A row for each good and period that councils eat or a store keeps."""
    goods = {good.id: number for number, good in enumerate(plan.goods_table.goods)}
    moved = _list_moves(plan)
    bases = [name.removesuffix(f" in {periods[0]}") for name in goods if name.endswith(f" in {periods[0]}")]
    rows = []
    for base in bases:
        for number, period in enumerate(periods):
            good = goods[name_in(base, period)]
            into = moved[good].pop(name_store(base, period), 0)
            out = moved[good].pop(name_store(base, periods[number - 1]), 0) if number else 0
            made = -sum(amount for amount in moved[good].values() if amount < 0)
            used = sum(amount for amount in moved[good].values() if amount > 0)
            there = plan.goods_table.goods[good].endowment * 10 ** (BALANCE_DECIMALS - _decimals(plan, good))
            eaten = _eaten(plan, good)
            left = there + made - out - used - eaten - into
            amounts = {"there": there, "made": made, "from_before": -out, "used": used, "eaten": eaten, "kept": into}
            if eaten or into or out:
                rows.append(StockLine(good=base, period=period, **_write(plan, good, amounts | {"left": left})))
    return tuple(rows)


def _list_moves(plan: Plan) -> list[dict[str, int]]:
    """For each good what every workplace uses of it (below 0: makes), in 10^-12 whole units."""
    moved: list[dict[str, int]] = [{} for _ in plan.goods_table.goods]
    for card in all_workplaces(plan):
        for technique, level in zip(card.techniques, plan.activity[card.id], strict=True):
            for good, amount in technique.net:
                moved[good][card.id] = moved[good].get(card.id, 0) + amount * level
    return moved


def _eaten(plan: Plan, good: int) -> int:
    units = sum(
        units
        for card in plan.consumers
        for named, units in zip(goods_of(card), plan.consumption[card.id], strict=True)
        if named == good
    )
    return units * int(10 ** (BALANCE_DECIMALS - _decimals(plan, good)))


def _decimals(plan: Plan, good: int) -> int:
    return plan.goods_table.goods[good].decimals


def _write(plan: Plan, good: int, amounts: dict[str, int]) -> dict[str, str]:
    part = 10 ** (BALANCE_DECIMALS - _decimals(plan, good))
    return {name: format_decimal(amount // part, _decimals(plan, good)) for name, amount in amounts.items()}
