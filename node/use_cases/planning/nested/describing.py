"""What can be told of a call's place between two levels: who speaks for whom, and which goods are planned where.

Spec: docs/spec/planning/nested-plans.md, section "On real nodes"
"""

import msgspec

from node.use_cases.planning.rounds.course import Course
from protocol.planning.contributions import owner_of_card, workplace_id
from protocol.planning.nested.region_card import ABOVE_LABEL, REGION_LABEL


class LevelReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of a region's call: the call above (hex), who speaks there, the ids of goods planned here and above as far as
    known, and `plan_above`, the plan (hex) that its last drafts keep to. Of a call above: who speaks for `regions`.
    """

    above: str = ""
    speaker: str = ""
    planned_here: tuple[str, ...] = ()
    planned_above: tuple[str, ...] = ()
    plan_above: str = ""
    regions: tuple[str, ...] = ()


def describe_level(run: Course) -> LevelReport | None:
    """None for a call that stands for itself."""
    economy = run.whole_economy
    cards = () if economy is None else economy.workplaces
    if run.call.above is None:
        regions = tuple(owner_of_card(card.id) for card in cards if card.apart and card.id.endswith(f"#{REGION_LABEL}"))
        return LevelReport(regions=regions) if regions else None
    table = () if run.table is None else run.table.goods
    name = workplace_id(run.speaker, ABOVE_LABEL)
    shared = {good for card in cards if card.id == name for good, _, _ in card.outline}
    if run.allocation is not None:
        shared = {good for good, _ in run.allocation.prices}
    here = tuple(good.id for place, good in enumerate(table) if place not in shared) if shared else ()
    return LevelReport(
        above=run.call.above.hex(),
        speaker=run.speaker,
        planned_here=here,
        planned_above=tuple(good.id for place, good in enumerate(table) if place in shared),
        plan_above="" if run.allocation is None else run.allocation.plan.hex(),
    )
