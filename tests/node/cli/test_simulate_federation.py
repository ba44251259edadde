"""`rochdale simulate` with more co-ops than fit into one machine in full."""

import json

import click
import pytest
from click.testing import CliRunner

from node.cli.calls import exit_codes
from node.cli.main import rochdale
from node.cli.simulate import FULL_MAX
from node.use_cases.description import EXIT_REFUSED


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


def test_a_command_that_ends_with_a_code_of_its_own_is_no_error_of_the_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(click.exceptions.Exit), exit_codes(as_json=False):
        raise click.exceptions.Exit(EXIT_REFUSED)
    assert capsys.readouterr().err == ""
