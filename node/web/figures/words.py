"""How amounts read on a page: money to the cent, quantities with their unit, shares in percent.

Invariant: a page never computes with what it shows; integers come in, text goes out, nothing is rounded twice.
Invariant: scarcity signals and money have different types, so that no page can print one as the other.
"""

from fractions import Fraction

import msgspec

from protocol.core.quantities import UNITS, Money, Quantity

SHORT_UNITS: dict[str, tuple[str, str]] = {
    "MGM": ("mg", "mg"),
    "GRM": ("g", "g"),
    "KGM": ("kg", "kg"),
    "TNE": ("t", "t"),
    "MLT": ("ml", "ml"),
    "CLT": ("cl", "cl"),
    "LTR": ("l", "l"),
    "HLT": ("hl", "hl"),
    "MTQ": ("m³", "m³"),
    "MTK": ("m²", "m²"),
    "HAR": ("ha", "ha"),
    "KWH": ("kWh", "kWh"),
    "MWH": ("MWh", "MWh"),
    "3B": ("MJ", "MJ"),
    "DZN": ("dozen", "dozen"),
    "XBX": ("box", "boxes"),
}
SHOWN_HASH_CHARACTERS = 12
MICRO = 1_000_000
PPM_PER_PERCENT = 10_000


class Signal(msgspec.Struct, frozen=True):
    """A plan's scarcity signal in micro-credits per whole unit: never money, never a price to pay."""

    micro: int


def format_money(money: Money) -> str:
    """`341 EUR e2` reads `3.41 EUR`; never rounded."""
    sign = "−" if money.amount < 0 else ""
    digits = str(abs(money.amount)).rjust(money.exponent + 1, "0")
    if money.exponent == 0:
        return f"{sign}{int(digits):,} {money.currency}"
    return f"{sign}{int(digits[: -money.exponent]):,}.{digits[-money.exponent :]} {money.currency}"


def format_hundredths(cents: int) -> str:
    """`34_105` reads `341.05`: money whose currency nobody has said."""
    return f"{'−' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def format_quantity(quantity: Quantity) -> str:
    """The amount with the places a reader needs (three figures) and the unit's name: `412 pieces`, `1.25 kg`."""
    number = format_amount(quantity)
    return f"{number} {format_unit(quantity.unit, is_one=number == '1')}"


def format_amount(quantity: Quantity) -> str:
    """The amount alone, without its unit."""
    return format_number(Fraction(quantity.amount, 10**quantity.exponent))


def format_unit(unit: str, is_one: bool = False) -> str:
    """The short name of a UN/ECE Recommendation 20 unit code, in the plural unless it counts exactly one."""
    name = UNITS.get(unit, unit)
    singular, plural = SHORT_UNITS.get(unit, (name, f"{name}s" if unit in UNITS else name))
    return singular if is_one else plural


def format_number(value: Fraction | int) -> str:
    """Three figures, or all digits before the point: `12,400`, `41.2`, `0.051`; zero only for zero."""
    exact = Fraction(value)
    size = abs(exact)
    if size >= 100 or size == 0:
        places = 0
    elif size >= 10:
        places = 1
    elif size >= 1:
        places = 2
    else:
        places = 3
    if size and round(size, places) == 0:
        return "less than 0.001" if exact > 0 else "between −0.001 and 0"
    return _format_places(exact, places)


def _format_places(exact: Fraction, places: int) -> str:
    digits = str(round(abs(exact) * 10**places)).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:].rstrip("0")) if places else (digits, "")
    sign = "−" if exact < 0 else ""
    return f"{sign}{int(whole):,}" + (f".{part}" if part else "")


def format_percent(parts_per_million: int) -> str:
    """`4_200` reads `0.42 %`; what is not zero never reads as zero."""
    if 0 < abs(parts_per_million) < 10:
        return "less than 0.001 %"
    return f"{format_number(Fraction(parts_per_million, PPM_PER_PERCENT))} %"


def format_change(parts_per_million: int) -> str:
    """The same with its sign, for more or less than before: `+1.3 %`, `−6.8 %`."""
    return f"{'+' if parts_per_million > 0 else ''}{format_percent(parts_per_million)}"


def format_signal(signal: Signal) -> str:
    """Credits per unit, as a bare number: the pages say beside it that it is not a price."""
    return format_number(Fraction(signal.micro, MICRO))


def format_count(number: int) -> str:
    """`1469307` reads `1,469,307`."""
    return f"{number:,}".replace("-", "−")


def format_several(number: int, one: str) -> str:
    """`1 record`, `1,204 records`."""
    return f"{format_count(number)} {one if number == 1 else one + 's'}"


def format_short_hash(full: str) -> str:
    """The first characters of a hash in hex; the full text stands in the details beside it."""
    return full if len(full) <= SHOWN_HASH_CHARACTERS else full[:SHOWN_HASH_CHARACTERS] + "…"


def join_words(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`; with semicolons where a name has a comma of its own."""
    if len(words) < 2:
        return "".join(words)
    separator = "; " if len(words) > 2 and any(", " in word for word in words) else ", "
    return separator.join(words[:-1]) + " and " + words[-1]
