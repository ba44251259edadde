"""`rochdale`: the command a volunteer types."""

import asyncio
import json
from pathlib import Path

import click

from node.app import run_node
from node.cli import demo, federation, peer, plan, supply, till
from node.cli.calls import Context, exit_codes, quiet_logs, run_command
from node.cli.printing import print_made, print_status
from node.clock import Clock
from node.config import default_home
from node.use_cases.home import init_home, open_config

VERSION = "0.1.0"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path), help="The home's folder (or ROCHDALE_HOME).")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
@click.version_option(VERSION, prog_name="rochdale")
@click.pass_context
def rochdale(ctx: click.Context, home: Path | None, as_json: bool) -> None:
    """Node software for co-operatives: disclose, price and plan together, in the open."""
    ctx.obj = Context(home or default_home(), as_json)


@rochdale.command()
@click.option("--name", help="What your co-op is called; it can be said later.")
@click.option(
    "--passphrase-file", type=click.Path(dir_okay=False), help="Open the keys by the passphrase in this file."
)
@click.option("--peer-port", type=int, help="The port other co-ops reach this node at (default: any free one).")
@click.option("--peer-url", help="The address other co-ops are told; without it this node only dials out.")
@click.option("--web-port", type=int, help="The port of this node's own pages on this machine.")
@click.pass_obj
def init(context: Context, /, **given: object) -> None:
    """Make a home: keys, a log, and the first signed record. Asks nothing."""
    quiet_logs()
    with exit_codes(context.as_json):
        made = asyncio.run(init_home(open_config(context.home, **given), Clock()))
        if context.as_json:
            click.echo(
                json.dumps({"home": str(context.home), "origin": made.origin, "recovery_key": made.recovery_key})
            )
        else:
            print_made(context.home, made)


@rochdale.command()
@click.option("--web-port", type=int, help="The port of the pages on this machine (default: any free one).")
@click.option("--peer-port", type=int, help="The port other co-ops reach this node at.")
@click.option("--peer-url", help="The address other co-ops are told.")
@click.pass_obj
def run(context: Context, /, **given: object) -> None:
    """Run this node until Ctrl-C: pages for people, sessions with peers. An empty home is made first."""
    with exit_codes(context.as_json):
        asyncio.run(run_node(open_config(context.home, **given), Clock(), as_json=context.as_json))


@rochdale.command()
@click.pass_obj
def status(context: Context) -> None:
    """How this node is doing: logs, peers, records, till lines."""
    run_command(context, "status", {}, print_status)


for _area in (till, peer, federation, supply, plan, demo):
    _area.add_commands(rochdale)


def run_main() -> None:
    """The entry point of the installed command."""
    rochdale()


if __name__ == "__main__":
    run_main()
