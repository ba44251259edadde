"""`rochdale audit levels`: check a plan above and its regions' plans, and who spoke for whom. Needs no home.

Invariant: exit code 1 when anything is found wanting.
Spec: docs/spec/planning/nested-plans.md, section "On real nodes"
"""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, print_answer
from node.cli.files import read_bytes
from node.cli.printing import say
from node.use_cases.description import EXIT_REFUSED, count, percent
from node.use_cases.planning.nested.auditing import audit_levels
from protocol.core.errors import RefusedError
from protocol.planning.audit.minutes import MINUTES_BYTES_MAX
from protocol.planning.nested.levels_file import REGIONS_MOST
from protocol.planning.plan import PLAN_BYTES_MOST

_FILE = click.Path(path_type=Path)


@click.command(name="levels")
@click.argument("above", type=_FILE)
@click.argument("minutes", type=_FILE)
@click.option("--region", "regions", type=(_FILE, _FILE), multiple=True, help="A region's DOCUMENT and MINUTES.")
@click.pass_obj
def audit_levels_command(context: Context, above: Path, minutes: Path, regions: tuple[tuple[Path, Path], ...]) -> None:
    """Check ABOVE, the document of a plan above, with its MINUTES and those of its regions.

    Each plan is checked as `audit plan` does; then every answer of those who spoke for a region is worked out again
    from the minutes of both calls, and all plans together are checked as one.
    """
    with exit_codes(context.as_json):
        if not 1 <= len(regions) <= REGIONS_MOST:
            raise RefusedError.at("region", f"give the files of 1 to {REGIONS_MOST} regions")
        names = [document.stem for document, _ in regions]
        if len(set(names)) != len(names):
            raise RefusedError.at("region", "two documents have the same file name: each names its region")
        files = dict(zip(names, (_read_files(*paths) for paths in regions), strict=True))
        report = audit_levels(_read_files(above, minutes), files)
        print_answer(context.as_json, msgspec.to_builtins(report), _print_report)
        if not report.holds:
            sys.exit(EXIT_REFUSED)


COMMANDS = {"audit levels": audit_levels_command}


def _read_files(document: Path, minutes: Path) -> tuple[bytes, bytes]:
    return read_bytes(document, PLAN_BYTES_MOST), read_bytes(minutes, MINUTES_BYTES_MAX)


def _print_report(report: dict[str, Any]) -> None:
    for name, origin in report["speakers"].items():
        say(f"{name}: {origin} speaks for it.")
    say(f"{count(report['answers_checked'], 'answer')} for another level worked out again.")
    for finding in report["findings"]:
        say(f"{finding['place']}: {finding['reason']}")
    wanting = len(report["findings"])
    say(f"{count(wanting, 'thing is', 'things are')} wanting." if wanting else "Nothing is wanting.")
    if report["gap_ppm"] is not None:
        say(f"No plan of all together could be better by more than {percent(report['gap_ppm'])} % of all credits.")
    for origin in report["unheard"]:
        say(f"Not checked: the region that {origin} speaks for; its files were not given.")
