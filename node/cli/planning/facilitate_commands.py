"""`rochdale plan facilitate|object`: looking after a plan, and saying that one does not agree.

Spec: docs/spec/facilitation.md
"""

from typing import get_args

import click

from node.cli.calls import Context, run_command
from node.cli.printing import say
from protocol.planning.facilitating.notices import Act

_CALL = click.option("--call", default="", help="The call's id; without it the newest.")


@click.command()
@click.argument("act", type=click.Choice(get_args(Act)))
@click.option("--reason", required=True, help="Why, in a sentence; nothing about a person.")
@click.option("--reading", type=int, help="extend, end_round, end_vote: which reading.")
@click.option("--round", "number", type=int, help="extend, end_round: which round; 0 is that of the cards.")
@click.option("--wait-ms", type=int, help="extend: how long to wait for each who is still out.")
@click.option("--leaf", help="set_aside: the leaf of the card or answer.")
@_CALL
@click.pass_obj
def facilitate(
    context: Context,
    act: str,
    reason: str,
    reading: int | None,
    number: int | None,
    wait_ms: int | None,
    leaf: str | None,
    call: str,
) -> None:
    """Sign a facilitator's word on a call. Everybody reads it, and any member can object."""
    params = {"act": act, "reason": reason, "reading": reading, "round": number, "wait_ms": wait_ms, "leaf": leaf}
    run_command(context, "plan.facilitate", {**params, "call": call}, lambda answer: say(f"Signed: {answer['notice']}"))


@click.command(name="object")
@click.argument("notice")
@click.option("--reason", required=True, help="Why, in a sentence; nothing about a person.")
@_CALL
@click.pass_obj
def object_to(context: Context, notice: str, reason: str, call: str) -> None:
    """Sign that we object to a facilitator's word, NOTICE as `plan status` shows it (--json: in full)."""
    params = {"notice": notice, "reason": reason, "call": call}
    run_command(context, "plan.object", params, lambda answer: say(f"Signed: {answer['objection']}"))
