"""`rochdale plan`: propose, follow, check and ratify a plan; try one out."""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, print_answer, run_command
from node.cli.calls import call as ask
from node.cli.planning.batches_command import print_decided
from node.cli.planning.follow_commands import print_promises
from node.cli.printing import percent, print_table, say
from protocol.core.errors import RefusedError
from storage.disk import write_durably

_CALL = click.option("--call", default="", help="The call's id; without it the newest.")


@click.group()
def plan() -> None:
    """Plans: who makes what, and who gets it, needs first."""


@plan.command()
@_CALL
@click.pass_obj
def status(context: Context, call: str) -> None:
    """Where a call stands, and for whom it waits."""
    run_command(context, "plan.status", {"call": call}, _print_status)


@plan.command()
@_CALL
@click.option("--document", type=click.Path(path_type=Path), help="Write the plan document to this file.")
@click.option("--minutes", type=click.Path(path_type=Path), help="Write all that it follows from to this file.")
@click.pass_obj
def show(context: Context, call: str, document: Path | None, minutes: Path | None) -> None:
    """The whole plan as this node computed it. An auditor takes both files along: `rochdale audit plan`."""
    with exit_codes(context.as_json):
        report = ask(context.home, "plan.show", {"call": call})
        if document is not None:
            if not report["document"]:
                raise RefusedError.at("plan", "there is no draft to write yet")
            write_durably(document, report["document"].encode())
        if minutes is not None:
            write_durably(minutes, ask(context.home, "plan.minutes", {"call": call})["minutes"].encode())
        print_answer(context.as_json, report, _print_plan)


@plan.command()
@_CALL
@click.pass_context
def check(ctx: click.Context, call: str) -> None:
    """Check the newest draft's certificate again. Exit code 1 when it does not hold."""
    answer = run_command(ctx.obj, "plan.check", {"call": call}, _print_check)
    if not answer["holds"]:
        ctx.exit(1)


@plan.command()
@click.option("--approve/--refuse", required=True, help="What the meeting decided.")
@click.option("--yes", "votes_yes", type=int, required=True, help="Votes for it.")
@click.option("--no", "votes_no", type=int, required=True, help="Votes against it.")
@click.option("--abstained", type=int, default=0, show_default=True, help="Votes for neither.")
@click.option("--digest", default="", help="The draft that the meeting voted on.")
@click.option("--reason", default="", help="Why, in a sentence; nothing about a person.")
@_CALL
@click.pass_obj
def ratify(
    context: Context, approve: bool, votes_yes: int, votes_no: int, abstained: int, digest: str, reason: str, call: str
) -> None:
    """Sign what our meeting decided about the newest draft. It can be said once."""
    meeting = {"yes": votes_yes, "no": votes_no, "abstained": abstained, "made_up": False}
    params = {"approve": approve, "meeting": meeting, "digest": digest, "reason": reason, "call": call}
    run_command(context, "plan.ratify", params, lambda answer: say(f"Signed for draft {answer['digest'][:16]}."))


COMMANDS = {"plan": plan}


def _print_status(status: dict[str, Any]) -> None:
    say(f"Call {status['call'][:16]}: {status['state']}, reading {status['reading']}, round {status['round']}.")
    if status["start"]:
        say(f"Revision {status['revision']}: it goes on from plan {status['start'][:16]}.")
    if status["level"]:
        _print_level(status["level"])
    if status["worst_good"] is not None:
        say(f"The worst good is {status['worst_good']}, {percent(status['worst_good_ppm'])} % off.")
    if status["left_out"]:
        say(f"Made without {', '.join(status['left_out'])}, who refused.")
    if status["waits_for"]:
        say(f"Waits for {', '.join(status['waits_for'])}.")
    if status["restless"]:
        _print_restless(status["restless"])
    for one in status["notices"]:
        about = f" ({one['about']})" if one["about"] else ""
        say(f"{one['origin']} said {one['act']}{about}: {one['reason']} [{one['leaf'][:16]}]")
        for member, reason in one["objections"]:
            say(f"  {member} objects: {reason}")
    if status["trouble"]:
        say(f"{'Stopped' if status['stage'] == 'stopped' else 'Note'}: {status['trouble']}")


def _print_level(row: dict[str, Any]) -> None:
    if row["regions"]:
        say(f"In the name of their regions: {', '.join(row['regions'])}.")
        return
    say(f"{row['speaker']} speaks for this region in call {row['above'][:16]}.")
    if row["planned_above"]:
        say(f"Planned in the region: {', '.join(row['planned_here'])}. Above: {', '.join(row['planned_above'])}.")
    if row["plan_above"]:
        say(f"It keeps to plan {row['plan_above'][:16]}, in force above.")


def _print_restless(row: dict[str, Any]) -> None:
    say(f"{row['card']} holds up the rounds: its answers move by {percent(row['moved_ppm'])} % or more from round to")
    say(f"round, {percent(row['wrong_share_ppm'])} % of it against its own earlier ones, while the others settle.")
    if row["is_aside"]:
        say("It was set aside: from the next round on its last answer stands for the rest of this reading.")
    else:
        say("Ask them what is wrong. If they cannot mend it, a facilitator may set it aside for this reading:")
        say(f"  rochdale plan facilitate set_aside --leaf {row['leaf']} --reason '...'")


def _print_plan(report: dict[str, Any]) -> None:
    say(f"{report['scope']}, {report['period']}: {report['state']}.")
    rows = [
        (
            reading["reading"],
            one["number"],
            one["worst_good"],
            percent(one["worst_good_ppm"]),
            len(one["silent"]),
        )
        for reading in report["readings"]
        for one in reading["rounds"]
    ]
    print_table(("reading", "round", "worst good", "% off", "silent"), rows)
    if report["certificate"] is not None:
        checked = len(report["certificate"]["checked_by"])
        say(f"Draft {report['digest']}, checked by {checked} of {len(report['members'])} members.")
    print_decided(report["batches"])
    print_promises(report["following"])


def _print_check(answer: dict[str, Any]) -> None:
    verdict = "holds" if answer["holds"] else "does not hold"
    say(f"The certificate of {answer['digest'][:16]} {verdict}.")
    for finding in answer["findings"]:
        say(f"  {finding}")
    if answer["gap_ppm"] is not None:
        say(f"No plan could be better by more than {percent(answer['gap_ppm'])} % of all credits.")
    else:
        say(
            f"{len(answer['unknown_regrets'])} members have not said what they would still gain; so the gap is unknown."
        )
