"""The till formats this node reads, each by one small adapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from node.till import plain_csv
from node.till.columns import SYNONYMS, ColumnMapping
from node.till.sale import TillFile
from protocol.core.errors import RefusedError

Reader = Callable[[bytes, bytes, ColumnMapping | None, str, bool], TillFile]


class TillFormat(msgspec.Struct, frozen=True):
    """One format: its name on the command line, what it is, and its adapter."""

    name: str
    title: str
    headers: dict[str, tuple[str, ...]]
    read: Reader


FORMATS: Final = (
    TillFormat(
        name=plain_csv.FORMAT_NAME,
        title="plain CSV with a header line; columns found by name or by a saved mapping",
        headers=dict(SYNONYMS),
        read=plain_csv.parse_plain_csv,
    ),
)


def parse_till_file(
    raw: bytes,
    token_key: bytes,
    format_name: str = plain_csv.FORMAT_NAME,
    mapping: ColumnMapping | None = None,
    encoding: str = "utf-8",
    good_rows_only: bool = False,
) -> TillFile:
    """Read a till file in a named format; RefusedError names the known ones when it is none of them."""
    for till_format in FORMATS:
        if till_format.name == format_name:
            return till_format.read(raw, token_key, mapping, encoding, good_rows_only)
    raise RefusedError(f"format: not known; known are {', '.join(known.name for known in FORMATS)}")


def parse_mapping(raw: bytes) -> ColumnMapping:
    """A saved mapping from its JSON file; RefusedError says what is wrong with it."""
    try:
        return msgspec.json.decode(raw, type=ColumnMapping)
    except msgspec.DecodeError as error:
        raise RefusedError(f"mapping: {error}") from error


def format_mapping(mapping: ColumnMapping) -> bytes:
    """A mapping as the JSON file that `parse_mapping` reads."""
    return msgspec.json.format(msgspec.json.encode(mapping), indent=2)
