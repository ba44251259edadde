"""`rochdale audit plan`: a plan that holds, one that does not, files that are none, and what is taken at its word."""

from pathlib import Path

import msgspec
import pytest

from protocol.planning.audit.minutes import Minutes, ReadingMinutes, RoundMinutes, format_minutes
from protocol.planning.clearing import clear_plan
from protocol.planning.plan import Plan, digest_plan, format_plan, make_plan
from protocol.planning.rounds import RoundReport, close_round, start_state
from tests.node.cli.command_line import Run
from tests.protocol.planning.economies import attested_regrets, honest_answers, load, village


@pytest.fixture(scope="module")
def made() -> tuple[Plan, Minutes]:
    """The village's plan, and its minutes."""
    file, economy = load(village())
    state, rounds = start_state(economy), list[RoundMinutes]()
    report: RoundReport | None = None
    while report is None or not report.is_close_enough:
        answers = honest_answers(file, economy, state)
        state, report = close_round(economy, state, answers)
        rounds.append(RoundMinutes({card: said.quantities for card, said in answers.items() if said is not None}))
    plan = make_plan(economy, state, clear_plan(economy, state), report, {"reading": 1})
    reading = ReadingMinutes(economy.consumers, economy.workplaces[: economy.answering], tuple(rounds))
    regrets = attested_regrets(file, plan)
    return plan, Minutes("rochdale-plan-minutes/1", economy.table, {}, (reading,), regrets)


@pytest.fixture
def files(made: tuple[Plan, Minutes], tmp_path: Path) -> tuple[str, str]:
    """Both as files."""
    plan, minutes = tmp_path / "plan.json", tmp_path / "minutes.json"
    plan.write_bytes(format_plan(made[0]))
    minutes.write_bytes(format_minutes(made[1]))
    return str(plan), str(minutes)


def test_with_minutes_every_round_is_done_over(rochdale: Run, home: Path, files: tuple[str, str]) -> None:
    plan, minutes = files
    digest = digest_plan(Path(plan).read_bytes()).hex()
    told = rochdale("audit", "plan", plan, "--minutes", minutes, "--digest", digest)
    assert told.code == 0 and not told.err
    assert "8 rounds of 1 reading done over" in told.out and "Nothing is wanting." in told.out
    assert "No plan could be better by more than 0.01 %" in told.out and "Taken at their word" in told.out
    said = rochdale("audit", "plan", plan, "--minutes", minutes, "--json")
    assert said.json["holds"] and said.json["replayed_rounds"] == 8 and said.json["odd_answers"] == []
    assert said.json["digest"] == digest and said.json["unchecked"] == []
    assert not home.exists()


def test_the_document_alone_says_what_was_not_checked(rochdale: Run, files: tuple[str, str]) -> None:
    told = rochdale("audit", "plan", files[0])
    assert told.code == 0 and "Not checked: no minutes were given" in told.out
    assert "How much better a plan could be is unknown: 5 regrets are missing." in told.out


def test_what_is_wanting_ends_with_code_1_and_is_named(
    rochdale: Run, made: tuple[Plan, Minutes], files: tuple[str, str]
) -> None:
    plan, minutes = files
    other = rochdale("audit", "plan", plan, "--digest", "ab" * 32)
    assert other.code == 1 and "digest: the plan's is" in other.out
    more = {**made[0].consumption, "north": (10**6, 0)}
    Path(plan).write_bytes(format_plan(msgspec.structs.replace(made[0], consumption=more)))
    told = rochdale("audit", "plan", plan, "--minutes", minutes)
    assert told.code == 1
    for sentence in ("consumption.north: not what the rounds lead to", "balance.bread: ", "credits.north: "):
        assert sentence in told.out


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100, b"[1,2"])
def test_files_that_are_none_are_refused(rochdale: Run, files: tuple[str, str], content: bytes) -> None:
    plan, minutes = files
    Path(minutes).write_bytes(content)
    told = rochdale("audit", "plan", plan, "--minutes", minutes, "--json")
    assert told.code == 1 and told.json["findings"][0]["place"] == "minutes"
    Path(plan).write_bytes(content)
    told = rochdale("audit", "plan", plan, "--json")
    assert told.code == 1 and told.json["findings"][0]["place"] == "plan"


def test_without_a_document_the_home_is_asked(at_home: Run) -> None:
    told = at_home("audit", "plan", "--digest", "ab" * 32)
    assert told.code == 1 and "start it with `rochdale run`" in told.err
