"""From till lines to wants: mapping, proportions, floors, and the rule of k households."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.till.goods_mapping import GoodsMapping, parse_rules, proportions, sum_goods
from node.till.sale import Sale
from node.till.tastes import Allotment, NestShape, Tastes, split_whole, sum_rare_nests, tastes_from_consumption
from protocol.core.errors import MisuseError, RefusedError

MAPPING = parse_rules(
    {
        "bread": ["BAKERY: LOAF | BATON", "BREAD"],
        "cake": ["BAKERY"],
        "milk": ["DAIRY: MILK"],
        "cheese": ["DAIRY"],
        "oats": ["CEREAL"],
    }
)
NESTS = (
    NestShape("morning", "Morning", Decimal(0), ("bread", "milk")),
    NestShape("treats", "Treats", Decimal(2), ("cake", "cheese", "oats")),
)
PRICES = {
    "bread": Decimal("1.25"),
    "milk": Decimal("0.6"),
    "cake": Decimal(4),
    "cheese": Decimal(8),
    "oats": Decimal("0.7"),
}
ALLOTMENT = Allotment(100, 10_000_000, {"oats": Decimal("0.2"), "bread": Decimal("0.1")})


def sale(category: str, name: str, cents: int, household: int | None) -> Sale:
    token = None if household is None else household.to_bytes(16, "big")
    return Sale(2, "2017-01-31", "2017-W05", "", "", name, category, 1000, cents, token)


def shop(households: int = 8) -> list[Sale]:
    """Every household buys every good."""
    return [
        sale(category, name, cents, household)
        for household in range(households)
        for category, name, cents in (
            ("BAKERY", "OAK LOAF", 300),
            ("BAKERY", "PLUM CAKE", 500),
            ("DAIRY", "MILK 1 L", 200),
            ("DAIRY", "CHEDDAR", 700),
            ("CEREAL", "OATS", 40),
        )
    ]


def taste(sales: Sequence[Sale], allotment: Allotment = ALLOTMENT, k_households: int = 5) -> Tastes:
    return tastes_from_consumption(sum_goods(sales, MAPPING), NESTS, PRICES, allotment, k_households)


def weights_of(tastes: Tastes) -> dict[str, Decimal]:
    return {good.good: good.weight for nest in tastes.nests for good in nest.goods}


def demand_at_start(tastes: Tastes) -> dict[str, float]:
    """What a CES buyer with these weights takes beyond the floors when every price is the start price."""
    demand: dict[str, float] = {}
    for nest in tastes.nests:
        sigma = float(nest.sigma)
        price = {good.good: float(PRICES[good.good]) for good in nest.goods}
        cost = sum(float(good.weight) * price[good.good] ** (1 - sigma) for good in nest.goods)
        for good in nest.goods:
            share = float(good.weight) * price[good.good] ** -sigma / cost
            demand[good.good] = nest.credits_micro / 1_000_000 * share
    return demand


MAPPED = {
    "a part of the name decides": ("BAKERY", "OAK LOAF 800 G", "bread"),
    "case and blanks do not matter": ("bakery ", "french  baton", "bread"),
    "what names no part takes the category": ("BAKERY", "PLUM CAKE", "cake"),
    "a whole category": ("BREAD", "RYE", "bread"),
    "a category nobody maps": ("TOYS", "LOAF", None),
}


@pytest.mark.parametrize("category, name, good", MAPPED.values(), ids=MAPPED)
def test_a_line_counts_as_the_good_its_rule_names(category: str, name: str, good: str | None) -> None:
    assert MAPPING.good_of(category, name) == good
    assert MAPPING.good_of(category, name) == good


def test_a_rule_that_takes_a_whole_category_gives_way_to_one_that_names_a_part() -> None:
    mapping = parse_rules({"cake": ["BAKERY"], "bread": ["BAKERY: LOAF"]})
    assert mapping.good_of("BAKERY", "LOAF") == "bread"


@pytest.mark.parametrize("text", ["", " ", "BAKERY: ", "BAKERY:  | "])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="till rule of bread"):
        parse_rules({"bread": [text]})


def test_what_no_rule_takes_is_counted() -> None:
    mapped = sum_goods([*shop(), sale("TOYS", "KITE", 999, 1)], MAPPING)
    assert (mapped.lines_unmapped, mapped.unmapped_cents, mapped.lines) == (1, 999, 41)
    assert mapped.goods["bread"].amount_cents == 2400
    assert len(mapped.goods["bread"].households) == 8


def test_proportions_are_shares_of_money_and_refunds_come_off() -> None:
    sales = [sale("BREAD", "A", 300, 1), sale("BREAD", "A", -100, 1), sale("CEREAL", "B", 600, 2)]
    assert proportions(sales, MAPPING)["bread"] == 250_000
    assert proportions([], MAPPING) == {"bread": 0, "cake": 0, "milk": 0, "cheese": 0, "oats": 0}


def test_credits_are_people_times_the_equal_amount_whatever_the_till_says() -> None:
    for sales in (shop(8), shop(30), [*shop(), *shop()]):
        assert sum(nest.credits_micro for nest in taste(sales).nests) == 100 * 10_000_000


def test_twice_the_turnover_gives_the_same_tastes() -> None:
    assert taste([*shop(), *shop()]).nests == taste(shop()).nests


def test_at_start_prices_the_council_buys_what_its_till_sold_beyond_the_floors() -> None:
    tastes = taste(shop())
    demand = demand_at_start(tastes)
    # Of 1000 credits 17.4 parts in 100 went to bread and so on; the floors are given, so their worth comes off first.
    wanted = {"bread": 300 / 1740 * 1000 - 12.5, "milk": 200 / 1740 * 1000, "cake": 500 / 1740 * 1000}
    wanted |= {"cheese": 700 / 1740 * 1000, "oats": 40 / 1740 * 1000 - 14}
    scale = 1000 / sum(wanted.values())
    for good, credits in wanted.items():
        assert demand[good] * float(PRICES[good]) == pytest.approx(credits * scale, rel=1e-8)


def test_a_floor_above_what_the_till_sold_leaves_no_want_beyond_it() -> None:
    tastes = taste(shop(), Allotment(100, 10_000_000, {"oats": Decimal(1)}))
    (oats,) = [good for nest in tastes.nests for good in nest.goods if good.good == "oats"]
    assert not oats.is_wanted
    assert oats.floor == 100
    assert oats.weight == max(weights_of(tastes)["cake"], weights_of(tastes)["cheese"]) / 10_000


def test_one_changed_line_changes_a_weight() -> None:
    sales = shop(500)
    changed = [*sales[:-1], sale("CEREAL", "OATS", 41, 499)]
    assert weights_of(taste(sales)) != weights_of(taste(changed))


def test_a_good_under_k_households_is_summed_with_the_next_and_shares_evenly() -> None:
    rare = [one for one in shop() if one.category != "CEREAL"] + [sale("CEREAL", "OATS", 8000, 1)]
    tastes = taste(rare, Allotment(100, 10_000_000, {}))
    assert tastes.summed == ("cake", "oats")
    demand = demand_at_start(tastes)
    assert demand["cake"] * 4 == pytest.approx(demand["oats"] * 0.7)


def test_what_one_household_buys_of_a_rare_good_cannot_be_told_from_what_it_buys_of_the_next() -> None:
    common = [one for one in shop() if one.category != "CEREAL"]
    oats = [*common, sale("CEREAL", "OATS", 100, 1)]
    cake = [*common, sale("BAKERY", "PLUM CAKE", 100, 1)]
    assert taste(oats).nests == taste(cake).nests


def test_without_a_household_column_only_the_nests_are_told_apart() -> None:
    tastes = taste([sale(one.category, one.product_name, one.amount_cents, None) for one in shop()])
    assert set(tastes.summed) == {"bread", "milk", "cake", "cheese", "oats"}
    assert tastes.households == 0


def test_too_few_households_publish_nothing() -> None:
    with pytest.raises(RefusedError, match="4 households, fewer than 5"):
        taste(shop(4))
    with pytest.raises(MisuseError, match="at least 5"):
        taste(shop(), k_households=4)


def test_a_till_without_any_good_of_the_plan_is_refused() -> None:
    with pytest.raises(RefusedError, match="no line counts"):
        taste([sale("TOYS", "KITE", 999, household) for household in range(9)])


def test_a_nest_that_few_bought_from_is_summed_as_a_whole() -> None:
    morning = [one for one in shop() if MAPPING.good_of(one.category, one.product_name) in ("bread", "milk")]
    tastes = taste([*morning, *(sale("CEREAL", "OATS", 500, household) for household in range(3))])
    assert set(tastes.summed) == {"bread", "milk", "cake", "cheese", "oats"}


def test_a_nest_that_nobody_bought_from_keeps_a_small_share() -> None:
    sales = [one for one in shop() if one.category == "DAIRY" or one.product_name == "OAK LOAF"]
    nests = (
        NESTS[0],
        NestShape("cheese", "Cheese", Decimal(1), ("cheese",)),
        NestShape("oats", "O", Decimal(1), ("oats",)),
    )
    mapped = sum_goods(sales, MAPPING)
    tastes = tastes_from_consumption(mapped, nests, PRICES, Allotment(100, 10_000_000, {"oats": Decimal("0.2")}))
    assert sum(nest.credits_micro for nest in tastes.nests) == 1_000_000_000
    assert all(nest.credits_micro > 0 for nest in tastes.nests)
    assert sum_rare_nests({"bread": 1, "milk": 1}, sum_goods([], MAPPING), NESTS, 5, []) == {"bread": 1, "milk": 1}


def test_a_good_in_two_nests_is_misuse() -> None:
    with pytest.raises(MisuseError, match="two nests"):
        tastes_from_consumption(sum_goods(shop(), MAPPING), (NESTS[0], NESTS[0]), PRICES, ALLOTMENT)


@given(st.integers(0, 10**12), st.lists(st.decimals(0, 10**6, places=6), min_size=1, max_size=12))
def test_a_split_is_exact_and_in_proportion(total: int, parts: list[Decimal]) -> None:
    if not any(parts):
        return
    split = split_whole(total, parts)
    assert sum(split) == total
    for share, part in zip(split, parts, strict=True):
        assert abs(share - total * part / sum(parts)) <= 1


@given(st.permutations(shop(6)))
def test_the_order_of_the_lines_does_not_matter(sales: list[Sale]) -> None:
    assert taste(sales) == taste(shop(6))


def test_the_memory_of_the_mapping_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.till.goods_mapping.MEMO_ENTRIES_MAX", 3)
    mapping = GoodsMapping(MAPPING.rules)
    sizes = []
    for number in range(6):
        assert mapping.good_of("BREAD", str(number)) == "bread"
        sizes.append(len(mapping.known))
    assert sizes[-1] == 3
    assert all(later >= earlier for earlier, later in pairwise(sizes))
