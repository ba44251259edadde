"""`rochdale run`: the node itself, until it is stopped."""

import asyncio

import click

from node.app import run_node
from node.cli.calls import Context, exit_codes
from node.clock import Clock
from node.config import PORT_MAX
from node.use_cases.home import open_config

PORT = click.IntRange(0, PORT_MAX)


@click.command()
@click.option("--web-port", type=PORT, help="The port of the pages on this machine (default: any free one).")
@click.option("--peer-port", type=PORT, help="The port other co-ops reach this node at.")
@click.option("--peer-url", help="The address other co-ops are told.")
@click.option("--lan", flag_value="on", help="Look for the peers in this network too (needs the extra `lan`).")
@click.pass_obj
def run(context: Context, /, **given: object) -> None:
    """Run this node until Ctrl-C: its pages, its peers. An empty home is made first."""
    with exit_codes(context.as_json):
        asyncio.run(run_node(open_config(context.home, **given), Clock(), as_json=context.as_json))


COMMANDS = {"run": run}
