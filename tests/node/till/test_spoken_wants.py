"""Wishes and pledges move proportions, by whole numbers, and only once enough households have spoken."""

from __future__ import annotations

import random
from decimal import Decimal

from node.till.goods_mapping import GoodSales, MappedSales
from node.till.spoken_wants import (
    Sources,
    Spoken,
    Voices,
    apply_pledges,
    apply_wishes,
    describe_till,
    group_voices,
)
from node.till.tastes import Allotment, NestShape, tastes_from_consumption

K = 5
PRICES = {"bread": 2_000_000, "beans": 4_000_000}
CREDITS = 1_000_000_000


def tokens(count: int, start: int = 0) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(start, start + count)]


def till(**cents: tuple[int, int]) -> MappedSales:
    """Good -> (cents, households)."""
    goods = {good: GoodSales(paid, buyers, set(tokens(buyers))) for good, (paid, buyers) in cents.items()}
    return MappedSales(goods, 0, 0, 0, 0)


def said(good: str, households: list[bytes], amount: int) -> Voices:
    return {good: dict.fromkeys(households, amount)}


def test_each_wish_moves_its_own_households_share_alone() -> None:
    mapped, sources = till(bread=(10_000, 20)), Sources()
    apply_wishes(mapped, said("bread", tokens(5), 150), K, sources)
    assert mapped.goods["bread"].amount_cents == 10_000 + 10_000 * 5 * 50 // (20 * 100)
    assert sources == {"bread": ["wishes of 5 households: +12.5 %"]}


def test_everybody_who_wants_nothing_any_more_wants_nothing() -> None:
    mapped = till(bread=(10_000, 20))
    apply_wishes(mapped, said("bread", tokens(20), 0), K, Sources())
    assert mapped.goods["bread"].amount_cents == 0


def test_wishes_and_pledges_of_too_few_change_nothing() -> None:
    mapped, sources = till(bread=(10_000, 20), beans=(0, 0)), Sources()
    apply_wishes(mapped, said("bread", tokens(4), 1_000), K, sources)
    apply_pledges(mapped, said("beans", tokens(4), 9_000), PRICES, CREDITS, K, sources)
    assert mapped == till(bread=(10_000, 20), beans=(0, 0))
    assert sources["bread"] == ["wishes wait until 5 households have one"]
    assert sources["beans"] == ["pledges wait until 5 households have one"]


def test_a_pledge_brings_in_what_no_till_knows_at_its_start_price() -> None:
    mapped, sources = till(bread=(10_000, 20)), Sources()
    apply_pledges(mapped, said("beans", tokens(5, 100), 2_000), PRICES, CREDITS, K, sources)
    # 5 x 2 units at 4 credits are 40 of 1,000 credits; the till's 10,000 cents stand for all of them.
    assert mapped.goods["beans"].amount_cents == 400
    assert mapped.goods["beans"].households == set(tokens(5, 100))
    assert sources["beans"] == ["pledges of 5 households: more than is bought, so they count"]


def test_a_pledge_below_what_is_bought_changes_nothing() -> None:
    mapped, sources = till(bread=(10_000, 20)), Sources()
    apply_pledges(mapped, said("bread", tokens(5), 100), PRICES, CREDITS, K, sources)
    assert mapped == till(bread=(10_000, 20)) and "no more than is bought" in sources["bread"][0]


def test_pledges_alone_make_tastes_without_any_till() -> None:
    mapped = till()
    apply_pledges(mapped, {**said("bread", tokens(6), 3_000), **said("beans", tokens(6), 500)}, PRICES, 1, K, Sources())
    nests = (NestShape("all", "All", Decimal(1), ("bread", "beans")),)
    prices = {good: Decimal(micro) / 1_000_000 for good, micro in PRICES.items()}
    (nest,) = tastes_from_consumption(mapped, nests, prices, Allotment(10, 1_000_000, {}), K).nests
    by_good = {one.good: one.weight for one in nest.goods}
    assert by_good["bread"] == 3 * by_good["beans"], "6 x 3 units at 2 against 6 x 0.5 at 4"


def test_the_order_in_which_members_spoke_changes_nothing() -> None:
    chance = random.Random(4)
    spoken = [Spoken(token, good, chance.randint(0, 300)) for good in PRICES for token in tokens(9)]
    outcomes = []
    for _ in range(5):
        chance.shuffle(spoken)
        mapped, sources = till(bread=(10_007, 7), beans=(333, 6)), Sources()
        apply_wishes(mapped, group_voices(spoken, PRICES), K, sources)
        outcomes.append((mapped, sources))
    assert all(one == outcomes[0] for one in outcomes)


def test_what_was_said_of_goods_outside_the_nests_is_left_alone() -> None:
    assert group_voices([Spoken(b"token", "caviar", 900)], PRICES) == {}


def test_the_till_in_words_shows_no_small_group() -> None:
    words = describe_till(till(bread=(10_000, 20), beans=(50, 3)), ["bread", "beans", "peas"], K)
    assert words == {
        "bread": ["till: 20 households"],
        "beans": ["till: fewer than 5 households, so it is summed with others"],
        "peas": ["till: no lines"],
    }
