"""`rochdale status`: the node at a glance. By hand, for it is asked often and loads nothing of what it tells about."""

from collections.abc import Iterator
from typing import Any

import click

from node.cli.calls import Context, call, exit_codes, print_answer
from node.use_cases.description import Rows, count


@click.command()
@click.pass_obj
def status(context: Context) -> None:
    """How this node is doing: logs, peers, records, till lines."""
    with exit_codes(context.as_json):
        answer = call(context.home, "status", {})
        print_answer(context.as_json, answer, _tell_status(answer))


COMMANDS = {"status": status}


def _tell_status(status: dict[str, Any]) -> Iterator[str | Rows]:
    yield f"{status['name']} ({status['origin']})"
    yield (
        f"{count(status['records'], 'record')}, {status['void']} void; {count(status['till_lines'], 'till line')}; "
        f"{count(status['peers'], 'peer')}."
    )
    if status["disk"]:
        yield f"It cannot write to its disk: {status['disk']}."
        yield "  What was acknowledged is safe; make room, and it goes on."
    for origin, days in status["clocks"].items():
        yield f"The last record of {origin} is dated {count(days, 'day')} ahead of this machine's clock: one is wrong."
    if status["forks"]:
        yield f"Two versions exist of {count(status['forks'], 'log')}; both are kept and shown."
    rows = [
        (log["origin"], "own" if log["own"] else "", log["size"], log["root"][:16], _say_cosigned(log))
        for log in status["logs"]
    ]
    yield Rows(("log", "", "size", "root", "cosigned"), rows)
    if not status["parts"]:
        yield "The node does not run now; `rochdale run` starts it."
    for name, tell_part in (
        ("restored", _tell_restored),
        ("peering", _tell_peering),
        ("lan", _tell_lan),
        ("outside_witnesses", _tell_witnesses),
        ("roster", _tell_roster),
        ("planner", _tell_planner),
    ):
        if name in status["parts"]:
            yield from tell_part(status["parts"][name])


def _say_cosigned(log: dict[str, Any]) -> str:
    sizes = sorted(log["cosigned"].values())
    return f"by {len(sizes)}, up to {sizes[-1]}" if sizes else "by nobody"


def _tell_peering(part: dict[str, Any]) -> Iterator[str]:
    yield f"Running; peers reach it at port {part['port']}. {count(part['connected'], 'peer')} connected."
    for one in part["peers"]:
        if one["state"] != "connected":
            said = f", {one['last_error']}" if one["last_error"] else ""
            yield f"  {one['name']}: {one['state']}{said}"


def _tell_witnesses(part: dict[str, Any]) -> Iterator[str]:
    for url, error in part["failing"].items():
        yield f"Outside witness {url}: {error}"


def _tell_lan(part: dict[str, Any]) -> Iterator[str]:
    yield f"It looks for peers in this network, where its own certificate begins with {part['fingerprint'][:16]}."
    for one in part["found"]:
        yield f"  Somebody says to be {one['name']}, certificate {one['fingerprint'][:16]}, at {one['url']}."
    if part["found"]:
        yield "  Ask them for what their `rochdale peer card` prints, and give it to `rochdale peer add`."


def _tell_restored(part: dict[str, Any]) -> Iterator[str]:
    if not part["may_sign"]:
        yield f"It signs nothing: {part['reason']}."
    if part["waits_for"]:
        yield f"  It waits until these have said what they hold of its log: {', '.join(part['waits_for'])}."


def _tell_roster(part: dict[str, Any]) -> Iterator[str]:
    if not part["version"]:
        yield "No federation yet."
        return
    yield f"Federation: version {part['version']} of the roster, {count(part['members'], 'member')}."
    if part["waits_for"]:
        yield f"  The next version waits for {', '.join(part['waits_for'])}."


def _tell_planner(part: dict[str, Any]) -> Iterator[str]:
    for call_id, one in part.items():
        yield f"Plan {call_id[:16]}: {one['stage']}, reading {one['reading']}, round {one['round']}."
        if one["waits_for"]:
            yield f"  It waits for {', '.join(one['waits_for'])}."
        if one["trouble"]:
            yield f"  {'It stopped' if one['stage'] == 'stopped' else 'Note'}: {one['trouble']}"
