"""`rochdale plan batches`: from a plan that knows no batches to one that keeps them; `plan candidate` proposes it.

Spec: docs/spec/planning/batches.md
"""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes
from node.cli.printing import print_table, say
from node.use_cases.description import count
from node.use_cases.planning.batches.batching import batch_plan, describe_batches
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import choose_candidate
from protocol.planning.batches.proposals import list_counts
from protocol.planning.batches.sizes import DRAFT
from protocol.planning.plan import PLAN_BYTES_MOST, format_plan, parse_plan
from storage.disk import write_durably

ROWS_SHOWN = 30
WAIT_S = 60.0


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--candidate",
    "candidates",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Check this candidate in place of looking for one; of several the best is chosen.",
)
@click.option("--wait", "wait_s", default=WAIT_S, show_default=True, help="Seconds to look for the best at most.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the chosen candidate to this file.")
@click.pass_obj
def batches(context: Context, plan: Path, candidates: tuple[Path, ...], wait_s: float, out: Path | None) -> None:
    """How many whole batches come nearest to the PLAN document, checked in whole numbers."""
    with exit_codes(context.as_json):
        draft = parse_plan(read_bytes(plan, PLAN_BYTES_MOST))
        found = [parse_plan(read_bytes(path, PLAN_BYTES_MOST)) for path in candidates]
        if not found:
            found = [batch_plan(draft, wait_s)]
        answer = describe_batches(draft, found)
        if out is not None:
            write_durably(out, format_plan(choose_candidate(draft, found)))
        print_answer(context.as_json, answer, _print_batches)


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--call", default="", help="The call's id; without it the newest.")
@click.pass_obj
def candidate(context: Context, plan: Path, call: str) -> None:
    """Propose the batches of PLAN, a document that `plan batches --out` wrote, to the call that decides them now."""
    with exit_codes(context.as_json):
        found = parse_plan(read_bytes(plan, PLAN_BYTES_MOST))
        if DRAFT not in found.parameters:
            raise RefusedError.at("plan", "names no draft: it keeps no batches")
        params = {
            "call": call,
            "draft": str(found.parameters[DRAFT]),
            "batches": list_counts(found, found.activity),
        }
        answer = ask(context.home, "plan.candidate", params)
        print_answer(context.as_json, answer, lambda said: say(f"Proposed for draft {said['draft'][:16]}."))


COMMANDS = {"plan batches": batches, "plan candidate": candidate}


def print_decided(decided: dict[str, Any] | None) -> None:
    """What a call decided about whole batches, in a table and a sentence; nothing where there are none."""
    if decided is None:
        return
    if not decided["holds"]:
        say("No whole batches were found that hold: the draft asks for parts of batches.")
        return
    _print_lines(decided["lines"])
    by = f"found by {', '.join(decided['found_by'])}" if decided["found_by"] else "as every node works them out"
    share = max(0.0, -100 * decided["value_micro"] / decided["credits_micro"])
    say(f"Whole batches, {by}: they cost {share:.2g} % of all credits at most, whatever tastes are.")


def _print_lines(lines: list[dict[str, Any]]) -> None:
    columns = ("card", "technique", "batches", "batch", "times", "draft")
    rows = [tuple(one[name] for name in columns) for one in lines]
    print_table(("workplace", "technique", "batches", "of", "in all", "in the draft"), rows[:ROWS_SHOWN])
    if len(rows) > ROWS_SHOWN:
        say(f"and {count(len(rows) - ROWS_SHOWN, 'technique')} more; --json gives all.")


def _print_batches(answer: dict[str, Any]) -> None:
    _print_lines(answer["techniques"])
    for one in answer["candidates"]:
        for finding in one["findings"]:
            say(f"{one['digest'][:16]} does not hold: {finding}")
    say(f"Candidate {answer['chosen']} keeps batches, balances, capacities, floors, caps and credits.")
    cost = max(0.0, -answer["value_percent_of_credits"])
    say(f"It costs all together {cost:.4g} % of all credits at most, whatever tastes are, against the draft.")
