"""`rochdale`: the command a volunteer types.

Invariant: what a command writes is its owner's alone to read.
"""

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from node.cli.calls import Context, print_error
from node.cli.command_tree import hang_commands, read_index
from node.config import OWNER_ONLY, default_home
from node.use_cases.description import EXIT_MISUSE, EXIT_REFUSED

VERSION = "0.1.0"
HELP_WIDTH = 100
ROAD = (
    *("init", "run", "status", "till", "consumption", "peer", "federation", "product", "disclosure", "price", "key"),
    *("plan", "log", "audit", "demo", "simulate"),
)
EPILOG = "Begin with `rochdale run`: it makes a home, if there is none yet, and says where your first page is."


class _VolunteersRoad(click.Group):
    """Lists the commands in the order in which a co-op comes to need them, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Along the road; what it does not name stands at its end."""
        return sorted(self.commands, key=lambda name: ROAD.index(name) if name in ROAD else len(ROAD))


@click.group(
    cls=_VolunteersRoad,
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


hang_commands(rochdale, read_index())


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
