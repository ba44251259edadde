"""The plans of both levels as one plan of the flat economy, so that every check of a plan can be asked of them.

Invariant: nothing is planned here; quantities are only written in the flat economy's units and order.
Spec: docs/spec/planning/nested-plans.md.
"""

from collections.abc import Mapping

from protocol.planning.certificate import goods_of
from protocol.planning.economy import Economy
from protocol.planning.nested.levels_file import regional_id
from protocol.planning.nested.two_levels import LevelsPlan
from protocol.planning.plan import PLAN_FORMAT, Plan


def join_plans(levels: LevelsPlan, flat: Economy) -> Plan:
    """One plan document of the flat economy; shared goods have the prices of the plan above."""
    decimals = {good.id: good.decimals for good in flat.goods}
    eaten: dict[str, tuple[int, ...]] = {}
    done: dict[str, tuple[int, ...]] = {}
    prices: dict[str, int] = {}
    # The plan above comes last: what it says of shared goods stands.
    for region, plan in [*((name, one.plan) for name, one in levels.regions.items()), ("", levels.plan)]:
        names = [_flat_name(good.id, region, decimals) for good in plan.goods_table.goods]
        prices |= dict(zip(names, plan.prices, strict=True))
        finer = [decimals[name] - good.decimals for name, good in zip(names, plan.goods_table.goods, strict=True)]
        # The flat file has all the wants of the parts, so it counts no good more coarsely.
        assert min(finer) >= 0
        for card in plan.consumers:
            units = zip(plan.consumption[card.id], goods_of(card), strict=True)
            eaten[card.id] = tuple(amount * int(10 ** finer[good]) for amount, good in units)
        done |= plan.activity
    return Plan(
        format=PLAN_FORMAT,
        goods_table=flat.table,
        consumers=flat.consumers,
        workplaces=flat.workplaces[: flat.answering],
        consumption=eaten,
        activity={card.id: done[card.id] for card in flat.workplaces},
        prices=tuple(prices[good.id] for good in flat.goods),
        rounds=levels.plan.rounds,
        worst_good_ppm=levels.plan.worst_good_ppm,
        parameters={"levels": 2, "economy": flat.digest.hex()},
    )


def _flat_name(good: str, region: str, known: Mapping[str, int]) -> str:
    own = regional_id(good, region)
    return own if own in known else good
