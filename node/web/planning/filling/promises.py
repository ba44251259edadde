"""What one co-op promised under a plan in force and what has come, from the account and the price list.

Invariant: a price is the one agreed with that very maker, or it is said to be open.
"""

from collections.abc import Iterable

from node.use_cases.planning.following.account import FollowedLine, FollowReport
from node.use_cases.supply.matching import find_standing
from node.web.planning.filling.followed import DIFFERENCES_SHOWN, read_amount, tell_difference
from node.web.planning.filling.plan_words import Labels
from node.web.planning.model.promises import AgreedPrice, CoopPromises, Promise
from node.web.supply.model import PriceList, PriceRow
from protocol.planning.cards import GoodsTable
from protocol.planning.contributions import WORKPLACE_MARK, owner_of_card


def fill_promises(
    following: FollowReport, origin: str, table: GoodsTable, labels: Labels, prices: PriceList
) -> CoopPromises:
    """What this co-op's cards give and take, in the order of the plan."""
    makers: dict[str, set[str]] = {}
    for line in following.lines:
        if line.side == "gives" and not line.outside:
            makers.setdefault(line.good, set()).add(owner_of_card(line.card))
    own = [line for line in following.lines if owner_of_card(line.card) == origin and not line.outside]
    rows = {maker: [row for row in prices.rows if row.maker_origin == maker] for maker in set().union(*makers.values())}

    def fill(side: str) -> tuple[Promise, ...]:
        mine = [line for line in own if line.side == side]
        sellers = {line.good: {origin} if side == "gives" else makers.get(line.good, set()) for line in mine}
        found = {good: _find_prices(table.split_name(good)[0], named, rows, labels) for good, named in sellers.items()}
        return tuple(_fill_line(line, labels, *found[line.good]) for line in mine)

    told = [way for way in following.ways if way.differs and origin in map(owner_of_card, (way.source, way.to))]
    differing = tuple(tell_difference(labels, way) for way in told[:DIFFERENCES_SHOWN])
    return CoopPromises(fill("gives"), fill("takes"), differing)


def _find_prices(
    good: str, makers: Iterable[str], rows: dict[str, list[PriceRow]], labels: Labels
) -> tuple[tuple[AgreedPrice, ...], tuple[str, ...]]:
    """The agreed prices of a good by maker, and the makers without one."""
    agreed, still_open = [], []
    for maker in sorted(makers, key=labels.member):
        row = find_standing(rows.get(maker, ()), good, lambda one: (one.code, (one.name,)))
        if row is None or row.price is None:
            still_open.append(labels.member(maker))
        else:
            agreed.append(AgreedPrice(labels.member(maker), row.price, row.unit, row.path))
    return tuple(agreed), tuple(still_open)


def _fill_line(
    line: FollowedLine, labels: Labels, prices: tuple[AgreedPrice, ...], price_open: tuple[str, ...]
) -> Promise:
    return Promise(
        good=labels.heading(line.good),
        place=labels.workplace(line.card) if WORKPLACE_MARK in line.card else "",
        planned=read_amount(labels, line.good, line.planned),
        promised=read_amount(labels, line.good, line.promised) if line.promised else None,
        carried=read_amount(labels, line.good, line.done),
        open=read_amount(labels, line.good, line.open),
        short=read_amount(labels, line.good, line.short),
        prices=prices,
        price_open=price_open,
    )
