"""Whether all cards of a plan keep their bounds, seen at one glance; only where they do not, each is read by itself.

Invariant: the findings are those of protocol/planning/card_rules.py, card by card; the glance only spares the reading.
Spec: docs/spec/planning/planning-step.md, section "Bounds".
"""

from collections.abc import Sequence

import numpy as np

from protocol.core.errors import Finding, refuse
from protocol.core.quantities import divide_up
from protocol.planning.audit.columns import CardColumns, read_cards
from protocol.planning.card_rules import (
    AMOUNT_MOST,
    CAPACITY_MOST,
    CARD_GOODS_MOST,
    CREDITS_MOST_MICRO,
    NAME_CHARACTERS_MOST,
    NESTS_MOST,
    NET_MOST,
    PEOPLE_MOST,
    TECHNIQUES_MOST,
    WHOLE_UNITS_MOST,
    audit_consumer_card,
    audit_workplace_card,
    quantity_most,
    says_batches,
)
from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard


def audit_cards(
    table: GoodsTable, consumers: Sequence[ConsumerCard], workplaces: Sequence[WorkplaceCard], columns: CardColumns
) -> list[Finding]:
    """Everything that keeps these cards from being planned with, for a table that is sound itself.

    `columns` are the cards' (there may be further workplaces after them, those of the table's trade).
    """
    findings: list[Finding] = []
    if not _are_named(consumers) or not _are_councils_sound(table, consumers, columns):
        for consumer in consumers:
            findings += audit_consumer_card(table, consumer)
    is_sound = _are_named(workplaces) and _are_workplaces_sound(table, workplaces, columns)
    for workplace in workplaces:
        if workplace.outline or not is_sound or any(map(says_batches, workplace.techniques)):
            findings += audit_workplace_card(table, workplace)
    return findings


def check_cards(table: GoodsTable, consumers: Sequence[ConsumerCard], workplaces: Sequence[WorkplaceCard]) -> None:
    """Raises RefusedError with every finding."""
    refuse(audit_cards(table, consumers, workplaces, read_cards(consumers, workplaces)), "a card is refused")


def _are_named(cards: Sequence[ConsumerCard | WorkplaceCard]) -> bool:
    return all(1 <= len(card.id) <= NAME_CHARACTERS_MOST and card.id.isprintable() for card in cards)


def _are_councils_sound(table: GoodsTable, cards: Sequence[ConsumerCard], columns: CardColumns) -> bool:
    if not all(1 <= card.people <= PEOPLE_MOST and 1 <= len(card.nests) <= NESTS_MOST for card in cards):
        return False
    nests, credits = columns.nests, columns.credits
    if not len(nests) or np.min(credits) < 1 or np.max(credits) > CREDITS_MOST_MICRO:
        return False
    sizes = _count([nest.goods for nest in nests])
    if min(sizes) < 1 or sizes != _count([nest.floors for nest in nests]):
        return False
    if sizes != _count([nest.wants for nest in nests]):
        return False
    good = columns.good
    if not len(good) or np.min(good) < 0 or np.max(good) >= len(table.goods):
        return False
    named = np.sort(columns.council * len(table.goods) + good)
    if np.any(named[1:] == named[:-1]) or np.max(np.bincount(columns.council)) > CARD_GOODS_MOST:
        return False
    most = np.array([quantity_most(good.decimals) for good in table.goods])[good.astype(np.intp)]
    floor, want = columns.floor, columns.want
    return bool(np.min(floor) >= 0 and np.all(floor <= want) and np.all(want <= most))


def _count(rows: Sequence[Sequence[object]]) -> list[int]:
    return list(map(len, rows))


def _are_workplaces_sound(table: GoodsTable, cards: Sequence[WorkplaceCard], columns: CardColumns) -> bool:
    """Those with an outline are left out: they are few and read by themselves, as are those with batches once more."""
    for card in cards:
        if card.outline:
            continue
        if card.apart or not (1 <= card.capacity <= CAPACITY_MOST and 0 <= card.least <= card.capacity):
            return False
        if not 1 <= len(card.techniques) <= TECHNIQUES_MOST:
            return False
    rows = len(columns.techniques)
    if not rows:
        return True
    goods = np.bincount(columns.technique, minlength=rows)
    if np.min(goods) < 1 or np.max(goods) > NET_MOST:
        return False
    use_least = np.array([divide_up(card.capacity, WHOLE_UNITS_MOST) for card in cards])
    own = columns.workplace < len(cards)
    use = columns.capacity_use[own]
    if np.any(use < use_least[columns.workplace[own]]) or np.max(use, initial=0) > CAPACITY_MOST:
        return False
    good, amount = columns.net_good, np.abs(columns.net_amount)
    within = np.min(good) >= 0 and np.max(good) < len(table.goods)
    if not within or np.min(amount) <= 0 or np.max(amount) > AMOUNT_MOST:
        return False
    return bool(np.all((good[1:] > good[:-1]) | (columns.technique[1:] != columns.technique[:-1])))
