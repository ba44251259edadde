"""A cost sheet: what each cent of a price pays for.

Invariant: the lines add up to the price, to the last minor unit of the money; what does not is refused.
Invariant: a price less its tax never lies below the costs that the sheet itself shows.
Invariant: a sheet hides no line or at least two: one hidden line would be the price minus the rest.
Spec: docs/spec/supply/price.md
"""

from typing import Annotated, Final

import msgspec

from protocol.core.errors import Finding, refuse
from protocol.core.quantities import CurrencyCode, Exponent, Money
from protocol.federation.scopes import PUBLIC, SCOPES
from protocol.supply.disclosure import COMMITMENT_BYTES
from protocol.supply.product import audit_unit
from protocol.supply.texts import LABEL_LENGTH_MAX, audit_language, audit_text

LINES_MAX: Final = 32
HIDDEN_LINES_MIN: Final = 2
# Far above any price per unit, far enough below int64 that no sum of lines can leave it.
AMOUNT_MAX: Final = 10**15

COST_HEADINGS: Final[dict[str, str]] = {
    "materials": "materials",
    "labour": "labour",
    "energy": "energy",
    "packaging": "packaging",
    "storage": "storage",
    "delivery": "delivery",
    "depreciation": "wear of buildings and machines",
    "rent": "rent",
    "losses": "losses and waste",
    "interest": "interest",
    "overhead": "overhead",
    "other": "other costs",
}
RESERVE: Final = "reserve"
SURPLUS: Final = "surplus"
TAX: Final = "tax"
HEADINGS: Final[dict[str, str]] = COST_HEADINGS | {RESERVE: "reserve", SURPLUS: "surplus", TAX: "tax"}

LineAmount = Annotated[int, msgspec.Meta(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]


class CostLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line per unit sold: `amount_minor` in 1 / 10**exponent of the currency, or hidden behind a `commitment`."""

    heading: str
    label: str
    amount_minor: LineAmount | None
    scope: str
    commitment: bytes | None


class CostSheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price of one `unit` of a product and the lines it is made of; labels are in `language`.

    `hidden_minor` is what the hidden lines come to together, 0 when none is hidden.
    """

    currency: CurrencyCode
    exponent: Exponent
    unit: str
    language: str
    price_minor: LineAmount
    hidden_minor: LineAmount
    lines: list[CostLine]

    def money(self, amount_minor: int) -> Money:
        """An amount in the currency of the sheet."""
        return Money(amount_minor, self.currency, self.exponent)


def _sum_lines(sheet: CostSheet) -> int:
    """All lines together, the hidden ones as their total."""
    return sheet.hidden_minor + sum(line.amount_minor for line in sheet.lines if line.amount_minor is not None)


def _sum_headings(sheet: CostSheet, headings: frozenset[str]) -> int:
    """The open lines under some headings together."""
    amounts = (line.amount_minor for line in sheet.lines if line.heading in headings)
    return sum(amount for amount in amounts if amount is not None)


def net_price(sheet: CostSheet) -> int:
    """The price without the tax that the sheet shows."""
    return sheet.price_minor - _sum_headings(sheet, frozenset({TAX}))


def audit_cost_sheet(sheet: CostSheet) -> list[Finding]:
    """Everything in a cost sheet that has to be put right; the adding up is said only of lines that are right."""
    findings = audit_unit(sheet.unit, "unit") + audit_language(sheet.language, "language")
    if sheet.price_minor <= 0:
        findings.append(Finding("price", "must be more than nothing"))
    if not 1 <= len(sheet.lines) <= LINES_MAX:
        findings.append(Finding("lines", f"there are {len(sheet.lines)}, there must be 1 to {LINES_MAX}"))
    for number, line in enumerate(sheet.lines[:LINES_MAX], start=1):
        findings += _audit_line(line, f"lines.{number}")
    findings += _audit_hiding(sheet)
    return findings or _audit_sum(sheet) or _audit_cost(sheet)


def check_cost_sheet(sheet: CostSheet) -> None:
    """RefusedError with every finding; what does not add up is refused with by how much and in which direction."""
    refuse(audit_cost_sheet(sheet), "the cost sheet is refused")


def _audit_line(line: CostLine, place: str) -> list[Finding]:
    findings = audit_text(line.label, f"{place}.label", LABEL_LENGTH_MAX)
    if line.heading not in HEADINGS:
        return [*findings, Finding(f"{place}.heading", f"is none of {', '.join(HEADINGS)}")]
    if line.scope not in SCOPES:
        findings.append(Finding(f"{place}.scope", f"is none of {', '.join(SCOPES)}"))
    elif line.scope == PUBLIC:
        if line.amount_minor is None or line.commitment is not None:
            findings.append(Finding(place, "a public line shows its amount and has no commitment"))
    elif line.amount_minor is not None or line.commitment is None or len(line.commitment) != COMMITMENT_BYTES:
        findings.append(Finding(place, f"a hidden line has a commitment of {COMMITMENT_BYTES} bytes and no amount"))
    return findings + _audit_sign(line, place)


def _audit_sign(line: CostLine, place: str) -> list[Finding]:
    if line.amount_minor is None or line.amount_minor >= 0 or line.heading == SURPLUS:
        return []
    return [Finding(f"{place}.amount_minor", f"{HEADINGS[line.heading]} cannot be less than nothing")]


def _audit_hiding(sheet: CostSheet) -> list[Finding]:
    hidden = [line for line in sheet.lines if line.scope != PUBLIC]
    if not hidden:
        return [Finding("hidden_minor", "is 0 when no line is hidden")] if sheet.hidden_minor else []
    if len(hidden) < HIDDEN_LINES_MIN:
        return [Finding("lines", "a single hidden line is the price minus the rest: hide two or more, or none")]
    if len({line.commitment for line in hidden}) < len(hidden):
        return [Finding("lines", "two hidden lines have the same commitment")]
    return []


def _audit_sum(sheet: CostSheet) -> list[Finding]:
    total, price = sheet.money(_sum_lines(sheet)), sheet.money(sheet.price_minor)
    if total == price:
        return []
    difference = sheet.money(abs(price.amount - total.amount))
    direction = "is missing" if total.amount < price.amount else "is too much"
    return [Finding("lines", f"the lines add up to {total}, the price is {price}: {difference} {direction}")]


def _audit_cost(sheet: CostSheet) -> list[Finding]:
    cost, net = _sum_headings(sheet, frozenset(COST_HEADINGS)), net_price(sheet)
    if net >= cost:
        return []
    shortfall = f"{sheet.money(cost - net)} below the costs of {sheet.money(cost)}"
    return [Finding("price", f"without tax it is {sheet.money(net)}, {shortfall}")]
