"""A made-up economy for any number of members: every other one eats, the others bake, milk or mill.

MADE UP from end to end. What is made can be bought outside too, so that no member's silence stops a plan for good.
"""

from random import Random
from typing import Any, Final, NamedTuple

import msgspec

from node.use_cases.planning.proposals.private_side import PrivateSide
from protocol.planning.call import PlanCards
from protocol.planning.cards import MICRO, ApprovedFloor, CardTerms, GoodsTable
from protocol.planning.contributions import workplace_id
from protocol.planning.economy_file import EconomyFile, read_economy
from protocol.planning.responses import Effort

TOLERANCE_PPM: Final = 50_000
CREDITS: Final = 100
FLOOR_BREAD: Final = 3
NESTS_SIGMA: Final = ("0.5", "1")
MAKERS: Final = (
    ("oven", {"bread": "-1", "flour": "0.7", "hours": "0.1"}),
    ("herd", {"milk": "-1", "hours": "0.05"}),
    ("mill", {"flour": "-1", "hours": "0.02"}),
)
BATCHES: Final = ("", "", "", "7")
"""The batch in which everything is made, in activities; most worlds know none."""
IMPORTS: Final = (("bread", "3.5"), ("milk", "1.6"), ("flour", "1.2"))


class MadeUp(NamedTuple):
    """What all members know, and what each brings to each reading."""

    table: GoodsTable
    terms: CardTerms
    sides: dict[str, dict[int, PrivateSide]]


def draw_batch(seed: int) -> str:
    """In which batch the makers of a world work."""
    return Random(f"batch {seed}").choice(BATCHES)  # noqa: S311


def make_economy(origins: tuple[str, ...], readings: int, call: bytes, chance: Random, batch: str) -> MadeUp:
    """The goods, what a card may say, and the private side of every member for every reading."""
    documents = {reading: _document(origins, chance, batch) for reading in range(1, readings + 1)}
    files = {reading: read_economy(document, TOLERANCE_PPM) for reading, document in documents.items()}
    table = _with_trade(files[1])
    decimals = {good.id: good.decimals for good in table.goods}
    floor = ApprovedFloor("bread", FLOOR_BREAD * 10 ** decimals["bread"], decimals["bread"])
    terms = CardTerms(CREDITS * MICRO, (floor,))
    sides = {
        origin: {reading: _side(origin, file, call, reading) for reading, file in files.items()} for origin in origins
    }
    return MadeUp(table, terms, sides)


def _document(origins: tuple[str, ...], chance: Random, batch: str) -> dict[str, Any]:
    eating = origins[::2]
    goods = [
        {"id": good, "unit": "KGM", "kind": kind, "start_price": price, "endowment": str(stock)}
        for good, kind, price, stock in (
            ("bread", "good", "2", 0),
            ("milk", "good", "1", 0),
            ("flour", "good", "0.8", 0),
            ("hours", "labour", "6", 6 * len(eating)),
            ("money", "outside", "1", 50 * len(eating)),
        )
    ]
    makers = []
    for number, origin in enumerate(origins[1::2]):
        name, net = MAKERS[number % len(MAKERS)]
        technique = {"net": net, "capacity_use": "1", "effort": f"{chance.uniform(0.001, 0.02):.4f}"}
        technique |= {"batch": batch} if batch else {}
        makers.append({"id": workplace_id(origin, name), "capacity": "60", "techniques": [technique]})
    # Bought in by nobody in particular: the table takes these rows over.
    makers += [
        {
            "id": f"import-{good}",
            "capacity": str(60 * len(eating)),
            "techniques": [{"net": {good: "-1", "money": price}}],
        }
        for good, price in IMPORTS
    ]
    consumers = [{"id": origin, "nests": [_nest(chance)]} for origin in eating]
    return {"format": "rochdale-economy/1", "goods": goods, "consumers": consumers, "workplaces": makers}


def _nest(chance: Random) -> dict[str, Any]:
    weights = {good: f"{chance.uniform(1, 3):.2f}" for good in ("bread", "milk")}
    cells = {"bread": {"weight": weights["bread"], "floor": str(FLOOR_BREAD)}, "milk": {"weight": weights["milk"]}}
    return {"sigma": chance.choice(NESTS_SIGMA), "credits": str(CREDITS), "goods": cells}


def _with_trade(file: EconomyFile) -> GoodsTable:
    trade = tuple(card for card in file.workplaces if card.id.startswith("import-"))
    # Whatever a reading's wants are, its quantities are counted in the units of the call.
    return msgspec.structs.replace(file.table, trade=trade)


def _side(origin: str, file: EconomyFile, call: bytes, reading: int) -> PrivateSide:
    consumers = tuple(card for card in file.consumers if card.id == origin)
    workplaces = tuple(card for card in file.workplaces if card.id.startswith(workplace_id(origin, "")))
    efforts: dict[str, Effort] = {card.id: file.efforts[card.id] for card in workplaces}
    tastes = {card.id: file.tastes[card.id] for card in consumers}
    return PrivateSide(PlanCards(call, reading, consumers, workplaces), tastes, efforts, 0, ())
