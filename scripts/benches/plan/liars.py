"""What those gain who do not say what is so, and what it costs the others: in percent of their consumption.

A gain of g percent means: as good for them as if they had g percent more of everything that they get above floors.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np

from protocol.planning.cards import ConsumerCard, WorkplaceCard
from protocol.planning.plan import Plan
from protocol.planning.rounds import Answer
from protocol.planning.solver.nests import log_utility
from scripts.benches.plan.economies import Region, open_region
from scripts.benches.plan.trials import TOLERANCES, Answers, Change, run_course

TOLERANCE_PPM = TOLERANCES[0]


def tell_lies(region: Region) -> dict[str, tuple[float, float]]:
    """By lie: the liar's gain and the gain of all councils together, in percent."""
    honest = _plan(region)
    liar = max(region.economy.consumers, key=lambda card: sum(nest.credits_micro for nest in card.nests))
    told: dict[str, tuple[float, float]] = {}
    for times in (13, 20):
        lied = _plan(region, _exaggerate(liar, times))
        told[f"asks for {times / 10:g} times its wants"] = _compare(region, honest, lied, liar.id)
    for percent in (5, 20):
        told[f"calls {percent} % of its wants a need"] = _compare(
            region, honest, _plan(_with_floors(region, liar, percent)), liar.id
        )
    largest = max(region.economy.workplaces[: region.economy.answering], key=_turnover(region))
    hidden = _compare(region, honest, _plan(_with_capacity(region, largest.id, 70)), "")
    told["the largest workplace hides 30 % of its capacity"] = hidden
    return told


def _plan(region: Region, change: Change = lambda _, answers: answers) -> Plan | None:
    return run_course(region, (TOLERANCE_PPM,), change=change).plans.get(TOLERANCE_PPM)


def _exaggerate(liar: ConsumerCard, tenths: int) -> Change:
    floors = [floor for nest in liar.nests for floor in nest.floors]

    def change(_: int, answers: Answers) -> Answers:
        said = answers[liar.id]
        assert said is not None
        more = tuple(
            floor + (units - floor) * tenths // 10 for units, floor in zip(said.quantities, floors, strict=True)
        )
        return {**answers, liar.id: Answer(said.state_hash, more)}

    return change


def _with_floors(region: Region, liar: ConsumerCard, percent: int) -> Region:
    """The same region where the liar's floors are raised by a share of its wants above them, as no charter allows."""
    nests = tuple(
        msgspec.structs.replace(
            nest,
            floors=tuple(
                floor + (want - floor) * percent // 100 for floor, want in zip(nest.floors, nest.wants, strict=True)
            ),
        )
        for nest in liar.nests
    )
    card = msgspec.structs.replace(liar, nests=nests)
    cards = tuple(card if one.id == liar.id else one for one in region.file.consumers)
    return open_region(replace(region.file, consumers=cards))


def _with_capacity(region: Region, name: str, percent: int) -> Region:
    cards = tuple(
        msgspec.structs.replace(card, capacity=card.capacity * percent // 100) if card.id == name else card
        for card in region.file.workplaces
    )
    return open_region(replace(region.file, workplaces=cards))


def _turnover(region: Region) -> Callable[[WorkplaceCard], float]:
    makers = region.economy.makers
    worth = np.max(np.where(makers.has, makers.turnover * makers.level, 0.0), axis=1).tolist()
    by_name = dict(zip((card.id for card in region.economy.workplaces), worth, strict=True))
    return lambda card: by_name[card.id] if not card.id.startswith("trade-") else 0.0


def _compare(region: Region, honest: Plan | None, lied: Plan | None, liar: str) -> tuple[float, float]:
    """Gains in percent by the tastes and true floors of `region`; not a number where there was no plan."""
    if honest is None or lied is None:
        return float("nan"), float("nan")
    before, after = _utilities(region, honest), _utilities(region, lied)
    credits = {card.id: sum(nest.credits_micro for nest in card.nests) / 1e6 for card in region.economy.consumers}
    gain = 100 * float(np.expm1((after[liar] - before[liar]) / credits[liar])) if liar else 0.0
    total = sum(after.values()) - sum(before.values())
    return gain, 100 * float(np.expm1(total / sum(credits.values())))


def _utilities(region: Region, plan: Plan) -> dict[str, float]:
    eaters, nests = region.economy.eaters, region.members.nests
    units = [amount for card in region.economy.consumers for amount in plan.consumption[card.id]]
    above = np.maximum(np.array(units, np.float64) / eaters.unit - eaters.floor, 0.0)
    worth = (nests.credits * log_utility(nests, above)).tolist()
    found, place = {}, 0
    for card in region.economy.consumers:
        found[card.id] = sum(worth[place : place + len(card.nests)])
        place += len(card.nests)
    return found
