"""The plan as people read it: the rounds, who makes and gets what, what binds, who checked and who voted.

Invariant: quantities; the only money is the agreed price beside a co-op's promises. A scarcity signal is shown as a
signal, and nothing is to be paid by it.
Invariant: what was voted by a script is said to be made up.
"""

import msgspec

from node.web.figures.words import Signal
from node.web.planning.model.batches import Batches
from node.web.planning.model.promises import CoopPromises
from protocol.core.quantities import Quantity

BINDING_TITLES = {
    "capacity": "Workplaces at the end of their capacity",
    "labour": "Hours of work",
    "land": "Land",
    "cap": "Ecological caps",
    "outside": "Buying outside",
    "good": "Stocks",
    "floor": "Basic needs",
    "complements": "Goods taken only together",
}


class Round(msgspec.Struct, frozen=True):
    """One machine round: the worst good and how far demand and supply stood apart (parts per million)."""

    number: int
    worst_ppm: int
    worst_good: str
    answered: int | None
    silent: int = 0


class Reading(msgspec.Struct, frozen=True):
    """One reading of the draft: how it came out, and in whole sentences whose proposal was edited before it."""

    number: int
    rounds: tuple[Round, ...]
    digest: str = ""
    edits: tuple[str, ...] = ()


class Share(msgspec.Struct, frozen=True):
    """A part of a good: who makes or gets it, and how much."""

    name: str
    amount: Quantity
    path: str | None = None


class GoodRow(msgspec.Struct, frozen=True, kw_only=True):
    """One good of the region.

    `wanted` at the first answer and `planned` are what members take home; `used` goes into other goods; `endowment` is
    what there was before anyone worked (hours, land, a cap, stock), of which `left` stays.
    """

    name: str
    kind: str
    wanted: Quantity
    planned: Quantity
    used: Quantity
    bought: Quantity
    sold: Quantity
    endowment: Quantity
    left: Quantity
    makers: tuple[Share, ...]
    signal: Signal
    price_is_open: bool = False

    @property
    def spent(self) -> Quantity:
        """What of the endowment is not left."""
        return Quantity(self.endowment.amount - self.left.amount, self.left.unit, self.left.exponent)

    @property
    def is_taken_home(self) -> bool:
        """Whether members take it home; the rest goes from workplace to workplace."""
        return self.wanted.amount > 0 or self.planned.amount > 0


class CoopRow(msgspec.Struct, frozen=True):
    """One consumer co-op in the region's table; `key` names it in the address of its page."""

    key: str
    name: str
    people: int
    goods: int
    below_floor: int
    carried: int
    cut_goods: int


class WorkplaceRow(msgspec.Struct, frozen=True):
    """One workplace: what it makes and uses, and how much of its capacity that takes (private with its recipes).

    `key` names its co-op in the address of that page.
    """

    name: str
    member: str
    key: str
    makes: tuple[Share, ...]
    uses: tuple[Share, ...]
    capacity_ppm: int
    is_binding: bool
    is_private: bool = False


class Binding(msgspec.Struct, frozen=True):
    """What holds the plan back: a capacity, a cap, a floor or a group of complements, in one whole sentence."""

    kind: str
    name: str
    sentence: str


class Vote(msgspec.Struct, frozen=True):
    """What one meeting decided, by people; `scripted` votes are made up and the page says so."""

    name: str
    approved: bool
    reason: str = ""
    scripted: bool = False
    yes: int = 0
    no: int = 0
    abstained: int = 0


class Certificate(msgspec.Struct, frozen=True):
    """What was checked, by whom, and how anyone checks it again."""

    checked_by: tuple[str, ...]
    gap_ppm: int | None
    findings: tuple[str, ...] = ()
    unknown_regrets: int = 0
    command: str = ""


class Notice(msgspec.Struct, frozen=True):
    """What a facilitator said of the plan and why, as a sentence, with the sentences of those who object."""

    sentence: str
    objections: tuple[str, ...]


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """One good in one period of the plan: made, out of the store, used and eaten, put into the store, left over."""

    good: str
    made: Quantity
    from_before: Quantity
    used: Quantity
    eaten: Quantity
    kept: Quantity
    left: Quantity


class Restless(msgspec.Struct, frozen=True):
    """Whose answers keep the rounds from ending, how much they move and against themselves, and what may be done."""

    name: str
    moved_ppm: int
    wrong_share_ppm: int
    is_aside: bool
    command: str


class FollowedGood(msgspec.Struct, frozen=True):
    """One good of a plan in force: what members and workplaces need, what its givers promised, what has come."""

    name: str
    needed: Quantity
    promised: Quantity
    received: Quantity
    open: Quantity
    short: Quantity


class Followed(msgspec.Struct, frozen=True):
    """How a plan in force is followed: whose cards have promised their part and whose not, the goods, and in neutral
    sentences where both sides of a way say different amounts."""

    promised_by: tuple[str, ...]
    missing: tuple[str, ...]
    goods: tuple[FollowedGood, ...]
    differing: tuple[str, ...]


class PlanPage(msgspec.Struct, frozen=True):
    """The plan of a region; `state` is called, draft (reading n), checked by n nodes, in force, or stopped.

    `trouble` says why it stopped, `waits_for` who is still to speak, `left_out`
    in sentences who refused a draft before, and why; `revision` counts how often it was made again,
    `is_revised` says that it is being made again now; `levels` in sentences where it stands between two levels.
    """

    region: str
    period: str
    state: str
    digest: str
    tolerance_ppm: int
    members: int
    readings: tuple[Reading, ...]
    goods: tuple[GoodRow, ...]
    coops: tuple[CoopRow, ...]
    workplaces: tuple[WorkplaceRow, ...]
    binding: tuple[Binding, ...]
    votes: tuple[Vote, ...]
    certificate: Certificate | None
    trouble: str = ""
    waits_for: tuple[str, ...] = ()
    document_path: str = ""
    notices: tuple[Notice, ...] = ()
    exceptions: tuple[str, ...] = ()
    openable: str = ""
    followed: Followed | None = None
    left_out: tuple[str, ...] = ()
    restless: Restless | None = None
    stocks: tuple[StockRow, ...] = ()
    revision: int = 0
    is_revised: bool = False
    batches: Batches | None = None
    levels: tuple[str, ...] = ()

    @property
    def binding_by_kind(self) -> list[tuple[str, list[str]]]:
        """What holds the plan back, by kind: a title and its sentences."""
        kinds = dict.fromkeys(binding.kind for binding in self.binding)
        return [
            (BINDING_TITLES.get(kind, kind), [each.sentence for each in self.binding if each.kind == kind])
            for kind in kinds
        ]

    @property
    def taken_home(self) -> tuple[GoodRow, ...]:
        """The goods that members take home."""
        return tuple(good for good in self.goods if good.is_taken_home)

    @property
    def between(self) -> tuple[GoodRow, ...]:
        """The goods that go from workplace to workplace."""
        return tuple(good for good in self.goods if good.kind == "good" and not good.is_taken_home)

    @property
    def means(self) -> tuple[GoodRow, ...]:
        """Labour, land, caps and outside money: what there is before anyone works."""
        return tuple(good for good in self.goods if good.kind != "good" and not good.is_taken_home)

    @property
    def round_count(self) -> int:
        """All rounds of all readings."""
        return sum(len(reading.rounds) for reading in self.readings)

    @property
    def last_rounds(self) -> tuple[Round, ...]:
        """The rounds of the last reading."""
        return self.readings[-1].rounds if self.readings else ()


class CoopGood(msgspec.Struct, frozen=True):
    """One good of one co-op: what it wanted first, what it gets, and its floor, which may carry the greater part.

    `makers` and `bought_outside` are the whole region's: a plan says who makes a good, not yet which piece goes where.
    """

    name: str
    wanted: Quantity
    gets: Quantity
    makers: tuple[Share, ...] = ()
    bought_outside: Quantity | None = None
    floor: Quantity | None = None
    is_carried: bool = False

    @property
    def is_below_floor(self) -> bool:
        """Less than the basic need: a plan that the certificate would refuse."""
        return self.floor is not None and self.gets.amount < self.floor.amount

    @property
    def is_cut(self) -> bool:
        """Less than was wanted at first."""
        return self.gets.amount < self.wanted.amount


class CoopPage(msgspec.Struct, frozen=True):
    """One co-op's part of the plan: what its members take home, and its promises once the plan is in force."""

    name: str
    people: int
    goods: tuple[CoopGood, ...]
    promises: CoopPromises | None = None

    @property
    def title(self) -> str:
        """Whose part it is."""
        return self.name

    @property
    def below_floor(self) -> int:
        """How many goods lie below their floor."""
        return sum(good.is_below_floor for good in self.goods)
