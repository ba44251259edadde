"""A till by the weeks of the year: each period wants what was bought in its weeks, however much of a year is there."""

import random

from node.till.goods_mapping import parse_rules
from node.till.sale import Sale
from node.till.seasons import MILLI, list_weeks, sum_seasons
from protocol.planning.cards import Period

SUMMER, WINTER = Period("summer", 14, 39), Period("winter", 40, 13)
RULES = parse_rules({"bread": ("BREAD",), "soup": ("SOUP",)})


def sale(week: str, category: str, cents: int, household: int = 1) -> Sale:
    return Sale(0, "2017-01-31", week, "", "", category.lower(), category, 1_000, cents, bytes([household]))


def cents_of(sales: list[Sale], *periods: Period) -> dict[str, int]:
    """Whole cents of each good and period."""
    return {good: sums.amount_cents // MILLI for good, sums in sum_seasons(sales, RULES, periods)[0].goods.items()}


def test_the_periods_cover_the_year_and_a_long_years_last_week_is_winter() -> None:
    assert sorted(list_weeks(SUMMER) + list_weeks(WINTER)) == list(range(1, 53))
    assert (SUMMER.weeks, WINTER.weeks) == (26, 26)
    assert cents_of([sale("2020-W53", "SOUP", 100)], SUMMER, WINTER)["soup in winter"] == 2_600


def test_each_week_counts_like_a_week_that_the_till_has_seen() -> None:
    # Three summer weeks at 300 a week, one winter week at 500: a till of summer does not make a plan of summer.
    sales = [sale(f"2017-W2{week}", "BREAD", 300) for week in range(3)]
    sales += [sale("2017-W48", "SOUP", 400), sale("2017-W48", "BREAD", 100)]
    expected = {"bread in summer": 26 * 300, "soup in summer": 0, "bread in winter": 2_600, "soup in winter": 26 * 400}
    assert cents_of(sales, SUMMER, WINTER) == expected
    shuffled = random.Random(5).sample(sales, len(sales))
    assert cents_of(shuffled, SUMMER, WINTER) == expected


def test_two_years_of_a_week_are_two_weeks() -> None:
    sales = [sale("2016-W20", "BREAD", 100), sale("2017-W20", "BREAD", 300, 2)]
    week = Period("the twentieth", 20, 20)
    mapped, unseen = sum_seasons(sales, RULES, (week,))
    assert cents_of(sales, week)["bread in the twentieth"] == 200 and unseen == frozenset()
    assert mapped.goods["bread in the twentieth"].households == {b"\1", b"\2"}


def test_a_period_that_the_till_has_not_seen_is_like_all_its_weeks() -> None:
    mapped, unseen = sum_seasons([sale("2017-W20", "BREAD", 300), sale("2017-W21", "SOUP", 100)], RULES, (WINTER,))
    assert unseen == {"winter"}
    assert mapped.goods["bread in winter"].amount_cents == 26 * 300 * MILLI // 2
    assert (mapped.lines, mapped.lines_unmapped) == (2, 0)
