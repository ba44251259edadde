"""Workplaces that keep their recipes to themselves plan with the others, by the same rule, and nobody learns more."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.planning.card_rules import audit_workplace_card
from protocol.planning.cards import Technique, WorkplaceCard
from protocol.planning.certificate import check_certificate
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.economy_file import EconomyFile, hide_all, read_economy, show_all
from protocol.planning.plan import Plan, format_plan, make_plan, parse_plan
from protocol.planning.private.fixed_recipes import fix_recipes
from protocol.planning.private.outlines import bound_levels, fix_card
from protocol.planning.rounds import Answer, check_answer, close_round, start_state
from protocol.planning.simulation.members import gather_members
from protocol.planning.state import format_state, hash_state, parse_state
from tests.protocol.planning.economies import (
    SHARED,
    attested_regrets,
    honest_answers,
    load,
    plan_rounds,
    region,
    shared_economy,
    village,
)
from tests.protocol.planning.slow_step import SlowStep
from tests.protocol.planning.solver.test_public_plan import ROOT, simd_features
from tests.protocol.planning.test_certificate import run_script
from tests.protocol.planning.test_spec_pages import example

ROUNDS_MOST = 120


def hide(document: dict[str, Any], *names: str) -> dict[str, Any]:
    rows = [row | ({"recipes": "private"} if row["id"] in names else {}) for row in document["workplaces"]]
    return document | {"workplaces": rows}


def plan_of(file: EconomyFile, economy: Economy) -> tuple[Plan, int]:
    state, reports = plan_rounds(file, economy, rounds_most=ROUNDS_MOST)
    assert reports[-1].is_close_enough
    return make_plan(economy, state, clear_plan(economy, state), reports[-1]), len(reports)


def gap_ppm(file: EconomyFile, plan: Plan) -> int:
    certificate = check_certificate(parse_plan(format_plan(plan)), attested_regrets(file, plan))
    assert certificate.findings == () and certificate.gap_ppm is not None
    return certificate.gap_ppm


def test_the_example_is_what_the_page_says() -> None:
    told = example("private-recipes.md")
    file, economy = load(hide(village(), "oven"))
    oven = next(card for card in file.workplaces if card.id == "oven")
    assert msgspec.convert(told["card"], WorkplaceCard) == oven
    state = start_state(economy)
    answers = honest_answers(file, economy, state)
    said = answers["oven"]
    assert said is not None and list(said.quantities) == told["answer"]
    after, _ = close_round(economy, state, answers)
    rows = economy.answer_ranges["oven"]
    for column in ("planned", "carried", "metric"):
        assert getattr(after, column)[rows.start : rows.stop].tolist() == told[column], column
    assert hash_state(after).hex() == told["state_1"]
    assert parse_state(format_state(after), economy).answers.tolist() == after.answers.tolist()
    plan, _ = plan_of(file, economy)
    assert msgspec.convert(told["fixed"], WorkplaceCard) in plan.workplaces


# Who is private, how near the plan must come, and what it may then lose in millionths of all credits.
MEETINGS = [
    (("oven",), 10_000, 200),
    (("oven", "farm"), 10_000, 100),
    (("mill", "oven", "farm"), 10_000, 9_500),
    (("mill", "oven", "farm"), 1_000, 900),
]


@pytest.mark.parametrize(("names", "tolerance_ppm", "gap_most_ppm"), MEETINGS)
def test_open_and_private_workplaces_meet_in_one_plan(
    names: tuple[str, ...], tolerance_ppm: int, gap_most_ppm: int
) -> None:
    file, economy = load(hide(village(), *names), tolerance_ppm)
    plan, _ = plan_of(file, economy)
    assert gap_ppm(file, plan) <= gap_most_ppm
    hidden = {card.id for card in plan.workplaces if card.outline}
    assert hidden == set(names)


def test_a_region_with_a_third_of_its_recipes_private_comes_as_close_as_an_open_one() -> None:
    document = region(1)
    names = [row["id"] for row in document["workplaces"] if row["id"].startswith("workplace")][::3]
    file, economy = load(hide(document, *names))
    plan, rounds = plan_of(file, economy)
    assert rounds <= 60
    assert gap_ppm(file, plan) <= 5_000


def test_the_slow_model_in_plain_python_finds_the_same_integers_in_every_round() -> None:
    file, economy = load(hide(village(), "oven", "farm"))
    state = start_state(economy)
    for _ in range(5):
        before = state
        state, _ = close_round(economy, state, honest_answers(file, economy, state))
        prices, planned = SlowStep(economy, before, state.answers.tolist()).solve()
        assert prices == state.prices.tolist()
        assert planned == state.planned.tolist()


def test_the_script_without_project_code_checks_a_plan_with_fixed_recipes(tmp_path: Path) -> None:
    file, economy = load(hide(village(), "oven"))
    plan, _ = plan_of(file, economy)
    code, report = run_script(tmp_path, format_plan(plan))
    assert code == 0 and report["findings"] == []
    greedy = msgspec.structs.replace(plan, activity=plan.activity | {"oven": (1_000_001,)})
    code, report = run_script(tmp_path, format_plan(greedy))
    assert code == 1 and "oven" in " ".join(report["findings"])
    assert any("oven" in finding.place for finding in check_certificate(greedy, {}).findings)


def test_the_order_of_cards_and_answers_changes_nothing() -> None:
    file, economy = load(hide(village(), "oven", "farm"))
    turned = build_economy(file.table, file.consumers[::-1], file.workplaces[::-1])
    state = start_state(economy)
    for _ in range(4):
        answers = honest_answers(file, economy, state)
        backwards = dict(reversed(answers.items()))
        after, _ = close_round(economy, state, answers)
        assert hash_state(close_round(turned, state, backwards)[0]) == hash_state(after)
        state = after


DIGEST = """
from protocol.planning.plan import digest_plan
from tests.protocol.planning.private.test_private_recipes import *
file, economy = load(hide(village(), "oven", "farm"))
print(digest_plan(format_plan(plan_of(file, economy)[0])).hex())
"""


def test_the_same_answers_give_the_same_bytes_without_vector_instructions() -> None:
    digests = set()
    for disabled in ("", " ".join(simd_features())):
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, timeout=120, check=True
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1 and len(digests.pop()) == 64


def test_the_fixed_recipe_uses_no_less_and_makes_no_more_than_was_answered() -> None:
    card = WorkplaceCard("oven", 1_000_000, 0, (), ((0, -7, 0), (2, 0, 9), (5, -3, 4)))
    assert fix_card(card, [-500_000, 500_000, 0]).techniques == (Technique(((0, -3), (2, 5)), 1_000_000),)
    assert bound_levels(card) == [(-1_000_000, 0), (0, 1_000_000), (-750_000, 1_000_000)]
    assert fix_card(card, [0, 0, 0]).techniques == (Technique(((0, 1),), 1_000_000),)


def test_who_answers_nothing_is_asked_for_nothing() -> None:
    file, economy = load(hide(village(), "oven"))
    state = start_state(economy)
    answers = honest_answers(file, economy, state) | {"oven": Answer(hash_state(state), (0, 0, 0, 0))}
    after, _ = close_round(economy, state, answers)
    fixed, last = fix_recipes(economy, after)
    assert last.answers[fixed.answer_ranges["oven"].start] == 0


OUTSIDE = [
    ("uses what it only makes", (1, 0, 0, 0), r"oven.quantities\[0\]"),
    ("makes more than its bound", (-1_000_001, 0, 0, 0), r"oven.quantities\[0\]"),
    ("uses more than its bound", (0, 1_000_001, 0, 0), r"oven.quantities\[1\]"),
    ("forgets a good", (0, 0, 0), "3 quantities, the card has 4"),
]


@pytest.mark.parametrize(("said", "reason"), [row[1:] for row in OUTSIDE], ids=[row[0] for row in OUTSIDE])
def test_an_answer_keeps_to_the_bounds_of_its_outline(said: tuple[int, ...], reason: str) -> None:
    _, economy = load(hide(village(), "oven"))
    state = start_state(economy)
    with pytest.raises(RefusedError, match=reason):
        check_answer(economy, state, "oven", Answer(hash_state(state), said))


OVEN = WorkplaceCard("oven", 1_000_000, 0, (), ((0, -7, 0), (2, 0, 9)))
BAD_CARDS = [
    ("a capacity is told", {"capacity": 5}, "goes with a capacity"),
    ("a least is told", {"least": 5}, "goes with a capacity"),
    ("a good twice", {"outline": ((2, 0, 9), (2, 0, 9))}, "ascending"),
    ("an unknown good", {"outline": ((99, 0, 9),)}, "unknown good 99"),
    ("bounds that exclude 0", {"outline": ((0, 1, 9),)}, "moves between"),
    ("no bounds", {"outline": ((0, 0, 0),)}, "moves between"),
    ("a bound beyond all", {"outline": ((0, -(10**15) - 1, 0),)}, "moves between"),
    ("too many recipes", {"techniques": (Technique(((0, 1),), 1),) * 2}, "no other recipes"),
]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in BAD_CARDS], ids=[row[0] for row in BAD_CARDS])
def test_a_bad_outline_is_refused_with_the_reason(change: dict[str, Any], reason: str) -> None:
    table = read_economy(village()).table
    assert audit_workplace_card(table, OVEN) == []
    findings = audit_workplace_card(table, msgspec.structs.replace(OVEN, **change))
    assert any(reason in finding.reason for finding in findings)


def test_hiding_and_showing_all_recipes_are_each_other_s_inverse() -> None:
    file = read_economy(village())
    hidden = hide_all(file)
    assert all(card.outline and not card.techniques for card in hidden.workplaces)
    assert show_all(hidden) == file and hide_all(hidden) == hidden


@pytest.mark.skipif(not (SHARED / "data" / "economies").exists(), reason="needs ../shared")
def test_with_all_recipes_private_the_known_optimum_is_reached_too() -> None:
    file = hide_all(read_economy(shared_economy("bea-20-seed1")))
    economy = build_economy(file.table, file.consumers, file.workplaces)
    members = gather_members(economy, file.tastes, file.efforts)
    state, rounds = start_state(economy), 0
    while True:
        state, report = close_round(economy, state, members.answer(state))
        rounds += 1
        if report.is_close_enough:
            break
        assert rounds < 45
    plan = make_plan(economy, state, clear_plan(economy, state), report)
    certificate = check_certificate(plan, members.regrets(plan))
    assert certificate.findings == () and certificate.gap_ppm is not None and certificate.gap_ppm <= 5_000
