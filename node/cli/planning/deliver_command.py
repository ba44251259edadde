"""`rochdale plan deliver`: the shortest ways for a plan's goods. With a file of places it needs no home.

Spec: docs/spec/planning/delivery.md
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes, read_json
from node.cli.printing import print_told
from node.cli.spreadsheet import print_csv
from node.use_cases.description import Rows, count, percent
from node.use_cases.planning.delivering import (
    DeliveryReport,
    Watch,
    deliver_plan,
    describe_delivery,
    list_lines,
    read_places,
)
from protocol.planning.delivery.document import format_delivery
from protocol.planning.plan import PLAN_BYTES_MOST, parse_plan
from storage.disk import write_durably

GOODS_SHOWN = 20


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--places", type=click.Path(path_type=Path), help="JSON: card to [north, east]; else as members said.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the delivery document to this file.")
@click.option("--csv", "as_csv", is_flag=True, help="Print every load as a line for a spreadsheet.")
@click.option("--card", default="", help="With --csv: only what this council or workplace gives and gets.")
@click.pass_obj
def deliver(context: Context, plan: Path, places: Path | None, out: Path | None, as_csv: bool, card: str) -> None:
    """Who brings what to whom, by the shortest ways, for the PLAN document, checked in whole numbers."""
    with exit_codes(context.as_json):
        document = parse_plan(read_bytes(plan, PLAN_BYTES_MOST))
        written = ask(context.home, "plan.places", {})["places"] if places is None else read_json(places)
        with _watch(context.as_json or as_csv) as watch:
            delivery = deliver_plan(document, read_places(written), watch)
        if out is not None:
            write_durably(out, format_delivery(delivery))
        if as_csv and not context.as_json:
            print_csv(list_lines(document, delivery, card))
            return
        report = describe_delivery(document, delivery)
        print_answer(context.as_json, msgspec.to_builtins(report), lambda _: print_told(_tell_delivery(report)))


COMMANDS = {"plan deliver": deliver}


@contextlib.contextmanager
def _watch(is_quiet: bool) -> Iterator[Watch]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=is_quiet or not console.is_terminal) as bar:
        task = bar.add_task("Goods on their ways", total=None)
        yield lambda done, of: bar.update(task, total=of, completed=done)


def _tell_delivery(report: DeliveryReport) -> Iterator[str | Rows]:
    rows = [(one.good, one.loads, one.amount, one.metres / 1_000, _judge(one.longer_ppm)) for one in report.goods]
    yield Rows(("good", "loads", "carried", "km on average", "shortest"), rows[:GOODS_SHOWN])
    if len(rows) > GOODS_SHOWN:
        yield f"and {count(len(rows) - GOODS_SHOWN, 'good')} more; --json gives all."
    if unproven := sum(one.longer_ppm is None for one in report.goods):
        went = f"{count(unproven, 'good')} went to the nearest first"
        yield f"{went}, which may not be shortest: install the extra `plan`."
    else:
        yield "No delivery of this plan has shorter ways: that is proven in the document."


def _judge(longer_ppm: int | None) -> str:
    if longer_ppm is None:
        return "unknown"
    return "proven" if longer_ppm == 0 else f"at most {percent(longer_ppm)} % longer"
