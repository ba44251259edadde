"""Whole sentences about a plan: what holds it back, and whose proposal was edited.

Invariant: every figure comes from the plan document; a name is a label, never a person's.
"""

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from node.web.figures.words import format_amount, format_percent, format_quantity, join_words
from node.web.planning.model.plan import Binding
from protocol.core.quantities import Quantity
from protocol.planning.cards import MICRO, PPM, ConsumerCard, Good
from protocol.planning.certificate import goods_of
from protocol.planning.plan import Plan
from protocol.planning.summary import BindingFloor, FullCapacity, ScarceComplement, UsedUpCap, what_binds

EDITS_TOLD_MAX = 3
EDIT_TOLD_LEAST_PPM = 20_000
PERCENTS = 100
MORE = "One percent more of it would be worth up to {share} of all credits."
TAKEN = "At this plan’s scarcity these needs are worth {share} of all credits."
NOT_KNOWN = "by nobody knows how much: not everybody has said what they would still gain."
ROUNDS_SAVED = "It would save rounds too: in trials with made-up tastes, two of three or more."
TRADE_MEMBER = "outside trade"
USED_UP = {
    "cap": "all {amount} that the cap allows are used.",
    "labour": "all {amount} that people offered are taken.",
    "land": "all {amount} are in use.",
    "outside": "all {amount} set aside for buying outside are spent.",
    "good": "all {amount} that lay in stock are used.",
}
WELL_KNOWN = {"co2": "CO₂"}


def in_words(good_id: str) -> str:
    """A good's id in plain words."""
    return WELL_KNOWN.get(good_id) or good_id.replace("_", " ")


class Labels:
    """What goods, members and workplaces are called on a page."""

    def __init__(self, goods: Mapping[str, Good], good_names: Mapping[str, str], members: Mapping[str, str]) -> None:
        self._goods, self._good_names, self._members = goods, good_names, members

    def good(self, good_id: str) -> str:
        """A good by its product's name, else by its id in plain words."""
        return self._good_names.get(good_id) or in_words(good_id)

    def heading(self, good_id: str) -> str:
        """The same at the beginning of a line."""
        name = self.good(good_id)
        return name[:1].upper() + name[1:]

    def amount(self, good_id: str, units: int) -> Quantity:
        """Units of a good as a quantity."""
        good = self._goods[good_id]
        return Quantity(units, good.unit, good.decimals)

    def member(self, card_id: str) -> str:
        """The member whose card it is; outside trade has none."""
        origin = card_id.partition("#")[0]
        return self._members.get(origin, TRADE_MEMBER if "#" not in card_id else origin)

    def workplace(self, card_id: str) -> str:
        """A workplace by its own label."""
        label = (card_id.partition("#")[2] or card_id).replace("_", " ")
        return label[:1].upper() + label[1:]


def labels_of(plan: Plan, good_names: Mapping[str, str], members: Mapping[str, str]) -> Labels:
    """The labels of a plan."""
    return Labels({good.id: good for good in plan.goods_table.goods}, good_names, members)


def tell_bindings(plan: Plan, labels: Labels) -> tuple[Binding, ...]:
    """All that holds the plan back: capacities, then caps and other means, floors, and goods taken only together."""
    found = what_binds(plan)
    floors: dict[str, list[BindingFloor]] = {}
    for floor in found.floors:
        floors.setdefault(floor.good, []).append(floor)
    together: dict[tuple[str, tuple[str, ...]], list[ScarceComplement]] = {}
    for scarce in found.complements:
        together.setdefault((scarce.scarcest, scarce.goods), []).append(scarce)
    credits = max(1, sum(nest.credits_micro for card in plan.consumers for nest in card.nests))
    capacities = [(_tell_capacity(each, labels), _worth_of_capacity(each)) for each in found.capacities]
    caps = [(tell_used_up(each, labels), _worth_of_cap(plan, each)) for each in found.caps]
    needs = [(_tell_floor(each, labels), _worth_of_floors(plan, each)) for each in floors.values()]
    told = _add_costs(capacities, MORE, credits) + _add_costs(caps, MORE, credits) + _add_costs(needs, TAKEN, credits)
    return (*told, *(_tell_complement(each, labels) for each in together.values()))


def _add_costs(rows: list[tuple[Binding, Fraction]], words: str, credits: int) -> list[Binding]:
    """Each with its share of all credits, the dearest first."""
    shares = [(binding, int(worth * PPM / credits)) for binding, worth in rows]
    shares.sort(key=lambda row: -row[1])
    return [
        msgspec.structs.replace(binding, sentence=f"{binding.sentence} {words.format(share=format_percent(ppm))}")
        for binding, ppm in shares
    ]


def _worth_of_capacity(full: FullCapacity) -> Fraction:
    """Micro-credits that one percent more of a workplace would bring, effort left aside."""
    return Fraction(full.worth_micro * full.capacity, MICRO * PERCENTS)


def _worth_of_cap(plan: Plan, used: UsedUpCap) -> Fraction:
    """Micro-credits that one percent more of a cap, of hours, land, stock or outside money would bring."""
    return Fraction(used.price_micro * used.endowment, 10 ** _decimals(plan)[used.good] * PERCENTS)


def _worth_of_floors(plan: Plan, floors: list[BindingFloor]) -> Fraction:
    """Micro-credits that these councils would have to give for their basic needs, were they not given before."""
    good, decimals = floors[0].good, _decimals(plan)
    price = next(price for row, price in zip(plan.goods_table.goods, plan.prices, strict=True) if row.id == good)
    return Fraction(price * sum(each.floor for each in floors), 10 ** decimals[good])


def _decimals(plan: Plan) -> dict[str, int]:
    return {good.id: good.decimals for good in plan.goods_table.goods}


def tell_openable(plan: Plan, gap_ppm: int | None) -> str:
    """What opening recipes could save; empty where all are open.

    The gap counts what every workplace could still gain with its true recipes, by its own word: no plan that knew them
    could be better by more."""
    private = sum(bool(card.outline) for card in plan.workplaces)
    if not private:
        return ""
    better = NOT_KNOWN if gap_ppm is None else f"by at most {format_percent(gap_ppm)} of all credits."
    keep = "keeps its" if private == 1 else "keep their"
    kept = f"{private} of {len(plan.workplaces)} workplaces {keep} recipes private."
    return f"{kept} Knowing them could make the plan better {better} {ROUNDS_SAVED}"


def _tell_capacity(full: FullCapacity, labels: Labels) -> Binding:
    """A workplace at the end of its capacity."""
    name, member = labels.workplace(full.workplace), labels.member(full.workplace)
    return Binding("capacity", name, f"{name} of {member} works to the end of its capacity; more of it would help.")


def tell_used_up(used: UsedUpCap, labels: Labels) -> Binding:
    """A cap, skill, field or sum of outside money that is used up."""
    name, quantity = labels.heading(used.good), labels.amount(used.good, used.endowment)
    amount = format_amount(quantity) if used.kind == "outside" else format_quantity(quantity)
    return Binding(used.kind, name, f"{name}: {USED_UP.get(used.kind, USED_UP['good']).format(amount=amount)}")


def _tell_floor(floors: list[BindingFloor], labels: Labels) -> Binding:
    """A basic need that the credits of these councils alone would not have met."""
    name = labels.heading(floors[0].good)
    shares = [
        f"{labels.member(each.consumer)} ({format_quantity(labels.amount(each.good, each.floor))} of "
        f"{format_quantity(labels.amount(each.good, each.planned))})"
        for each in floors
    ]
    sentence = f"{name}: the greater part of what is planned is the floor, the basic need, for {join_words(shares)}."
    return Binding("floor", name, sentence)


def _tell_complement(scarce: list[ScarceComplement], labels: Labels) -> Binding:
    """Goods that these councils only take together."""
    first = scarce[0]
    coops = join_words([labels.member(each.consumer) for each in scarce])
    scarcest, together = labels.heading(first.scarcest), join_words([labels.good(good) for good in first.goods])
    shares = sorted(min(each.taken_ppm_of_wanted, PPM) for each in scarce)
    reach = format_percent(shares[0])
    if shares[-1] != shares[0]:
        reach = f"{reach} to {format_percent(shares[-1])}"
    takes = "takes" if len(scarce) == 1 else "take"
    return Binding(
        "complements",
        scarcest,
        f"{coops} {takes} {together} only together: {scarcest} is the scarcest of them, and of all of them {reach} of "
        "what was wanted above the floor is there.",
    )


def tell_edits(before: Plan, after: Plan, labels: Labels) -> tuple[str, ...]:
    """Whose proposal changed between two readings, and by how much: the largest changes of each council."""
    earlier = {card.id: card for card in before.consumers}
    told = []
    for card in after.consumers:
        old = earlier.get(card.id)
        if old is not None and old != card:
            told.append(f"{labels.member(card.id)} changed its proposal: {_tell_changes(old, card, after, labels)}.")
    changed = {card.id for card in after.workplaces} ^ {card.id for card in before.workplaces}
    old_places = {card.id: card for card in before.workplaces}
    changed |= {card.id for card in after.workplaces if card.id in old_places and old_places[card.id] != card}
    told += [f"{labels.workplace(name)} of {labels.member(name)} changed what it offers." for name in sorted(changed)]
    return tuple(told)


def _tell_changes(old: ConsumerCard, new: ConsumerCard, plan: Plan, labels: Labels) -> str:
    wanted_before = dict(zip(goods_of(old), _wants_of(old), strict=True))
    changes = []
    for good, want in zip(goods_of(new), _wants_of(new), strict=True):
        was = wanted_before.get(good, 0)
        if was != want:
            changes.append((abs(want - was) * MICRO // max(want, was), plan.goods_table.goods[good].id, was, want))
    if not changes:
        return "other shares of its credits"
    ranked = sorted(changes, reverse=True)
    told = [change for change in ranked if change[0] >= EDIT_TOLD_LEAST_PPM][:EDITS_TOLD_MAX] or ranked[:1]
    words = [
        f"{format_quantity(labels.amount(good, want))} of {labels.good(good)} instead of "
        f"{format_quantity(labels.amount(good, was))}"
        for _, good, was, want in told
    ]
    largest_left = max((change[0] for change in ranked[len(told) :]), default=0)
    rest = f"; everything else moves by {format_percent(largest_left)} at most" if largest_left else ""
    return join_words(words) + rest


def _wants_of(card: ConsumerCard) -> list[int]:
    return [want for nest in card.nests for want in nest.wants]
