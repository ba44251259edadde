"""A plan of two levels tried out: the example of the page, and the command."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.clock import Clock
from node.use_cases.planning.trials.levels import LevelsResult, try_levels
from protocol.core.errors import RefusedError
from protocol.planning.nested.levels_file import read_levels
from protocol.planning.nested.two_levels import LevelTerms

PAGE = Path(__file__).resolve().parents[5] / "docs" / "spec" / "planning" / "nested-plans.md"


def example() -> dict[str, Any]:
    block = PAGE.read_text().split("```json\n")[1].split("```")[0]
    document: dict[str, Any] = json.loads(re.sub(r"^ ?\d+  ", "", block, flags=re.MULTILINE))
    return document


def test_the_example_comes_to_what_the_page_says() -> None:
    result = try_levels(read_levels(example(), 10_000), LevelTerms(), Clock())
    assert msgspec.json.decode(msgspec.json.encode(result), type=LevelsResult) == result
    assert result.converged and result.certificate.holds and result.certificate.worst_balance == 0
    hills, shore = result.allocations["hills"], result.allocations["shore"]
    said = [hills["fish"], hills["grain"], shore["grain"], shore["fish"]]
    told = "gets {} kg of fish and gives {} kg of grain, shore gets {} kg of grain and gives {} kg of fish"
    assert told.format(*(f"{abs(float(one)):.1f}" for one in said)) in PAGE.read_text()
    assert f"after {result.rounds} rounds above" in PAGE.read_text()
    assert float(result.consumption["hilltop"]["bread@hills"]) > 10
    assert abs(result.flat.welfare_lost_percent_of_credits) <= result.gap_percent_of_credits


def test_needs_that_cannot_be_met_are_named_with_their_region() -> None:
    document = example()
    document["consumers"][1]["nests"][0]["goods"]["bread"]["floor"] = "500"
    with pytest.raises(RefusedError, match="bread@shore"):
        try_levels(read_levels(document, 10_000), LevelTerms(), Clock())


def test_a_region_has_one_round_at_least() -> None:
    with pytest.raises(RefusedError, match="rounds-below"):
        try_levels(read_levels(example(), 10_000), LevelTerms(rounds_below=0), Clock())
