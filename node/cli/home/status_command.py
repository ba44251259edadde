"""`rochdale status`: the node at a glance. By hand, for it is asked often and loads nothing of what it tells about."""

from typing import Any

import click

from node.cli.calls import Context, run_command
from node.cli.printing import print_table, say
from node.use_cases.description import count


@click.command()
@click.pass_obj
def status(context: Context) -> None:
    """How this node is doing: logs, peers, records, till lines."""
    run_command(context, "status", {}, _print_status)


COMMANDS = {"status": status}


def _print_status(status: dict[str, Any]) -> None:
    """The node at a glance."""
    say(f"{status['name']} ({status['origin']})")
    say(
        f"{count(status['records'], 'record')}, {status['void']} void; {count(status['till_lines'], 'till line')}; "
        f"{count(status['peers'], 'peer')}."
    )
    if status["disk"]:
        say(f"It cannot write to its disk: {status['disk']}. What was acknowledged is safe; make room, and it goes on.")
    for origin, days in status["clocks"].items():
        say(f"The last record of {origin} is dated {count(days, 'day')} ahead of this machine's clock: one is wrong.")
    if status["forks"]:
        say(f"Two versions exist of {count(status['forks'], 'log')}; both are kept and shown.")
    rows = [
        (log["origin"], "own" if log["own"] else "", log["size"], log["root"][:16], _say_cosigned(log))
        for log in status["logs"]
    ]
    print_table(("log", "", "size", "root", "cosigned"), rows)
    if not status["parts"]:
        say("The node does not run now; `rochdale run` starts it.")
    for name, say_part in (
        ("restored", _say_restored),
        ("peering", _say_peering),
        ("lan", _say_lan),
        ("outside_witnesses", _say_witnesses),
        ("roster", _say_roster),
        ("planner", _say_planner),
    ):
        if name in status["parts"]:
            say_part(status["parts"][name])


def _say_cosigned(log: dict[str, Any]) -> str:
    sizes = sorted(log["cosigned"].values())
    return f"by {len(sizes)}, up to {sizes[-1]}" if sizes else "by nobody"


def _say_peering(part: dict[str, Any]) -> None:
    say(f"Running; peers reach it at port {part['port']}. {count(part['connected'], 'peer')} connected.")
    for one in part["peers"]:
        if one["state"] != "connected":
            said = f", {one['last_error']}" if one["last_error"] else ""
            say(f"  {one['name']}: {one['state']}{said}")


def _say_witnesses(part: dict[str, Any]) -> None:
    for url, error in part["failing"].items():
        say(f"Outside witness {url}: {error}")


def _say_lan(part: dict[str, Any]) -> None:
    say(f"It looks for peers in this network, where its own certificate begins with {part['fingerprint'][:16]}.")
    for one in part["found"]:
        say(f"  Somebody says to be {one['name']}, certificate {one['fingerprint'][:16]}, at {one['url']}.")
    if part["found"]:
        say("  Ask them for what their `rochdale peer card` prints, and give it to `rochdale peer add`.")


def _say_restored(part: dict[str, Any]) -> None:
    if not part["may_sign"]:
        say(f"It signs nothing: {part['reason']}.")
    if part["waits_for"]:
        say(f"  It waits until these have said what they hold of its log: {', '.join(part['waits_for'])}.")


def _say_roster(part: dict[str, Any]) -> None:
    if not part["version"]:
        say("No federation yet.")
        return
    say(f"Federation: version {part['version']} of the roster, {count(part['members'], 'member')}.")
    if part["waits_for"]:
        say(f"  The next version waits for {', '.join(part['waits_for'])}.")


def _say_planner(part: dict[str, Any]) -> None:
    for call_id, one in part.items():
        say(f"Plan {call_id[:16]}: {one['stage']}, reading {one['reading']}, round {one['round']}.")
        if one["waits_for"]:
            say(f"  It waits for {', '.join(one['waits_for'])}.")
        if one["trouble"]:
            say(f"  {'It stopped' if one['stage'] == 'stopped' else 'Note'}: {one['trouble']}")
