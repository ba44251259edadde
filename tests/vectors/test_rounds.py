"""The vectors of a plan's rounds, replayed as someone else's program would: from cards and answers to the plan."""

from typing import Any

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import format_minutes, parse_minutes
from protocol.planning.audit.replay import Played, audit_replay, conclude_replay, replay_minutes
from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.floors import check_floors
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan, parse_plan
from protocol.planning.ratifying.words import leave_out
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.state import State, format_state, hash_state, parse_state
from tests.protocol.core.values import load_vectors
from tests.spec_pages.examples import list_json

OPEN, ODD = load_vectors("planning/rounds-open.json"), load_vectors("planning/rounds-odd.json")
VILLAGES = {"open": OPEN, "private": load_vectors("planning/rounds-private.json")}
each_village = pytest.mark.parametrize("village", VILLAGES.values(), ids=VILLAGES)
BROKEN = [
    pytest.param(village["plan"], broken, id=f"{form}: {broken['says']}")
    for form, village in VILLAGES.items()
    for broken in village["broken_plans"]
]


@each_village
def test_the_answers_lead_to_each_state_and_to_the_plan(village: dict[str, Any]) -> None:
    economy = read_economy(village)
    assert economy.digest == village["economy"]
    state, report = start_state(economy), None
    check_state(state, village["start"])
    for one in village["rounds"]:
        state, report = answer(economy, state, one["answers"])
        check_state(state, one["state"])
        assert (report.worst_good, report.worst_good_ppm) == (one["worst_good"], one["worst_good_ppm"])
    assert report is not None and report.is_close_enough
    assert format_state(state) == village["last_state"]
    assert hash_state(parse_state(village["last_state"], economy)) == village["rounds"][-1]["state"]["hash"]
    made = format_plan(make_plan(economy, state, clear_plan(economy, state), report, {"call": "a made-up call"}))
    assert (made.decode(), digest_plan(made)) == (village["plan"], village["digest"])


@each_village
def test_the_plan_holds_and_its_gap_is_that_of_the_file(village: dict[str, Any]) -> None:
    certificate = check_certificate(read_plan(village["plan"]), village["regrets"])
    assert certificate.findings == ()
    assert {name: getattr(certificate, name) for name in village["certificate"]} == village["certificate"]


@pytest.mark.parametrize(("plan", "broken"), BROKEN)
def test_a_plan_that_does_not_hold_says_where(plan: str, broken: dict[str, Any]) -> None:
    changed = msgspec.convert({**msgspec.json.decode(plan), **broken["change"]}, Plan)
    assert [finding.place for finding in check_certificate(changed, {}).findings] == broken["at"] != []


@each_village
def test_the_minutes_lead_to_the_same_quantities(village: dict[str, Any]) -> None:
    minutes = parse_minutes(village["minutes"].encode())
    assert format_minutes(minutes).decode() == village["minutes"]
    replayed = replay_minutes(minutes)
    plan, told = conclude_replay(minutes, replayed), read_plan(village["plan"])
    assert plan == msgspec.structs.replace(told, parameters=plan.parameters)
    found = audit_replay(Played(minutes, replayed, told))
    assert [finding.place for finding in found] == ["parameters"], "a call says which reading it was"


def test_the_page_shows_the_plan_of_the_file() -> None:
    assert list_json("plan.md") == msgspec.json.decode(OPEN["plan"])


def test_what_is_said_amiss_counts_as_silence_or_is_cut() -> None:
    economy = read_economy(OPEN)
    said = {name: Answer(state_hash, tuple(quantities)) for name, (state_hash, quantities) in ODD["answers"].items()}
    after, report = close_round(economy, start_state(economy), said)
    check_state(after, ODD["state"])
    assert list(report.silent) == ODD["silent"]
    assert [finding.place for finding in report.set_aside] == ODD["set_aside"]
    assert list(report.cut_to_credits) == ODD["cut_to_credits"]


def test_a_further_reading_goes_on_from_the_last_state() -> None:
    economy = read_economy(OPEN)
    smaller = leave_out(economy, ["south"])
    assert smaller.digest == ODD["without_south"]["economy"]
    check_state(warm_start(smaller, parse_state(OPEN["last_state"], economy), economy), ODD["without_south"]["state"])


@pytest.mark.parametrize("row", ODD["no_plan"], ids=lambda row: row["says"])
def test_cards_of_which_no_plan_can_be_made_say_where(row: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        check_floors(read_economy({**OPEN, "consumers": row["consumers"]}))
    assert [finding.place for finding in caught.value.findings] == row["at"] != []


def read_economy(village: dict[str, Any]) -> Economy:
    consumers = msgspec.convert(village["consumers"], tuple[ConsumerCard, ...])
    workplaces = msgspec.convert(village["workplaces"], tuple[WorkplaceCard, ...])
    return build_economy(msgspec.convert(village["goods_table"], GoodsTable), consumers, workplaces)


def read_plan(text: str) -> Plan:
    plan = parse_plan(text.encode())
    assert format_plan(plan).decode() == text
    return plan


def answer(economy: Economy, state: State, said: dict[str, list[int]]) -> tuple[State, RoundReport]:
    reply = hash_state(state)
    return close_round(economy, state, {name: Answer(reply, tuple(row)) for name, row in said.items()})


def check_state(state: State, told: dict[str, Any]) -> None:
    columns = {name: getattr(state, name).tolist() for name in told if name != "hash"}
    assert {"hash": hash_state(state), **columns} == told
