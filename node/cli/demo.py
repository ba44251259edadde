"""`rochdale demo`: a made-up region on this machine, from till files to a ratified plan, then its pages."""

import contextlib
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

import click

from node.cli.calls import Context, exit_codes
from node.cli.home.opened import quiet_logs
from node.cli.printing import print_table, say
from node.simulation.demo.node_process import CLOCK
from node.simulation.demo.report import make_report
from node.simulation.demo.run import Demo
from node.simulation.demo.tills import open_source
from node.simulation.region.region import load_region
from protocol.core.errors import RefusedError


@click.command()
@click.option("--once", is_flag=True, help="End after the plan instead of serving the pages until Ctrl-C.")
@click.option(
    "--data",
    type=click.Choice(["journey", "generated"]),
    default="journey",
    show_default=True,
    help="Till lines of the grocery data package, or generated ones.",
)
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the homes in this empty folder.")
@click.option("--json", "json_here", is_flag=True, help="Print one JSON object last.")
@click.pass_obj
def demo(context: Context, once: bool, data: str, folder: Path | None, json_here: bool) -> None:
    """Run a made-up region: ten nodes that disclose, price and plan together."""
    quiet_logs()
    as_json = context.as_json or json_here
    with exit_codes(as_json):
        place = _open_folder(folder)
        region = load_region()
        run = Demo(place, region, open_source(data, region), _teller())
        signal.signal(signal.SIGTERM, _end)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                run.run()
                report = make_report(run)
                _print_report(report, as_json)
                if not once:
                    _serve(run)
        finally:
            run.stop()
            if folder is None:
                shutil.rmtree(place, ignore_errors=True)


COMMANDS = {"demo": demo}


def _open_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="rochdale-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise RefusedError.at(str(folder), "the folder is not empty")
    return folder


def _teller() -> Any:
    started_s = CLOCK.monotonic_s()

    def tell(sentence: str) -> None:
        click.echo(f"{CLOCK.monotonic_s() - started_s:6.1f} s  {sentence}", err=True)

    return tell


def _print_report(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        sys.stdout.flush()
        return
    plan = {key: value for key, value in report["plan"].items() if key != "binds"}
    rows = [(key.replace("_", " "), value) for key, value in report.items() if key != "plan"]
    rows += [(f"plan: {key.replace('_', ' ')}", value) for key, value in plan.items()]
    print_table(("measured in this run", ""), rows)
    for kind, names in report["plan"]["binds"].items():
        say(f"\nWhat holds the plan back, {kind}: {'; '.join(names)}.")


def _serve(run: Demo) -> None:
    say("\nThe members' pages, until Ctrl-C:")
    for node in run.nodes.values():
        say(f"  {node.name:24} {node.pages}")
    while True:
        CLOCK.pause(1)


def _end(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
