"""`rochdale plan schedule`: what the plan asks of each, for the wall of the bakery and the driver's seat."""

from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes, read_json
from node.cli.printing import print_told
from node.cli.spreadsheet import print_csv
from node.use_cases.planning.delivering import read_places
from node.use_cases.planning.schedule import Schedule, describe_schedule, list_schedule_lines, tell_schedule
from node.use_cases.supply.board import Board
from protocol.planning.plan import PLAN_BYTES_MOST, parse_plan


@click.command()
@click.option(
    "--places", type=click.Path(path_type=Path), help="JSON: card to [north, east], before what members said."
)
@click.option("--card", default="", help="One council or workplace, or a co-op with all of its own.")
@click.option("--csv", "as_csv", is_flag=True, help="Print lines for a spreadsheet.")
@click.option("--call", default="", help="The call's id; without it the newest.")
@click.option(
    "--plan", "document", type=click.Path(path_type=Path), help="A plan document in place of a call: no home."
)
@click.pass_obj
def schedule(context: Context, places: Path | None, card: str, as_csv: bool, call: str, document: Path | None) -> None:
    """What the newest draft asks of each: what to make, what to give to whom, what comes from whom, at which price."""
    with exit_codes(context.as_json):
        where: dict[str, Any] = {} if places is None else read_json(places)
        if document is None:
            answer = ask(context.home, "plan.schedule", {"call": call, "card": card, "places": where})
            told = msgspec.convert(answer, Schedule)
        else:
            plan = parse_plan(read_bytes(document, PLAN_BYTES_MOST))
            told = describe_schedule(plan, read_places(where), card, Board())
        if as_csv and not context.as_json:
            print_csv(list_schedule_lines(told))
            return
        print_answer(context.as_json, msgspec.to_builtins(told), lambda _: print_told(tell_schedule(told)))


COMMANDS = {"plan schedule": schedule}
