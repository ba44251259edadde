"""`rochdale plan deliver`: a table for people, JSON for programs, lines for spreadsheets, and who has no place."""

import csv
import json
from pathlib import Path

import pytest

from node.cli.spreadsheet import guard
from protocol.planning.clearing import clear_plan
from protocol.planning.delivery.document import check_delivery, parse_delivery
from protocol.planning.plan import Plan, format_plan, make_plan, parse_plan
from tests.node.cli.command_line import Run
from tests.protocol.planning.delivery.test_delivery import PLACES
from tests.protocol.planning.economies import load, plan_rounds, village


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The village's plan."""
    file, economy = load(village())
    state, reports = plan_rounds(file, economy)
    return make_plan(economy, state, clear_plan(economy, state), reports[-1])


@pytest.fixture
def words(plan: Plan, tmp_path: Path) -> list[str]:
    """The command, with a plan and places as files."""
    (tmp_path / "plan.json").write_bytes(format_plan(plan))
    (tmp_path / "places.json").write_text(json.dumps(PLACES))
    return ["plan", "deliver", str(tmp_path / "plan.json"), "--places", str(tmp_path / "places.json")]


def test_people_see_a_table_and_programs_an_object(rochdale: Run, words: list[str], home: Path) -> None:
    told = rochdale(*words)
    assert told.code == 0 and "No delivery of this plan has shorter ways" in told.out and "20.75" in told.out
    said = rochdale(*words, "--json")
    assert [(one["good"], one["loads"]) for one in said.json["goods"]] == [("bread", 2), ("milk", 3), ("flour", 1)]
    assert said.json["goods"][1]["unit_metres"] == 2_705_627_276 and not home.exists()


def test_the_document_can_be_checked_by_others(rochdale: Run, words: list[str], plan: Plan, tmp_path: Path) -> None:
    written = tmp_path / "delivery.json"
    assert rochdale(*words, "--out", str(written)).code == 0
    assert check_delivery(plan, parse_delivery(written.read_bytes())).findings == ()
    assert parse_plan((tmp_path / "plan.json").read_bytes()) == plan


def test_one_card_gets_its_own_lines(rochdale: Run, words: list[str]) -> None:
    told = rochdale(*words, "--csv", "--card", "south")
    rows = list(csv.DictReader(told.out.splitlines()))
    assert [(row["good"], row["from"], row["amount"]) for row in rows] == [
        ("bread", "oven", "26.961"),
        ("milk", "import-milk", "24.961"),
    ]


@pytest.mark.parametrize(
    ("cell", "guarded"),
    [
        ("=2+2", "'=2+2"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("+1", "'+1"),
        ("\t=1", "'\t=1"),
        ("-1.50", "-1.50"),
        ("oven", "oven"),
    ],
)
def test_no_name_becomes_a_formula(cell: str, guarded: str) -> None:
    assert guard(cell) == guarded


def test_who_has_no_place_is_named(rochdale: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "places.json").write_text(json.dumps({name: place for name, place in PLACES.items() if name != "mill"}))
    said = rochdale(*words, "--json")
    assert said.code == 1 and [one["place"] for one in said.json["findings"]] == ["places.mill"]
