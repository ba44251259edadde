"""`rochdale federation charter|amend|agree|exception`: the charter, and how its members come to another.

Spec: docs/spec/federation.md
"""

import json
from pathlib import Path
from typing import Any

import click

from node.cli.calls import Context, exit_codes, run_command
from node.cli.files import read_json
from node.cli.printing import count, say
from protocol.core.errors import RefusedError


@click.command()
@click.pass_obj
def charter(context: Context) -> None:
    """The charter in force, and what members want in its place."""
    run_command(context, "federation.charter", {}, _print_charter)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def amend(context: Context, file: Path) -> None:
    """Say that we want the charter in FILE (JSON). It is decided once enough members want the same."""
    with exit_codes(context.as_json):
        params = {"charter": read_json(file)}
    run_command(context, "federation.amend", params, _print_wanted)


@click.command()
@click.argument("hash_hex", metavar="HASH")
@click.pass_obj
def agree(context: Context, hash_hex: str) -> None:
    """Say that we want the charter HASH, which another member has proposed."""
    run_command(context, "federation.agree", {"charter": hash_hex}, _print_wanted)


@click.command(name="exception")
@click.argument("member")
@click.option("--floor", "floors", multiple=True, metavar="GOOD=AMOUNT", help="A need in all, in whole units.")
@click.option("--credits", default="0", show_default=True, help="Credits beyond what its heads bring.")
@click.option("--reason", default="", help="Why, in a sentence that all may read; nothing about a person.")
@click.pass_obj
def propose_exception(context: Context, /, member: str, floors: tuple[str, ...], **said: str) -> None:
    """Want an exception for the co-op whose log is MEMBER. Without a floor or credits its exception ends."""
    with exit_codes(context.as_json):
        params = {"member": member, "floors": dict(map(_read_floor, floors)), **said}
    run_command(context, "federation.exception", params, _print_wanted)


def _read_floor(text: str) -> tuple[str, str]:
    good, _, amount = text.rpartition("=")
    if not good or not amount:
        raise RefusedError.at("--floor", "is not GOOD=AMOUNT, as in milk=40")
    return good, amount


def _print_wanted(answer: dict[str, Any]) -> None:
    say(f"Your log says that you want charter {answer['charter']}.")
    wanted = count(answer["needed"], "member wants", "members want")
    say(f"It is decided once {wanted} it: `federation charter` shows who does.")


def _print_charter(report: dict[str, Any]) -> None:
    say(json.dumps(report["charter"], indent=2, ensure_ascii=False))
    say(f"In force: {report['hash']}.")
    for one in report["proposed"]:
        say(f"\nWanted instead by {', '.join(one['wanted_by'])} ({one['needed']} must want it): {one['hash']}")
        for change in one["changes"]:
            say(f"  {change['place']}: {json.dumps(change['now'])} becomes {json.dumps(change['then'])}")
        say("  `rochdale federation agree` with this hash says that you want it too.")
