"""The page on which people touch the plan: raise a need, break an oven, vote no, bring a till; who gains, who lacks.

Invariant: it reads and never changes anything; every figure on it is a guess and is called one.
"""

import msgspec

from node.web.forms import FormModel


class Choice(msgspec.Struct, frozen=True):
    """One thing that can be picked: its name in the plan, how people call it, and what it is counted in."""

    name: str
    title: str
    is_chosen: bool = False
    unit: str = ""


class CouncilRow(msgspec.Struct, frozen=True):
    """One co-op: how much more it would get, and of what it would get less and more. `has_other_tastes`: its till was
    brought, so that what it gets is other and cannot be weighed against before."""

    name: str
    ppm: int
    less_of: tuple[str, ...]
    more_of: tuple[str, ...]
    has_other_tastes: bool = False


class AmountRow(msgspec.Struct, frozen=True):
    """A good or a means: before, after, and the change in parts per million."""

    name: str
    unit: str
    before: str
    after: str
    ppm: int
    kind: str = "good"


class ReadTill(msgspec.Struct, frozen=True):
    """A till file that was tried: whose it stood for, what counted of it, what was too rare to stand alone."""

    name: str
    coop: str
    lines: int
    lines_left_out: int
    summed: tuple[str, ...]
    columns_dropped: tuple[str, ...]


class WayRow(msgspec.Struct, frozen=True):
    """Another way to share: people below a basic need, what a person gets against the mean, what is short or left."""

    name: str
    people_below: int
    lacks: tuple[str, ...]
    least_ppm: int
    most_ppm: int
    short: tuple[str, ...]
    surplus: tuple[str, ...]
    trouble: str = ""


class WhatIfPage(FormModel, frozen=True, kw_only=True):
    """The forms with what was chosen, and what would come of it. `unmet`: basic needs that could not all be met;
    `leavers`: who voted no; `took_ms`: how long the new plan took."""

    region: str
    goods: tuple[Choice, ...]
    workplaces: tuple[Choice, ...]
    means: tuple[Choice, ...]
    members: tuple[Choice, ...] = ()
    councils_of_till: tuple[Choice, ...] = ()
    floor: str = ""
    capacity: str = ""
    share: str = ""
    is_asked: bool = False
    unmet: tuple[str, ...] = ()
    trouble: str = ""
    gone: tuple[str, ...] = ()
    councils: tuple[CouncilRow, ...] = ()
    taken_home: tuple[AmountRow, ...] = ()
    used: tuple[AmountRow, ...] = ()
    ways: tuple[WayRow, ...] = ()
    leavers: tuple[str, ...] = ()
    till: ReadTill | None = None
    took_ms: int = 0

    @property
    def emissions(self) -> tuple[AmountRow, ...]:
        """What is used of the ecological caps."""
        return tuple(row for row in self.used if row.kind == "cap")

    @property
    def gainers(self) -> int:
        """How many co-ops would get noticeably more."""
        return sum(row.ppm >= NOTICED_PPM and not row.has_other_tastes for row in self.councils)

    @property
    def losers(self) -> int:
        """How many co-ops would get noticeably less."""
        return sum(row.ppm <= -NOTICED_PPM and not row.has_other_tastes for row in self.councils)


NOTICED_PPM = 5_000
