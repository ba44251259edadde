"""Whole numbers with a unit: money, weights, hours, pieces.

Invariant: an amount is an integer; its value is amount / 10**exponent in its currency or unit, exactly.
Invariant: amounts of different currencies, units or exponents are never added.
Spec: docs/spec/core/encoding.md
"""

import re
from typing import Annotated, Final

import msgspec

from protocol.core.encoding import INT_MAX, INT_MIN
from protocol.core.errors import MisuseError, RefusedError

EXPONENT_MAX: Final = 9
DECIMAL_LENGTH_MAX: Final = 40

Amount = Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)]
Exponent = Annotated[int, msgspec.Meta(ge=0, le=EXPONENT_MAX)]
CurrencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
UnitCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,3}\Z")]

# UN/ECE Recommendation 20 (units) and 21 (packages, with X before them).
UNITS: Final[dict[str, str]] = {
    "C62": "piece",
    "PR": "pair",
    "DZN": "dozen",
    "SET": "set",
    "MGM": "milligram",
    "GRM": "gram",
    "KGM": "kilogram",
    "TNE": "tonne",
    "MLT": "millilitre",
    "CLT": "centilitre",
    "LTR": "litre",
    "HLT": "hectolitre",
    "MTQ": "cubic metre",
    "MMT": "millimetre",
    "CMT": "centimetre",
    "MTR": "metre",
    "KMT": "kilometre",
    "MTK": "square metre",
    "HAR": "hectare",
    "MIN": "minute",
    "HUR": "hour",
    "DAY": "day",
    "WEE": "week",
    "MON": "month",
    "ANN": "year",
    "KWH": "kilowatt hour",
    "MWH": "megawatt hour",
    "3B": "megajoule",
    "P1": "percent",
    "XBE": "bundle",
    "XBG": "bag",
    "XBO": "bottle",
    "XBX": "box",
    "XCR": "crate",
    "XCS": "case",
    "XCT": "carton",
    "XCX": "can",
    "XJR": "jar",
    "XNT": "net",
    "XPK": "package",
    "XPX": "pallet",
    "XRO": "roll",
    "XSA": "sack",
    "XTU": "tube",
}

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of money in 1 / 10**exponent of a currency (ISO 4217 letters): 125, EUR, 2 is 1.25 euro."""

    amount: Amount
    currency: CurrencyCode
    exponent: Exponent

    def __add__(self, other: "Money") -> "Money":
        self._check_same(other)
        return Money(self.amount + other.amount, self.currency, self.exponent)

    def __sub__(self, other: "Money") -> "Money":
        self._check_same(other)
        return Money(self.amount - other.amount, self.currency, self.exponent)

    def __str__(self) -> str:
        return f"{format_decimal(self.amount, self.exponent)} {self.currency}"

    def _check_same(self, other: "Money") -> None:
        if (self.currency, self.exponent) != (other.currency, other.exponent):
            raise MisuseError(f"{other.currency}/{other.exponent} cannot be added to {self.currency}/{self.exponent}")


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount in 1 / 10**exponent of a unit (a key of UNITS): 1500, KGM, 3 is one and a half kilograms."""

    amount: Amount
    unit: UnitCode
    exponent: Exponent

    def __add__(self, other: "Quantity") -> "Quantity":
        self._check_same(other)
        return Quantity(self.amount + other.amount, self.unit, self.exponent)

    def __sub__(self, other: "Quantity") -> "Quantity":
        self._check_same(other)
        return Quantity(self.amount - other.amount, self.unit, self.exponent)

    def __str__(self) -> str:
        return f"{format_decimal(self.amount, self.exponent)} {UNITS.get(self.unit, self.unit)}"

    def _check_same(self, other: "Quantity") -> None:
        if (self.unit, self.exponent) != (other.unit, other.exponent):
            raise MisuseError(f"{other.unit}/{other.exponent} cannot be added to {self.unit}/{self.exponent}")


def check_unit(code: str, place: str) -> None:
    """RefusedError at `place` unless the code is one of UNITS."""
    if code not in UNITS:
        raise RefusedError.at(place, "not one of the UN/ECE Recommendation 20 unit codes that are known here")


def parse_decimal(text: str, exponent: int, place: str) -> int:
    """The amount in 1 / 10**exponent that a plain decimal such as `-12.50` says, exactly.

    RefusedError at `place` for exponent notation, signs other than one minus, separators other than one point,
    more than `exponent` decimals (zeros beyond do not count) or an amount beyond int64; MisuseError for an exponent
    beyond EXPONENT_MAX.
    """
    if not 0 <= exponent <= EXPONENT_MAX:
        raise MisuseError(f"an exponent of {exponent} is not within 0 to {EXPONENT_MAX}")
    match = _DECIMAL.fullmatch(text) if len(text) <= DECIMAL_LENGTH_MAX else None
    if match is None:
        raise RefusedError.at(place, "not a plain decimal number such as 12.50")
    sign, whole, decimals = match.group(1), match.group(2), match.group(3) or ""
    if decimals[exponent:].strip("0"):
        raise RefusedError.at(place, f"more than {exponent} decimals")
    amount = int(whole + decimals[:exponent].ljust(exponent, "0"))
    if amount > INT_MAX:
        raise RefusedError.at(place, "a number beyond 64 bits")
    return -amount if sign else amount


def format_decimal(amount: int, exponent: int) -> str:
    """The plain decimal of amount / 10**exponent with exactly `exponent` decimals; parse_decimal reads it back.

    MisuseError for an exponent beyond EXPONENT_MAX.
    """
    if not 0 <= exponent <= EXPONENT_MAX:
        raise MisuseError(f"an exponent of {exponent} is not within 0 to {EXPONENT_MAX}")
    digits = str(abs(amount)).rjust(exponent + 1, "0")
    whole, decimals = digits[: len(digits) - exponent], digits[len(digits) - exponent :]
    return ("-" if amount < 0 else "") + (f"{whole}.{decimals}" if exponent else whole)


def divide_half_up(numerator: int, denominator: int) -> int:
    """The nearest integer to a fraction, halves away from zero (5/2 is 3, -5/2 is -3); MisuseError over 0."""
    if denominator == 0:
        raise MisuseError("division by zero")
    quotient = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def divide_up(numerator: int, denominator: int) -> int:
    """The smallest integer that is not below a fraction (5/2 is 3, -5/2 is -2)."""
    return -(-numerator // denominator)
