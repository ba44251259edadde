"""Liars on the agent's own road: a co-op's till, its nests and the committee's changes make the card; then it lies.

Each co-op of the made-up region has a home with a till of generated lines; its card comes from `prepare_side`, as it
does when a person releases it, and is audited as every node audits it. MADE UP, as all of the region.
Invariant: a gain is counted by what the liar's own till says it wants, not by what it claimed.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from node.clock import Clock
from node.config import Config
from node.simulation.region.calls import K_HOUSEHOLDS, charter_row, council_release, producer_release, table_row
from node.simulation.region.region import Region, load_region
from node.simulation.tills.generated import generate_store_tills
from node.use_cases.context import Node
from node.use_cases.home import init_home, open_node
from node.use_cases.planning.calls.table import TableFile, read_table
from node.use_cases.planning.proposals.private_side import PrivateSide, Release, answer_cards, prepare_side
from node.use_cases.till import TillParams, import_file
from protocol.federation.charter import Charter
from protocol.planning.audit.replay import ReplayedReading, ReplayedRound
from protocol.planning.cards import ApprovedFloor, CardTerms, GoodsTable
from protocol.planning.certificate import goods_of
from protocol.planning.clearing import clear_plan
from protocol.planning.contributions import audit_cards
from protocol.planning.economy import build_economy
from protocol.planning.plan import Plan, make_plan
from protocol.planning.responses import join_tastes
from protocol.planning.rounds import Answer, close_round, start_state
from protocol.planning.solver.nests import log_utility
from protocol.planning.state import hash_state

CALL = bytes(32)
ROUNDS_MOST = 40
LEAST_WHOLE = 1e-9
"""Of a good that a liar left out it counts as having next to nothing."""
WEEKS = 4
Sides = dict[str, PrivateSide]
ChangeOfRound = Callable[[int, Sides], Sides]


@dataclass(frozen=True)
class Member:
    """A co-op or producer at its own home."""

    node: Node
    people: int
    release: dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """The region with everybody's home open: what the call says, and what everybody honestly brings."""

    table: GoodsTable
    terms: CardTerms
    members: dict[str, Member]
    sides: Sides

    @property
    def councils(self) -> list[str]:
        """The members that eat."""
        return [name for name, side in self.sides.items() if side.cards.consumers]

    def prepare(self, name: str, release: dict[str, Any]) -> PrivateSide:
        """What a release makes of a member's till."""
        member = self.members[name]
        given = msgspec.convert(release, Release)
        return prepare_side(member.node, given, CALL, 1, self.table, member.people, self.terms, K_HOUSEHOLDS)

    def is_void(self, name: str, side: PrivateSide) -> bool:
        """Whether every node sets these cards aside."""
        member = self.members[name]
        return bool(audit_cards(member.node.origin, side.cards, self.table, member.people, self.terms))


@contextmanager
def open_stage(seed: int, weeks: int = WEEKS) -> Iterator[Stage]:
    """The made-up region at homes of its own, for as long as it is looked at."""
    region = load_region()
    charter = msgspec.convert(charter_row(region, ()), Charter)
    floors = tuple(ApprovedFloor(one.good, one.amount, one.decimals) for one in charter.floors)
    with tempfile.TemporaryDirectory() as folder:
        members = asyncio.run(_open_members(region, seed, weeks, Path(folder)))
        try:
            table = read_table(msgspec.convert(table_row(region), TableFile))
            stage = Stage(table, CardTerms(charter.credits_per_person_micro, floors), members, {})
            sides = {name: stage.prepare(name, member.release) for name, member in members.items()}
            yield replace(stage, sides=sides)
        finally:
            for member in members.values():
                member.node.database.close()


async def _open_members(region: Region, seed: int, weeks: int, folder: Path) -> dict[str, Member]:
    members = {}
    tills = generate_store_tills(region, seed, weeks)
    for coop, till in zip(region.coops, tills, strict=True):
        node = await _open_home(folder / coop.id)
        await import_file(node, TillParams(name="till.csv", content=till.raw))
        members[coop.id] = Member(node, coop.people, council_release(region))
    for producer in region.producers:
        node = await _open_home(folder / producer.id)
        members[producer.id] = Member(node, producer.workers, producer_release(region, producer))
    return members


async def _open_home(home: Path) -> Node:
    config = Config(home=home, name=home.name)
    await init_home(config, Clock())
    return open_node(config, Clock())


@dataclass(frozen=True)
class Told:
    """The plan that came of what was said, None where the rounds found no end; and what was said in them."""

    plan: Plan | None
    reading: ReplayedReading


def plan_with(stage: Stage, sides: Sides, turn: ChangeOfRound = lambda _, sides: sides) -> Told:
    """The plan of these cards; `turn` says what stands behind them in a round. Void cards take no part."""
    valid = {name: side for name, side in sides.items() if not stage.is_void(name, side)}
    cards = [side.cards for side in valid.values()]
    consumers = [card for one in cards for card in one.consumers]
    economy = build_economy(stage.table, consumers, [card for one in cards for card in one.workplaces])
    state, rounds = start_state(economy), list[ReplayedRound]()
    for number in range(1, ROUNDS_MOST + 1):
        said = [answer for side in turn(number, valid).values() for answer in answer_cards(side, state, economy)]
        answers = {one.card: Answer(hash_state(state), one.quantities) for one in said}
        after, report = close_round(economy, state, answers)
        rounds.append(ReplayedRound(state, answers, report))
        state = after
        if report.is_close_enough:
            break
    plan = make_plan(economy, state, clear_plan(economy, state), report)
    return Told(plan if report.is_close_enough else None, ReplayedReading(1, economy, tuple(rounds), state))


def utility_of(stage: Stage, plan: Plan, name: str) -> float:
    """What a council gets by its own till's word: credits x log, so that 0.01 is one percent more of everything."""
    side = stage.sides[name]
    (card,) = side.cards.consumers
    written = next((one for one in plan.consumers if one.id == card.id), None)
    if written is None:
        return float("-inf")
    has = dict(zip(goods_of(written), plan.consumption[card.id], strict=True))
    floors = [floor for nest in card.nests for floor in nest.floors]
    unit = np.array([10.0 ** stage.table.goods[good].decimals for good in goods_of(card)])
    above = np.array([max(has.get(good, 0) - floor, 0) for good, floor in zip(goods_of(card), floors, strict=True)])
    nests = join_tastes([(card, side.tastes[card.id])])
    worth = float(np.sum(nests.credits * log_utility(nests, np.maximum(above / unit, LEAST_WHOLE))))
    return worth / float(np.sum(nests.credits))
