"""Two regions and what they share, on nodes: plans in force on both levels, together as good as one flat plan."""

from dataclasses import dataclass

import msgspec
import pytest

from node.use_cases.planning.nested.auditing import audit_levels
from node.use_cases.planning.own_side import kept_side
from node.use_cases.planning.verbs import PlanParams, show_minutes, show_plan
from node.use_cases.planning.view import PlanReport
from protocol.planning.audit.minutes import Minutes, format_minutes, parse_minutes
from protocol.planning.cards import MICRO
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import build_economy
from protocol.planning.nested.joined_documents import LevelPart, join_documents
from protocol.planning.plan import Plan, make_plan, parse_plan
from protocol.planning.responses import Effort, Tastes
from protocol.planning.rounds import close_round, start_state
from protocol.planning.simulation.members import gather_members
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.use_cases.planning.nested.two_regions import (
    CANTEEN,
    REGIONS,
    TOLERANCE_PPM,
    make_homes,
    plan_both_levels,
    run_of,
)

Files = tuple[bytes, bytes]
PPM = 1_000_000


@dataclass(frozen=True)
class Told:
    """What the nodes can tell at the end: document and minutes of each plan, and (to the test alone) private sides."""

    above: Files
    regions: dict[str, Files]
    reports: dict[str, PlanReport]
    tastes: dict[str, Tastes]
    efforts: dict[str, Effort]
    speakers: dict[str, str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One story for all tests here."""
    return run_region(make_homes(tmp_path_factory.mktemp("regions")), 1, _tell)


async def _tell(network: MemoryNetwork) -> Told:
    calls = await plan_both_levels(network)
    at = {CANTEEN: calls.above, **calls.regions}
    tastes: dict[str, Tastes] = {}
    efforts: dict[str, Effort] = {}
    for machine in network.machines:
        call = next(call for name, call in at.items() if machine.name in (name, *REGIONS.get(name, ())))
        side = kept_side(machine.node, call, run_of(machine, call).call.readings)
        assert side is not None
        tastes, efforts = tastes | side.tastes, efforts | side.efforts
    files, reports = {}, {}
    for name, call in at.items():
        said = await show_minutes(network[name].node, PlanParams(call=call.hex()))
        files[name] = said["document"].encode(), said["minutes"].encode()
        reports[name] = await show_plan(network[name].node, PlanParams(call=call.hex()))
        # Whoever only hears of the other level comes to the same plan.
        for other in REGIONS.get(name, ()):
            assert run_of(network[other], call).ratified == run_of(network[name], call).ratified
    speakers = {name: network[name].node.origin for name in REGIONS}
    return Told(files[CANTEEN], {name: files[name] for name in REGIONS}, reports, tastes, efforts, speakers)


def test_both_levels_are_in_force_and_hold_as_one_plan(told: Told) -> None:
    assert {report.state for report in told.reports.values()} == {"in force"}
    audit = audit_levels(told.above, told.regions)
    assert audit.findings == () and audit.holds and audit.unheard == ()
    assert audit.speakers == told.speakers
    rounds = [len(reading.rounds) for name in REGIONS for reading in parse_minutes(told.regions[name][1]).readings[:1]]
    assert audit.answers_checked == sum(rounds) + len(REGIONS) * len(parse_minutes(told.above[1]).readings[0].rounds)
    assert audit.gap_ppm is not None and audit.gap_ppm <= TOLERANCE_PPM


def test_the_joined_plan_is_worth_what_a_flat_plan_of_the_same_members_is(told: Told) -> None:
    joined = _join(told)
    economy = build_economy(joined.goods_table, joined.consumers, joined.workplaces)
    members = gather_members(economy, told.tastes, told.efforts)
    state, is_over = start_state(economy), False
    while not is_over:
        state, report = close_round(economy, state, members.answer(state))
        is_over = report.is_close_enough
    flat = make_plan(economy, state, clear_plan(economy, state), report)
    credits = economy.credits_micro / MICRO
    lost = (members.welfare(flat) - members.welfare(joined)) / credits
    assert abs(lost) <= TOLERANCE_PPM / PPM


def test_a_region_whose_plan_is_not_given_is_named(told: Told) -> None:
    audit = audit_levels(told.above, {"hilltop": told.regions["hilltop"]})
    assert audit.findings == () and audit.unheard == (told.speakers["quay"],)


@pytest.mark.parametrize("at_round", [1, 3])
def test_a_speaker_that_answers_against_its_region_s_draft_is_found(told: Told, at_round: int) -> None:
    name = f"{told.speakers['hilltop']}#region"
    files = told.above[0], _bend(told.above[1], at_round, name)
    findings = [str(one) for one in audit_levels(files, told.regions).findings]
    place = f"hilltop.above.reading 1.round {at_round}.{name}"
    assert f"{place}: is not what the other call's own rounds lead to" in findings


def _bend(minutes: bytes, at_round: int, card: str) -> bytes:
    said: Minutes = parse_minutes(minutes)
    (reading,) = said.readings
    rounds = list(reading.rounds)
    first, *others = rounds[at_round - 1].answers[card]
    bent = {**rounds[at_round - 1].answers, card: (first + 1, *others)}
    rounds[at_round - 1] = msgspec.structs.replace(rounds[at_round - 1], answers=bent)
    reading = msgspec.structs.replace(reading, rounds=tuple(rounds))
    return format_minutes(msgspec.structs.replace(said, readings=(reading,)))


def _join(told: Told) -> Plan:
    spoken = frozenset(f"{origin}#region" for origin in told.speakers.values())
    above = LevelPart("", parse_plan(told.above[0]), spoken)
    regions = [
        LevelPart(origin, parse_plan(told.regions[name][0]), frozenset({f"{origin}#above"}))
        for name, origin in told.speakers.items()
    ]
    return join_documents(above, regions)
