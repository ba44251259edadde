"""`rochdale plan gave|received|follow`: say what was carried under a plan, see what is open.

Spec: docs/spec/planning/following.md
"""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, print_answer, run_command
from node.cli.calls import call as ask
from node.cli.files import read_json
from node.cli.printing import print_table, say
from node.cli.spreadsheet import print_csv
from node.use_cases.planning.placing.known import HOW_TO_SAY

_CALL = click.option("--call", default="", help="The call's id; without it the newest.")
_CARD = click.option("--card", default="", help="Which of our cards, where we have several: its name or a part of it.")
_LINE = ("card", "good", "side", "planned", "promised", "done", "others", "open", "short", "unit")
_WAY = ("good", "source", "to", "planned", "given", "received", "unit")
_GOOD = ("good", "planned", "promised", "unsaid", "given", "received", "open", "short", "unit")


@click.command()
@click.argument("good")
@click.argument("amount")
@click.option("--to", "other", required=True, help="The card it went to: its name or a part of it.")
@_CARD
@_CALL
@click.pass_obj
def gave(context: Context, good: str, amount: str, other: str, card: str, call: str) -> None:
    """Sign that we gave AMOUNT of GOOD. To take back what was said too much, put -- before a negative AMOUNT."""
    _tell(context, {"what": "gave", "good": good, "amount": amount, "other": other, "card": card, "call": call})


@click.command()
@click.argument("good")
@click.argument("amount")
@click.option("--from", "other", required=True, help="The card it came from: its name or a part of it.")
@_CARD
@_CALL
@click.pass_obj
def received(context: Context, good: str, amount: str, other: str, card: str, call: str) -> None:
    """Sign that we received AMOUNT of GOOD. To take back what was said too much, put -- before a negative AMOUNT."""
    _tell(context, {"what": "received", "good": good, "amount": amount, "other": other, "card": card, "call": call})


@click.command()
@click.option(
    "--places", type=click.Path(path_type=Path), help="JSON: card to [north, east], before what members said."
)
@click.option("--ways", is_flag=True, help="From whom to whom, as both sides tell it.")
@click.option("--csv", "as_csv", is_flag=True, help="Print lines for a spreadsheet.")
@_CALL
@click.pass_obj
def follow(context: Context, places: Path | None, ways: bool, as_csv: bool, call: str) -> None:
    """How the plan in force is followed: promised, given and received, open, and what will be lacking."""
    with exit_codes(context.as_json):
        params = {"call": call, "ways": ways, "places": {} if places is None else read_json(places)}
        answer = ask(context.home, "plan.follow", params)
        if as_csv and not context.as_json:
            columns, rows = (_WAY, answer["ways"]) if ways else (_LINE, answer["lines"])
            print_csv([columns, *(tuple(row[column] for column in columns) for row in rows)])
            return
        print_answer(context.as_json, answer, lambda told: _print_follow(told, ways))


COMMANDS = {"plan gave": gave, "plan received": received, "plan follow": follow}


def print_promises(following: dict[str, Any] | None) -> None:
    """Who has promised its part of the plan in force, in two sentences."""
    if following is None:
        return
    promised = {line["card"] for line in following["lines"] if line["promised"] and not line["outside"]}
    say(f"In force. {len(promised)} cards have promised their part.")
    if following["missing"]:
        say(f"Not yet: {', '.join(following['missing'])}.")


def _tell(context: Context, params: dict[str, Any]) -> None:
    run_command(context, "plan.carried", params, lambda told: say(f"Signed: from {told['source']} to {told['to']}."))


def _print_follow(answer: dict[str, Any], ways: bool) -> None:
    print_promises(answer)
    _print_rows(_GOOD, answer["goods"])
    _print_rows(*((_WAY, answer["ways"]) if ways else (_LINE, answer["lines"])))
    if lacking := ", ".join(answer["without_place"]):
        say(f"Which way it was to go is not told: no place is known of {lacking}. {HOW_TO_SAY}")
    for way in answer["ways"]:
        if way["differs"]:
            told = (
                f"{way['source']} says it gave {way['given']} {way['unit']}, {way['to']} that it got {way['received']}"
            )
            say(f"{way['good']}: {told}.")


def _print_rows(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    print_table(columns, [tuple(row[column] for column in columns) for row in rows])
