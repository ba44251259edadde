"""`rochdale log witness`: outside witnesses that this home asks to cosign its log."""

from typing import Any

import click

from node.cli.calls import EXIT_UNREACHED, Context, exit_codes, run_command
from node.cli.files import read_key
from node.cli.printing import print_table, say

URL = click.argument("url")


def add_commands(group: click.Group) -> None:
    """Hang this area's commands into `rochdale log`."""
    group.add_command(witness)


@click.group()
def witness() -> None:
    """Witnesses outside the federation that are asked to cosign this home's log."""


@witness.command()
@URL
@click.argument("key", nargs=-1, required=True)
@click.pass_obj
def add(context: Context, url: str, key: tuple[str, ...]) -> None:
    """Ask the witness at URL (its submission prefix), which signs with KEY: vkeys, or files that hold them."""
    with exit_codes(context.as_json):
        params = {"url": url, "keys": [read_key(one) for one in key]}
    run_command(context, "witness.add", params, _print_witnesses)


@witness.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """The outside witnesses, how far each cosigned, and what went wrong."""
    run_command(context, "witness.list", {}, _print_witnesses)


@witness.command()
@click.pass_context
def ask(ctx: click.Context) -> None:
    """Ask them all now, and say what each answered. Ends with 3 where one did not sign."""
    answer = run_command(ctx.obj, "witness.ask", {}, _print_witnesses)
    if any(one["error"] for one in answer["witnesses"]):
        ctx.exit(EXIT_UNREACHED)


@witness.command()
@URL
@click.pass_obj
def remove(context: Context, url: str) -> None:
    """Ask the witness at URL no more. What it signed is still shown."""
    run_command(context, "witness.remove", {"url": url}, _print_witnesses)


def _print_witnesses(answer: dict[str, Any]) -> None:
    if not answer["witnesses"]:
        say("No outside witness is asked: `rochdale log witness add URL KEY` names one.")
        return
    rows = [
        (", ".join(one["names"]), one["url"], f"{one['size']} of {one['log_size']}", one["error"])
        for one in answer["witnesses"]
    ]
    print_table(("witness", "address", "cosigned", "last error"), rows)
