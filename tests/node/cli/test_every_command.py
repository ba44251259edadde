"""Every command once, for people and with --json: one JSON object, the promised exit code, never a traceback."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from node.cli.main import run_words
from node.operations import index_operations, list_verbs, load_operations
from node.use_cases.misfit import NOT_AN_ID
from scripts.reference.commands_page import load_tree, walk_commands
from tests.node.cli.command_line import Run

PIECE = {"amount": 1, "unit": "C62", "exponent": 0}
PRODUCT = {"code": "in-house:wheat-loaf", "names": {"en": "loaf"}, "category": "bread", "unit": "C62"} | {
    "piece": PIECE,
    "minimum_order": PIECE,
}
TILL = "date,item,qty,amount\n2017-01-01,Oats,1,1.10\n"

# Words typed at a home of its own that does not run, and its exit code: 0 done, 1 refused, 2 misuse. Commands that are
# made of operations bring their own.
WRITTEN_BY_HAND: dict[str, tuple[str, int]] = {
    "init": ("init", 1),
    "status": ("status", 0),
    "price sign": ("price sign product.json --key absent.json --out out.json --yes", 1),
    "plan simulate": ("plan simulate product.json", 1),
    "simulate": ("simulate --seed 4 --nodes 2 --steps 3", 0),
}
MADE_OF_OPERATIONS: dict[str, tuple[str, int]] = {
    words: (f"{words} {command.example}", command.code)
    for command in (verb.command for verb in list_verbs())
    if command is not None
    for words in (command.words, *command.also)
}
COMMANDS = WRITTEN_BY_HAND | MADE_OF_OPERATIONS
LONG_RUNNING = {"run", "demo"}
"""Tried in tests/node/test_app.py and by the demo itself."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where one stands: a till file and a product's file."""
    (tmp_path / "till.csv").write_text(TILL)
    (tmp_path / "product.json").write_text(json.dumps(PRODUCT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_table_names_every_command() -> None:
    leaves = {path.removeprefix("rochdale ") for path, command in walk_commands("rochdale", load_tree())}
    groups = {path.rsplit(" ", 1)[0] for path in leaves if " " in path}
    untried = leaves - groups - LONG_RUNNING - COMMANDS.keys()
    assert not untried, (
        f"in the operation's command or in WRITTEN_BY_HAND: how they end at a fresh home: {sorted(untried)}"
    )
    assert COMMANDS.keys() <= leaves


@pytest.mark.parametrize("words, code", COMMANDS.values(), ids=COMMANDS)
def test_a_command_answers_people_and_programs(at_home: Run, folder: Path, words: str, code: int) -> None:
    told = at_home(*words.split())
    assert told.code == code, told
    assert bool(told.out.strip()) == (code == 0) and bool(told.err.strip()) == (code != 0), told
    (folder / "my-key.json").unlink(missing_ok=True)
    said = at_home(*words.split(), "--json")
    assert said.code == code, said
    assert not said.err, said
    if code:
        assert {"error", "findings"} == said.json.keys()
        assert told.err.splitlines()[0] == said.json["error"].splitlines()[0]
    else:
        assert isinstance(said.json, dict)


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS.values()], ids=COMMANDS)
def test_a_command_explains_itself(bare_process: None, capsys: pytest.CaptureFixture[str], words: str) -> None:
    path = next(name for name, (typed, _) in COMMANDS.items() if typed == words)
    assert run_words([*path.split(), "-h"]) == 0
    assert f"Usage: rochdale {path}" in capsys.readouterr().out


def test_every_argument_stands_in_its_help_and_every_option_has_a_sentence() -> None:
    for path, command in walk_commands("rochdale", load_tree()):
        assert command.help, f"{path}: no sentence says what it is for"
        for parameter in command.params:
            if isinstance(parameter, click.Argument) and not isinstance(parameter.type, click.Choice):
                assert parameter.make_metavar(click.Context(command)).strip("[].") in (command.help or ""), path
            elif isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"{path} {parameter.opts}"


def test_a_group_within_a_group_has_a_sentence_of_its_own() -> None:
    helps = {path: command.help for path, command in walk_commands("rochdale", load_tree())}
    assert helps["rochdale log"] == "This home's log and the logs it holds for others."
    assert str(helps["rochdale log witness"]).startswith("Witnesses outside the federation")


def test_no_two_operations_have_one_name() -> None:
    status = load_operations()["status"]
    assert index_operations(iter([status])) == {"status": status}
    with pytest.raises(AssertionError, match="two operations are called status"):
        index_operations(iter([status, status]))


def test_what_is_done_at_a_desk_is_answered_by_no_api() -> None:
    kept = {"key.export", "key.change_passphrase", "key.person", "audit.log"}
    assert kept <= {verb.name for verb in list_verbs()} and kept.isdisjoint(load_operations())


def test_a_shortened_id_is_refused_at_its_field(at_home: Run) -> None:
    assert at_home("price", "approve", "3f0c").err == f"proposal: {NOT_AN_ID}\n"
    assert at_home("federation", "agree", "5c0e…91", "--json").json["findings"][0]["place"] == "charter"


MISUSED: dict[str, tuple[str, str]] = {
    "a command that is none": ("stauts", "No such command 'stauts'"),
    "an option that is none": ("status --colour", "No such option '--colour'"),
    "an argument that is missing": ("till import", "Missing argument 'FILE'"),
    "an option that is missing": ("federation create --people 4", "Missing option '--charter'"),
    "a word for a number": ("federation people many", "'many' is not a valid integer"),
    "a number out of its bounds": ("federation people 100000001", "is not in the range 0<=x<=100000000"),
    "a choice that is none": ("price show x --reader thieves", "'thieves' is not one of"),
    "a port that is none": ("run --web-port 70000", "70000 is not in the range 0<=x<=65535"),
    "one argument too many": ("status now", "unexpected extra argument (now)"),
}


@pytest.mark.parametrize("words, reason", MISUSED.values(), ids=MISUSED)
def test_misuse_ends_with_code_2_and_the_reason(rochdale: Run, home: Path, words: str, reason: str) -> None:
    told = rochdale(*words.split())
    assert (told.code, told.out) == (2, "") and reason in told.err and "Usage: rochdale" in told.err
    said = rochdale(*words.split(), "--json")
    assert said.code == 2 and reason in said.json["error"]
    assert not home.exists()


def test_without_a_home_every_command_says_how_to_make_one(rochdale: Run, home: Path, folder: Path) -> None:
    told = rochdale("status")
    assert told == (1, "", f"{home}: no home here; `rochdale init` makes one\n")
    assert not home.exists()


def test_the_home_is_found_by_option_before_or_after_and_by_variable(
    bare_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, other = tmp_path / "home", tmp_path / "other"

    def name_by(*words: str) -> Any:
        assert run_words([*words]) == 0
        return json.loads(capsys.readouterr().out)["name"]

    for place, name in ((home, "First"), (other, "Second")):
        assert run_words(["--home", str(place), "--json", "init", "--name", name]) == 0
        made = json.loads(capsys.readouterr().out)
        assert made["home"] == str(place) and made.keys() == {"home", "origin", "recovery_key"}
    monkeypatch.setenv("ROCHDALE_HOME", str(home))
    assert name_by("status", "--json") == "First"
    assert name_by("--home", str(other), "status", "--json") == "Second"
    assert name_by("--json", "status", "--home", str(other)) == "Second"


SETTINGS: dict[str, tuple[str, dict[str, str], str]] = {
    "not TOML": ("name = ", {}, "config.toml: not a readable TOML file"),
    "a setting that is none": ("peer_prot = 1", {}, "config.toml: there is no setting 'peer_prot'"),
    "a word for a port": ('web_port = "x"', {}, "config.toml: web_port must be a whole number from 0 to 65535"),
    "a port too high": ("peer_port = 65536", {}, "config.toml: peer_port must be a whole number from 0 to 65535"),
    "a yes for a port": ("peer_port = true", {}, "config.toml: peer_port must be a whole number from 0 to 65535"),
    "a number for a name": ("name = 5", {}, "config.toml: name must be a text"),
    "another home": ('home = "/"', {}, "config.toml: there is no setting 'home'"),
    "a variable that is no port": ("", {"ROCHDALE_WEB_PORT": "x"}, "ROCHDALE_WEB_PORT: web_port must be a whole"),
    "a variable of many digits": ("", {"ROCHDALE_PEER_PORT": "9" * 5000}, "ROCHDALE_PEER_PORT: peer_port must be"),
    "an address that is none": ('peer_url = "x"', {}, "url: must be empty or of the form wss://host:port"),
}  # fmt: skip


@pytest.mark.parametrize("text, variables, reason", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_that_cannot_be_is_named(
    at_home: Run, home: Path, monkeypatch: pytest.MonkeyPatch, text: str, variables: dict[str, str], reason: str
) -> None:
    (home / "config.toml").write_text(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = at_home("status")
    assert said.code == 1 and reason in said.err
