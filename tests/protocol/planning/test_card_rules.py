"""Which cards count: the charter's ceilings, the declared bounds, and reasons that a person can act on."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from protocol.core.encoding import decode, encode, to_struct
from protocol.core.errors import RefusedError
from protocol.planning.card_rules import (
    QUANTITY_MOST,
    allotted_floors,
    audit_consumer_card,
    audit_goods_table,
    audit_workplace_card,
    check_goods_table,
)
from protocol.planning.cards import ApprovedFloor, CardTerms, ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.economy import build_economy
from tests.protocol.planning.economies import load, village

FILE, ECONOMY = load(village())
TABLE = FILE.table
NORTH = msgspec.structs.replace(FILE.consumers[0], people=100)
OVEN = next(card for card in FILE.workplaces if card.id == "oven")
BREAD_FLOOR = NORTH.nests[0].floors[0]
TERMS = CardTerms(1_500_000, (ApprovedFloor("bread", 5, 2),))


def nest(**changes: Any) -> ConsumerCard:
    return msgspec.structs.replace(NORTH, nests=(msgspec.structs.replace(NORTH.nests[0], **changes),))


def test_a_card_at_its_ceilings_counts() -> None:
    assert audit_consumer_card(TABLE, NORTH, TERMS) == []


COUNCILS: list[tuple[str, ConsumerCard, CardTerms, str]] = [
    ("one micro-credit too many", nest(credits_micro=150_000_001), TERMS, "1 too many"),
    ("fewer people than credits", msgspec.structs.replace(NORTH, people=99), TERMS, "1500000 too many"),
    ("a floor above the list", nest(floors=(BREAD_FLOOR + 1, 0)), TERMS, "the list allots"),
    ("a floor below the list", nest(floors=(BREAD_FLOOR - 1, 0)), TERMS, "the list allots"),
    ("a floor that is not on the list", nest(floors=(BREAD_FLOOR, 1)), TERMS, "allots 0 units"),
    (
        "a listed good left out",
        NORTH,
        CardTerms(1_500_000, (*TERMS.floors, ApprovedFloor("flour", 1, 0))),
        "does not name it",
    ),
    ("an unknown good", nest(goods=(0, 99)), TERMS, "unknown good 99"),
    ("a good twice", nest(goods=(0, 0)), TERMS, "each good once"),
    ("a want below the floor", nest(wants=(0, 1)), TERMS, "its floor up to"),
    ("a want beyond all bounds", nest(wants=(2**60, 1)), TERMS, "up to"),
    ("a nest without credits", nest(credits_micro=0), TERMS, "must be 1 to"),
    ("lists that differ in length", nest(wants=(1,)), TERMS, "same length"),
    ("no nest", msgspec.structs.replace(NORTH, nests=()), TERMS, "1 to 64 nests"),
    ("nobody", msgspec.structs.replace(NORTH, people=0), TERMS, "must be 1 to"),
    ("a name with a line break", msgspec.structs.replace(NORTH, id="a\nb"), TERMS, "printable"),
]


@pytest.mark.parametrize(("card", "terms", "reason"), [row[1:] for row in COUNCILS], ids=[row[0] for row in COUNCILS])
def test_a_council_card_is_refused_with_the_reason(card: ConsumerCard, terms: CardTerms, reason: str) -> None:
    assert any(reason in str(finding) for finding in audit_consumer_card(TABLE, card, terms))


def test_what_others_approved_for_one_council_counts_for_it() -> None:
    more_milk = (ApprovedFloor("milk", 7, TABLE.goods[1].decimals),)
    approved = CardTerms(1_500_000, TERMS.floors, extra_credits_micro=1, extra_floors=more_milk)
    card = nest(credits_micro=150_000_001, floors=(BREAD_FLOOR, 7))
    assert audit_consumer_card(TABLE, card, approved) == []


def test_a_floor_of_a_fraction_of_a_unit_is_rounded_up() -> None:
    extra = (ApprovedFloor("bread", 21, 4), ApprovedFloor("milk", 21, 4))
    terms = CardTerms(1, (ApprovedFloor("bread", 1, 4), ApprovedFloor("unknown", 1, 0)), extra_floors=extra)
    assert allotted_floors(TABLE, 101, terms) == {0: 11 + 3, 1: 3}, (
        "what others approved is in all, not for each person"
    )


def technique(**changes: Any) -> WorkplaceCard:
    return msgspec.structs.replace(OVEN, techniques=(msgspec.structs.replace(OVEN.techniques[0], **changes),))


WORKPLACES: list[tuple[str, WorkplaceCard, str]] = [
    ("no capacity", msgspec.structs.replace(OVEN, capacity=0), "must be 1 to"),
    ("a least above the most", msgspec.structs.replace(OVEN, least=OVEN.capacity + 1), "up to the capacity"),
    ("goods apart, and recipes", msgspec.structs.replace(OVEN, apart=True), "only said of an outline"),
    ("no technique", msgspec.structs.replace(OVEN, techniques=()), "1 to 16 techniques"),
    ("an empty recipe", technique(net=()), "1 to 512 goods"),
    ("a recipe out of order", technique(net=((2, 1), (0, -1))), "ascending"),
    ("an unknown good", technique(net=((77, 1),)), "unknown good 77"),
    ("an amount of nothing", technique(net=((0, 0),)), "must not be 0"),
    ("an amount beyond all bounds", technique(net=((0, -(10**16)),)), "beyond"),
    ("a technique that needs no capacity", technique(capacity_use=0), "must be 1 to"),
]


@pytest.mark.parametrize(("card", "reason"), [row[1:] for row in WORKPLACES], ids=[row[0] for row in WORKPLACES])
def test_a_workplace_card_is_refused_with_the_reason(card: WorkplaceCard, reason: str) -> None:
    assert any(reason in str(finding) for finding in audit_workplace_card(TABLE, card))


def good(**changes: Any) -> GoodsTable:
    changed = msgspec.structs.replace(TABLE.goods[0], **changes)
    return msgspec.structs.replace(TABLE, goods=(changed, *TABLE.goods[1:]))


TABLES: list[tuple[str, GoodsTable, str]] = [
    ("another format", msgspec.structs.replace(TABLE, format="x"), "expected"),
    ("no tolerance", msgspec.structs.replace(TABLE, tolerance_ppm=0), "must be 100"),
    ("no goods", msgspec.structs.replace(TABLE, goods=()), "1 to 2048"),
    ("a good twice", msgspec.structs.replace(TABLE, goods=TABLE.goods * 2), "stands twice"),
    ("a price too small to plan with", good(start_price_micro=99), "choose another unit"),
    ("too many decimals", good(decimals=10), "must be 0 to 9"),
    ("an endowment below nothing", good(endowment=-1), "must be 0 to"),
    ("an endowment beyond all bounds", good(decimals=9, endowment=QUANTITY_MOST * 10), "must be 0 to"),
]


@pytest.mark.parametrize(("table", "reason"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_a_goods_table_is_refused_with_the_reason(table: GoodsTable, reason: str) -> None:
    assert any(reason in str(finding) for finding in audit_goods_table(table))
    with pytest.raises(RefusedError, match="goods table"):
        check_goods_table(table)


def test_cards_survive_the_canonical_encoding() -> None:
    for value, kind in ((TABLE, GoodsTable), (NORTH, ConsumerCard), (OVEN, WorkplaceCard)):
        raw = encode(msgspec.to_builtins(value))
        assert to_struct(decode(raw), kind) == value


ECONOMIES: list[tuple[str, Callable[[], object], str]] = [
    ("nobody eats", lambda: build_economy(TABLE, [], FILE.workplaces), "at least one|needs a consumer card"),
    ("one council twice", lambda: build_economy(TABLE, [NORTH, NORTH], FILE.workplaces), "two cards"),
    (
        "a workplace named like a council",
        lambda: build_economy(TABLE, [NORTH], [msgspec.structs.replace(OVEN, id="north")]),
        "two cards",
    ),
]


@pytest.mark.parametrize(("build", "reason"), [row[1:] for row in ECONOMIES], ids=[row[0] for row in ECONOMIES])
def test_an_economy_is_refused_with_the_reason(build: Callable[[], object], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        build()
