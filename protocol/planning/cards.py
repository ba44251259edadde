"""What is public before a plan begins: the goods, and one card from every council and workplace.

Invariant: integers and names only. A quantity counts units of 10^-decimals of the good's unit, a price is in
micro-credits per whole unit; recipes, activities and capacities are in millionths. Use is positive, output negative.
Spec: docs/spec/planning/planning-step.md.
"""

from typing import Literal

import msgspec

GOODS_TABLE_FORMAT = "rochdale/goods-table/1"
MICRO = 1_000_000
MICRO_DECIMALS = 6
PPM = 1_000_000
YEAR_WEEKS = 52

GoodKind = Literal["good", "labour", "cap", "land", "outside"]


class Good(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of the plan: a product, a skill, a piece of land, an ecological cap or outside money."""

    id: str
    unit: str
    kind: GoodKind
    decimals: int
    start_price_micro: int
    endowment: int


class Technique(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One open recipe: `net` = (good index, millionths of a whole unit) per whole activity, capacity use likewise.

    `batch` is the activity that is done at once or not at all (millionths; 0: any amount), `batches_least` how many
    batches make setting up worth while, where that is more than one. `setup_micro` is the effort of setting up,
    however many are then done, in micro-credits.
    """

    net: tuple[tuple[int, int], ...]
    capacity_use: int
    batch: int = 0
    batches_least: int = 0
    setup_micro: int = 0


class WorkplaceCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a workplace can do and the least and the most of it that it offers (millionths of capacity).

    A workplace that keeps its recipes to itself shows an `outline` in place of techniques: (good index, lowest, highest
    net use), in millionths of a whole unit and below 0 for output; its capacity then is 1, its least 0. It is
    `apart` where these goods do not hang together, as in the trade of a whole region.
    """

    id: str
    capacity: int
    least: int
    techniques: tuple[Technique, ...]
    outline: tuple[tuple[int, int, int], ...] = ()
    apart: bool = False


class Nest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that stand in for or complete one another, with their share of the council's credits.

    `floors` and `wants` are quantities in the goods' units; wants (floors included) are what the council would take
    at the start prices.
    """

    credits_micro: int
    goods: tuple[int, ...]
    floors: tuple[int, ...]
    wants: tuple[int, ...]


class ConsumerCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consumer council: how many people it stands for and how it divides their allotment."""

    id: str
    people: int
    nests: tuple[Nest, ...]


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the time that a plan is for: its name, and the weeks of the year (1 to 52) from `first_week` to
    `last_week`; where the last is before the first, over the turn of the year."""

    id: str
    first_week: int
    last_week: int

    @property
    def weeks(self) -> int:
        """How many weeks it has."""
        return (self.last_week - self.first_week) % YEAR_WEEKS + 1


class GoodsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The table of a call: all goods in order, how close is close enough, and what can be bought and sold outside.

    `periods` are there where the plan has several: a good then stands in the table once for each of them.

    `trade` are import and export recipes at given outside prices; they have no private side, nobody answers for them.
    """

    format: str
    tolerance_ppm: int
    goods: tuple[Good, ...]
    trade: tuple[WorkplaceCard, ...]
    periods: tuple[Period, ...] = ()

    @property
    def period_names(self) -> tuple[str, ...]:
        """The names of the periods, in their order."""
        return tuple(period.id for period in self.periods)

    def split_name(self, name: str) -> tuple[str, str]:
        """A good's or workplace's own name and its period; the whole name and nothing for what lasts through all."""
        base, _, period = name.rpartition(" in ")
        return (base, period) if base and period in self.period_names else (name, "")


class ApprovedFloor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the federation's list of basic needs: `amount` x 10^-decimals whole units of a good per person."""

    good: str
    amount: int
    decimals: int


class CardTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the charter allots: credits per person, the list of floors, and one council's approved exceptions.

    `extra_credits_micro` and `extra_floors` (in all, not for each person) are what others approved for this council.
    """

    credits_per_person_micro: int
    floors: tuple[ApprovedFloor, ...]
    extra_credits_micro: int = 0
    extra_floors: tuple[ApprovedFloor, ...] = ()
