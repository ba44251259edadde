"""`rochdale plan batches`: looks for whole batches, or judges those that others found."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from node.use_cases.description import Rows
from node.use_cases.planning.batches.decided import DecidedBatches, tell_decided
from node.use_cases.planning.batches.report import BatchLine
from protocol.planning.batches.candidate import judge_candidate, make_candidate
from protocol.planning.plan import Plan, format_plan, parse_plan
from tests.node.cli.command_line import Run
from tests.protocol.planning.batches.test_batches import levels, lumpy_village
from tests.protocol.planning.economies import finished_plan, load, village

CHECK_PLAN = Path(__file__).resolve().parents[3] / "scripts" / "check_plan"


@pytest.fixture(scope="module")
def draft() -> Plan:
    """The lumpy village's plan."""
    return finished_plan(*load(lumpy_village()))


@pytest.fixture
def words(draft: Plan, tmp_path: Path) -> list[str]:
    """The command, with the draft as a file."""
    (tmp_path / "draft.json").write_bytes(format_plan(draft))
    return ["plan", "batches", str(tmp_path / "draft.json"), "--wait", "5"]


def outside_check(path: Path) -> tuple[int, str]:
    """What the checker that shares no code says."""
    done = subprocess.run(
        [sys.executable, str(CHECK_PLAN), str(path)], capture_output=True, text=True, timeout=60, env=dict(os.environ)
    )
    return done.returncode, done.stdout


def test_people_see_batches_and_the_document_holds_for_others_too(
    rochdale: Run, words: list[str], draft: Plan, tmp_path: Path, home: Path
) -> None:
    written = tmp_path / "candidate.json"
    told = rochdale(*words, "--out", str(written))
    assert told.code == 0 and "keeps batches, balances" in told.out and not home.exists()
    candidate = parse_plan(written.read_bytes())
    assert judge_candidate(draft, candidate).findings == ()
    assert outside_check(written)[0] == 0
    half = msgspec.structs.replace(candidate, activity=candidate.activity | {"oven": (50_000_000,)})
    written.write_bytes(format_plan(half))
    code, said = outside_check(written)
    assert code == 1 and "oven does technique 1 50 times, where it is none or at least 1 batches of 20." in said


def test_of_several_candidates_the_best_is_chosen_and_liars_are_named(
    rochdale: Run, words: list[str], draft: Plan, tmp_path: Path
) -> None:
    made = {name: make_candidate(draft, levels(*counts)) for name, counts in {"good": (3, 5), "poor": (1, 5)}.items()}
    made["lie"] = msgspec.structs.replace(made["good"], activity=made["good"].activity | {"oven": (70_000_000,)})
    more = []
    for name, candidate in made.items():
        (tmp_path / name).write_bytes(format_plan(candidate))
        more += ["--candidate", str(tmp_path / name)]
    said = rochdale(*words, *more, "--json")
    assert said.code == 0 and said.json["chosen"] == judge_candidate(draft, made["good"]).digest.hex()
    assert [one["holds"] for one in said.json["candidates"]] == [True, True, False]
    assert json.dumps(said.json["candidates"][2]["findings"]).count("batches.oven.techniques[0]") == 1
    assert {row["card"]: row["batches"] for row in said.json["techniques"]} == {"mill": 5, "oven": 3}
    alone = rochdale(*words, "--candidate", str(tmp_path / "lie"), "--json")
    assert alone.code == 1 and "batches.oven.techniques[0]" in [one["place"] for one in alone.json["findings"]]


def test_what_a_call_decided_is_told_in_a_table_and_a_sentence() -> None:
    line = BatchLine(card="oven", technique=1, batches=3, batch="20", times="60", draft="70")
    decided = DecidedBatches("ab", True, -38, 1_000, ("north",), (line,))
    table, sentence = tell_decided(decided)
    assert isinstance(table, Rows) and table.rows == [("oven", 1, 3, "20", "60", "70")]
    assert "found by north: they cost 3.8 % of all credits at most" in str(sentence)
    assert "as every node works them out" in str([*tell_decided(msgspec.structs.replace(decided, found_by=()))])
    (none,) = tell_decided(msgspec.structs.replace(decided, holds=False, lines=()))
    assert "No whole batches were found that hold" in str(none)


def test_only_a_plan_that_keeps_batches_is_proposed(rochdale: Run, draft: Plan, tmp_path: Path) -> None:
    (tmp_path / "draft.json").write_bytes(format_plan(draft))
    told = rochdale("plan", "candidate", str(tmp_path / "draft.json"))
    assert told.code == 1 and "names no draft" in told.err


def test_a_plan_without_batches_and_no_plan_at_all_are_refused(rochdale: Run, tmp_path: Path) -> None:
    (tmp_path / "plain.json").write_bytes(format_plan(finished_plan(*load(village()))))
    told = rochdale("plan", "batches", str(tmp_path / "plain.json"))
    assert told.code == 1 and "no technique of this plan comes in batches" in told.err
    (tmp_path / "none.json").write_text("{}")
    assert rochdale("plan", "batches", str(tmp_path / "none.json")).code == 1


def test_a_plan_as_a_file_has_a_schedule_with_its_batches(
    rochdale: Run, draft: Plan, tmp_path: Path, home: Path
) -> None:
    written = tmp_path / "candidate.json"
    written.write_bytes(format_plan(make_candidate(draft, levels(3, 5))))
    told = rochdale("plan", "schedule", "--plan", str(written), "--card", "oven")
    (line,) = [line.split() for line in told.out.splitlines() if line.startswith("batches")]
    assert line == ["batches", "technique", "1", "3", "of", "20"] and not home.exists()
    said = rochdale("plan", "schedule", "--plan", str(written), "--card", "mill", "--json")
    assert said.json["cards"][0]["does"][0]["batches"] == "5"
    (tmp_path / "none.json").write_text("{}")
    assert rochdale("plan", "schedule", "--plan", str(tmp_path / "none.json")).code == 1
