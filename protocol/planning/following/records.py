"""What a co-op signs that it will give or take under a plan, and what it gave or received, as it stands in the log.

Spec: docs/spec/planning/following.md
"""

from typing import Annotated, Final

import msgspec

from protocol.core.record import Hash
from protocol.planning.call import CARDS_MAX, CardId
from protocol.planning.card_rules import CARD_GOODS_MOST, GOODS_MOST, QUANTITY_MOST

LOADS_MAX: Final = 128

GoodIndex = Annotated[int, msgspec.Meta(ge=0, lt=GOODS_MOST)]


class Promise(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """So many units of a good, by its place in the plan's goods table."""

    good: GoodIndex
    units: Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MOST)]


class CardPromises(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one card promises."""

    card: CardId
    promises: Annotated[tuple[Promise, ...], msgspec.Meta(min_length=1, max_length=CARD_GOODS_MOST)]


class PlanPromises(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.promise: what this co-op's workplaces will give and its council will take of the plan in force.

    `plan` is the plan's digest. A line that is not named stays as it was said before.
    """

    call: Hash
    plan: Hash
    cards: Annotated[tuple[CardPromises, ...], msgspec.Meta(min_length=1, max_length=CARDS_MAX)]


class Carried(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """So many units of a good from one card to another; below 0 takes back what was said too much."""

    good: GoodIndex
    source: CardId
    to: CardId
    units: Annotated[int, msgspec.Meta(ge=-QUANTITY_MOST, le=QUANTITY_MOST)]


class PlanDelivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plan.delivery: what this co-op gave (it owns the source) or received (it owns the other end) under a plan.

    `plan` is the digest of the plan in force. Goods and cards only: never who drove, and never what it cost.
    """

    call: Hash
    plan: Hash
    loads: Annotated[tuple[Carried, ...], msgspec.Meta(min_length=1, max_length=LOADS_MAX)]
