"""`rochdale federation`: found one, invite, join, leave, see who belongs."""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, run_command
from node.cli.federating.charter_commands import agree, amend, charter, propose_exception
from node.cli.files import read_json, read_line
from node.cli.printing import count, print_table, say

_KIND = click.option(
    "--kind", type=click.Choice(["consumers", "producers"]), default="consumers", show_default=True, help="What we are."
)
_ABOVE = click.option("--above", is_flag=True, help="In the federation above, in which we speak for our own.")
_HEADS = click.option("--heads", type=int, required=True, help="How many people we count.")


def add_commands(group: click.Group) -> None:
    """Hang this area's commands into `rochdale`."""
    for command in (charter, amend, agree, propose_exception):
        federation.add_command(command)
    group.add_command(federation)


@click.group()
def federation() -> None:
    """The federation: found it, invite, join, leave, see who belongs."""


@federation.command()
@click.option("--charter", type=click.Path(path_type=Path), required=True, help="JSON file with the charter.")
@_KIND
@_HEADS
@click.pass_obj
def create(context: Context, charter: Path, kind: str, heads: int) -> None:
    """Found a federation of one under a charter. Others join by invitation."""
    with exit_codes(context.as_json):
        params = {"charter": read_json(charter), "kind": kind, "heads": heads}
    run_command(context, "federation.create", params, print_roster)


@federation.command()
@click.argument("card")
@click.pass_obj
def invite(context: Context, card: str) -> None:
    """Invite the co-op of this peer CARD (a line, or a file that holds it)."""
    with exit_codes(context.as_json):
        params = {"card": read_line(card)}
    run_command(context, "federation.invite", params, _print_invitation)


@federation.command()
@click.argument("invitation")
@_KIND
@_HEADS
@_ABOVE
@click.pass_obj
def join(context: Context, invitation: str, kind: str, heads: int, above: bool) -> None:
    """Accept an INVITATION (a line, or a file that holds it)."""
    with exit_codes(context.as_json):
        params = {"invitation": read_line(invitation), "kind": kind, "heads": heads, "above": above}
    run_command(context, "federation.join", params, _print_asked)


@federation.command()
@_ABOVE
@click.pass_obj
def leave(context: Context, above: bool) -> None:
    """Leave the federation; what was signed stays signed."""
    said = "Your word is in your log; the next roster is without you."
    run_command(context, "federation.leave", {"above": above}, lambda _: say(said))


@federation.command()
@click.argument("people", metavar="COUNT", type=int)
@_ABOVE
@click.pass_obj
def heads(context: Context, people: int, above: bool) -> None:
    """Sign a new COUNT of our people."""
    run_command(
        context,
        "federation.heads",
        {"heads": people, "above": above},
        lambda _: say(f"Your log now counts {people} people."),
    )


@federation.command()
@click.argument("origin")
@click.option("--size", type=click.IntRange(0), default=0, help="How many entries count (default: the witnessed ones).")
@click.pass_obj
def retire(context: Context, origin: str, size: int) -> None:
    """Agree that the log of the member ORIGIN ends: its key was lost or stolen, and its recovery key too."""
    run_command(context, "federation.retire", {"origin": origin, "size": size}, _print_retired)


@federation.command()
@_ABOVE
@click.pass_obj
def roster(context: Context, above: bool) -> None:
    """Who belongs, and under which charter."""
    run_command(context, "federation.roster", {"above": above}, print_roster)


@federation.command()
@click.argument("log", default="")
@click.pass_obj
def policy(context: Context, log: str) -> None:
    """Print whom to believe about the heads of a member's LOG (this co-op's own by default), as a tlog-policy file."""
    run_command(context, "federation.policy", {"origin": log}, lambda answer: click.echo(answer["policy"], nl=False))


def print_roster(report: dict[str, Any]) -> None:
    """The roster in force, for people."""
    charter = report["charter"]
    members, people = count(len(report["members"]), "member"), count(report["heads"], "person", "people")
    say(f"{charter['name']}: version {report['version']}, {members}, {people}.")
    rows = [
        (one["name"], one["kind"], one["heads"], one["url"] or "dials out", one["origin"]) for one in report["members"]
    ]
    print_table(("member", "kind", "people", "address", "log"), rows)
    if report["waits_for"]:
        say(f"The next version waits for {', '.join(report['waits_for'])}.")
    for finding in report["findings"]:
        say(f"  {finding}")


def _print_invitation(answer: dict[str, Any]) -> None:
    say("Send them this line; they give it to `rochdale federation join`:\n")
    say(answer["invitation"])


def _print_retired(answer: dict[str, Any]) -> None:
    say(f"This co-op agrees that {answer['origin']} ends after {count(answer['size'], 'entry', 'entries')}.")
    say(
        f"{answer['agreed']} of the {answer['needed']} co-ops that are needed have agreed; its own word does not count."
    )
    say("The others say the same with this command; once enough have, the roster is without it.")


def _print_asked(answer: dict[str, Any]) -> None:
    say(f"Your log says that you want to join federation {answer['federation'][:16]}.")
    say("Once your node meets the one that invited you, the members decide; see `rochdale federation roster`.")
