"""`rochdale simulate` with more co-ops than fit into one machine in full."""

import json

import pytest
from click.testing import CliRunner

from node.cli.main import rochdale
from node.cli.simulate import FULL_MAX


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(rochdale, ["simulate", "--seed", "3", *words])
    return result.exit_code, result.stdout


def test_a_large_federation_says_what_it_reached_and_what_is_real() -> None:
    code, said = run("--nodes", "24", "--json")
    answer = json.loads(said)
    assert (code, answer["missed"], answer["seed"]) == (0, [], 3)
    assert 1 < answer["steady"]["payload_times"] < 1.3 and "Reduced: disks" in answer["real_and_reduced"]


def test_a_very_large_one_is_reduced_and_says_so() -> None:
    code, told = run("--nodes", str(FULL_MAX + 1))
    assert code == 0 and "Reduced: no sessions" in told and "links to 99.9 %" in told


@pytest.mark.parametrize("nodes", ["10", "19"])
def test_what_is_neither_small_nor_large_is_refused(nodes: str) -> None:
    assert run("--nodes", nodes)[0] == 1
