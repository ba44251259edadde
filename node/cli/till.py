"""`rochdale till preview|import`: a till file looked at, and taken in."""

import base64
from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, run_command
from node.cli.files import read_bytes, read_json
from node.cli.printing import cents, say
from node.till.columns import ColumnMapping
from node.use_cases.description import count
from node.use_cases.till import FILE_BYTES_MAX, NAME_LENGTH_MAX
from protocol.core.errors import RefusedError

SHOWN_MAX = 20


@click.group()
def till() -> None:
    """Till files: preview and import them. They never leave this node."""


@till.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encoding", default="utf-8", show_default=True, help="The file's text encoding.")
@click.option("--mapping", type=click.Path(path_type=Path), help="JSON file that names the column of each role.")
@click.pass_obj
def preview(context: Context, file: Path, encoding: str, mapping: Path | None) -> None:
    """Say what is in FILE; nothing is kept."""
    with exit_codes(context.as_json):
        params = _read_params(file, encoding, mapping)
    run_command(context, "till.preview", params, _print_report)


@till.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encoding", default="utf-8", show_default=True, help="The file's text encoding.")
@click.option("--mapping", type=click.Path(path_type=Path), help="JSON file that names the column of each role.")
@click.option("--good-rows-only", is_flag=True, help="Take the rows that can be read although others cannot.")
@click.pass_obj
def import_(context: Context, file: Path, encoding: str, mapping: Path | None, good_rows_only: bool) -> None:
    """Take FILE in. The same file twice changes nothing; a file with a bad row is not taken at all."""
    with exit_codes(context.as_json):
        params = _read_params(file, encoding, mapping) | {"good_rows_only": good_rows_only}
    run_command(context, "till.import", params, _print_report)


COMMANDS = {"till": till}


def _read_params(file: Path, encoding: str, mapping: Path | None) -> dict[str, Any]:
    encoded = base64.b64encode(read_bytes(file, FILE_BYTES_MAX)).decode()
    columns = None if mapping is None else _read_mapping(mapping)
    name = file.name.encode("utf-8", "replace").decode()[:NAME_LENGTH_MAX]
    return {"name": name, "content": encoded, "encoding": encoding, "mapping": columns}


def _read_mapping(path: Path) -> ColumnMapping:
    try:
        return msgspec.convert(read_json(path), ColumnMapping)
    except msgspec.ValidationError as error:
        raise RefusedError.at(str(path), str(error)) from None


def _print_report(report: dict[str, Any]) -> None:
    verb = "imported" if report["taken"] else "looked through, nothing kept"
    days = f" from {report['first_day']} to {report['last_day']}" if report["first_day"] else ""
    refunds = f", {count(report['refund_lines'], 'refund')} taken off" if report["refund_lines"] else ""
    say(
        f"{report['name']}: {verb}. {count(report['rows_read'], 'row')}{days}, {count(report['products'], 'product')}, "
        f"{count(report['households'], 'household')}, {cents(report['amount_cents'])} in all{refunds}."
    )
    if report["known_file"]:
        say("This very file was imported before; nothing was changed.")
    elif report["taken"]:
        say(f"New lines: {report['lines_new']}. Known already: {report['lines_known']}.")
    if report["columns_dropped"]:
        say(f"Left out as personal: {', '.join(report['columns_dropped'])}.")
    findings = report["findings"]
    for finding in findings[:SHOWN_MAX]:
        say(f"  {finding['place']}: {finding['reason']}")
    more = len(findings[SHOWN_MAX:]) + report["findings_left_off"]
    if more:
        say(f"  and {more} more.")
