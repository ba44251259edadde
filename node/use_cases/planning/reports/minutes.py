"""The minutes of a call, from this node's logs: which cards and answers counted, and where each of them lies.

Invariant: only closed sets are read, so every node that has the logs writes the same minutes, to the byte.
Spec: docs/spec/planning/plan-audit.md
"""

from typing import Any

from node.use_cases.context import Node
from node.use_cases.federation.deciding import closed_content
from node.use_cases.planning.following.account import find_plan
from node.use_cases.planning.reports.view import attested_regrets
from node.use_cases.planning.rounds.approvals import need_draft
from node.use_cases.planning.rounds.course import ReadingReport
from node.use_cases.planning.rounds.draft import describe_call
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import (
    MINUTES_FORMAT,
    AllocationSaid,
    LevelSaid,
    Minutes,
    ReadingMinutes,
    RoundMinutes,
    Said,
)
from protocol.planning.call import CARDS_ROUND, parse_set, round_slot
from storage.log.record_index import IndexedRecord, record_by_leaf


def take_minutes(node: Node, run: PlanRun) -> Minutes:
    """Everything that counted up to the newest draft; RefusedError while there is none."""
    draft = need_draft(run)
    assert run.table is not None, "there is no draft without it"
    readings = tuple(_take_reading(node, run, reading) for reading in run.readings if reading.draft is not None)
    parameters = describe_call(run.call_id, run.call)
    regrets, earlier = attested_regrets(node, run, draft), find_plan(node, run.call.start)
    start = None if earlier is None else take_minutes(node, earlier)
    drafted = [reading for reading in run.readings if reading.draft is not None]
    levels = tuple(said for reading in drafted for said in _take_levels(node, run, reading))
    allocations = tuple(said for reading in drafted for said in _take_allocations(node, run, reading))
    return Minutes(MINUTES_FORMAT, run.table, parameters, readings, regrets, start, allocations, levels)


def _take_reading(node: Node, run: PlanRun, report: ReadingReport) -> ReadingMinutes:
    if report.decides_batches:
        return _take_batches(node, run, report)
    reading, rounds, found = report.reading, len(report.reports), _counted_cards(node, run, report)
    bodies = [indexed.body for indexed in found]
    return ReadingMinutes(
        consumers=tuple(sorted((card for body in bodies for card in body.consumers), key=_id_bytes)),
        workplaces=tuple(sorted((card for body in bodies for card in body.workplaces), key=_id_bytes)),
        rounds=tuple(_take_round(_counted(node, run, reading, number)) for number in range(1, rounds + 1)),
        records=tuple(map(_place, found)),
    )


def _counted_cards(node: Node, run: PlanRun, report: ReadingReport) -> list[IndexedRecord]:
    """A draft made again is made from the last reading's cards, without those of whoever refused."""
    found = _counted(node, run, min(report.reading, run.call.readings), CARDS_ROUND)
    return [indexed for indexed in found if indexed.origin not in report.left_out]


def _take_allocations(node: Node, run: PlanRun, report: ReadingReport) -> list[AllocationSaid]:
    allocations = [] if report.decides_batches else [one.body.allocation for one in _counted_cards(node, run, report)]
    return [
        AllocationSaid(report.reading, allocation.plan.hex(), allocation.prices)
        for allocation in allocations
        if allocation is not None
    ]


def _take_levels(node: Node, run: PlanRun, report: ReadingReport) -> list[LevelSaid]:
    rounds = range(1, 1 + len(report.reports))
    found = [(number, indexed) for number in rounds for indexed in _counted(node, run, report.reading, number)]
    return [
        LevelSaid(report.reading, number, indexed.origin, indexed.body.level.state.hex())
        for number, indexed in found
        if indexed.body.level is not None
    ]


def _take_batches(node: Node, run: PlanRun, report: ReadingReport) -> ReadingMinutes:
    """A reading that decides batches: what was proposed, and the rounds round the best."""
    found = _counted(node, run, report.reading, CARDS_ROUND)
    rounds = [_counted(node, run, report.reading, number) for number in range(1, len(report.reports) + 1)]
    return ReadingMinutes(
        consumers=(),
        workplaces=(),
        rounds=tuple(map(_take_round, rounds)),
        records=tuple(map(_place, found)),
        candidates={indexed.origin: indexed.body.batches for indexed in found},
    )


def _take_round(found: list[IndexedRecord]) -> RoundMinutes:
    answers = {answer.card: answer.quantities for indexed in found for answer in indexed.body.answers}
    return RoundMinutes(answers, tuple(map(_place, found)))


def _counted(node: Node, run: PlanRun, reading: int, number: int) -> list[IndexedRecord]:
    """The records that the closed set of a round names, by their origins."""
    content = closed_content(node, round_slot(run.call_id, reading, number), run.terms.members)
    listed = {} if content is None else parse_set(content)
    found = [record_by_leaf(node.database.reader, leaf) for leaf in listed.values() if leaf is not None]
    if content is None or None in found:
        raise RefusedError.at("plan", f"a record of reading {reading}, round {number} is not here any more")
    return sorted((indexed for indexed in found if indexed is not None), key=lambda indexed: indexed.origin)


def _place(indexed: IndexedRecord) -> Said:
    return Said(indexed.origin, indexed.index, indexed.leaf.hex())


def _id_bytes(card: Any) -> bytes:
    name: str = card.id
    return name.encode()
