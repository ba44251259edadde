"""The private side of a round: what a council or workplace would do, and what it would still gain in the end.

Tastes and effort costs stay here; only the integers that these functions return are published.
Spec: docs/spec/planning-step.md, section "Answers".
"""

import msgspec
import numpy as np

from protocol.core.errors import MisuseError
from protocol.planning.cards import MICRO, ConsumerCard, WorkplaceCard
from protocol.planning.economy import Economy, Floats
from protocol.planning.solver.nests import NestTable, best_at_prices, best_near
from protocol.planning.state import State

REGRET_MOST_MICRO = 2**53
WEIGHT_LEAST = 1e-12
SIGMA_LEAST = 0.01
SIGMA_MOST = 20.0


class NestTastes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Elasticity (0 = exact complements, 1 = fixed shares) and weights in the order of the card's nest. Private."""

    sigma: float
    weights: tuple[float, ...]


class Tastes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A council's tastes, nest by nest. Private."""

    nests: tuple[NestTastes, ...]


class Effort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Effort cost of each technique: `cost` x activity^2 / 2, in credits. Private."""

    costs: tuple[float, ...]


def _nest_table(credits: list[float], tastes: tuple[NestTastes, ...]) -> NestTable:
    sizes = [len(nest.weights) for nest in tastes]
    starts = np.cumsum([0, *sizes[:-1]])
    sigma = [0.0 if nest.sigma == 0.0 else min(max(nest.sigma, SIGMA_LEAST), SIGMA_MOST) for nest in tastes]
    weights = np.array([weight for nest in tastes for weight in nest.weights])
    return NestTable(
        start=starts.astype(np.intp),
        nest=np.repeat(np.arange(len(sizes)), sizes).astype(np.intp),
        sigma=np.array(sigma),
        credits=np.array(credits),
        weight=np.maximum(weights, WEIGHT_LEAST * np.max(weights)),
    )


def want_at_prices(taste: NestTastes, credits: float, price: Floats) -> list[float]:
    """Whole units above the floor that one nest takes at these prices (one per good)."""
    wants: list[float] = best_at_prices(_nest_table([credits], (taste,)), price).tolist()
    return wants


def _card_table(card: ConsumerCard, tastes: Tastes) -> NestTable:
    if [len(nest.goods) for nest in card.nests] != [len(nest.weights) for nest in tastes.nests]:
        raise MisuseError("the tastes do not fit the card's nests")
    return _nest_table([nest.credits_micro / MICRO for nest in card.nests], tastes.nests)


def answer_consumer(card: ConsumerCard, tastes: Tastes, state: State, economy: Economy) -> list[int]:
    """What the council would take, near the plan's proposal: units per good, in the order of the card."""
    positions = economy.answer_ranges[card.id]
    rows = slice(positions.start, positions.stop)
    eaters = economy.eaters
    metric = economy.metric_of(state.metric)[rows]
    pivot = state.carried[rows] / eaters.unit[rows] - eaters.floor[rows]
    wanted = best_near(_card_table(card, tastes), metric, pivot) + eaters.floor[rows]
    units: list[int] = np.rint(wanted * eaters.unit[rows]).astype(np.int64).tolist()
    return units


def answer_workplace(card: WorkplaceCard, effort: Effort, state: State, economy: Economy) -> list[int]:
    """How much of each technique the workers would do near the plan's proposal: millionths of an activity."""
    positions = economy.answer_ranges[card.id]
    rows = slice(positions.start, positions.stop)
    metric = economy.metric_of(state.metric)[rows]
    near = metric * np.maximum(state.carried[rows], 0) / (metric + np.array(effort.costs))
    millionths: list[int] = np.rint(near).astype(np.int64).tolist()
    return millionths
