"""Settling, in small whole numbers worked by hand: what is cut, in which order, and what never is.

Goods: bread in whole kilograms, milk in tenths of a litre, flour and hours that are there or made. Amounts of recipes,
activities and capacities are in millionths, so `MICRO` is one.
"""

import random
from collections import Counter
from fractions import Fraction

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.cards import (
    GOODS_TABLE_FORMAT,
    MICRO,
    ConsumerCard,
    Good,
    GoodKind,
    GoodsTable,
    Nest,
    Technique,
    WorkplaceCard,
)
from protocol.planning.clearing import CLEARING_PASSES_MOST, ClearedPlan, FittedPlan, settle
from protocol.planning.economy import Economy, build_economy

BREAD, MILK, FLOUR, HOURS = range(4)
PRICES = (2 * MICRO, 1 * MICRO, MICRO // 2, 3 * MICRO)
NORTH = ConsumerCard("north", 10, (Nest(100 * MICRO, (BREAD, MILK), (4, 20), (10, 50)),))
SOUTH = ConsumerCard("south", 10, (Nest(50 * MICRO, (BREAD,), (0,), (10,)),))
BAKE = Technique(((BREAD, -MICRO), (FLOUR, MICRO)), MICRO)
BAKE_BY_HAND = Technique(((BREAD, -MICRO), (HOURS, 2 * MICRO)), MICRO)


def good(name: str, kind: GoodKind, decimals: int, there: int) -> Good:
    return Good(name, "KGM", kind, decimals, MICRO, there)


def economy(
    *workplaces: WorkplaceCard, bread: int = 0, milk: int = 0, flour: int = 0, hours: int = 0, councils: str = "NS"
) -> Economy:
    """So much of each good is there, in its units; north and south, or one of them."""
    goods = (
        good("bread", "good", 0, bread),
        good("milk", "good", 1, milk),
        good("flour", "good", 0, flour),
        good("hours", "labour", 0, hours),
    )
    eating = [card for letter, card in (("N", NORTH), ("S", SOUTH)) if letter in councils]
    idle = WorkplaceCard("idle", MICRO, 0, (BAKE,))
    return build_economy(GoodsTable(GOODS_TABLE_FORMAT, 10_000, goods, ()), eating, workplaces or (idle,))


def oven(capacity: int, *techniques: Technique, least: int = 0) -> WorkplaceCard:
    return WorkplaceCard("oven", capacity * MICRO, least * MICRO, techniques or (BAKE,))


def cleared(
    where: Economy, eaten: tuple[int, ...], activity: tuple[int, ...] = (0,), prices: tuple[int, ...] = PRICES
) -> ClearedPlan:
    return settle(where, FittedPlan(eaten, activity, prices))


def test_what_holds_is_left_as_it_is() -> None:
    """Bread 29 = 25 there + 4 baked from the 4 of flour; milk to the last tenth; credits of south to the last."""
    where = economy(oven(4), bread=25, milk=30, flour=4)
    assert cleared(where, (4, 30, 25), (4 * MICRO,)) == ClearedPlan((4, 30, 25), (4 * MICRO,), PRICES, 0)


def test_what_is_proposed_below_a_floor_is_lifted_to_it() -> None:
    assert cleared(economy(bread=9, milk=99), (0, 19, 3)).consumption == (4, 20, 3)


CREDITS = [
    # South has 50 credits: at 2 a kilogram that is 25 kilograms, at 6 it is 8.3.
    ("at the credits", (4, 20, 25), 2, (4, 20, 25)),
    ("one kilogram above", (4, 20, 26), 2, (4, 20, 25)),
    ("rounded down", (4, 20, 10), 6, (4, 20, 8)),
    # North has 100 above its floors: 30 of bread at 2 and 60 l of milk at 1 cost 120, so both are cut to 5/6 of it.
    ("a nest of two goods", (4 + 30, 20 + 600, 0), 2, (4 + 25, 20 + 500, 0)),
    ("floors cost nothing", (4 + 50, 20, 0), 2, (4 + 50, 20, 0)),
]


@pytest.mark.parametrize(("eaten", "price", "kept"), [row[1:] for row in CREDITS], ids=[row[0] for row in CREDITS])
def test_nobody_ends_above_their_credits(eaten: tuple[int, ...], price: int, kept: tuple[int, ...]) -> None:
    where = economy(bread=1_000, milk=10_000)
    assert cleared(where, eaten, prices=(price * MICRO, *PRICES[1:])).consumption == kept


def test_the_credits_of_all_nests_of_a_council_are_one_purse() -> None:
    two = ConsumerCard("two", 1, (Nest(MICRO, (BREAD,), (0,), (1,)), Nest(9 * MICRO, (MILK,), (0,), (1,))))
    plain = economy(bread=99, milk=999)
    where = build_economy(plain.table, [two], plain.workplaces)
    assert cleared(where, (4, 20)).consumption == (4, 20)
    assert cleared(where, (4, 40)).consumption == (3, 33)


LEVELS = [
    # Capacity 10, what the two techniques use of it, the least, what is proposed, what is left.
    ("at its capacity", (1_000_000, 1_000_000), 0, (6_000_000, 4_000_000), (6_000_000, 4_000_000)),
    ("above", (1_000_000, 1_000_000), 0, (8_000_000, 4_000_000), (6_666_666, 3_333_333)),
    ("above, one needs twice as much", (1_000_000, 2_000_000), 0, (10_000_000, 5_000_000), (5_000_000, 2_500_000)),
    ("at its least", (1_000_000, 1_000_000), 5, (1_000_000, 4_000_000), (1_000_000, 4_000_000)),
    # 5 - 1 - 3 = 1 is wanting; the larger one gets it.
    ("below: the largest is lifted", (1_000_000, 1_000_000), 5, (1_000_000, 3_000_000), (1_000_000, 4_000_000)),
    # 5 - 1 - 2 x 1.5 = 1 is wanting, which is 2/3 of a technique that uses 1.5: rounded up.
    ("below, rounded up", (1_000_000, 1_500_000), 5, (1_000_000, 2_000_000), (1_000_000, 2_666_667)),
    ("the first of equals", (1_000_000, 1_000_000), 5, (2_000_000, 2_000_000), (3_000_000, 2_000_000)),
]


@pytest.mark.parametrize(("uses", "least", "said", "kept"), [row[1:] for row in LEVELS], ids=[row[0] for row in LEVELS])
def test_a_workplace_stays_within_its_capacity_and_its_least(
    uses: tuple[int, int], least: int, said: tuple[int, int], kept: tuple[int, int]
) -> None:
    by_mill, by_hand = (
        msgspec.structs.replace(technique, capacity_use=use)
        for technique, use in zip((BAKE, BAKE_BY_HAND), uses, strict=True)
    )
    where = economy(oven(10, by_mill, by_hand, least=least), bread=99, milk=99, flour=99, hours=99)
    assert cleared(where, (4, 20, 0), said).activity == kept


def test_a_short_good_is_cut_from_what_lies_above_the_floors_in_proportion() -> None:
    """22 of bread are wanted, 12 there: 10 of the 18 above floors go. North 8 x 8 / 18 = 3, south 10 x 8 / 18 = 4."""
    plan = cleared(economy(bread=12, milk=30), (4 + 8, 25, 10))
    assert (plan.consumption, plan.passes) == ((4 + 3, 25, 4), 1)


def test_shortages_are_told_in_the_units_of_the_good() -> None:
    """Milk has a decimal: 2.1 of 6.3 litres are there above the floor of 2; nothing else is touched."""
    plan = cleared(economy(bread=99, milk=41), (10, 20 + 63, 5))
    assert plan.consumption == (10, 20 + 21, 5)


def test_a_shortage_of_less_than_a_unit_costs_a_whole_unit() -> None:
    """5.5 of bread are baked, 6 are wanted: half a kilogram is short, a kilogram goes."""
    plan = cleared(economy(oven(9), milk=20, flour=99), (4 + 2, 20, 0), (5_500_000,))
    assert (plan.consumption, plan.activity) == ((4 + 1, 20, 0), (5_500_000,))


def test_what_nobody_eats_is_cut_from_those_who_use_it_in_proportion() -> None:
    """Two ovens would take 3 and 6 of flour, 6 are there: each does two thirds. In a second pass bread is 3 short."""
    ovens = [WorkplaceCard(name, 9 * MICRO, 0, (BAKE,)) for name in ("oven-a", "oven-b")]
    plan = cleared(economy(*ovens, milk=20, flour=6), (4 + 5, 20, 0), (3 * MICRO, 6 * MICRO))
    assert plan == ClearedPlan((4 + 2, 20, 0), (2 * MICRO, 4 * MICRO), PRICES, 2)


def test_those_who_eat_are_cut_before_those_who_use() -> None:
    """Bread is eaten and ground again: 10 there, 4 + 3 eaten, 6 used. The 3 that are short come from above floors."""
    grind = Technique(((BREAD, MICRO), (FLOUR, -MICRO)), MICRO)
    where = economy(WorkplaceCard("mill", 9 * MICRO, 0, (grind,)), bread=10, milk=20, councils="N")
    plan = cleared(where, (4 + 3, 20), (6 * MICRO,))
    assert (plan.consumption, plan.activity) == ((4, 20), (6 * MICRO,))
    plan = cleared(where, (4 + 3, 20), (9 * MICRO,))
    assert (plan.consumption, plan.activity) == ((4, 20), (6 * MICRO,))


def test_those_who_eat_no_more_than_their_floor_keep_it_while_others_are_cut() -> None:
    """10 of bread there, 4 eaten, 9 ground: 3 are short, and nothing lies above the floor."""
    grind = Technique(((BREAD, MICRO), (FLOUR, -MICRO)), MICRO)
    where = economy(WorkplaceCard("mill", 9 * MICRO, 0, (grind,)), bread=10, milk=20, councils="N")
    plan = cleared(where, (4, 20), (9 * MICRO,))
    assert (plan.consumption, plan.activity) == ((4, 20), (6 * MICRO,))


def test_the_least_that_can_be_short_is_cut_too() -> None:
    """A millionth of a recipe that takes a millionth of flour, and there is none: 10^-12 of a unit is short."""
    where = economy(oven(1, Technique(((BREAD, -1), (FLOUR, 1)), MICRO)), bread=9, milk=20)
    assert cleared(where, (4, 20, 0), (1,)).activity == (0,)


def test_what_was_cut_too_much_by_rounding_is_given_to_nobody() -> None:
    """Half a kilogram of bread is short, so one goes. Who grinds a trace of it does no more than before."""
    trace = WorkplaceCard("trace", MICRO, 0, (Technique(((BREAD, 1), (FLOUR, -1)), MICRO),))
    plan = cleared(economy(oven(9), trace, milk=20, flour=99), (4 + 2, 20, 0), (5_500_000, 3))
    assert (plan.consumption, plan.activity) == ((4 + 1, 20, 0), (5_500_000, 3))


def test_an_activity_that_stands_still_is_not_asked() -> None:
    ovens = [WorkplaceCard(name, 9 * MICRO, 0, (BAKE,)) for name in ("oven-a", "oven-b")]
    plan = cleared(economy(*ovens, bread=9, milk=20, flour=6), (4, 20, 0), (0, 8 * MICRO))
    assert plan.activity == (0, 6 * MICRO)


FIXED = [
    # Least 4, flour 5, a kiln without a least beside it.
    # Whoever is not fixed is cut and lifted to the least again. What the oven does, what the kiln does, what is left.
    ("at its least, the other gives way", 4_000_000, 3_000_000, (4_000_000, 1_000_000)),
    ("a thousandth above it", 4_004_000, 2_996_000, (4_004_000, 996_000)),
    # 4,004,005 less its thousandth is 4 and what one millionth more would use, rounded down.
    ("the last that counts as its least", 4_004_005, 2_995_995, (4_004_005, 995_995)),
    ("the first that does not", 4_004_006, 2_995_994, (4_000_000, 1_000_000)),
    ("further above, both give way", 8_000_000, 2_000_000, (4_000_000, 1_000_000)),
]


@pytest.mark.parametrize(("oven_does", "kiln_does", "kept"), [row[1:] for row in FIXED], ids=[row[0] for row in FIXED])
def test_a_workplace_at_its_least_is_not_cut(oven_does: int, kiln_does: int, kept: tuple[int, int]) -> None:
    kiln = WorkplaceCard("kiln", 9 * MICRO, 0, (BAKE,))
    where = economy(oven(9, least=4), kiln, bread=9, milk=20, flour=5)
    plan = cleared(where, (4, 20, 0), (kiln_does, oven_does))
    assert plan.activity == kept[::-1]


@pytest.mark.parametrize(
    ("count", "does", "is_kept"), [(1, 1_001_002, True), (1, 1_001_003, False), (2, 1_001_003, True)]
)
def test_what_its_techniques_can_round_away_counts_as_the_least_too(count: int, does: int, is_kept: bool) -> None:
    """The least is a millionth and so is what an activity uses: 1,000,000, a thousandth, and one for each technique."""
    mill = msgspec.structs.replace(BAKE, capacity_use=1)
    kiln = WorkplaceCard("kiln", 9 * MICRO, 1, (mill, msgspec.structs.replace(mill, net=BAKE_BY_HAND.net))[:count])
    plan = cleared(economy(kiln, oven(9), bread=9, milk=20, flour=2), (4, 20, 0), (does, *[0] * (count - 1), 2 * MICRO))
    assert (plan.activity[0] == does) is is_kept


def test_a_floor_that_cannot_be_met_is_refused_with_the_units_that_are_wanting() -> None:
    """4 of bread and 2 litres of milk are floors; 1 of bread and half a litre are there."""
    with pytest.raises(RefusedError) as refused:
        cleared(economy(bread=1, milk=5), (9, 90, 9))
    told = [(finding.place, finding.reason) for finding in refused.value.findings]
    assert told == [
        ("bread", "floors and least activities need 3 units more than there are"),
        ("milk", "floors and least activities need 15 units more than there are"),
    ]


def test_only_what_cannot_be_met_is_named_and_parts_of_a_unit_count_as_one() -> None:
    """An oven at its least of 3.5 wants 3.5 of flour where 2 are; milk is short too, but not its floor."""
    least = WorkplaceCard("oven", 9 * MICRO, 3_500_000, (BAKE,))
    with pytest.raises(RefusedError) as refused:
        cleared(economy(least, bread=9, milk=25, flour=2), (4, 40, 0), (3_500_000,))
    assert [(finding.place, finding.reason.split()[5]) for finding in refused.value.findings] == [("flour", "2")]


def test_whom_a_shortage_would_take_below_its_least_stays_there_and_others_give_way() -> None:
    """10 of flour are wanted, 7 there: the kiln would do 4.2 of its 6. Its least is 5: the oven does 2."""
    kiln = WorkplaceCard("kiln", 9 * MICRO, 5 * MICRO, (BAKE,))
    plan = cleared(economy(kiln, oven(9), bread=9, milk=20, flour=7), (4, 20, 0), (6 * MICRO, 4 * MICRO))
    assert plan.activity == (5 * MICRO, 2 * MICRO)


def test_a_workplace_that_can_never_be_exactly_what_it_offers_is_named() -> None:
    """It offers 10 and no more, and each activity uses 1.5: 6.666666 of them are too few, 6.666667 too many."""
    exactly = msgspec.structs.replace(BAKE, capacity_use=1_500_000)
    where = economy(oven(10, exactly, least=10), bread=9, milk=20, flour=99)
    with pytest.raises(RefusedError, match="oven: no whole millionths of its activities lie between"):
        cleared(where, (4, 20, 0), (7 * MICRO,))
    assert cleared(economy(oven(10, least=10), bread=9, milk=20, flour=99), (4, 20, 0), (7 * MICRO,)).activity == (
        10**7,
    )


def test_whatever_is_proposed_what_comes_out_holds_or_is_refused() -> None:
    """Some hundred made-up proposals, most of them far from balance: seed 1."""
    chance = random.Random(1)
    ends = Counter(clear_at_random(chance) for _ in range(400))
    assert ends["holds"] > 100 < ends["refused"] and not ends["broken"], ends


def clear_at_random(chance: random.Random) -> str:
    recipes = [
        BAKE,
        BAKE_BY_HAND,
        Technique(((BREAD, MICRO // 3), (MILK, -MICRO)), MICRO // 2),
        Technique(((MILK, MICRO), (FLOUR, -2 * MICRO)), 3 * MICRO // 2),
    ]
    cards = []
    for number in range(chance.randint(1, 3)):
        capacity = chance.randint(1, 30) * MICRO
        least = chance.choice([0, 0, capacity, chance.randint(0, capacity)])
        cards.append(
            WorkplaceCard(f"w{number}", capacity, least, tuple(chance.sample(recipes, chance.randint(1, len(recipes)))))
        )
    bread, milk, flour, hours = (chance.randint(0, most) for most in (30, 300, 30, 30))
    where = economy(*cards, bread=bread, milk=milk, flour=flour, hours=hours)
    eaten = tuple(chance.randint(0, 60) for _ in where.eaters.good)
    levels = range(where.entries - len(eaten))
    try:
        plan = cleared(where, eaten, tuple(chance.randint(0, 30 * MICRO) // chance.choice([1, MICRO]) for _ in levels))
    except RefusedError:
        return "refused"
    return "holds" if is_sound(where, plan) else "broken"


def is_sound(where: Economy, plan: ClearedPlan) -> bool:
    """Balances, floors, credits, capacities and leasts, in fractions and by the cards alone."""
    left = [Fraction(one.endowment, 10**one.decimals) for one in where.goods]
    eaten, levels = iter(plan.consumption), iter(plan.activity)
    for council in where.consumers:
        purse = Fraction(sum(nest.credits_micro for nest in council.nests))
        for place, floor in [row for nest in council.nests for row in zip(nest.goods, nest.floors, strict=True)]:
            units = next(eaten)
            left[place] -= Fraction(units, 10 ** where.goods[place].decimals)
            purse -= Fraction((units - floor) * plan.prices[place], 10 ** where.goods[place].decimals)
            if units < floor:
                return False
        if purse < 0:
            return False
    for card in where.workplaces:
        used = 0
        for technique in card.techniques:
            level = next(levels)
            used += technique.capacity_use * level
            for place, amount in technique.net:
                left[place] -= Fraction(amount * level, MICRO**2)
        if not card.least * MICRO <= used <= card.capacity * MICRO:
            return False
    return min(left) >= 0


def test_a_circle_that_uses_more_than_it_makes_is_given_up_after_so_many_passes() -> None:
    """Bread makes flour and flour makes bread, a ten-thousandth less of it each time."""
    loaf = Technique(((BREAD, MICRO + 100), (FLOUR, -MICRO)), MICRO)
    mill = WorkplaceCard("mill", 9_000 * MICRO, 0, (loaf,))
    bakery = WorkplaceCard("bakery", 9_000 * MICRO, 0, (BAKE,))
    where = economy(bakery, mill, milk=20, bread=4, councils="N")
    with pytest.raises(RefusedError) as refused:
        cleared(where, (4, 20), (9_000 * MICRO, 9_000 * MICRO))
    places = {finding.place for finding in refused.value.findings}
    assert places and places <= {"bread", "flour"}, "milk is there to the last tenth"
    assert CLEARING_PASSES_MOST == 1_000
