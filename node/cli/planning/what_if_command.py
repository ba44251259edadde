"""`rochdale plan what-if`: the plan tried again with other needs, capacities, caps, members or tastes."""

from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.calls import call as ask
from node.cli.files import read_bytes, read_json
from node.cli.printing import print_table, say
from node.clock import Clock
from node.use_cases.description import count
from node.use_cases.planning.exploring.changes import Changes
from node.use_cases.planning.exploring.till_file import FILE_BYTES_MAX, TillFile
from node.use_cases.planning.exploring.verbs import WhatIfParams, explore
from node.use_cases.planning.private_side import Release
from protocol.core.errors import RefusedError
from protocol.planning.plan import PLAN_BYTES_MOST, parse_plan

ROWS_SHOWN = 15
PPM_PER_PERCENT = 10_000
OTHER = "other"
"""In place of a gain: whoever has other tastes gets other things, which the scarcity before cannot weigh."""


@click.command(name="what-if")
@click.option(
    "--floor", "floors", multiple=True, metavar="GOOD=AMOUNT", help="A basic need, in whole units for each person."
)
@click.option("--capacity", "capacities", multiple=True, metavar="CARD=PERCENT", help="A workplace; 0: it is broken.")
@click.option("--endowment", "endowments", multiple=True, metavar="GOOD=PERCENT", help="A cap, hours or land.")
@click.option("--leaves", multiple=True, metavar="MEMBER", help="Who votes no, and leaves with all its cards.")
@click.option("--till", type=click.Path(path_type=Path), help="A till file in the place of a co-op's tastes; not kept.")
@click.option("--council", default="", metavar="CARD", help="Whose till it is; without it this home's own.")
@click.option("--release", type=click.Path(path_type=Path), help="A release (JSON) whose rules name the till's goods.")
@click.option("--beside", is_flag=True, help="Other ways to share, on the same cards.")
@click.option("--plan", type=click.Path(path_type=Path), help="A plan document; without it this home's newest draft.")
@click.option("--call", default="", help="The call's id; without it the newest.")
@click.pass_obj
def what_if(
    context: Context,
    floors: tuple[str, ...],
    capacities: tuple[str, ...],
    endowments: tuple[str, ...],
    leaves: tuple[str, ...],
    till: Path | None,
    council: str,
    release: Path | None,
    beside: bool,
    plan: Path | None,
    call: str,
) -> None:
    """Who would gain and who would lack. Members are guessed from what they spent; no record is written."""
    with exit_codes(context.as_json):
        changes = Changes(
            floors=_split("floor", floors),
            capacities=_read_percents("capacity", capacities),
            endowments=_read_percents("endowment", endowments),
            leaves=leaves,
        )
        file = None if till is None else _read_till(till, council, release)
        params = WhatIfParams(call=call, changes=changes, till=file, beside=beside)
        if plan is not None:
            answer = msgspec.to_builtins(explore(parse_plan(read_bytes(plan, PLAN_BYTES_MOST)), params, Clock()))
        else:
            answer = ask(context.home, "plan.what_if", params)
        print_answer(context.as_json, answer, _print_answer)


COMMANDS = {"plan what-if": what_if}


def _read_till(till: Path, council: str, release: Path | None) -> TillFile:
    rules = {}
    if release is not None:
        own = msgspec.convert(read_json(release), Release).council
        rules = {} if own is None else own.till
    return TillFile(name=till.name, content=read_bytes(till, FILE_BYTES_MAX), council=council, rules=rules)


def _split(option: str, written: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in written:
        name, mark, value = one.rpartition("=")
        if not mark or not name or not value:
            raise RefusedError.at(option, f"{one!r} is not of the form name=number")
        found[name] = value
    return found


def _read_percents(option: str, written: tuple[str, ...]) -> dict[str, int]:
    percents = _split(option, written)
    for name, value in percents.items():
        if not (value.isascii() and value.isdigit() and len(value) <= 4):
            raise RefusedError.at(option, f"{name}={value}: the share is a whole number of percent")
    return msgspec.convert({name: int(value) for name, value in percents.items()}, dict[str, int])


def _print_answer(answer: dict[str, Any]) -> None:
    if answer["what_if"] is None and not answer["ways"]:
        say("Nothing would be different. Say what: --floor, --capacity, --endowment, --leaves or --till.")
        say("--beside sets other ways to share beside the plan.")
        return
    if answer["till"] is not None:
        _print_till(answer["till"])
    if answer["what_if"] is not None:
        _print_what_if(answer["what_if"], answer["took_ms"], (answer["till"] or {}).get("council"))
    for way in answer["ways"]:
        _print_way(way)
    say("Members are guessed: each keeps to the shares of its credits that it spent. Nothing was proposed or written.")


def _print_till(told: dict[str, Any]) -> None:
    left_out = told["lines_left_out"]
    say(f"{told['name']}: {count(told['lines'], 'line')}, {left_out} of them no good of the plan; nothing was kept.")
    if told["summed"]:
        say(f"Too few households for these alone, so they share their sum evenly: {', '.join(told['summed'])}.")


def _print_what_if(found: dict[str, Any], took_ms: int, other_tastes: str | None) -> None:
    if found["unmet"]:
        say("The basic needs could not all be met, so there would be no plan until people choose how to share:")
        for one in found["unmet"]:
            share = f"shared equally, everybody gets {one['share_ppm'] / PPM_PER_PERCENT:.0f} % of it"
            say(f"  {one['good']}: {one['missing']} of {one['needed']} {one['unit']} are missing; {share}")
        return
    if found["trouble"]:
        say(f"No plan came of it: {found['trouble']}")
        return
    if found["gone"]:
        say(f"Nobody could make any more: {', '.join(found['gone'])}.")
    say(f"A plan after {count(found['rounds'], 'round')}, in {took_ms / 1000:.1f} s.")
    gains = {one["card"]: _signed(one["ppm"]) for one in found["councils"]}
    if other_tastes is not None:
        gains[other_tastes] = OTHER
    councils = [
        (one["card"], gains[one["card"]], ", ".join(one["less_of"]), ", ".join(one["more_of"]))
        for one in found["councils"]
    ]
    print_table(("council", "% more", "less of", "more of"), councils)
    moved = sorted((*found["goods"], *found["means"]), key=lambda one: -abs(one["ppm"]))
    rows = [(one["good"], one["before"], one["after"], one["unit"], _signed(one["ppm"])) for one in moved if one["ppm"]]
    print_table(("good", "before", "after", "unit", "%"), rows[:ROWS_SHOWN])


def _print_way(way: dict[str, Any]) -> None:
    if way["trouble"]:
        say(f"{way['name']}: {way['trouble']}")
        return
    lacks = f"{way['people_below']} people below a basic need" if way["people_below"] else "nobody below a basic need"
    least, most = way["least_ppm"] / PPM_PER_PERCENT, way["most_ppm"] / PPM_PER_PERCENT
    spread = f"a person gets {least:.0f} to {most:.0f} % of the mean"
    short = f"; short: {', '.join(good for good, _ in way['short'][:5])}" if way["short"] else ""
    over = f"; left over: {', '.join(good for good, _ in way['surplus'][:5])}" if way["surplus"] else ""
    say(f"{way['name']}: {lacks}; {spread}{short}{over}.")


def _signed(ppm: int) -> str:
    return f"{ppm / PPM_PER_PERCENT:+.1f}"
