"""Did everybody answer by one and the same wish? What an honest answer shows of itself, round against round.

With q = r (x - v), R (x - v) behind an outline, an honest answer to any two rounds k and l satisfies
(q_k - q_l) . (x_k - x_l) <= 0: what became dearer is not wanted more. An erratic answer breaks it; a liar who keeps to
one story does not, and the credit check is what bounds that. A finding is a question to ask, not a verdict; floats are
welcome, nothing is agreed on here.
Spec: docs/spec/planning/plan-audit.md, section "Answers".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.planning.audit.replay import ReplayedReading, ReplayedRound
from protocol.planning.economy import Economy, Floats
from protocol.planning.private.mix import hold_outline
from protocol.planning.state import State

ERRATIC_SHARE = 0.01
"""How much of the movement may go the wrong way, beyond what rounding explains, before somebody should ask."""


@dataclass(frozen=True)
class AnswerVerdict:
    """The pair of rounds (from 1) that fits together worst, and the share of movement that went the wrong way in it.

    0 when all that is beyond rounding is as it should be; `answered` counts the rounds in which it was not silent.
    """

    card: str
    answered: int
    wrong_share: float
    rounds: tuple[int, int]

    @property
    def is_erratic(self) -> bool:
        """Whether somebody should ask."""
        return self.wrong_share > ERRATIC_SHARE


def judge_answers(reading: ReplayedReading) -> list[AnswerVerdict]:
    """One verdict for each card of a reading, in the order of the plan."""
    return [judge_card(reading.economy, card, reading.rounds) for card in reading.economy.participants]


def judge_card(economy: Economy, card: str, rounds: Sequence[ReplayedRound]) -> AnswerVerdict:
    """What these rounds show of one card's answers."""
    spoken = [(number, one) for number, one in enumerate(rounds, 1) if card in one.answers]
    if len(spoken) < 2:
        return AnswerVerdict(card, len(spoken), 0.0, (0, 0))
    rows = slice(economy.answer_ranges[card].start, economy.answer_ranges[card].stop)
    unit = economy.entry_unit[rows]
    taken = np.array([one.answers[card].quantities for _, one in spoken], np.float64) / unit
    pivot = np.array([one.state.carried[rows] for _, one in spoken], np.float64) / unit
    hold = np.array([_hold(economy, one.state, card) for _, one in spoken])
    shares = _wrong_shares(taken, pivot, hold, 1.0 / unit)
    first, second = np.unravel_index(int(np.argmax(shares)), shares.shape)
    share = float(shares[first, second])
    places = (spoken[int(first)][0], spoken[int(second)][0]) if share > 0.0 else (0, 0)
    return AnswerVerdict(card, len(spoken), share, (min(places), max(places)))


def _hold(economy: Economy, state: State, card: str) -> Floats:
    """How the entries of a card are held in this state, as a matrix."""
    if card in economy.outlined:
        return hold_outline(economy, state, card)
    rows = economy.answer_ranges[card]
    return np.diag(economy.metric_of(state.metric)[rows.start : rows.stop])


def _wrong_shares(taken: Floats, pivot: Floats, hold: Floats, unit: Floats) -> NDArray[np.float64]:
    """For each pair of rounds: the sum of (q_k - q_l)(x_k - x_l) beyond what rounding to whole units can explain,
    as a share of the sum of their absolute values. Rows are rounds, columns the entries of the card."""
    shown = np.einsum("kij,kj->ki", hold, taken - pivot)
    metric = np.sum(np.abs(hold), axis=2)
    count = len(taken)
    shares = np.zeros((count, count))
    for later in range(1, count):
        moved = taken[later] - taken[:later]
        turned = shown[later] - shown[:later]
        held = (metric[later] + metric[:later]) / 2.0
        # Each answer is off by at most half a unit: so far may products of honest answers stray.
        rounding = np.sum(np.abs(turned) * unit + held * unit * np.abs(moved) + held * unit * unit, axis=1)
        wrong = np.maximum(np.sum(turned * moved, axis=1) - rounding, 0.0)
        scale = np.sum(np.abs(turned) * np.abs(moved), axis=1)
        shares[later, :later] = wrong / np.maximum(scale, np.finfo(np.float64).tiny)
    return shares
