"""A plan document and its certificate: what holds is certified, every tampering is found, by both checkers."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.certificate import check_certificate, measure_left, trade_regret
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import digest_plan, format_plan, make_plan, parse_plan
from protocol.planning.responses import REGRET_MOST_MICRO, best_profits, regret_consumer, regret_workplace
from protocol.planning.rounds import close_round, start_state
from tests.protocol.planning.economies import attested_regrets, finished_plan, load, region, village

FILE, ECONOMY = load(village())
PLAN = finished_plan(FILE, ECONOMY)
RAW = format_plan(PLAN)
SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "check_plan"


def run_script(folder: Path, raw: bytes, *options: str) -> tuple[int, dict[str, Any]]:
    place = folder / "plan.json"
    place.write_bytes(raw)
    command = [sys.executable, "-I", str(SCRIPT), str(place), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def test_a_plan_reads_back_as_it_was_written() -> None:
    assert parse_plan(RAW) == PLAN
    assert format_plan(PLAN) == RAW


def test_an_honest_plan_is_certified_with_a_small_gap() -> None:
    certificate = check_certificate(PLAN, attested_regrets(FILE, PLAN))
    assert certificate.findings == ()
    assert certificate.unknown_regrets == ()
    assert certificate.gap_ppm is not None
    assert 0 < certificate.gap_ppm < 5_000


def test_a_missing_regret_is_unknown_not_nothing() -> None:
    regrets = attested_regrets(FILE, PLAN)
    del regrets["south"]
    certificate = check_certificate(PLAN, regrets)
    assert certificate.gap_micro is None
    assert certificate.gap_ppm is None
    assert certificate.unknown_regrets == ("south",)
    assert certificate.known_gap_micro > 0


def test_the_script_without_project_code_says_the_same(tmp_path: Path) -> None:
    regrets = attested_regrets(FILE, PLAN)
    told = tmp_path / "regrets.json"
    told.write_text(json.dumps(regrets))
    certificate = check_certificate(PLAN, regrets)
    code, report = run_script(tmp_path, RAW, "--regrets", str(told), "--digest", digest_plan(RAW).hex())
    assert code == 0
    assert report["findings"] == []
    assert (report["gap_micro"], report["gap_ppm"]) == (certificate.gap_micro, certificate.gap_ppm)
    code, report = run_script(tmp_path, RAW)
    assert code == 0
    assert len(report["regrets_unknown"]) == len(regrets)


def test_a_gap_is_what_all_regret_and_what_is_left_over() -> None:
    nothing = dict.fromkeys(attested_regrets(FILE, PLAN), 0)
    certificate = check_certificate(PLAN, nothing)
    left_over = certificate.slack_micro + sum(trade_regret(PLAN, card) for card in PLAN.goods_table.trade)
    assert certificate.gap_micro == left_over > 0
    assert check_certificate(PLAN, nothing | {"south": 7}).gap_micro == left_over + 7


def test_a_regret_below_nothing_is_found_and_takes_nothing_off_the_gap() -> None:
    nothing = dict.fromkeys(attested_regrets(FILE, PLAN), 0)
    certificate = check_certificate(PLAN, nothing | {"south": -1})
    assert [str(finding) for finding in certificate.findings] == ["south: a regret below 0"]
    assert certificate.known_gap_micro == check_certificate(PLAN, nothing).known_gap_micro


def test_what_is_short_is_named_in_whole_units() -> None:
    document = json.loads(RAW)
    left = measure_left(PLAN)[0] // 10**9
    document["consumers"][0]["nests"][0]["credits_micro"] = 10**12
    document["consumption"]["north"][0] += left
    assert check_certificate(parse_plan(canonical(document)), {}).findings == ()
    document["consumption"]["north"][0] += 7
    (finding,) = check_certificate(parse_plan(canonical(document)), {}).findings
    assert str(finding) == "balance.bread: 7 units more are used than there are"


@pytest.mark.parametrize(("over", "told"), [(0, []), (1, ["credits.north: 1 micro-credits above its allotment"])])
def test_an_allotment_holds_to_the_micro_credit(over: int, told: list[str]) -> None:
    document = json.loads(RAW)
    (nest,) = document["consumers"][0]["nests"]
    bought = zip(nest["goods"], document["consumption"]["north"], nest["floors"], strict=True)
    cost = sum(document["prices"][good] * (units - floor) for good, units, floor in bought)
    # Of the first two goods a unit is a thousandth.
    nest["credits_micro"] = -(-cost // 1_000) - over
    assert [str(one) for one in check_certificate(parse_plan(canonical(document)), {}).findings] == told


def test_a_plan_for_nobody_is_none() -> None:
    document = json.loads(RAW) | {"consumers": [], "consumption": {}}
    certificate = check_certificate(parse_plan(canonical(document)), {})
    assert "consumers: a plan without a council" in map(str, certificate.findings)
    assert (certificate.slack_micro, certificate.known_gap_micro, certificate.gap_ppm) == (0, 0, None)


def canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def first_units(plan: dict[str, Any], name: str, units: int) -> None:
    plan["consumption"][name][0] = units


TAMPERINGS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    (
        "one unit more bread than there is",
        lambda p: first_units(p, "north", p["consumption"]["north"][0] + 9999),
        "balance.bread",
    ),
    ("bread below the floor", lambda p: first_units(p, "north", 0), "floor.north.bread"),
    ("an oven beyond its capacity", lambda p: p["activity"].update(oven=[70_000_001]), "capacity.oven"),
    ("less than the least", lambda p: p["workplaces"][0].update(least=p["workplaces"][0]["capacity"]), "least.farm"),
    ("prices that make it too dear", lambda p: p["prices"].__setitem__(0, 10**9), "credits.north"),
    ("a council without quantities", lambda p: p["consumption"].pop("north"), "consumption.north"),
    ("quantities without a card", lambda p: p["activity"].update(ghost=[1]), "activity.ghost"),
    ("a quantity below nothing", lambda p: p["activity"].update(mill=[-1]), "activity.mill"),
    ("a price missing", lambda p: p["prices"].pop(), "prices"),
    ("one card twice", lambda p: p["consumers"].append(p["consumers"][0]), "cards"),
    ("a smaller endowment", lambda p: p["goods_table"]["goods"][5].update(endowment=1), "balance.outside"),
    (
        "a millionth of a purchase more",
        lambda p: p["activity"].update({"import-milk": [33_333_334]}),
        "balance.outside",
    ),
    ("an import for nothing", lambda p: p["activity"].update({"import-milk": [50_000_001]}), "capacity.import-milk"),
]


@pytest.mark.parametrize(("change", "named"), [row[1:] for row in TAMPERINGS], ids=[row[0] for row in TAMPERINGS])
def test_both_checkers_find_the_tampering(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    document = json.loads(RAW)
    change(document)
    raw = canonical(document)
    findings = check_certificate(parse_plan(raw), {}).findings
    assert named in {finding.place for finding in findings}
    code, report = run_script(tmp_path, raw)
    assert code == 1
    assert any(named.rpartition(".")[2].rstrip("s") in text for text in report["findings"]), report


UNREADABLE: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("a list", b"[]"),
    ("another format", RAW.replace(b"rochdale-plan/1", b"rochdale-plan/9")),
    ("a fraction", RAW.replace(b'"rounds":', b'"rounds":0.5,"x":', 1)),
    ("a field too many", RAW[:-1] + b',"zebra":1}'),
    ("a truth value for a number", RAW.replace(b'"tolerance_ppm":10000', b'"tolerance_ppm":true')),
    ("bytes that are no text", b"\xff" + RAW),
    ("an unknown good", RAW.replace(b'"goods":[0,1]', b'"goods":[0,91]', 1)),
]


@pytest.mark.parametrize("raw", [row[1] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_what_is_no_plan_is_refused(tmp_path: Path, raw: bytes) -> None:
    try:
        assert check_certificate(parse_plan(raw), {}).findings
    except RefusedError as refusal:
        assert refusal.findings
    code, _ = run_script(tmp_path, raw)
    assert code == 2


def test_other_spacing_is_not_the_document_that_was_approved(tmp_path: Path) -> None:
    spaced = json.dumps(json.loads(RAW), sort_keys=True).encode()
    with pytest.raises(RefusedError, match="canonical"):
        parse_plan(spaced)
    assert run_script(tmp_path, spaced)[0] == 1


def test_another_digest_is_found(tmp_path: Path) -> None:
    assert run_script(tmp_path, RAW, "--digest", "00" * 32)[0] == 1


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_clearing_any_state_keeps_every_limit_exactly(rounds: int) -> None:
    _, economy = load(region(4, eaten=20))
    state = start_state(economy)
    for _ in range(rounds):
        state, report = close_round(economy, state, {})
    plan = make_plan(economy, state, clear_plan(economy, state), report)
    assert check_certificate(plan, {}).findings == ()


def test_floors_that_cannot_be_met_are_named_and_not_cut() -> None:
    document = village()
    document["goods"][5]["endowment"] = "0"
    document["consumers"][0]["nests"][0]["goods"]["bread"]["floor"] = "95"
    _, economy = load(document)
    state, _ = close_round(economy, start_state(economy), {})
    with pytest.raises(RefusedError, match="floors cannot all be met") as refused:
        clear_plan(economy, state)
    bread = next(finding for finding in refused.value.findings if finding.place == "bread")
    missing = int(bread.reason.split("need ")[1].split(" ")[0])
    assert missing >= 27 * 10 ** economy.goods[0].decimals


def test_a_regret_is_what_the_best_answer_would_add() -> None:
    card, tastes = FILE.consumers[0], FILE.tastes["north"]
    decimals = tuple(good.decimals for good in PLAN.goods_table.goods)
    planned = PLAN.consumption["north"]
    here = regret_consumer(card, tastes, planned, PLAN.prices, decimals)
    floors = card.nests[0].floors
    half = tuple(floor + (units - floor) // 2 for units, floor in zip(planned, floors, strict=True))
    lost = 150_000_000 * np.log(2) - regret_cost(planned, half, decimals)
    assert regret_consumer(card, tastes, half, PLAN.prices, decimals) - here == pytest.approx(lost, rel=1e-3)
    assert regret_consumer(card, tastes, floors, PLAN.prices, decimals) == REGRET_MOST_MICRO


def regret_cost(planned: tuple[int, ...], half: tuple[int, ...], decimals: tuple[int, ...]) -> float:
    pairs = zip(FILE.consumers[0].nests[0].goods, planned, half, strict=True)
    return sum(PLAN.prices[good] * (units - less) / float(10 ** decimals[good]) for good, units, less in pairs)


def test_a_workplace_at_its_best_level_regrets_nothing() -> None:
    mill = next(card for card in FILE.workplaces if card.id == "mill")
    prices = (0, 0, 1_000_000, 6_000_000, 0, 0)
    effort = FILE.efforts["mill"]
    assert regret_workplace(mill, effort, (100_000_000,), prices) == 0
    assert regret_workplace(mill, effort, (0,), prices) == pytest.approx(83_000_000, abs=10)


def test_the_bound_on_profit_is_met_where_the_optimum_is_known() -> None:
    gain = np.array([[2.0, 1.0], [2.0, 1.0], [-2.0, -1.0]])
    cost = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    capacity, least = np.array([3.0, 10.0, 10.0]), np.array([0.0, 0.0, 4.0])
    best = best_profits(gain, cost, np.ones((3, 2)), capacity, least, np.ones((3, 2), np.bool_))
    assert best == pytest.approx([6.0, 2.5, -4.0])


def test_a_trade_node_is_regretted_by_everybody() -> None:
    idle = json.loads(RAW)
    card = PLAN.goods_table.trade[0]
    before = trade_regret(PLAN, card)
    idle["activity"]["import-milk"] = [0]
    idle["prices"] = [0] * len(idle["prices"])
    assert trade_regret(parse_plan(canonical(idle)), card) == 0
    idle["prices"][1] = 10**8
    plan = parse_plan(canonical(idle))
    assert before < 10_000_000
    assert trade_regret(plan, card) > 10**9
