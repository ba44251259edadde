"""A product: the code it is known by, its names, who makes it and what it is counted in.

Invariant: only its maker's own log can describe a product; a product described by another log is void.
Invariant: a code is a GTIN with a right check digit or an in-house code; no third form.
Spec: docs/spec/supply/price.md
"""

import re
from typing import Final

import msgspec

from protocol.core.encoding import INT_MAX
from protocol.core.errors import Finding, refuse
from protocol.core.origin import is_origin
from protocol.core.quantities import UNITS, Quantity
from protocol.supply.texts import LABEL_LENGTH_MAX, audit_text, audit_texts

PRODUCT_KIND: Final = "supply.product"
IN_HOUSE_PREFIX: Final = "in-house:"
VERSION_MAX: Final = 1_000_000
SHELF_LIFE_DAYS_MAX: Final = 36_500

_GTIN = re.compile(r"[0-9]{8}|[0-9]{12,14}", re.ASCII)
_IN_HOUSE = re.compile(r"in-house:[a-z0-9](?:[a-z0-9.-]{0,46}[a-z0-9])?", re.ASCII)
_CHECK_WEIGHT = 3
_DIGIT_COUNT = 10


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a maker sells under one code.

    `unit` is the UN/ECE code that a price is for; `piece` says what one unit holds (such as 750 g), `pack` and `case`
    how many units are in them (None: not packed so). `made_up` marks a product that was invented for showing.
    `shelf_life_days` is how long it keeps from the day it is made (None: not told, and not written).
    """

    code: str
    names: dict[str, str]
    category: str
    maker: str
    unit: str
    piece: Quantity
    pack: Quantity | None
    case: Quantity | None
    minimum_order: Quantity
    partial_cases: bool
    made_up: bool
    version: int
    shelf_life_days: int | None = None


def is_gtin(code: str) -> bool:
    """Whether a code is a GTIN-8, -12, -13 or -14 whose last digit is right (GS1 General Specifications, 7.9)."""
    if _GTIN.fullmatch(code) is None:
        return False
    # The weights 3, 1, 3, ... are counted from the right, the check digit itself has weight 1.
    weighted = (int(digit) * (_CHECK_WEIGHT if place % 2 else 1) for place, digit in enumerate(reversed(code)))
    return sum(weighted) % _DIGIT_COUNT == 0


def audit_code(code: str, place: str) -> list[Finding]:
    """A finding unless the code is a right GTIN or an in-house code."""
    if code.startswith(IN_HOUSE_PREFIX):
        if _IN_HOUSE.fullmatch(code):
            return []
        return [Finding(place, "an in-house code is in-house: and then up to 48 of a-z, 0-9, point and hyphen")]
    if is_gtin(code):
        return []
    if _GTIN.fullmatch(code):
        return [Finding(place, "the check digit of this GTIN is wrong")]
    return [Finding(place, f"neither a GTIN of 8, 12, 13 or 14 digits nor a code that begins with {IN_HOUSE_PREFIX}")]


def audit_product(product: Product) -> list[Finding]:
    """Everything in a product that its maker has to put right."""
    findings = audit_code(product.code, "code")
    findings += audit_texts(product.names, "names", LABEL_LENGTH_MAX)
    findings += audit_text(product.category, "category", LABEL_LENGTH_MAX)
    findings += audit_maker(product.maker, "maker")
    findings += audit_unit(product.unit, "unit")
    findings += audit_version(product.version, "version")
    if product.shelf_life_days is not None and not 1 <= product.shelf_life_days <= SHELF_LIFE_DAYS_MAX:
        findings.append(Finding("shelf_life_days", f"must be 1 to {SHELF_LIFE_DAYS_MAX} days, or not be told"))
    findings += _audit_size(product.piece, "piece")
    for place, size in (("pack", product.pack), ("case", product.case), ("minimum_order", product.minimum_order)):
        findings += _audit_count(size, product.unit, place)
    return findings


def check_product(product: Product) -> None:
    """RefusedError with every finding when a product has any."""
    refuse(audit_product(product), "the product is refused")


def audit_maker(maker: str, place: str) -> list[Finding]:
    """A finding unless the text can name a log."""
    return [] if is_origin(maker) else [Finding(place, "not the name of a log, such as oak-bakery.example/log")]


def audit_unit(unit: str, place: str) -> list[Finding]:
    """A finding unless the code is a known UN/ECE unit."""
    return [] if unit in UNITS else [Finding(place, "no UN/ECE unit code that is known here, such as C62 or KGM")]


def audit_version(version: int, place: str) -> list[Finding]:
    """A finding unless the number is a version: 1 or more."""
    return [] if 1 <= version <= VERSION_MAX else [Finding(place, f"not a version from 1 to {VERSION_MAX}")]


def _audit_size(size: Quantity, place: str) -> list[Finding]:
    findings = audit_unit(size.unit, f"{place}.unit")
    if not 0 < size.amount <= INT_MAX:
        findings.append(Finding(f"{place}.amount", "must be more than nothing"))
    return findings


def _audit_count(size: Quantity | None, unit: str, place: str) -> list[Finding]:
    if size is None:
        return []
    if size.unit != unit:
        return [Finding(f"{place}.unit", f"is counted in {unit} like the product itself")]
    return _audit_size(size, place)
