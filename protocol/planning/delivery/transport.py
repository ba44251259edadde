"""What a plan leaves to be carried: for every good, who has how much and who needs how much.

Invariant: what is needed is there; what rounding to whole units leaves uncovered is taken from the workplaces' needs
first, and said. Spec: docs/spec/planning/delivery.md, section "What is carried".
"""

from dataclasses import dataclass
from typing import Final

from protocol.planning.certificate import all_workplaces, goods_of
from protocol.planning.clearing import BALANCE_DECIMALS
from protocol.planning.plan import Plan

STOCK: Final = "stock"
"""The name under which what lies there at the beginning is carried."""


@dataclass(frozen=True)
class Transport:
    """One good's problem, in units: `supplies` and `needs` by card, sorted, none 0.

    `rounded_off` counts the units that workplaces' needs were cut by, because parts of units are not carried.
    """

    good: int
    supplies: tuple[tuple[str, int], ...]
    needs: tuple[tuple[str, int], ...]
    rounded_off: int


def list_transports(plan: Plan) -> list[Transport]:
    """One for each good of kind "good" that anybody needs, in the order of the goods table."""
    goods = plan.goods_table.goods
    made: list[dict[str, int]] = [{} for _ in goods]
    used: list[dict[str, int]] = [{} for _ in goods]
    eaten: list[dict[str, int]] = [{} for _ in goods]
    for consumer in plan.consumers:
        for good, units in zip(goods_of(consumer), plan.consumption[consumer.id], strict=True):
            eaten[good][consumer.id] = units
    for card in all_workplaces(plan):
        moved: dict[int, int] = {}
        for technique, level in zip(card.techniques, plan.activity[card.id], strict=True):
            for good, amount in technique.net:
                moved[good] = moved.get(good, 0) + amount * level
        for good, amount in moved.items():
            part = 10 ** (BALANCE_DECIMALS - goods[good].decimals)
            (used if amount > 0 else made)[good][card.id] = abs(amount) // part
    found = []
    for number, good_card in enumerate(goods):
        if good_card.kind == "good":
            made[number][STOCK] = good_card.endowment
            transport = _make_transport(number, made[number], used[number], eaten[number])
            if transport.needs:
                found.append(transport)
    return found


def _make_transport(good: int, made: dict[str, int], used: dict[str, int], eaten: dict[str, int]) -> Transport:
    missing = max(0, sum(used.values()) + sum(eaten.values()) - sum(made.values()))
    rounded_off = missing
    needs = dict(used)
    for column in (needs, eaten):
        # Whoever needs most notices a unit least.
        for name in sorted(column, key=lambda card: (-column[card], card)):
            cut = min(missing, column[name])
            column[name] -= cut
            missing -= cut
    for name, units in eaten.items():
        needs[name] = needs.get(name, 0) + units
    return Transport(good, _sorted_amounts(made), _sorted_amounts(needs), rounded_off)


def _sorted_amounts(amounts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((name, amounts[name]) for name in sorted(amounts) if amounts[name] > 0)
