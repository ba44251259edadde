"""`rochdale plan batches`: from a plan that knows no batches to one that keeps them; `plan candidate` proposes it.

Spec: docs/spec/planning/batches.md
"""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes
from node.cli.printing import print_told, say
from node.use_cases.description import Rows
from node.use_cases.planning.batches.batching import batch_plan
from node.use_cases.planning.batches.report import BatchReport, describe_batches, tell_lines
from protocol.core.errors import RefusedError
from protocol.planning.batches.candidate import choose_candidate
from protocol.planning.batches.counts import list_counts
from protocol.planning.batches.sizes import DRAFT
from protocol.planning.plan import PLAN_BYTES_MOST, format_plan, parse_plan
from storage.disk import write_durably

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
        report = describe_batches(draft, found)
        if out is not None:
            write_durably(out, format_plan(choose_candidate(draft, found)))
        print_answer(context.as_json, msgspec.to_builtins(report), lambda _: print_told(_tell_batches(report)))


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


def _tell_batches(report: BatchReport) -> Iterator[str | Rows]:
    yield from tell_lines(report.techniques)
    for one in report.candidates:
        for finding in one.findings:
            yield f"{one.digest[:16]} does not hold: {finding}"
    yield f"Candidate {report.chosen} keeps batches, balances, capacities, floors, caps and credits."
    cost = max(0.0, -report.value_percent_of_credits)
    yield f"It costs all together {cost:.4g} % of all credits at most, whatever tastes are, against the draft."
