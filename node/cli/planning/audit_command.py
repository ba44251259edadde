"""`rochdale audit plan`: check a plan without trusting those who made it. With files it needs no home.

Invariant: exit code 1 when anything is found wanting; odd answers are questions and change no exit code.
Spec: docs/spec/planning/plan-audit.md
"""

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes
from node.cli.printing import say
from node.use_cases.description import EXIT_REFUSED, count, percent
from node.use_cases.planning.reports.auditing import audit_plan
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import MINUTES_BYTES_MAX
from protocol.planning.audit.replay import Watch
from protocol.planning.plan import PLAN_BYTES_MOST

DIGEST = re.compile(r"[0-9a-fA-F]{64}\Z")
FINDINGS_SHOWN = 100


@click.command(name="plan")
@click.argument("plan")
@click.option("--minutes", type=click.Path(path_type=Path), help="All that was said: `plan minutes`.")
@click.option("--digest", default="", help="The digest that the meetings voted on.")
@click.pass_obj
def audit_plan_command(context: Context, plan: str, minutes: Path | None, digest: str) -> None:
    """Check PLAN: a plan document's file, or the digest of this home's newest draft.

    Balances, recipes, capacities, floors, caps and credits in whole numbers, and how far the plan can be from the best
    one. With --minutes, or by digest, every round is done over again: the answers must lead to this very plan.
    """
    with exit_codes(context.as_json):
        said = None if minutes is None else read_bytes(minutes, MINUTES_BYTES_MAX)
        if said is None and DIGEST.match(plan) and not Path(plan).exists():
            document, said = _ask_home(context, plan)
            digest = digest or plan
        else:
            document = read_bytes(Path(plan), PLAN_BYTES_MOST)
        with _watch(context.as_json) as watch:
            report = audit_plan(document, said, digest, watch)
        print_answer(context.as_json, msgspec.to_builtins(report), _print_report)
        if not report.holds:
            sys.exit(EXIT_REFUSED)


COMMANDS = {"audit plan": audit_plan_command}


def _ask_home(context: Context, digest: str) -> tuple[bytes, bytes]:
    answer = ask(context.home, "plan.minutes", {"call": ""})
    if answer["digest"] != digest.lower():
        raise RefusedError.at("digest", f"the newest draft here is {answer['digest']}")
    return answer["document"].encode(), answer["minutes"].encode()


@contextlib.contextmanager
def _watch(as_json: bool) -> Iterator[Watch]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task("Rounds done over", total=None)
        yield lambda done, of: bar.update(task, total=of, completed=done)


def _print_report(report: dict[str, Any]) -> None:
    who = f"{count(report['councils'], 'council')}, {count(report['workplaces'], 'workplace')}"
    say(f"Plan {report['digest'][:16]}: {count(report['goods'], 'good')}, {who}.")
    if report["replayed_rounds"]:
        readings = count(report["readings"], "reading")
        say(f"{count(report['replayed_rounds'], 'round')} of {readings} done over from the minutes.")
    for finding in report["findings"][:FINDINGS_SHOWN]:
        say(f"{finding['place']}: {finding['reason']}")
    wanting = len(report["findings"])
    say(f"{count(wanting, 'thing is', 'things are')} wanting." if wanting else "Nothing is wanting.")
    if report["gap_ppm"] is not None:
        say(f"No plan could be better by more than {percent(report['gap_ppm'])} % of all credits.")
    else:
        say(f"How much better a plan could be is unknown: {len(report['unknown_regrets'])} regrets are missing.")
    for odd in report["odd_answers"]:
        first, second = odd["rounds"]
        wrong = f"{percent(odd['wrong_ppm'])} % of what moved went the wrong way"
        say(f"Ask {odd['card']}: its answers to rounds {first} and {second} do not fit one wish ({wrong}).")
    say(f"Taken at their word: {'; '.join(report['at_their_word'])}.")
    for missing in report["unchecked"]:
        say(f"Not checked: {missing}.")
