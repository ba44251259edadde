"""`rochdale plan what-if`: for people, for programs, and for those who mistype."""

import re
from pathlib import Path

import pytest

from protocol.planning.clearing import clear_plan
from protocol.planning.plan import format_plan, make_plan
from tests.node.cli.command_line import Run
from tests.node.use_cases.planning.exploring.village_till import village_till
from tests.protocol.planning.economies import load, plan_rounds, village


@pytest.fixture
def document(tmp_path: Path) -> str:
    """The village's plan as a file."""
    file, economy = load(village())
    state, reports = plan_rounds(file, economy)
    plan = make_plan(economy, state, clear_plan(economy, state), reports[-1])
    (tmp_path / "plan.json").write_bytes(format_plan(plan))
    return str(tmp_path / "plan.json")


def test_people_read_who_gains_and_who_lacks(rochdale: Run, home: Path, document: str) -> None:
    told = rochdale("plan", "what-if", "--plan", document, "--capacity", "oven=50", "--beside")
    assert told.code == 0 and "north" in told.out and "bread" in told.out
    assert "without floors: nobody below a basic need" in told.out and "Members are guessed" in told.out
    said = rochdale("plan", "what-if", "--plan", document, "--floor", "milk=400", "--json")
    assert said.code == 0 and said.json["what_if"]["unmet"][1]["good"] == "milk" and said.json["ways"] == []
    assert not home.exists()


def test_people_try_a_no_and_a_till_of_their_own(rochdale: Run, home: Path, document: str, tmp_path: Path) -> None:
    (tmp_path / "june.csv").write_bytes(village_till(bread=1, milk=9))
    asked = ("plan", "what-if", "--plan", document, "--leaves", "south")
    told = rochdale(*asked, "--till", str(tmp_path / "june.csv"), "--council", "north")
    assert told.code == 0 and "june.csv: 24 lines, 6 of them no good of the plan; nothing was kept." in told.out
    assert "A plan after" in told.out and "south" not in told.out and re.search(r"north +other +bread +milk", told.out)
    said = rochdale(*asked, "--till", str(tmp_path / "june.csv"), "--json")
    assert said.code == 1 and "one of the plan's councils: north, south" in said.json["error"]
    nothing = rochdale("plan", "what-if", "--plan", document)
    assert nothing.code == 0 and "Nothing would be different" in nothing.out and "guessed" not in nothing.out
    assert not home.exists()


@pytest.mark.parametrize(
    "words", [["--floor", "milk"], ["--capacity", "oven=x"], ["--capacity", "oven=99999"], ["--endowment", "=5"]]
)
def test_what_is_mistyped_is_named(rochdale: Run, document: str, words: list[str]) -> None:
    said = rochdale("plan", "what-if", "--plan", document, *words, "--json")
    assert said.code == 1 and said.json["findings"][0]["place"] == words[0]


def test_what_a_refusal_says_is_not_listed_once_more(rochdale: Run, document: str) -> None:
    one = rochdale("plan", "what-if", "--plan", document, "--leaves", "nobody")
    assert (one.code, one.err) == (1, "the change is refused: leaves.nobody: is not in this plan\n")
    two = rochdale("plan", "what-if", "--plan", document, "--leaves", "nobody", "--leaves", "somebody")
    said = "the change is refused: leaves.nobody: is not in this plan (and 1 more)"
    assert two.err == f"{said}\n  leaves.somebody: is not in this plan\n"
