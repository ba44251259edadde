"""Two regions and what they share, on nodes: plans in force on both levels, together as good as one flat plan.

One of the two that speak for a region crashes and comes back; the other answers once against its region's own draft.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.use_cases.planning.calls.calling import find_above
from node.use_cases.planning.calls.lookup import PlanParams
from node.use_cases.planning.calls.revising import ReviseParams, revise
from node.use_cases.planning.nested.auditing import audit_levels
from node.use_cases.planning.nested.speaking import SpeakParams, speak
from node.use_cases.planning.nested.voices import RegionVoice, Spoken
from node.use_cases.planning.proposals.own_side import kept_side
from node.use_cases.planning.reports.auditing import play_plan
from node.use_cases.planning.reports.showing import show_minutes, show_plan
from node.use_cases.planning.reports.view import PlanReport
from node.web.planning.filling.levels import tell_levels
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import Minutes, format_minutes, parse_minutes
from protocol.planning.call import CardAnswer
from protocol.planning.cards import MICRO
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import build_economy
from protocol.planning.nested.joined_documents import LevelPart, join_documents
from protocol.planning.nested.region_card import ROUNDS_BELOW
from protocol.planning.nested.speaker_audit import audit_speaker
from protocol.planning.plan import Plan, make_plan, parse_plan
from protocol.planning.responses import Effort, Tastes
from protocol.planning.rounds import close_round, start_state
from protocol.planning.simulation.members import gather_members
from tests.node.cli.command_line import runner
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.use_cases.planning.nested.two_regions import (
    CANTEEN,
    REGIONS,
    TOLERANCE_PPM,
    Calls,
    make_again,
    make_homes,
    plan_both_levels,
    run_of,
)

CRASHING, LIAR = REGIONS
LIE_ROUND = 2
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
    again: Files


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One story for all tests here."""
    honest = RegionVoice.answer

    def answer(voice: RegionVoice, was_silent: bool) -> Spoken | None:
        said = honest(voice, was_silent)
        if said is None or not voice.origin.startswith(LIAR) or voice.here.rounds_closed != LIE_ROUND - 1:
            return said
        first, *others = said[0].quantities
        return CardAnswer(said[0].card, (first // 2, *others)), said[1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RegionVoice, "answer", answer)
        return run_region(make_homes(tmp_path_factory.mktemp("regions")), 1, _tell)


async def _refuse(network: MemoryNetwork, calls: Calls) -> None:
    """Only whoever called the region's plan speaks for it, and only a member above can call one beside that."""
    herders, params = network[REGIONS[LIAR][0]], SpeakParams(call=calls.regions[LIAR].hex())
    with pytest.raises(RefusedError, match="speaks for no region"):
        await herders.do(speak(herders.node, params))
    with pytest.raises(RefusedError, match="no such call is known here"):
        find_above(herders.node, calls.above.hex(), 2)
    with pytest.raises(RefusedError, match="federation join --above"):
        find_above(network[CANTEEN].node, calls.above.hex(), 2)
    with pytest.raises(RefusedError, match="at least 2"):
        find_above(network[LIAR].node, calls.above.hex(), 1)
    with pytest.raises(RefusedError, match="speaks for this region"):
        await herders.do(revise(herders.node, ReviseParams(call=params.call)))


async def _tell(network: MemoryNetwork) -> Told:
    calls = await plan_both_levels(network, CRASHING)
    await _refuse(network, calls)
    assert network[CRASHING].boots == 2
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
        files[name] = said.document.encode(), said.minutes.encode()
        reports[name] = await show_plan(network[name].node, PlanParams(call=call.hex()))
        # Whoever only hears of the other level comes to the same plan.
        for other in REGIONS.get(name, ()):
            assert run_of(network[other], call).ratified == run_of(network[name], call).ratified
    again = await make_again(network, CRASHING, calls.regions[CRASHING])
    said = await show_minutes(network[CRASHING].node, PlanParams(call=again.hex()))
    speakers = {name: network[name].node.origin for name in REGIONS}
    return Told(
        files[CANTEEN],
        {name: files[name] for name in REGIONS},
        reports,
        tastes,
        efforts,
        speakers,
        (said.document.encode(), said.minutes.encode()),
    )


def test_both_levels_are_in_force_and_hold_as_one_plan_but_for_the_lie(told: Told) -> None:
    assert {report.state for report in told.reports.values()} == {"in force"}
    audit = audit_levels(told.above, told.regions)
    place = f"{LIAR}.above.reading 1.round {LIE_ROUND}.{told.speakers[LIAR]}#region"
    assert [finding.place for finding in audit.findings] == [place] and not audit.holds
    assert audit.unheard == ()
    assert audit.speakers == told.speakers
    above = len(parse_minutes(told.above[1]).readings[0].rounds)
    rounds = [len(reading.rounds) for name in REGIONS for reading in parse_minutes(told.regions[name][1]).readings[:1]]
    # No region's reading has ended before the plan above.
    assert all(count >= ROUNDS_BELOW * above for count in rounds)
    assert audit.answers_checked == sum(rounds) + len(REGIONS) * above
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


def test_an_honest_speaker_is_found_nothing_of_though_it_crashed_and_the_other_region_is_named(told: Told) -> None:
    audit = audit_levels(told.above, {CRASHING: told.regions[CRASHING]})
    assert audit.findings == () and audit.holds and audit.unheard == (told.speakers[LIAR],)
    (reading,) = parse_minutes(told.above[1]).readings
    assert all(f"{told.speakers[CRASHING]}#region" in one.answers for one in reading.rounds)


def test_a_region_s_plan_made_again_keeps_to_what_the_plan_above_allocated(told: Told) -> None:
    audit = audit_levels(told.above, {CRASHING: told.again})
    assert audit.findings == () and audit.speakers == {CRASHING: told.speakers[CRASHING]}
    before, after = (parse_minutes(minutes) for _, minutes in (told.regions[CRASHING], told.again))
    assert [one.plan for one in after.allocations] == [before.allocations[0].plan] and after.start is not None
    card = f"{told.speakers[CRASHING]}#above"
    assert [one for one in after.readings[0].workplaces if one.id == card] == [
        one for one in before.readings[-1].workplaces if one.id == card
    ]


def test_the_page_says_who_speaks_and_which_goods_are_planned_where(told: Told) -> None:
    (above,) = tell_levels(told.reports[CANTEEN], None)
    assert above.startswith("hilltop and quay speak for their regions here")
    speaks, goods, kept_to = tell_levels(told.reports[CRASHING], None)
    assert speaks.startswith(f"{CRASHING} speaks for this region in the plan above (call ")
    assert goods == "Planned in the region: bread, rolls and hours. Planned above: milk, cheese, flour, CO₂ and money."
    assert told.reports[CANTEEN].digest[:12] in kept_to


def test_the_command_reads_the_files_of_both_levels_and_needs_no_home(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rochdale, home, names = runner(capsys, tmp_path / "none"), tmp_path / "none", (CANTEEN, CRASHING, LIAR)
    for name, files in zip(names, (told.above, *told.regions.values()), strict=True):
        for kind, content in zip(("plan", "minutes"), files, strict=True):
            (tmp_path / f"{name}-{kind}.json").write_bytes(content)
    above, crashing, liar = ([tmp_path / f"{name}-{kind}.json" for kind in ("plan", "minutes")] for name in names)
    said = rochdale("audit", "levels", *above, "--region", *crashing)
    assert said.code == 0 and "Nothing is wanting." in said.out, said
    assert f"{CRASHING}-plan: {told.speakers[CRASHING]} speaks for it." in said.out
    assert f"Not checked: the region that {told.speakers[LIAR]} speaks for" in said.out
    said = rochdale("audit", "levels", *above, "--region", *liar, "--json")
    assert said.code == 1 and len(said.json["findings"]) == 1 and not home.exists()
    assert rochdale("audit", "levels", *above, "--region", *above).code == 1


def bend_answer(said: Minutes, at_round: int, card: str) -> Minutes:
    reading = said.readings[0]
    rounds = list(reading.rounds)
    first, *others = rounds[at_round - 1].answers[card]
    answers = {**rounds[at_round - 1].answers, card: (first + 1, *others)}
    rounds[at_round - 1] = msgspec.structs.replace(rounds[at_round - 1], answers=answers)
    reading = msgspec.structs.replace(reading, rounds=tuple(rounds))
    return msgspec.structs.replace(said, readings=(reading, *said.readings[1:]))


def bend_level(said: Minutes, at_round: int, state: str) -> Minutes:
    levels = tuple(msgspec.structs.replace(one, state=state) if one.round == at_round else one for one in said.levels)
    return msgspec.structs.replace(said, levels=levels)


def bend_allocation(said: Minutes, **changes: Any) -> Minutes:
    return msgspec.structs.replace(said, allocations=(msgspec.structs.replace(said.allocations[0], **changes),))


def bend_card(said: Minutes, name: str) -> Minutes:
    last = said.readings[-1]
    card = next(card for card in last.workplaces if card.id == name)
    ((good, amount), *net) = card.techniques[0].net
    technique = msgspec.structs.replace(card.techniques[0], net=((good, amount - 1), *net))
    bent = msgspec.structs.replace(card, techniques=(technique,))
    workplaces = tuple(bent if card.id == name else card for card in last.workplaces)
    last = msgspec.structs.replace(last, workplaces=workplaces)
    return msgspec.structs.replace(said, readings=(*said.readings[:-1], last))


Bend = Callable[[Minutes, str], Minutes]
BENT: dict[str, tuple[Bend, str]] = {
    "an answer": (lambda said, card: bend_answer(said, 4, card), "region.reading 1.round 4."),
    "an old state": (lambda said, card: bend_level(said, 5, said.levels[0].state), "region.reading 1.round 5."),
    "no state": (lambda said, card: bend_level(said, 6, "ab" * 32), "region.reading 1.round 6."),
    "a price": (
        lambda said, card: bend_allocation(said, prices=said.allocations[0].prices[1:]),
        "region.allocations.prices",
    ),
    "another plan": (lambda said, card: bend_allocation(said, plan="cd" * 32), "region.allocations"),
    "the allocation": (bend_card, "region.workplaces."),
}


@pytest.mark.parametrize("what", BENT)
def test_whatever_a_speaker_bends_in_its_region_is_found_at_its_place(told: Told, what: str) -> None:
    bend, place = BENT[what]
    document, minutes = told.regions[CRASHING]
    card = f"{told.speakers[CRASHING]}#above"
    above, below = play_plan(*told.above), play_plan(document, format_minutes(bend(parse_minutes(minutes), card)))
    places = {finding.place for finding in audit_speaker(told.speakers[CRASHING], above, below)}
    assert f"{place}{card if place.endswith('.') else ''}" in places


def _join(told: Told) -> Plan:
    spoken = frozenset(f"{origin}#region" for origin in told.speakers.values())
    above = LevelPart("", parse_plan(told.above[0]), spoken)
    regions = [
        LevelPart(origin, parse_plan(told.regions[name][0]), frozenset({f"{origin}#above"}))
        for name, origin in told.speakers.items()
    ]
    return join_documents(above, regions)
