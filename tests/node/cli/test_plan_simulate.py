"""`rochdale plan simulate`: for people and programs, with files that are not what they should be."""

import json
from pathlib import Path

import pytest

from node.cli.planning.trial_command import draw_rounds
from protocol.planning.plan import parse_plan
from tests.node.cli.command_line import Run
from tests.protocol.planning.batches.test_batches import lumpy_village
from tests.protocol.planning.economies import village
from tests.protocol.planning.nested.made_up_levels import make_two_levels
from tests.protocol.planning.test_spec_pages import example


@pytest.fixture
def economy(tmp_path: Path) -> Path:
    place = tmp_path / "village.json"
    place.write_text(json.dumps(village()))
    return place


def test_it_needs_no_home_and_answers_people_and_programs(rochdale: Run, home: Path, economy: Path) -> None:
    told = rochdale("plan", "simulate", str(economy))
    assert told.code == 0 and "holds to the last unit" in told.out and not told.err
    said = rochdale("plan", "simulate", str(economy), "--json", "--tolerance", "0.001")
    assert said.code == 0 and said.json["worst_good"] <= 0.001 and not said.err
    assert not home.exists()


def test_a_farm_of_two_seasons_shows_what_it_keeps(rochdale: Run, tmp_path: Path) -> None:
    place = tmp_path / "farm.json"
    place.write_text(json.dumps(example("periods.md")))
    told = rochdale("plan", "simulate", str(place))
    assert told.code == 0 and "from before" in told.out
    rows = [line.split() for line in told.out.splitlines() if line.split()[:2] == ["potatoes", "winter"]]
    assert len(rows) == 1 and float(rows[0][3]) > 70


def test_whole_batches_are_told_and_the_document_can_be_taken_along(
    rochdale: Run, economy: Path, tmp_path: Path
) -> None:
    economy.write_text(json.dumps(lumpy_village()))
    written = tmp_path / "plan.json"
    told = rochdale("plan", "simulate", str(economy), "--batches", "1", "--document", str(written))
    assert told.code == 0 and "2 techniques in whole batches" in told.out
    assert parse_plan(written.read_bytes()).activity["oven"] == (60_000_000,)


def test_it_takes_up_an_earlier_plan(rochdale: Run, economy: Path, tmp_path: Path) -> None:
    saved = str(tmp_path / "last.state")
    cold = rochdale("plan", "simulate", str(economy), "--json", "--save-state", saved)
    warm = rochdale("plan", "simulate", str(economy), "--json", "--start", saved)
    assert warm.code == 0 and warm.json["rounds"] == 1 < cold.json["rounds"]
    again = rochdale("plan", "simulate", str(economy), "--save-state", saved)
    assert again.code == 1 and "there is a file already; nothing was changed" in again.err
    assert rochdale("plan", "simulate", str(economy), "--start", saved, "--save-state", saved).code == 0
    Path(saved).write_bytes(Path(saved).read_bytes()[:-9])
    spoilt = rochdale("plan", "simulate", str(economy), "--json", "--start", saved)
    assert spoilt.code == 1 and spoilt.json["findings"][0]["place"] == "start"


@pytest.mark.parametrize(
    "options, code, said",
    [
        (("--max-rounds", "2"), 1, None),
        (("--max-rounds", "0"), 1, "max-rounds"),
        (("--silent", "1"), 1, "silent"),
        (("--tolerance", "NaN"), 1, "tolerance"),
        (("--tolerance", "0.5"), 1, "tolerance"),
        (("--mode", "secret"), 2, "'secret' is not"),
    ],
)
def test_what_cannot_be_is_said(
    rochdale: Run, economy: Path, options: tuple[str, ...], code: int, said: str | None
) -> None:
    answer = rochdale("plan", "simulate", str(economy), "--json", *options)
    assert answer.code == code
    assert said in answer.json["error"] if said else answer.json["converged"] is False


def test_private_recipes_are_counted_and_what_opening_them_saves_is_said(rochdale: Run, economy: Path) -> None:
    rows = json.loads(economy.read_text())
    rows["workplaces"][1]["recipes"] = "private"
    economy.write_text(json.dumps(rows))
    mixed = rochdale("plan", "simulate", str(economy), "--json")
    assert mixed.code == 0 and mixed.json["private_workplaces"] == [rows["workplaces"][1]["id"]]
    assert mixed.json["recipes_opened"]["rounds"] <= mixed.json["rounds"]
    hidden = rochdale("plan", "simulate", str(economy), "--mode", "private")
    assert hidden.code == 0 and "4 workplaces with private recipes" in hidden.out and "With open recipes" in hidden.out
    rows["workplaces"][1]["recipes"] = "sealed"
    economy.write_text(json.dumps(rows))
    answer = rochdale("plan", "simulate", str(economy))
    assert answer.code == 1 and "workplaces.oven.recipes: must be open or private" in answer.err


def test_a_mistake_in_the_file_is_named_with_its_place(rochdale: Run, economy: Path) -> None:
    economy.write_text(economy.read_text().replace('"credits": "150"', '"credits": "-150"'))
    answer = rochdale("plan", "simulate", str(economy))
    assert answer.code == 1 and "consumers.north.nests[0].credits: -150 is below 0" in answer.err


def test_the_drawing_falls_a_step_for_each_halving() -> None:
    assert draw_rounds([1.0, 0.49, 0.24, 0.01, 0.0]) == "█▇▆▂▁"


def test_regions_are_planned_for_and_what_each_gets_is_said(rochdale: Run, tmp_path: Path) -> None:
    file = tmp_path / "regions.json"
    file.write_text(json.dumps(make_two_levels(1)))
    told = rochdale("plan", "simulate", str(file), "--nested")
    assert told.code == 0 and "shore gets (gives, below 0):" in told.out
    assert "In one flat plan" in told.out
    refused = rochdale("plan", "simulate", str(file), "--nested", "--json", "--silent", "0.1")
    assert refused.code == 1 and refused.json["findings"][0]["place"] == "nested"
