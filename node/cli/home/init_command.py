"""`rochdale init`: a home is made."""

import asyncio
import json
from pathlib import Path

import click

from node.cli.calls import Context, exit_codes
from node.cli.home.opened import quiet_logs
from node.cli.printing import say
from node.clock import Clock
from node.config import PORT_MAX
from node.use_cases.home import Made, init_home, open_config

PORT = click.IntRange(0, PORT_MAX)


@click.command()
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
            _print_made(context.home, made)


COMMANDS = {"init": init}


def _print_made(home: Path, made: Made) -> None:
    """What `init` has made, and the one thing to write down."""
    say(f"Your home is ready in {home}.\nThe name of its log is {made.origin}.\n")
    say("Write this recovery key on paper and keep it away from this machine. It is shown only now:\n")
    say(f"    {made.recovery_key}\n")
    say("Next: `rochdale run` opens your first page.")
