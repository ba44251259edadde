"""A command loads what it needs and no more: a volunteer's old machine waits for every module."""

import subprocess
import sys

import click
import pytest

from node.cli.command_tree import Found, hang_commands, read_index
from node.cli.main import rochdale
from scripts.reference.commands_page import load_tree, walk_commands
from tests.node.cli.tree.loaded_modules import HEAVY, NEEDED, loaded_by


@pytest.mark.parametrize("words", [["--help"], ["plan", "--help"], ["status", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    assert loaded_by(*words) & HEAVY == set()


@pytest.mark.parametrize("module", ["protocol.record_kinds", "node.use_cases.status", "node.use_cases.till"])
def test_what_every_area_shares_leans_on_no_area_s_arithmetic(module: str) -> None:
    """The bodies of records stand apart from the rules that compute with them."""
    shown = [sys.executable, "-c", f"import sys, {module}; sys.stderr.write(' '.join(sys.modules))"]
    done = subprocess.run(shown, capture_output=True, text=True, check=True)
    assert set(done.stderr.split()) & (HEAVY - NEEDED) == set()


def test_what_is_heavy_would_be_noticed() -> None:
    assert {"node.app", "numpy", "aiohttp"} <= loaded_by("run", "--help") & HEAVY


def test_the_index_tells_of_commands_what_they_tell_of_themselves() -> None:
    """In the same order, with the same sentence in the list of their group."""
    themselves = {path: command.get_short_help_str() for path, command in walk_commands("rochdale", load_tree())}
    told = {path: command.get_short_help_str() for path, command in walk_commands("rochdale", rochdale)}
    assert told == themselves
    assert [one.words for one in read_index()] == sorted({one.words for one in read_index()})


def test_a_group_of_which_nobody_says_what_it_is_for_is_named() -> None:
    with pytest.raises(AssertionError, match="oven heat: no command says what the group oven is for"):
        hang_commands(click.Group(), [Found("oven heat", "made.up", click.Command("heat"))])
