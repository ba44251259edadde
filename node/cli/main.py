"""`rochdale`: the command a volunteer types.

Invariant: what a command writes is its owner's alone to read.
"""

import asyncio
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from node.app import OWNER_ONLY, run_node
from node.cli import demo, key, simulate, supply, till
from node.cli.calls import Context, exit_codes, print_error, quiet_logs, run_command
from node.cli.from_operations import add_operations
from node.cli.log import audit_commands, log_commands
from node.cli.planning import plan_commands
from node.cli.printing import print_made, print_status
from node.cli.shared_options import add_shared_options
from node.clock import Clock
from node.config import PORT_MAX, default_home
from node.operations import OPERATIONS
from node.use_cases.description import EXIT_MISUSE, EXIT_REFUSED
from node.use_cases.home import init_home, open_config

VERSION = "0.1.0"
HELP_WIDTH = 100
PORT = click.IntRange(0, PORT_MAX)
ROAD = (
    *("init", "run", "status", "till", "consumption", "peer", "federation", "product", "disclosure", "price", "key"),
    *("plan", "log", "audit", "demo", "simulate"),
)
EPILOG = "Begin with `rochdale run`: it makes a home, if there is none yet, and says where your first page is."


class VolunteersRoad(click.Group):
    """Lists the commands in the order in which a co-op comes to need them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Along the road; what it does not name stands at its end."""
        return sorted(self.commands, key=lambda name: ROAD.index(name) if name in ROAD else len(ROAD))


@click.group(
    cls=VolunteersRoad,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH},
    epilog=EPILOG,
)
@click.option("--home", type=click.Path(path_type=Path), help="The home's folder (or ROCHDALE_HOME).")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object. Both may also follow a command.")
@click.version_option(VERSION, prog_name="rochdale")
@click.pass_context
def rochdale(ctx: click.Context, home: Path | None, as_json: bool) -> None:
    """Node software for co-operatives: disclose, price and plan together, in the open."""
    ctx.obj = Context((home or default_home()).absolute(), as_json)


@rochdale.command()
@click.option("--name", help="What your co-op is called; it can be said later.")
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, resolve_path=True),
    help="Open the keys by the passphrase in this file.",
)
@click.option("--peer-port", type=PORT, help="The port other co-ops reach this node at (default: any free one).")
@click.option("--peer-url", help="The address other co-ops are told, wss://host:port; by default this machine's own.")
@click.option("--web-port", type=PORT, help="The port of this node's own pages on this machine.")
@click.pass_obj
def init(context: Context, /, **given: object) -> None:
    """Make a home: keys, a log, its first signed record. Asks nothing."""
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
@click.option("--web-port", type=PORT, help="The port of the pages on this machine (default: any free one).")
@click.option("--peer-port", type=PORT, help="The port other co-ops reach this node at.")
@click.option("--peer-url", help="The address other co-ops are told.")
@click.option("--lan", flag_value="on", help="Look for the peers in this network too (needs the extra `lan`).")
@click.pass_obj
def run(context: Context, /, **given: object) -> None:
    """Run this node until Ctrl-C: its pages, its peers. An empty home is made first."""
    with exit_codes(context.as_json):
        asyncio.run(run_node(open_config(context.home, **given), Clock(), as_json=context.as_json))


@rochdale.command()
@click.pass_obj
def status(context: Context) -> None:
    """How this node is doing: logs, peers, records, till lines."""
    run_command(context, "status", {}, print_status)


for _area in (till, supply, key, plan_commands, log_commands, audit_commands, demo, simulate):
    _area.add_commands(rochdale)
add_operations(rochdale, OPERATIONS.values())
add_shared_options(rochdale)


def run_words(words: Sequence[str]) -> int:
    """Run the command that these words make, and give its exit code."""
    os.umask(OWNER_ONLY)
    for stream in (sys.stdout, sys.stderr):
        # A terminal without our letters shows other ones; that is no reason to break off.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        answer = rochdale.main(list(words), prog_name="rochdale", standalone_mode=False)
        return answer if isinstance(answer, int) else 0
    except click.ClickException as error:
        if "--json" in words:
            print_error(error.format_message(), (), as_json=True)
        else:
            error.show()
        return EXIT_MISUSE
    except (click.Abort, KeyboardInterrupt):
        if "--json" in words:
            print_error("stopped", (), as_json=True)
        else:
            click.echo("Stopped.", err=True)
        return EXIT_REFUSED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_REFUSED


def run_main() -> None:
    """The entry point of the installed command."""
    sys.exit(run_words(sys.argv[1:]))


if __name__ == "__main__":
    run_main()
