"""A plan beside what came of it: planned, promised, given and received, what is open and what will be lacking.

Invariant: nothing is added to anybody's word: a line shows what its own co-op says and, beside it, what the others say.
Spec: docs/spec/planning/following.md
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.planning.delivery.transport import STOCK
from protocol.planning.following.deliveries import Told, Way
from protocol.planning.following.promises import Line, PlannedLine, Side
from protocol.planning.plan import Plan


@dataclass(frozen=True)
class LineAccount:
    """One card and one good, in units. `promised` is None while its co-op has not said (outside: as planned).

    `done` is its own word, `others` what the other ends say (its own word where nobody stands at the other end).
    `open` is still to come of what was promised, or planned while nothing was; `short` will not come, by its own word.
    """

    card: str
    good: str
    side: Side
    is_outside: bool
    planned: int
    promised: int | None
    done: int
    others: int
    open: int
    short: int


@dataclass(frozen=True)
class GoodAccount:
    """One good in the whole plan, in units.

    `planned` is what all need, `promised` what its givers have promised (outside and stock as planned), `unsaid` what
    givers have not promised yet; `open` is still to be received, `short` lacks even if all who have not spoken keep to
    the plan.
    """

    good: str
    planned: int
    promised: int
    unsaid: int
    given: int
    received: int
    open: int
    short: int


@dataclass(frozen=True)
class WayAccount:
    """One good from one card to another, in units: as a delivery has it (None without one), and what both ends say."""

    good: str
    source: str
    to: str
    planned: int | None
    given: int | None
    received: int | None

    @property
    def differs(self) -> bool:
        """Whether both ends have spoken and do not say the same."""
        return self.given is not None and self.received is not None and self.given != self.received


@dataclass(frozen=True)
class Account:
    """How a plan is followed: lines and goods in the order of the plan, ways sorted; cards that promised nothing."""

    lines: tuple[LineAccount, ...]
    goods: tuple[GoodAccount, ...]
    ways: tuple[WayAccount, ...]
    missing: tuple[str, ...]


def account_for(
    plan: Plan,
    planned: Mapping[Line, PlannedLine],
    promised: Mapping[Line, int],
    told: Mapping[Way, Told],
    loads: Mapping[Way, int] | None = None,
) -> Account:
    """The account of a plan; `loads` is a delivery of it, where somebody has worked one out
    (docs/spec/planning/delivery.md)."""
    goods = dict.fromkeys(good.id for good in plan.goods_table.goods)
    # What an earlier revision carried of a good that this one does not know is no part of it.
    told = {way: one for way, one in told.items() if way[0] in goods}
    outside = frozenset({STOCK, *(card.id for card in plan.goods_table.trade)})
    lines = _list_lines(plan, planned, promised, _add_up(told, outside), outside)
    of_good: dict[str, list[LineAccount]] = {}
    for line in lines:
        of_good.setdefault(line.good, []).append(line)
    silent = {line.card for line in lines if line.promised is None and line.planned and not line.is_outside}
    spoke = {line.card for line in lines if line.promised is not None}
    ways = tuple(
        WayAccount(*way, None if loads is None else loads.get(way, 0), one.given, one.received)
        for way in sorted(told.keys() | (loads or {}).keys())
        for one in (told.get(way, Told()),)
    )
    accounts = tuple(_account_good(good, of_good[good]) for good in goods if good in of_good)
    return Account(tuple(lines), accounts, ways, tuple(sorted(silent - spoke)))


Sums = dict[tuple[str, str, Side], tuple[int, int]]
"""(card, good, side): (what its own co-op says, what the other ends say), in units."""


def _add_up(told: Mapping[Way, Told], outside: frozenset[str]) -> Sums:
    """Nobody signs for the stock or for outside trade: there the word of the other end stands for both."""
    found: Sums = {}
    for (good, source, to), one in told.items():
        given = (one.received if source in outside else one.given) or 0
        received = (one.given if to in outside else one.received) or 0
        ends: tuple[tuple[str, Side, int, int], ...] = (
            (source, "gives", given, received),
            (to, "takes", received, given),
        )
        for card, side, own, others in ends:
            before = found.get((card, good, side), (0, 0))
            found[card, good, side] = (before[0] + own, before[1] + others)
    return found


def _list_lines(
    plan: Plan,
    planned: Mapping[Line, PlannedLine],
    promised: Mapping[Line, int],
    sums: Sums,
    outside: frozenset[str],
) -> list[LineAccount]:
    """All lines of the plan, then what was carried beside it."""
    lines, seen = [], set[tuple[str, str, Side]]()
    for place, line in planned.items():
        good = plan.goods_table.goods[line.good].id
        seen.add((line.card, good, line.side))
        done, others = sums.get((line.card, good, line.side), (0, 0))
        word = line.units if line.is_outside else promised.get(place)
        awaited = line.units if word is None else word
        still_open, short = max(0, awaited - done), max(0, line.units - awaited)
        lines.append(
            LineAccount(line.card, good, line.side, line.is_outside, line.units, word, done, others, still_open, short)
        )
    for card, good, side in sorted(sums.keys() - seen):
        done, others = sums[card, good, side]
        lines.append(LineAccount(card, good, side, card in outside, 0, None, done, others, 0, 0))
    return lines


def _account_good(good: str, lines: list[LineAccount]) -> GoodAccount:
    gives = [line for line in lines if line.side == "gives"]
    takes = [line for line in lines if line.side == "takes"]
    planned = sum(line.planned for line in takes)
    promised = sum(line.promised or 0 for line in gives)
    unsaid = sum(line.planned for line in gives if line.promised is None)
    return GoodAccount(
        good=good,
        planned=planned,
        promised=promised,
        unsaid=unsaid,
        given=sum(line.done for line in gives),
        received=sum(line.done for line in takes),
        open=sum(max(0, line.planned - line.done) for line in takes),
        short=max(0, planned - promised - unsaid),
    )
