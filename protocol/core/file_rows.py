"""Files that people hand in: JSON with numbers as decimal strings, read field by field, each refused with its place.

Invariant: a name stands once in an object, and a number is what is written; nothing is guessed.
Spec: docs/spec/planning/planning-step.md, section "Economy file"
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from protocol.core.errors import RefusedError

DIGITS_MOST: Final = 40
NUMBER_MOST: Final = 10**15

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)

Row = dict[str, Any]


def decode_file(encoded: bytes, bytes_most: int) -> Row:
    """The object in a file's bytes, nothing of it read yet; RefusedError where it is none."""
    if len(encoded) > bytes_most:
        raise RefusedError.at("file", f"longer than {bytes_most} bytes")
    try:
        document = json.loads(encoded, object_pairs_hook=_refuse_twins)
    except (ValueError, RecursionError) as error:
        raise RefusedError.at("file", f"is not JSON: {error}") from error
    return read_table(document, "file")


def read_table(value: object, place: str) -> Row:
    """An object with names."""
    if not isinstance(value, dict):
        raise RefusedError.at(place, "must be an object")
    return value


def read_list(value: object, place: str) -> list[Any]:
    """A list of anything."""
    if not isinstance(value, list):
        raise RefusedError.at(place, "must be a list")
    return value


def read_rows(document: Mapping[str, Any], side: str) -> list[Row]:
    """The list of objects that a document has by this name."""
    return [read_table(row, f"{side}[{place}]") for place, row in enumerate(read_list(document.get(side), side))]


def read_name(fields: Mapping[str, Any], place: str) -> str:
    """The `id` of a row."""
    name = fields.get("id")
    if not isinstance(name, str) or not name:
        raise RefusedError.at(f"{place}.id", "must be a name")
    return name


def check_once(names: Sequence[str], place: str) -> None:
    """RefusedError where a name stands twice among them."""
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise RefusedError.at(place, f"{twice!r} stands there twice")


def read_signed(fields: Mapping[str, Any], key: str, place: str, missing: Decimal | None = None) -> Decimal:
    """A plain decimal number; `missing` where it may be left out."""
    written = fields.get(key)
    if written is None and missing is not None:
        return missing
    if not isinstance(written, str) or not _PLAIN.fullmatch(written) or len(written) > DIGITS_MOST:
        raise RefusedError.at(f"{place}.{key}", 'must be a plain decimal number in quotes, such as "12.5"')
    number = Decimal(written)
    if abs(number) > NUMBER_MOST:
        raise RefusedError.at(f"{place}.{key}", f"{written!r} is beyond {NUMBER_MOST:,}")
    return number


def read_number(fields: Mapping[str, Any], key: str, place: str, missing: Decimal | None = None) -> Decimal:
    """A plain decimal number of 0 or more."""
    number = read_signed(fields, key, place, missing)
    if number < 0:
        raise RefusedError.at(f"{place}.{key}", f"{fields[key]} is below 0")
    return number


def read_above(fields: Mapping[str, Any], key: str, place: str, missing: Decimal | None = None) -> Decimal:
    """A plain decimal number above 0."""
    number = read_number(fields, key, place, missing)
    if number == 0:
        raise RefusedError.at(f"{place}.{key}", "must be above 0")
    return number


def round_to(number: Decimal, direction: str) -> int:
    """A whole number, rounded as one of decimal's directions says."""
    return int(number.to_integral_value(rounding=direction))


def _refuse_twins(pairs: list[tuple[str, Any]]) -> Row:
    """JSON lets a name stand twice in one object and readers take either: here it is a mistake."""
    table = dict(pairs)
    if len(table) < len(pairs):
        name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise RefusedError.at("file", f"{name!r} stands twice in one object")
    return table
