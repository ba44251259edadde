"""Plain CSV tills: a header line, then one line for each thing sold.

Comma, semicolon or tab, whichever the header is split by; the cells themselves use a decimal point.
Invariant: all or nothing, unless the good rows are asked for; a bad row is named by line, column and reason.
Invariant: nothing of a personal column is returned but a keyed token of the household.
Guide: docs/guides/till.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from node.till.columns import ColumnMapping, Columns, find_columns
from node.till.row_reader import TOKEN_KEY_BYTES, RowReader
from node.till.sale import Sale, TillFile, Totals, sum_sales
from node.till.text_decoding import decode_text
from protocol.core.errors import Finding, MisuseError

FORMAT_NAME: Final = "plain-csv"
ROWS_MAX: Final = 1_000_000
COLUMNS_MAX: Final = 256
FINDINGS_MAX: Final = 200
DELIMITERS: Final = (",", ";", "\t")


def parse_plain_csv(
    raw: bytes,
    token_key: bytes,
    mapping: ColumnMapping | None = None,
    encoding: str = "utf-8",
    good_rows_only: bool = False,
) -> TillFile:
    """Read a plain CSV file.

    `token_key` is the node's own 32-byte key for household tokens. Without a `mapping` the columns are found by known
    header names. With `good_rows_only` the rows that can be read are returned although others cannot.
    Raises MisuseError when the key is not 32 bytes; all that is wrong with the file is in `findings`.
    """
    if len(token_key) != TOKEN_KEY_BYTES:
        raise MisuseError(f"token_key must be {TOKEN_KEY_BYTES} bytes, not {len(token_key)}")
    text, findings = decode_text(raw, encoding)
    if findings:
        return _refuse_file(findings)
    delimiter = _find_delimiter(text)
    rows = _number_rows(text, delimiter)
    try:
        _, header = next(rows, (1, []))
    except csv.Error as error:
        return _refuse_file([Finding("header", f"cannot be split into cells: {error}")])
    if len(header) > COLUMNS_MAX:
        return _refuse_file([Finding("header", f"{len(header)} columns: more than {COLUMNS_MAX}")])
    columns, findings = find_columns([name.strip() for name in header], mapping)
    if columns is None:
        return _refuse_file(findings)
    return read_rows(rows, columns, token_key, good_rows_only)


def _refuse_file(findings: list[Finding]) -> TillFile:
    """A file of which no row can be read."""
    return TillFile(FORMAT_NAME, (), tuple(findings), (), (), 0, 0, 0, Totals())


def _find_delimiter(text: str) -> str:
    """The mark that splits the header line into most cells; a comma when none does."""
    header = text[: text.find("\n")] if "\n" in text else text
    return max(DELIMITERS, key=header.count)


def _number_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with the line of the file on which it starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for row in reader:
        if any(row):
            yield line, row
        line = reader.line_num + 1


def read_rows(
    rows: Iterator[tuple[int, list[str]]], columns: Columns, token_key: bytes, good_rows_only: bool
) -> TillFile:
    """Read every row after the header."""
    reader = RowReader(columns, token_key)
    sales: list[Sale] = []
    findings: list[Finding] = []
    rows_read = rows_bad = left_off = 0
    unreadable = False
    try:
        for line, row in rows:
            rows_read += 1
            if rows_read > ROWS_MAX:
                findings.append(Finding(f"line {line}", f"more than {ROWS_MAX} rows; split the file by month"))
                unreadable = True
                break
            sale, problems = reader.read(line, row)
            if sale is not None:
                sales.append(sale)
                continue
            rows_bad += 1
            room = max(0, FINDINGS_MAX - len(findings))
            findings += problems[:room]
            left_off += len(problems[room:])
    except csv.Error as error:
        findings.append(Finding(f"after row {rows_read}", f"cannot be split into cells: {error}"))
        unreadable = True
    if not rows_read:
        findings.append(Finding("file", "there is a header but no row below it"))
    # A file that breaks off is never taken in part: what follows the break is unknown.
    taken = sales if not findings or (good_rows_only and not unreadable) else []
    return TillFile(
        format=FORMAT_NAME,
        sales=tuple(taken),
        findings=tuple(findings),
        columns_dropped=columns.dropped,
        columns_unused=columns.unused,
        rows_read=rows_read,
        rows_bad=rows_bad,
        findings_left_off=left_off,
        totals=sum_sales(sales),
    )
