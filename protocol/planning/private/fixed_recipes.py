"""From outlines to recipes, once the rounds are over: what a workplace last answered is what it is counted on for.

Invariant: all that follows (clearing, certificate, deliveries, audit) knows recipes only; whoever shows an outline
is never asked for anything but its last answer, or the same share of all of it.
Spec: docs/spec/planning/private-recipes.md, section "The end of the rounds".
"""

from dataclasses import replace

import numpy as np

from protocol.planning.cards import MICRO
from protocol.planning.economy import METRIC_ONE, Economy, build_economy
from protocol.planning.private.outlines import fix_card, is_private
from protocol.planning.state import State

FIXED_STEEPNESS = 0.3
PULL_MOST = 2.0**20


def fix_recipes(economy: Economy, state: State) -> tuple[Economy, State]:
    """The economy and its last state with each outline as one recipe; both unchanged where there is none."""
    hidden = [card for card in economy.workplaces if is_private(card)]
    if not hidden:
        return economy, state
    answers = {card.id: _answer(economy, state, card.id) for card in hidden}
    own = economy.workplaces[: economy.answering]
    cards = [fix_card(card, answers[card.id]) if card.id in answers else card for card in own]
    fixed = build_economy(economy.table, economy.consumers, cards)
    return fixed, _carry_over(economy, state, fixed, answers)


def _answer(economy: Economy, state: State, name: str) -> list[int]:
    rows = economy.answer_ranges[name]
    said: list[int] = state.answers[rows.start : rows.stop].tolist()
    return said


def _carry_over(economy: Economy, state: State, fixed: Economy, answers: dict[str, list[int]]) -> State:
    """A fixed workplace stands at a whole activity at the last prices, and is held there as its outline was."""
    cards = {card.id: card for card in fixed.workplaces}
    kept = np.concatenate(
        [
            np.array(economy.answer_ranges[name], np.intp)[: 1 if name in answers else None]
            for name in economy.answer_ranges
        ]
    )
    columns = {name: getattr(state, name)[kept] for name in ("carried", "metric", "answers", "planned")}
    for name, answer in answers.items():
        place = fixed.answer_ranges[name].start
        level = MICRO if any(answer) else 0
        for column in ("carried", "answers", "planned"):
            columns[column][place] = level
        columns["metric"][place] = round(FIXED_STEEPNESS * METRIC_ONE)
        hold = FIXED_STEEPNESS * fixed.metric_unit[place]
        (technique,) = cards[name].techniques
        worth = sum(int(state.prices[good]) * amount for good, amount in technique.net) / MICRO**2
        columns["carried"][place] = round(level - min(max(worth / hold, -PULL_MOST), PULL_MOST) * MICRO)
    return replace(state, economy=fixed.digest, **columns)
