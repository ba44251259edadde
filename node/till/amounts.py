"""Numbers and days as tills write them, read exactly: never through a float.

Each parser answers a value or raises `CellError` with a reason that a person can act on.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal

DateOrder = Literal["year_first", "day_first", "month_first"]

# Nine digits before the point keep every product of a price and a quantity far inside int64.
NUMBER: Final = re.compile(r"([+-]?)(\d{1,9})(?:\.(\d{0,9}))?\Z", re.ASCII)
MONEY_SIGNS: Final = "$£€"
QUANTITY_DECIMALS: Final = 3
CENT_DECIMALS: Final = 2
PRICE_DECIMALS: Final = 6
SHOWN_CHARS: Final = 40

ISO_DAY: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z| ?[+-]\d{2}:?\d{2})?)?\Z",
    re.ASCII,
)
SLASH_DAY: Final = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?:,?[T ]\d{1,2}:\d{2}(?::\d{2})?)?\Z", re.ASCII)
YEAR_FIRST: Final = 1990
YEAR_LAST: Final = 2200


class CellError(ValueError):
    """One cell that cannot be read; the text is the reason shown to the person who brought the file."""


def show_cell(text: str) -> str:
    """A cell as it is quoted in a finding: short, and without characters that could move the cursor."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:SHOWN_CHARS])
    return f"'{shown}'" if len(text) <= SHOWN_CHARS else f"'{shown}…'"


def _parse_decimals(text: str, decimals: int) -> int:
    """The number in units of 10^-decimals, exactly; more decimals than that are accepted only when they are zero."""
    match = NUMBER.match(text)
    if match is None:
        raise CellError(_explain_bad_number(text))
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    if fraction[decimals:].strip("0"):
        raise CellError(f"{show_cell(text)} has more than {decimals} decimals")
    value = int(whole + fraction[:decimals].ljust(decimals, "0"))
    return -value if sign == "-" else value


def _explain_bad_number(text: str) -> str:
    """Why a cell is no number, in words that help."""
    if not text:
        return "the cell is empty"
    if re.fullmatch(r"[+-]?[\d. ]*,\d+", text, re.ASCII):
        return f"{show_cell(text)} has a comma: write the decimals after a point, without a thousands mark"
    if re.fullmatch(r"[+-]?\d{10,}(\.\d*)?|[+-]?\d+\.\d{10,}", text, re.ASCII):
        return f"{show_cell(text)} has too many digits"
    return f"{show_cell(text)} is not a number"


def parse_quantity_milli(text: str) -> int:
    """A quantity in thousandths of the unit sold."""
    return _parse_decimals(text, QUANTITY_DECIMALS)


def _strip_money_sign(text: str) -> str:
    """'$1.20' and '-$1.20' without the sign of the money."""
    if text.startswith("-") and text[1:2] and text[1] in MONEY_SIGNS:
        return "-" + text[2:]
    return text[1:] if text and text[0] in MONEY_SIGNS else text


def parse_cents(text: str) -> int:
    """An amount of money in cents."""
    return _parse_decimals(_strip_money_sign(text), CENT_DECIMALS)


def parse_price_micro(text: str) -> int:
    """A unit price in millionths of the money's whole unit."""
    return _parse_decimals(_strip_money_sign(text), PRICE_DECIMALS)


def line_amount_cents(quantity_milli: int, price_micro: int) -> int:
    """Quantity times unit price in cents; half a cent is rounded away from zero, so a refund mirrors its sale."""
    # 10^-3 times 10^-6 is 10^-9 of the whole unit; a cent is 10^7 of those.
    product = quantity_milli * price_micro
    cents = (abs(product) + 5_000_000) // 10_000_000
    return -cents if product < 0 else cents


def parse_day(text: str, order: DateOrder = "year_first") -> tuple[str, str]:
    """The day (2017-01-31) and its ISO week (2017-W05); a time of day beside it is read over and not kept."""
    match = ISO_DAY.match(text)
    if match is not None:
        year, month, day = int(match.group(1)), int(match.group(2)), int(match.group(3))
        return _format_day(text, year, month, day)
    match = SLASH_DAY.match(text)
    if match is None:
        raise CellError("the cell is empty" if not text else f"{show_cell(text)} is not a date such as 2017-01-31")
    first, mark, second, year = int(match.group(1)), match.group(2), int(match.group(3)), int(match.group(4))
    if order == "month_first":
        return _format_day(text, year, first, second)
    # 31.01.2017 is always written day first; only the slash is used both ways.
    if order == "day_first" or mark == ".":
        return _format_day(text, year, second, first)
    raise CellError(f"{show_cell(text)} may have the day or the month first: say which in the mapping (date_order)")


def _format_day(text: str, year: int, month: int, day: int) -> tuple[str, str]:
    """The day and its ISO week, refused when the calendar has no such day."""
    try:
        sold = date(year, month, day)
    except ValueError:
        raise CellError(f"{show_cell(text)} is not a day of the calendar") from None
    if not YEAR_FIRST <= sold.year <= YEAR_LAST:
        raise CellError(f"{show_cell(text)} is outside the years {YEAR_FIRST} to {YEAR_LAST}")
    iso = sold.isocalendar()
    return sold.isoformat(), f"{iso.year:04d}-W{iso.week:02d}"
