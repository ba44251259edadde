"""`rochdale plan preview|propose`: what would go out, and who lets it go.

Spec: docs/guides/proposal.md
"""

from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, run_command
from node.cli.files import read_json
from node.cli.printing import print_table, say
from node.use_cases.description import count
from protocol.core.errors import RefusedError

RECIPES = {True: "private", False: "open"}
_RELEASE = click.argument("release", type=click.Path(path_type=Path), required=False)
_EDIT = click.option("--edit", "edits", multiple=True, metavar="GOOD=PERCENT", help="Of what the card would say.")
_READING = click.option("--reading", default=1, show_default=True, help="Which reading this is for.")
_CALL = click.option("--call", default="", help="The call's id; without it the newest.")


@click.command()
@_RELEASE
@_EDIT
@_READING
@_CALL
@click.pass_obj
def preview(context: Context, release: Path | None, edits: tuple[str, ...], reading: int, call: str) -> None:
    """Every line that RELEASE (JSON; without it the last one) would send out, and where it comes from."""
    with exit_codes(context.as_json):
        params = _read_params(release, edits, reading, call)
    run_command(context, "plan.preview", params, _print_preview)


@click.command()
@_RELEASE
@_EDIT
@_READING
@click.option("--standing", is_flag=True, help="For this reading and all later ones of the call.")
@click.option("--digest", default="", help="Of the preview that was read: other lines are refused.")
@_CALL
@click.pass_obj
def propose(
    context: Context, release: Path | None, edits: tuple[str, ...], reading: int, standing: bool, digest: str, call: str
) -> None:
    """Release our cards in RELEASE (JSON; without it the last one), and the answers that follow from them."""
    with exit_codes(context.as_json):
        params = {**_read_params(release, edits, reading, call), "standing": standing, "digest": digest}
    run_command(context, "plan.propose", params, _print_released)


COMMANDS = {"plan preview": preview, "plan propose": propose}


def _read_params(release: Path | None, edits: tuple[str, ...], reading: int, call: str) -> dict[str, Any]:
    given = None if release is None else read_json(release)
    return {"release": given, "edits_percent": dict(map(_read_edit, edits)), "reading": reading, "call": call}


def _read_edit(text: str) -> tuple[str, int]:
    good, _, percent = text.rpartition("=")
    if not good or not percent.isdecimal() or not percent.isascii():
        raise RefusedError.at("--edit", "is not GOOD=PERCENT, as in bread=150")
    return good, int(percent)


def _print_preview(answer: dict[str, Any]) -> None:
    say(f"{count(answer['people'], 'person', 'people')}, {answer['credits']} credits. Nothing has gone out.")
    print_table(("nest", "sigma", "credits"), [(one["nest"], one["sigma"], one["credits"]) for one in answer["nests"]])
    rows = [
        (one["good"], one["nest"], f"{one['want']} {one['unit']}", one["floor"], "; ".join(one["sources"]))
        for one in answer["lines"]
    ]
    print_table(("good", "nest", "want", "floor", "from"), rows)
    if answer["workplaces"]:
        offers = [
            (
                one["label"],
                one["capacity"],
                one["least"],
                ", ".join(one["makes"]),
                RECIPES[one["is_private"]],
            )
            for one in answer["workplaces"]
        ]
        print_table(("workplace", "capacity", "least", "makes", "recipes"), offers)
    say(f"Release these very lines with `plan propose --digest {answer['digest']}`.")
    if answer["till_lines_left_out"]:
        say(f"{count(answer['till_lines_left_out'], 'till line')} count as no good: look at the rules under `till`.")


def _print_released(answer: dict[str, Any]) -> None:
    which = " and ".join(map(str, answer["readings"]))
    say(f"Released for reading {which}; your node answers from now on.")
