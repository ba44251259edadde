"""What a workplace behind an outline does, as a whole: the public plan may do more or less of its last answer.

One good of an outline hardly ever moves alone. So each good is held stiffly and the *mix* of all of them loosely: that
is what the plan knows of a recipe without being told.
Invariant: as public and exact as the step: from the integers of the state alone, sums in the order of the goods.
Spec: docs/spec/planning/private-recipes.md, section "The mix".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from protocol.planning.cards import MICRO
from protocol.planning.economy import EXTREME, Economy, Floats, Indexes, Integers
from protocol.planning.solver.basket_rows import Baskets, add_baskets
from protocol.planning.solver.dual import Targets
from protocol.planning.solver.metric import PRICE_SHARE_LEAST
from protocol.planning.solver.public_plan import PublicPlan, solve_public_plan
from protocol.planning.state import State

# How stiffly a mix is held, against what its goods are worth; and at least, in credits.
MIX_HOLD = 1.5
PULL_LEAST = 2.0**-20


@dataclass(frozen=True)
class Mixes:
    """All mixes of a state. Per (outline, good): its place in the state, whose it is, and its `level` in the mix, in
    spans. `start` of each outline's places, and `pull` (credits), which holds the mix as a whole.
    """

    place: Indexes
    owner: Indexes
    start: Indexes
    level: Floats
    pull: Floats

    def total(self, terms: Floats) -> Floats:
        """The sum of a quantity over each outline, one good after the other."""
        sums = np.zeros(len(self.start))
        np.add.at(sums, self.owner, terms)
        return sums


def read_mixes(economy: Economy, answers: Integers, prices: Integers, names: Sequence[str]) -> Mixes:
    """The mixes of these answers; the dearer side of each, what it makes or what it uses, says how it is held."""
    ranges = [economy.answer_ranges[name] for name in names]
    place = np.array([row for rows in ranges for row in rows], np.intp)
    sizes = np.array([len(rows) for rows in ranges], np.intp)
    owner = np.repeat(np.arange(len(ranges)), sizes)
    good, span = _spans(economy, place)
    level = answers[place] / MICRO
    price = np.maximum(prices / MICRO, PRICE_SHARE_LEAST * economy.price)[good]
    mixes = Mixes(place, owner, np.cumsum(sizes) - sizes, level, np.zeros(len(ranges)))
    value = level * span * price
    worth = np.maximum(mixes.total(np.maximum(value, 0.0)), mixes.total(np.maximum(-value, 0.0)))
    return replace(mixes, pull=np.maximum(MIX_HOLD * worth, PULL_LEAST))


def _spans(economy: Economy, place: Indexes) -> tuple[Indexes, Floats]:
    """The good of each place of an outline, and its larger bound in whole units."""
    makers = economy.makers
    edge = makers.edge_start[makers.flat[place - len(economy.eaters.good)] // makers.has.shape[1]]
    return makers.edge_good[edge], makers.net[edge, 0]


def solve_with_mixes(targets: Targets, state: State, start_price: Floats) -> PublicPlan:
    """The public plan where each outline may also move as a whole; activities hold what both come to together."""
    economy = targets.economy
    mixes = read_mixes(economy, state.answers, state.prices, economy.mixed)
    rows, slots = economy.makers.has.shape
    good, span = _spans(economy, mixes.place)
    amount = mixes.level * span
    worth = mixes.total(np.abs(amount) * economy.price[good])
    baskets = Baskets(mixes.start, mixes.owner, good, amount, worth, -EXTREME, EXTREME)
    metric = np.ones((len(mixes.start), slots))
    metric[:, 0] = mixes.pull
    plan = solve_public_plan(
        replace(
            targets,
            economy=replace(economy, makers=add_baskets(economy.makers, baskets)),
            activity=np.concatenate([targets.activity, np.zeros(metric.shape)]),
            activity_metric=np.concatenate([targets.activity_metric, metric]),
        ),
        start_price,
    )
    activity = plan.response.activity[:rows].copy()
    flat = economy.makers.flat[mixes.place - len(economy.eaters.good)]
    activity.reshape(-1)[flat] += mixes.level * plan.response.activity[rows:, 0][mixes.owner]
    return replace(plan, response=replace(plan.response, activity=activity))


def recarry(economy: Economy, state: State, after: State) -> tuple[Indexes, Floats]:
    """The places of mixes, and their v in `after`, in spans, rescaled about its plan from how `state` held them.

    With r of each good and the mix m of pull g, an outline is held by R = (diag(1 / r) + m m' / g)^-1; R (v - z) is
    what it was shown, and stays.
    """
    before, now = (read_mixes(economy, one.answers, one.prices, economy.mixed) for one in (state, after))
    place, level = before.place, before.level
    hold = economy.metric_of(state.metric)[place]
    planned = after.planned[place] / MICRO
    away = after.carried[place] / MICRO - planned
    turned = hold * level
    share = before.total(turned * away) / (before.pull + before.total(turned * level))
    shown = hold * away - turned * share[before.owner]
    loose = now.total(now.level * shown) / now.pull
    return place, planned + shown / economy.metric_of(after.metric)[place] + now.level * loose[now.owner]


def hold_outline(economy: Economy, state: State, name: str) -> Floats:
    """R of one outline as a matrix in the order of its answer, for whoever answers."""
    rows = economy.answer_ranges[name]
    hold = economy.metric_of(state.metric)[rows.start : rows.stop]
    if name not in economy.mixed:
        return np.diag(hold)
    mixes = read_mixes(economy, state.answers, state.prices, (name,))
    turned = hold * mixes.level
    return np.asarray(np.diag(hold) - np.outer(turned, turned) / (mixes.pull[0] + turned @ mixes.level), np.float64)
