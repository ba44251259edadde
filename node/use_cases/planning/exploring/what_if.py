"""What if a need were higher, an oven broke, a cap were lower, somebody voted no? Tried again: who gains, who lacks.

Invariant: the plan in force and its logs are never touched; a guess stands beside a guess, both made alike.
"""

import msgspec

from node.use_cases.planning.exploring.changes import Changes, apply_changes
from node.use_cases.planning.exploring.comparing import Unmet, WhatIf, compare_plans
from node.use_cases.planning.exploring.gone import drop_goods, find_gone
from node.use_cases.planning.exploring.stand_in import StandIns, UnmetError, guess_members, try_plan
from node.use_cases.planning.exploring.till_file import Brought
from protocol.core.errors import RefusedError
from protocol.core.quantities import format_decimal
from protocol.planning.cards import PPM, ConsumerCard, GoodsTable
from protocol.planning.plan import Plan


def ask_what_if(plan: Plan, changes: Changes, brought: Brought | None = None) -> WhatIf:
    """Try the plan as it is with guessed members, then with the changes and the till file that was brought;
    RefusedError names what is not in the plan."""
    table, consumers, workplaces = apply_changes(_seat(plan, brought), changes)
    if not consumers:
        return WhatIf((), 0, trouble="nobody would be left to plan for")
    members = guess_members(plan)
    before = try_plan(plan.goods_table, plan.consumers, plan.workplaces, members)
    tastes = members.tastes if brought is None else {**members.tastes, brought.card.id: brought.tastes}
    gone = find_gone(table, (*workplaces, *table.trade))
    names = tuple(table.goods[good].id for good in sorted(gone))
    if lost := _list_lost_needs(consumers, gone):
        return WhatIf(_tell_unmet(table, consumers, lost), 0, gone=names)
    left = [drop_goods(card, tastes[card.id], gone) for card in consumers]
    if not all(card.nests for card, _ in left):
        return WhatIf((), 0, trouble="a council would be left with nothing to choose from", gone=names)
    members = StandIns({card.id: taste for card, taste in left}, members.efforts)
    try:
        after = try_plan(table, tuple(card for card, _ in left), workplaces, members, before)
    except UnmetError as error:
        return WhatIf(_tell_unmet(table, consumers, error.missing), 0, gone=names)
    except RefusedError as error:
        return WhatIf((), 0, trouble=error.reason, gone=names)
    return msgspec.structs.replace(compare_plans(before, after), gone=names)


def _seat(plan: Plan, brought: Brought | None) -> Plan:
    """The plan's cards with the council that was brought in its place."""
    if brought is None:
        return plan
    cards = tuple(brought.card if card.id == brought.card.id else card for card in plan.consumers)
    return msgspec.structs.replace(plan, consumers=cards)


def _list_lost_needs(consumers: tuple[ConsumerCard, ...], gone: frozenset[int]) -> dict[int, int]:
    """The basic needs among the goods that are gone, in units by the good's place."""
    return {good: units for good, units in _sum_needs(consumers).items() if good in gone}


def _sum_needs(consumers: tuple[ConsumerCard, ...]) -> dict[int, int]:
    needed: dict[int, int] = {}
    for card in consumers:
        for nest in card.nests:
            for good, floor in zip(nest.goods, nest.floors, strict=True):
                if floor:
                    needed[good] = needed.get(good, 0) + floor
    return needed


def _tell_unmet(table: GoodsTable, consumers: tuple[ConsumerCard, ...], missing: dict[int, int]) -> tuple[Unmet, ...]:
    needed, found = _sum_needs(consumers), []
    for number, units in sorted(missing.items()):
        row = table.goods[number]
        most = max(needed[number], units)
        lacking, wanted = format_decimal(units, row.decimals), format_decimal(most, row.decimals)
        found.append(Unmet(row.id, row.unit, lacking, wanted, (most - units) * PPM // most))
    return tuple(found)
