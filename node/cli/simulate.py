"""`rochdale simulate`: a small made-up world in virtual time, in which everything goes wrong that a seed can draw."""

import json
import subprocess
from pathlib import Path

import click

from node.cli.calls import EXIT_REFUSED, Context, exit_codes, quiet_logs
from node.cli.printing import say
from node.simulation.world.disk.sqlite_vfs import is_available
from node.simulation.world.homes import HOMES_MAX
from node.simulation.world.run import Outcome, run_scenario
from node.simulation.world.scenario import NODES_MIN, draw_scenario
from node.simulation.world.shrink import shrink
from protocol.core.errors import RefusedError

STEPS_MAX = 10_000
NO_DISK = "this Python has SQLite built in where it cannot be reached, so disks cannot be made to fail"


def add_commands(group: click.Group) -> None:
    """Hang this area's commands into `rochdale`."""
    group.add_command(simulate)


@click.command()
@click.option("--seed", type=click.IntRange(0), required=True, help="The number that everything is drawn from.")
@click.option("--nodes", type=click.IntRange(NODES_MIN, HOMES_MAX), help="How many co-ops; drawn from the seed.")
@click.option("--steps", type=click.IntRange(1, STEPS_MAX), help="How many things happen; drawn from the seed.")
@click.option("--json", "json_here", is_flag=True, help="Print one JSON object.")
@click.pass_context
def simulate(command: click.Context, seed: int, nodes: int | None, steps: int | None, json_here: bool) -> None:
    """Live through a made-up world in which roads, disks, clocks and people fail, and check what must hold."""
    quiet_logs()
    context: Context = command.obj
    as_json = context.as_json or json_here
    with exit_codes(as_json):
        if not is_available():
            raise RefusedError.at("simulate", NO_DISK)
        outcome = run_scenario(draw_scenario(seed, nodes, steps))
        shortest = shrink(outcome) if outcome.rule else outcome
        _print(outcome, shortest, as_json)
        if outcome.rule:
            command.exit(EXIT_REFUSED)


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
