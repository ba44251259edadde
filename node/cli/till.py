"""`rochdale till` and `rochdale consumption`: a till file in, what was sold out."""

import base64
from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.calls import Context, exit_codes, run_command
from node.cli.printing import cents, print_table, say
from protocol.core.errors import RefusedError
from protocol.core.quantities import format_decimal

FILE_BYTES_MAX = 50 * 1024 * 1024
SHOWN_MAX = 20


def add_commands(group: click.Group) -> None:
    """Hang this area's commands into `rochdale`."""
    group.add_command(till)
    group.add_command(consumption)


@click.group()
def till() -> None:
    """Till files: preview them, import them; they never leave this node."""


@till.command()
@click.pass_obj
def formats(context: Context) -> None:
    """The till formats that this node reads."""
    run_command(context, "till.formats", {}, _print_formats)


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


@click.command()
@click.pass_obj
def consumption(context: Context) -> None:
    """What was sold so far, by product, most money first."""
    run_command(context, "consumption.show", {}, _print_consumption)


def _read_params(file: Path, encoding: str, mapping: Path | None) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
        columns = None if mapping is None else msgspec.json.decode(mapping.read_bytes())
    except OSError as error:
        raise RefusedError.at(str(file), error.strerror or "cannot be read") from None
    except msgspec.DecodeError as error:
        raise RefusedError.at(str(mapping), f"not JSON: {error}") from None
    encoded = base64.b64encode(content).decode()
    return {"name": file.name, "content": encoded, "encoding": encoding, "mapping": columns}


def _print_formats(answer: dict[str, Any]) -> None:
    for found in answer["formats"]:
        say(f"{found['name']}: reads the columns {', '.join(found['columns'])}")


def _print_report(report: dict[str, Any]) -> None:
    verb = "imported" if report["taken"] else "previewed"
    say(
        f"{report['name']}: {verb}, {report['rows_read']} rows from {report['first_day']} to {report['last_day']}, "
        f"{report['products']} products, {report['households']} households, {cents(report['amount_cents'])} in all."
    )
    if report["known_file"]:
        say("This very file was imported before; nothing was changed.")
    elif report["taken"]:
        say(f"{report['lines_new']} lines were new, {report['lines_known']} were known already.")
    if report["columns_dropped"]:
        say(f"Left out as personal: {', '.join(report['columns_dropped'])}.")
    for finding in report["findings"]:
        say(f"  {finding['place']}: {finding['reason']}")


def _print_consumption(report: dict[str, Any]) -> None:
    say(f"{report['lines']} till lines of {report['households']} households in {len(report['weeks'])} weeks.")
    rows = [
        (
            one["name"] or one["code"],
            one["category"],
            format_decimal(one["quantity_milli"], 3),
            cents(one["amount_cents"]),
        )
        for one in report["products"][:SHOWN_MAX]
    ]
    print_table(("product", "category", "quantity", "money"), rows)
