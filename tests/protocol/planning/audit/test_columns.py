"""Cards side by side: the glance finds what reading card by card finds, and sums are exact whatever their size."""

import random

import msgspec
import numpy as np
import pytest

from protocol.core.errors import Finding
from protocol.planning.audit.cards import audit_cards
from protocol.planning.audit.columns import read_cards, read_column, sum_products
from protocol.planning.card_rules import audit_consumer_card, audit_workplace_card
from protocol.planning.cards import ConsumerCard, WorkplaceCard
from tests.protocol.planning.economies import load, region
from tests.protocol.planning.test_card_rules import COUNCILS, TABLE, WORKPLACES


@pytest.mark.parametrize("card", [row[1] for row in COUNCILS], ids=[row[0] for row in COUNCILS])
def test_a_council_seen_at_one_glance_is_judged_as_when_it_is_read(card: ConsumerCard) -> None:
    assert audit_cards(TABLE, [card], [], read_cards([card], [])) == audit_consumer_card(TABLE, card)


@pytest.mark.parametrize("card", [row[1] for row in WORKPLACES], ids=[row[0] for row in WORKPLACES])
def test_a_workplace_seen_at_one_glance_is_judged_as_when_it_is_read(card: WorkplaceCard) -> None:
    assert audit_cards(TABLE, [], [card], read_cards([], [card])) == audit_workplace_card(TABLE, card) != []


def test_one_bad_card_among_many_is_named_alone() -> None:
    file, _ = load(region(1))
    bad = msgspec.structs.replace(file.workplaces[3], least=-1)
    cards = [*file.workplaces[:3], bad, *file.workplaces[4:]]
    findings = audit_cards(file.table, file.consumers, cards, read_cards(file.consumers, cards))
    assert findings == [Finding(f"{bad.id}.least", "must be 0 up to the capacity")]


@pytest.mark.parametrize("bits", [(3, 3), (20, 40), (40, 20), (54, 54), (62, 62), (63, 5), (70, 10), (10, 90)])
def test_sums_of_products_are_exact_at_any_size(bits: tuple[int, int]) -> None:
    chance = random.Random(str(bits))
    size, groups = 300, 7
    left = [chance.randint(-(2 ** bits[0]) + 1, 2 ** bits[0] - 1) for _ in range(size)]
    right = [chance.randint(-(2 ** bits[1]) + 1, 2 ** bits[1] - 1) for _ in range(size)]
    group = [chance.randrange(groups - 1) for _ in range(size)]
    wanted = [0] * groups
    for one, other, place in zip(left, right, group, strict=True):
        wanted[place] += one * other
    assert sum_products(read_column(left), read_column(right), np.array(group), groups) == wanted


def test_the_sum_of_nothing_is_nothing_in_each_group() -> None:
    empty = read_column([])
    assert sum_products(empty, empty, np.zeros(0, np.int64), 2) == [0, 0]
