"""The plan as people read it: the rounds, who makes and gets what, what binds, who checked and who voted.

Invariant: quantities, never money; a scarcity signal is shown as a signal and nothing is to be paid by it.
Invariant: what was voted by a script is said to be made up.
"""

import msgspec

from node.web.figures.words import Signal
from protocol.core.errors import Finding
from protocol.core.quantities import Quantity


class Round(msgspec.Struct, frozen=True):
    """One machine round: the worst good and how far demand and supply stood apart (parts per million)."""

    number: int
    worst_ppm: int
    worst_good: str
    answered: int
    silent: int = 0


class Reading(msgspec.Struct, frozen=True):
    """One reading of the draft: how it came out and whose edited proposal opened it."""

    number: int
    rounds: tuple[Round, ...]
    digest: str = ""
    edited_by: str | None = None
    edit: str | None = None


class Share(msgspec.Struct, frozen=True):
    """A part of a good: who makes or gets it, and how much."""

    name: str
    amount: Quantity
    path: str | None = None


class GoodRow(msgspec.Struct, frozen=True):
    """One good of the region: wanted at the first answer, planned for use, who makes it, what is bought and sold."""

    name: str
    kind: str
    wanted: Quantity
    planned: Quantity
    makers: tuple[Share, ...]
    bought: Quantity
    sold: Quantity
    signal: Signal
    price_is_open: bool = False


class CoopRow(msgspec.Struct, frozen=True):
    """One consumer co-op in the region's table; `key` names it in the address of its page."""

    key: str
    name: str
    households: int
    heads: int
    goods: int
    below_floor: int
    cut_goods: int


class WorkplaceRow(msgspec.Struct, frozen=True):
    """One workplace: what it makes and uses, and how much of its capacity that takes."""

    name: str
    member: str
    makes: tuple[Share, ...]
    uses: tuple[Share, ...]
    capacity_ppm: int
    is_binding: bool


class Binding(msgspec.Struct, frozen=True):
    """What holds the plan back: a capacity, a cap, a floor or a group of complements, in one whole sentence."""

    kind: str
    name: str
    sentence: str


class Vote(msgspec.Struct, frozen=True):
    """What one meeting decided; `scripted` votes are made up and the page says so."""

    name: str
    approved: bool
    reason: str = ""
    scripted: bool = False


class Certificate(msgspec.Struct, frozen=True):
    """What was checked, by whom, and how anyone checks it again."""

    checked_by: tuple[str, ...]
    gap_ppm: int | None
    findings: tuple[Finding, ...] = ()
    unknown_regrets: int = 0
    command: str = ""
    document_path: str | None = None


class PlanPage(msgspec.Struct, frozen=True):
    """The plan of a region; `state` is called, draft (reading n), checked by n nodes, approved …, in force, closed."""

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

    @property
    def last_rounds(self) -> tuple[Round, ...]:
        """The rounds of the last reading."""
        return self.readings[-1].rounds if self.readings else ()


class CoopGood(msgspec.Struct, frozen=True):
    """One good of one co-op: what it wanted first, what it gets, and its floor.

    `makers` and `bought_outside` are the whole region's: a plan says who makes a good, not yet which piece goes where.
    """

    name: str
    wanted: Quantity
    gets: Quantity
    makers: tuple[Share, ...] = ()
    bought_outside: Quantity | None = None
    floor: Quantity | None = None
    is_at_floor: bool = False

    @property
    def is_below_floor(self) -> bool:
        """Less than the basic need: a plan that the certificate would refuse."""
        return self.floor is not None and self.gets.amount < self.floor.amount

    @property
    def is_cut(self) -> bool:
        """Less than was wanted at first."""
        return self.gets.amount < self.wanted.amount


class CoopPage(msgspec.Struct, frozen=True):
    """One co-op's part of the plan."""

    name: str
    households: int
    heads: int
    credits_micro: int
    goods: tuple[CoopGood, ...]

    @property
    def below_floor(self) -> int:
        """How many goods lie below their floor."""
        return sum(good.is_below_floor for good in self.goods)
