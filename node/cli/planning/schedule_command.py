"""`rochdale plan schedule`: what the plan asks of each, for the wall of the bakery and the driver's seat."""

from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes, read_json
from node.cli.printing import print_table, say
from node.cli.spreadsheet import print_csv
from node.use_cases.planning.delivering import read_places
from node.use_cases.planning.placing.known import HOW_TO_SAY
from node.use_cases.planning.schedule import Schedule, describe_schedule, list_schedule_lines
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
        else:
            plan = parse_plan(read_bytes(document, PLAN_BYTES_MOST))
            answer = msgspec.to_builtins(describe_schedule(plan, read_places(where), card, Board()))
        if as_csv and not context.as_json:
            print_csv(list_schedule_lines(msgspec.convert(answer, Schedule)))
            return
        print_answer(context.as_json, answer, _print_schedule)


COMMANDS = {"plan schedule": schedule}


def _print_schedule(answer: dict[str, Any]) -> None:
    for card in answer["cards"]:
        say(f"\n{card['card']}{', ' if answer['period'] else ''}{answer['period']}")
        rows: list[tuple[object, ...]] = []
        for activity in card["does"]:
            if activity["batches"]:
                size = f"of {activity['batch']}"
                rows.append(("batches", f"technique {activity['technique']}", activity["batches"], size, "", ""))
            rows += [("makes", one["good"], one["amount"], one["unit"], "", "") for one in activity["makes"]]
            rows += [("uses", one["good"], one["amount"], one["unit"], "", "") for one in activity["uses"]]
        if not answer["has_ways"]:
            rows += [("takes", one["good"], one["amount"], one["unit"], "", "") for one in card["takes"]]
        for what, loads in (("gives", card["gives"]), ("gets", card["gets"])):
            for one in loads:
                way = f"{'to' if what == 'gives' else 'from'} {one['other']}, {one['metres'] / 1_000:.1f} km"
                price = f"{one['price']} a {one['price_unit']}" if one["price_unit"] else one["price"]
                rows.append((what, one["good"], one["amount"], one["unit"], way, price))
        print_table(("", "good", "amount", "unit", "with", "price"), rows)
    if not answer["has_ways"]:
        lacking = answer["without_place"]
        known = f"Nobody has said where these are: {', '.join(lacking)}. " if lacking else ""
        say(f"Who brings what to whom is not told. {known}{HOW_TO_SAY} Or give a file with --places.")
