"""What a round takes of the answers before anything is solved, in small whole numbers; and what a new reading keeps.

Goods: bread in whole kilograms at 2 credits, milk in tenths of a litre at 1. North has 100 credits above its floors.
"""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.card_rules import QUANTITY_MOST
from protocol.planning.cards import (
    GOODS_TABLE_FORMAT,
    MICRO,
    ConsumerCard,
    Good,
    GoodsTable,
    Nest,
    Technique,
    WorkplaceCard,
)
from protocol.planning.economy import Economy, build_economy
from protocol.planning.rounds import Answer, RoundReport, check_answer, close_round, start_state, warm_start
from protocol.planning.state import State, hash_state

BREAD, MILK, FLOUR = range(3)
NORTH = ConsumerCard("north", 10, (Nest(60 * MICRO, (BREAD,), (4,), (10,)), Nest(40 * MICRO, (MILK,), (20,), (50,))))
SOUTH = ConsumerCard("south", 10, (Nest(50 * MICRO, (BREAD,), (0,), (10,)),))
BAKE = Technique(((BREAD, -MICRO), (FLOUR, MICRO)), MICRO)
OVEN = WorkplaceCard("oven", 90 * MICRO, 0, (BAKE,))
MILKMAN = WorkplaceCard("milkman", 90 * MICRO, 0, (Technique(((MILK, -MICRO), (FLOUR, MICRO)), MICRO),))
GOODS = (
    Good("bread", "KGM", "good", 0, 2 * MICRO, 50),
    Good("milk", "LTR", "good", 1, MICRO, 500),
    Good("flour", "KGM", "good", 0, MICRO, 500),
)


def economy(*cards: ConsumerCard | WorkplaceCard, goods: tuple[Good, ...] = GOODS) -> Economy:
    """The milkman trades: nobody answers for him."""
    eating = [card for card in cards if isinstance(card, ConsumerCard)]
    making = [card for card in cards if isinstance(card, WorkplaceCard)]
    return build_economy(GoodsTable(GOODS_TABLE_FORMAT, 10_000, goods, (MILKMAN,)), eating, making)


PLAIN = economy(NORTH, SOUTH, OVEN)


def close(state: State, where: Economy = PLAIN, **said: tuple[int, ...]) -> tuple[list[int], RoundReport]:
    """The answers that stand after a round in which these were given, and the report."""
    answers = {name: Answer(hash_state(state), quantities) for name, quantities in said.items()}
    after, report = close_round(where, state, answers)
    stand: list[int] = after.answers.tolist()
    return stand, report


CUT = [
    # 100 credits of both nests: 30 of bread at 2 and 40 litres of milk at 1 cost 100.
    ("what the credits buy", (4 + 30, 20 + 400), (4 + 30, 20 + 400), False),
    # 60 of bread and 80 litres cost 200: half of each.
    ("twice as much", (4 + 60, 20 + 800), (4 + 30, 20 + 400), True),
    # 51 of bread cost 102: 51 x 100 / 102 = 50 exactly. A litre tenth more, and rounding down takes one of each.
    ("a kilogram more", (4 + 51, 20), (4 + 50, 20), True),
    ("a tenth of a litre more", (4 + 50, 20 + 1), (4 + 49, 20), True),
    ("no more than the floors", (4, 20), (4, 20), False),
]


@pytest.mark.parametrize(("said", "stands", "is_cut"), [row[1:] for row in CUT], ids=[row[0] for row in CUT])
def test_nobody_s_answer_claims_more_than_the_credits(
    said: tuple[int, ...], stands: tuple[int, ...], is_cut: bool
) -> None:
    answers, report = close(start_state(PLAIN), north=said, south=(25,), oven=(7,))
    assert tuple(answers[:4]) == (*stands, 25, 7)
    assert report.cut_to_credits == (("north",) if is_cut else ())
    assert (report.silent, report.set_aside) == ((), ())


def test_credits_are_counted_at_the_prices_of_the_state_and_not_at_the_first_ones() -> None:
    """Bread at 6 in place of 2: 50 credits of the south buy 8."""
    dear = replace(start_state(PLAIN), prices=np.array([6 * MICRO, MICRO, MICRO]))
    answers, report = close(dear, north=(4, 20), south=(10,), oven=(0,))
    assert (answers[:3], report.cut_to_credits) == ([4, 20, 8], ("south",))


def test_what_people_eat_never_costs_nothing() -> None:
    """There is far more than anybody asks for: bread and milk cost a millionth of a credit, flour nothing."""
    state = start_state(PLAIN)
    said = {"north": (4, 20), "south": (0,), "oven": (0,)}
    after, _ = close_round(PLAIN, state, {name: Answer(hash_state(state), units) for name, units in said.items()})
    assert after.prices.tolist() == [1, 1, 0]


def test_each_answer_that_cannot_count_leaves_the_last_one_and_is_told_with_its_place() -> None:
    state = start_state(PLAIN)
    before = state.answers.tolist()
    late = Answer(bytes(32), (7,))
    after, report = close_round(PLAIN, state, {"north": Answer(hash_state(state), (3, 20)), "oven": late})
    assert report.silent == ("north", "south", "oven")
    assert [str(finding) for finding in report.set_aside] == [
        f"north.quantities[0]: must be 4 to {10**9}",
        "oven: answers another state",
    ]
    assert report.round == after.round == 1
    # The wants of the cold start cost the north 12 + 3 and the south 20 credits: nothing is cut.
    assert after.answers.tolist()[:4] == before[:4]


EDGES = [
    ("at the floors", "north", (4, 20), ""),
    ("below one", "north", (3, 20), r"north.quantities\[0\]: must be 4 to"),
    ("below the other", "north", (4, 19), r"north.quantities\[1\]: must be 20 to"),
    ("a thousand million kilograms", "south", (10**9,), ""),
    ("and one more", "south", (10**9 + 1,), "must be 0 to 1000000000$"),
    ("nothing done", "oven", (0,), ""),
    ("less than nothing", "oven", (-1,), "must be 0 to"),
    ("the most of an activity", "oven", (QUANTITY_MOST,), ""),
    ("more than that", "oven", (QUANTITY_MOST + 1,), f"must be 0 to {QUANTITY_MOST}"),
    ("a number too many", "oven", (1, 1), "2 quantities, the card has 1"),
    ("no number", "oven", (), "0 quantities, the card has 1"),
    ("from a stranger", "stranger", (1,), "nobody of that name answers"),
    ("from a trade node", "milkman", (1,), "nobody of that name answers"),
]


@pytest.mark.parametrize(("name", "said", "reason"), [row[1:] for row in EDGES], ids=[row[0] for row in EDGES])
def test_an_answer_counts_up_to_its_bounds(name: str, said: tuple[int, ...], reason: str) -> None:
    state = start_state(PLAIN)
    answer = Answer(hash_state(state), said)
    if not reason:
        check_answer(PLAIN, state, name, answer)
        return
    with pytest.raises(RefusedError, match=reason):
        check_answer(PLAIN, state, name, answer)


@pytest.mark.parametrize(
    ("carried", "said"), [(5, 5), (0, 0), (-1, 0), (QUANTITY_MOST, QUANTITY_MOST), (QUANTITY_MOST + 1, QUANTITY_MOST)]
)
def test_a_trade_node_says_what_the_state_carries_for_it_within_its_bounds(carried: int, said: int) -> None:
    state = start_state(PLAIN)
    state.carried[PLAIN.answer_ranges["milkman"].start] = carried
    answers, report = close(state)
    assert answers[PLAIN.answer_ranges["milkman"].start] == said
    assert "milkman" not in report.silent


def kept(before: Economy, after: Economy, state: State) -> dict[tuple[str, int], dict[str, int]]:
    """Every entry of a new reading's start by (participant, place in its answer)."""
    start = warm_start(after, state, before)
    columns = ("carried", "metric", "answers", "planned")
    return {
        (name, number): {column: int(getattr(start, column)[row]) for column in columns}
        for name, rows in after.answer_ranges.items()
        for number, row in enumerate(rows)
    }


def told(economy: Economy, **values: int) -> State:
    """A state in which every entry of a column has one value."""
    state = start_state(economy)
    columns = {name: np.full_like(getattr(state, name), value) for name, value in values.items()}
    return replace(state, round=9, prices=np.array([11 * MICRO, 12 * MICRO, 13 * MICRO]), **columns)


def test_a_new_reading_keeps_what_stands_on_cards_that_are_still_there() -> None:
    state = told(PLAIN, carried=-30, metric=1_000_000, answers=40, planned=41)
    start = warm_start(PLAIN, state, PLAIN)
    assert (start.round, start.prices.tolist()) == (0, [11 * MICRO, 12 * MICRO, 13 * MICRO])
    assert set(map(str, kept(PLAIN, PLAIN, state).values())) == {
        "{'carried': -30, 'metric': 1000000, 'answers': 40, 'planned': 41}"
    }


def test_a_card_that_is_new_starts_cold_at_the_prices_that_there_are() -> None:
    """The kiln bakes too, by another recipe; a quay has come. The cold level is 0.6 of what it can do."""
    hours = (*GOODS, Good("hours", "HUR", "labour", 0, 5 * MICRO, 99))
    by_hand = Technique(((BREAD, -MICRO), (3, MICRO)), MICRO)
    quay = msgspec.structs.replace(SOUTH, id="quay")
    oven = WorkplaceCard("oven", 90 * MICRO, 0, (BAKE, by_hand))
    later = economy(NORTH, quay, oven, goods=hours)
    state = told(PLAIN, carried=-30, metric=1_000_000, answers=40, planned=41)
    start, found = warm_start(later, state, PLAIN), kept(PLAIN, later, state)
    assert start.prices.tolist() == [11 * MICRO, 12 * MICRO, 13 * MICRO, 5 * MICRO]
    assert [found[place]["answers"] for place in (("north", 0), ("north", 1), ("oven", 0))] == [40, 40, 40]
    assert found["quay", 0]["answers"] == found["quay", 0]["planned"] == 10, "what the quay wants"
    assert found["oven", 1]["answers"] == 27 * MICRO, "0.6 of 90, shared by two recipes"
    assert found["oven", 1]["carried"] == 27 * MICRO


def test_quantities_are_carried_over_into_the_units_of_the_new_table_and_its_bounds() -> None:
    """Bread in hundredths: 40 kilograms are 4,000. Below the floor of 4 nothing starts, whatever was answered."""
    finer = (msgspec.structs.replace(GOODS[0], decimals=2, endowment=5_000), *GOODS[1:])
    nests = (Nest(60 * MICRO, (BREAD,), (400,), (1_000,)), NORTH.nests[1])
    later = economy(ConsumerCard("north", 10, nests), OVEN, goods=finer)
    found = kept(PLAIN, later, told(PLAIN, carried=-30, metric=1_000_000, answers=40, planned=3))
    assert found["north", 0] == {"carried": -3_000, "metric": 1_000_000, "answers": 4_000, "planned": 400}
    assert found["north", 1]["planned"] == 20 and found["oven", 0]["answers"] == 40


@pytest.mark.parametrize(("metric", "lands"), [(2**8, 2**8), (2**8 - 1, 2**8), (2**40, 2**40), (2**40 + 1, 2**40)])
def test_the_metric_stays_within_its_bounds(metric: int, lands: int) -> None:
    found = kept(PLAIN, PLAIN, told(PLAIN, metric=metric))
    assert {entry["metric"] for entry in found.values()} == {lands}


def test_a_technique_is_the_same_only_where_it_makes_the_same() -> None:
    """The oven turns from bread to milk: what it answered about bread says nothing of milk."""
    milk = WorkplaceCard("oven", 90 * MICRO, 0, (Technique(((MILK, -MICRO), (FLOUR, MICRO)), MICRO),))
    found = kept(PLAIN, economy(NORTH, milk), told(PLAIN, answers=40))
    assert found["north", 0]["answers"] == 40
    assert found["oven", 0]["answers"] == 54 * MICRO
