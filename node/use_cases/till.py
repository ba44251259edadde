"""Taking in a till file, and seeing what was sold: all of it private to this node.

Invariant: a file is taken whole or not at all, unless the good rows are asked for; twice changes nothing.
Invariant: no household leaves this module, only how many there are.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from node.till.columns import ColumnMapping
from node.till.line_keys import key_lines
from node.till.plain_csv import FORMAT_NAME, parse_plain_csv
from node.till.row_reader import TOKEN_KEY_BYTES
from node.till.sale import Sale, TillFile
from node.till.text_decoding import FILE_BYTES_MAX
from node.use_cases.context import Node, NoParams, Operation
from node.use_cases.description import (
    Command,
    Rows,
    count,
    help_of,
    in_file,
    name_of,
    tell_rows,
    tell_some,
    typed,
)
from protocol.core.errors import Finding, RefusedError
from protocol.core.quantities import format_decimal
from storage.private import till_lines
from storage.private.till_lines import TillRow
from storage.settings import set_setting, setting

NAME_LENGTH_MAX = 200
HOUSEHOLD_KEY_SETTING = "till_household_key"


class TillParams(msgspec.Struct, kw_only=True):
    """A till file: its name and bytes, with a mapping of columns where the headers do not speak for themselves."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH_MAX), name_of("content")]
    content: Annotated[bytes, in_file(FILE_BYTES_MAX), typed("FILE")]
    encoding: Annotated[str, help_of("The file's text encoding.")] = "utf-8"
    mapping: Annotated[ColumnMapping | None, help_of("JSON file that names the column of each role.")] = None
    good_rows_only: Annotated[bool, help_of("Take the rows that can be read although others cannot.")] = False


class TillReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a till file holds, and what of it was new; findings are rows that could not be read."""

    name: str
    format: str
    taken: bool
    known_file: bool
    rows_read: int
    lines_new: int
    lines_known: int
    amount_cents: int
    refund_lines: int
    products: int
    households: int
    first_day: str
    last_day: str
    columns_dropped: tuple[str, ...]
    columns_unused: tuple[str, ...]
    findings: tuple[Finding, ...]
    findings_left_off: int


class TillFormat(msgspec.Struct, frozen=True):
    """A format by its name, and the roles that its columns can have."""

    name: str
    columns: tuple[str, ...]


class TillFormats(msgspec.Struct, frozen=True):
    """Every format that this node reads."""

    formats: tuple[TillFormat, ...]


class Wanted(msgspec.Struct, frozen=True):
    """One product of the till: quantity in thousandths of the unit sold, money in cents, households that bought it."""

    code: str
    name: str
    category: str
    quantity_milli: int
    amount_cents: int
    lines: int
    households: int


class ConsumptionReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that this home's till lines add up to; `products` by money, most first."""

    lines: int
    households: int
    weeks: tuple[str, ...]
    files: tuple[tuple[str, int, int, int], ...]
    products: tuple[Wanted, ...]


async def preview_file(node: Node, params: TillParams) -> TillReport:
    """Read a file and say what is in it; nothing is kept."""
    parsed = await _parse(node, params)
    return _report(params, parsed, taken=False, known_file=False, lines_new=0)


async def import_file(node: Node, params: TillParams) -> TillReport:
    """Take a till file in (private); the same file twice changes nothing. RefusedError lists every finding when it
    cannot be taken whole."""
    parsed = await _parse(node, params)
    if parsed.findings and not params.good_rows_only:
        raise RefusedError(f"{params.name}: nothing was imported", parsed.findings)
    rows = [_row_of(key, sale) for key, sale in key_lines(parsed.sales)]
    if not rows:
        raise RefusedError(f"{params.name}: no till lines in this file", parsed.findings)
    digest, now_ms = hashlib.sha256(params.content).digest(), node.clock.now_ms()
    lines_new, was_new = await node.database.write(
        lambda db: till_lines.add_file(db, params.name, digest, now_ms, rows)
    )
    return _report(params, parsed, taken=True, known_file=not was_new, lines_new=lines_new)


async def show_consumption(node: Node, _: NoParams) -> ConsumptionReport:
    """What was sold so far, by product."""
    db = node.database.reader
    found = sorted(till_lines.consumption(db), key=lambda one: (-one.amount_cents, one.category, one.product_code))
    products = tuple(
        Wanted(one.product_code, one.product_name, one.category, one.quantity_milli, one.amount_cents, *one[5:])
        for one in found
    )
    return ConsumptionReport(
        lines=till_lines.line_count(db),
        households=till_lines.household_count(db),
        weeks=tuple(till_lines.weeks(db)),
        files=tuple(till_lines.files(db)),
        products=products,
    )


async def list_formats(_: Node, __: NoParams) -> TillFormats:
    """The till formats that this node reads."""
    return TillFormats((TillFormat(FORMAT_NAME, ColumnMapping.__struct_fields__),))


async def _parse(node: Node, params: TillParams) -> TillFile:
    if len(params.content) > FILE_BYTES_MAX:
        raise RefusedError.at(params.name, f"{len(params.content)} bytes, at most {FILE_BYTES_MAX} are taken")
    token_key = await household_key(node)
    return await asyncio.to_thread(
        parse_plain_csv, params.content, token_key, params.mapping, params.encoding, params.good_rows_only
    )


async def household_key(node: Node) -> bytes:
    """The key that turns customer numbers into tokens: made once, never shown."""
    fresh = node.clock.random_bytes(TOKEN_KEY_BYTES)

    def find_or_make(db: Any) -> bytes:
        known = setting(db, HOUSEHOLD_KEY_SETTING)
        if isinstance(known, bytes):
            return known
        set_setting(db, HOUSEHOLD_KEY_SETTING, fresh)
        return fresh

    return await node.database.write(find_or_make)


def _row_of(key: bytes, sale: Sale) -> TillRow:
    return TillRow(
        key,
        sale.sold_at,
        sale.week,
        sale.product_code,
        sale.product_name,
        sale.category,
        sale.quantity_milli,
        sale.amount_cents,
        sale.household_token,
    )


def _report(params: TillParams, parsed: TillFile, *, taken: bool, known_file: bool, lines_new: int) -> TillReport:
    totals = parsed.totals
    return TillReport(
        name=params.name,
        format=parsed.format,
        taken=taken,
        known_file=known_file,
        rows_read=parsed.rows_read,
        lines_new=lines_new,
        lines_known=len(parsed.sales) - lines_new if taken else 0,
        amount_cents=totals.amount_cents,
        refund_lines=totals.refund_lines,
        products=totals.products,
        households=totals.households,
        first_day=totals.first_day,
        last_day=totals.last_day,
        columns_dropped=parsed.columns_dropped,
        columns_unused=parsed.columns_unused,
        findings=parsed.findings,
        findings_left_off=parsed.findings_left_off,
    )


def _tell_formats(answer: TillFormats) -> Iterator[str]:
    for found in answer.formats:
        yield f"{found.name}: a header line, then one line for each thing sold."
        yield f"  Roles that a column can have: {', '.join(found.columns)}."
    yield "Columns are found by the names in the header; --mapping names them where that does not do."


def _tell_report(report: TillReport) -> Iterator[str]:
    verb = "imported" if report.taken else "looked through, nothing kept"
    days = f" from {report.first_day} to {report.last_day}" if report.first_day else ""
    refunds = f", {count(report.refund_lines, 'refund')} taken off" if report.refund_lines else ""
    yield (
        f"{report.name}: {verb}. {count(report.rows_read, 'row')}{days}, {count(report.products, 'product')}, "
        f"{count(report.households, 'household')}, {format_decimal(report.amount_cents, 2)} in all{refunds}."
    )
    if report.known_file:
        yield "This very file was imported before; nothing was changed."
    elif report.taken:
        yield f"New lines: {report.lines_new}. Known already: {report.lines_known}."
    if report.columns_dropped:
        yield f"Left out as personal: {', '.join(report.columns_dropped)}."
    yield from tell_some([f"  {finding}" for finding in report.findings], report.findings_left_off)


def _tell_consumption(report: ConsumptionReport) -> Iterator[str | Rows]:
    if not report.lines:
        yield "No till lines yet: `rochdale till import FILE` takes them in."
        return
    lines, households = count(report.lines, "till line"), count(report.households, "household")
    yield f"{lines} of {households} in {count(len(report.weeks), 'week')}."
    rows = [
        (
            one.name or one.code,
            one.category,
            format_decimal(one.quantity_milli, 3),
            format_decimal(one.amount_cents, 2),
        )
        for one in report.products
    ]
    yield from tell_rows(("product", "category", "quantity", "money"), rows)


OPERATIONS = (
    Operation(
        "till.formats",
        NoParams,
        list_formats,
        "The till formats that this node reads.",
        writes=False,
        tell=_tell_formats,
        command=Command("till formats"),
    ),
    Operation(
        "till.preview",
        TillParams,
        preview_file,
        "Say what is in the till FILE; nothing is kept.",
        writes=False,
        tell=_tell_report,
        command=Command(
            "till preview",
            ("content",),
            "till.csv",
            group="Till files: preview and import them. They never leave this node.",
        ),
    ),
    Operation(
        "till.import",
        TillParams,
        import_file,
        "Take the till FILE in. The same file twice changes nothing; one with a bad row is not taken at all.",
        tell=_tell_report,
        command=Command("till import", ("content",), "till.csv"),
    ),
    Operation(
        "consumption.show",
        NoParams,
        show_consumption,
        "What was sold so far, by product, most money first.",
        writes=False,
        tell=_tell_consumption,
        command=Command("consumption"),
    ),
)
