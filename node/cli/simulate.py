"""`rochdale simulate`: a small made-up world in virtual time, in which everything goes wrong that a seed can draw."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from node.cli.calls import Context, exit_codes
from node.cli.home.opened import quiet_logs
from node.cli.printing import say
from node.simulation.overlay.reduced import run_reduced
from node.simulation.overlay.run import run_overlay
from node.simulation.overlay.words import LEAST, REAL, Line, list_lines, list_reduced_lines
from node.simulation.rounds.run import run_rounds
from node.simulation.rounds.scenario import MEMBERS_MAX
from node.simulation.rounds.scenario import draw_scenario as draw_rounds
from node.simulation.world.disk.sqlite_vfs import is_available
from node.simulation.world.homes import HOMES_MAX
from node.simulation.world.run import Outcome, run_scenario
from node.simulation.world.scenario import NODES_MIN, draw_scenario
from node.simulation.world.shrink import shrink
from node.use_cases.description import EXIT_REFUSED
from protocol.core.errors import RefusedError

STEPS_MAX = 10_000
FEDERATION_MIN: Final = 20
FULL_MAX: Final = 3_000
"""A full run of so many takes the better part of an hour; more nodes are drawn by the reduced model."""
NODES_MAX: Final = 1_000_000
AUTHORS: Final = 10
NAME_WIDTH: Final = 56
NO_DISK = "this Python has SQLite built in where it cannot be reached, so disks cannot be made to fail"


@click.command()
@click.option("--seed", type=click.IntRange(0), required=True, help="The number that everything is drawn from.")
@click.option(
    "--nodes",
    type=click.IntRange(NODES_MIN, NODES_MAX),
    help=f"How many co-ops; drawn from the seed. More than {HOMES_MAX}: a large federation, how records spread in it.",
)
@click.option("--steps", type=click.IntRange(1, STEPS_MAX), help="How many things happen; drawn from the seed.")
@click.option("--plan", "is_plan", is_flag=True, help="Rounds of a plan among 2 to 40 co-ops that fail and lie.")
@click.option("--json", "json_here", is_flag=True, help="Print one JSON object.")
@click.pass_context
def simulate(
    command: click.Context, seed: int, nodes: int | None, steps: int | None, is_plan: bool, json_here: bool
) -> None:
    """Live through a made-up world in which roads, disks, clocks and people fail, and check what must hold."""
    quiet_logs()
    context: Context = command.obj
    as_json = context.as_json or json_here
    with exit_codes(as_json):
        if is_plan:
            if not _simulate_plan(seed, nodes, as_json):
                command.exit(EXIT_REFUSED)
            return
        if nodes is not None and nodes > HOMES_MAX:
            if not _simulate_federation(seed, nodes, as_json):
                command.exit(EXIT_REFUSED)
            return
        if not is_available():
            raise RefusedError.at("simulate", NO_DISK)
        outcome = run_scenario(draw_scenario(seed, nodes, steps))
        shortest = shrink(outcome) if outcome.rule else outcome
        _print(outcome, shortest, as_json)
        if outcome.rule:
            command.exit(EXIT_REFUSED)


COMMANDS = {"simulate": simulate}


def _print(outcome: Outcome, shortest: Outcome, as_json: bool) -> None:
    scenario = outcome.scenario
    if as_json:
        answer = {
            "seed": scenario.seed,
            "nodes": scenario.nodes,
            "happenings": len(scenario.happenings),
            "events": len(outcome.events),
            "digest": outcome.digest,
            "held": not outcome.rule,
            "rule": outcome.rule,
            "detail": outcome.detail,
            "commit": find_commit(),
            "shortest": [str(happening) for happening in shortest.scenario.happenings] if outcome.rule else [],
        }
        click.echo(json.dumps(answer))
        return
    for line in describe_outcome(outcome, shortest):
        say(line)


def describe_outcome(outcome: Outcome, shortest: Outcome | None = None) -> list[str]:
    """What came of a world, in lines for people; a failure that was not shrunk yet is."""
    scenario = outcome.scenario
    lines = [
        f"Seed {scenario.seed}: {scenario.nodes} co-ops, {len(scenario.happenings)} happenings.",
        f"{len(outcome.events)} events, {outcome.digest[:16]}. All of it is made up.",
    ]
    if not outcome.rule:
        return [*lines, "Everything held that must hold."]
    happenings = (shortest or shrink(outcome)).scenario.happenings
    lines.append(f"Broken: {outcome.detail}")
    lines.append(f"At commit {find_commit()}; the shortest list of happenings that still breaks it:")
    return [*lines, *(f"    {happening}" for happening in happenings)]


def find_commit() -> str:
    """Which version of the program this is, as far as its folder knows."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "rev-parse", "--short=12", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def _simulate_plan(seed: int, nodes: int | None, as_json: bool) -> bool:
    """Live through the rounds of a plan and print what came of them; whether everything held."""
    if nodes is not None and nodes > MEMBERS_MAX:
        raise RefusedError.at("--nodes", f"a plan is simulated among {NODES_MIN} to {MEMBERS_MAX} co-ops")
    outcome = run_rounds(draw_rounds(seed, nodes))
    if as_json:
        click.echo(json.dumps(outcome.describe() | {"commit": find_commit()}))
        return not outcome.rule
    say(f"Seed {seed}: {outcome.scenario}. All of it is made up.")
    end = "in force" if outcome.ratified else "not approved by enough"
    end = f"stopped: {outcome.stopped}" if outcome.stopped else f"its last draft {end}"
    say(f"{outcome.rounds} rounds, {outcome.records} records, {outcome.digest[:16]}; the plan: {end}.")
    say(f"Broken: {outcome.rule}: {outcome.detail}" if outcome.rule else "Everything held that must hold.")
    return not outcome.rule


def _simulate_federation(seed: int, nodes: int, as_json: bool) -> bool:
    """Run and print; whether everything held."""
    if nodes < FEDERATION_MIN:
        raise RefusedError.at("--nodes", f"a large federation has {FEDERATION_MIN} co-ops or more")
    if nodes > FULL_MAX:
        reduced = run_reduced(nodes, seed)
        _print_lines(list_reduced_lines(reduced), msgspec.to_builtins(reduced), reduced.reduced, [], as_json)
        return True
    report = run_overlay(nodes, min(AUTHORS, nodes // 2), seed, _tell)
    missed = report.find_missed()
    _print_lines(list_lines(report), msgspec.to_builtins(report), REAL, missed, as_json)
    return not missed


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _print_lines(lines: list[Line], plain: dict[str, object], real: str, missed: list[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**plain, "real_and_reduced": real, "missed": missed}))
        return
    say(f"Seed {plain['seed']}, {plain['nodes']} co-ops.")
    say(real)
    for line in lines:
        bar = f"   at {'least' if line.side == LEAST else 'most'} {line.bar:g}" if line.side else ""
        say(f"{line.name:{NAME_WIDTH}} {line.value:12,.2f} {line.unit}{bar}")
    for sentence in missed:
        say(f"Missed: {sentence}")
