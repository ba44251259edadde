"""Mutation testing itself: which faults it plants, that one is noticed, and what it passes over is still there."""

import ast
import json
import subprocess
import sys

import pytest

from scripts.mutation.areas import AREAS
from scripts.mutation.equivalents import EQUIVALENTS
from scripts.mutation.mutants import find_mutants
from scripts.mutation.run import ROOT, draw_mutants, read_mutants

MADE_UP = '''
LIMIT = 3

def check_size(size: int, limit: int = LIMIT) -> bool:
    """A limit of 3."""
    if not 0 <= size:
        raise ValueError(f"{size - 1}")
    compare(size, limit)
    return size < limit or flag
'''


def test_every_small_fault_is_planted_once_and_words_are_left_alone() -> None:
    assert [mutant.name for mutant in find_mutants(ast.parse(MADE_UP))] == [
        "module: 3 -> 4",
        "module: 3 -> 2",
        "check_size: not 0 <= size -> 0 <= size",
        "check_size: 0 <= size -> 0 < size",
        "check_size: 0 -> 1",
        "check_size: 0 -> -1",
        "check_size: raise ValueError(f'{size - 1}') -> pass",
        "check_size: compare(size, limit) -> pass",
        "check_size: compare(size, limit) -> compare(limit, size)",
        "check_size: return size < limit or flag -> return None",
        "check_size: size < limit or flag -> size < limit and flag",
        "check_size: size < limit -> size <= limit",
    ]


def test_planting_one_changes_that_place_alone() -> None:
    before = ast.unparse(ast.parse(MADE_UP)).splitlines()
    for number in range(len(find_mutants(ast.parse(MADE_UP)))):
        tree = ast.parse(MADE_UP)
        find_mutants(tree)[number].plant()
        after = ast.unparse(tree).splitlines()
        assert sum(old != new for old, new in zip(before, after, strict=False)) == 1


def test_a_draw_is_the_same_each_time_and_another_for_another_seed() -> None:
    drawn = draw_mutants("codec", 20, 1)
    assert len(set(drawn)) == 20
    assert drawn == draw_mutants("codec", 20, 1) != draw_mutants("codec", 20, 2)


@pytest.mark.parametrize("path", [path for modules in AREAS.values() for path in modules])
def test_what_is_passed_over_is_still_there_to_be_planted(path: str) -> None:
    names = {mutant.name for mutant in read_mutants(path)[1]}
    assert {name for equivalent, name in EQUIVALENTS if equivalent == path} <= names


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs fork and its limits of time and memory")
def test_a_commitment_that_opens_for_anything_is_noticed() -> None:
    words = ["--area", "codec", "--sample", "0", "--match", "commitment.py: check_opening: raise", "--json"]
    command = [sys.executable, "-m", "scripts.mutation.run", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    mutants = json.loads(done.stdout)["mutants"]
    assert mutants
    assert {mutant["end"] for mutant in mutants} == {"killed"}
