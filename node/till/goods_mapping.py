"""Which good of the plan a till line counts as: by its category, and by parts of its product's name where needed.

A rule is written "CATEGORY" or "CATEGORY: part of a name | another part". Rules that name parts come before those that
take a whole category; within each sort the order given decides. Lines that no rule takes are counted and reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from node.till.sale import Sale
from protocol.core.errors import RefusedError

RULES_MAX: Final = 5_000
RULE_CHARS_MAX: Final = 1_000
MEMO_ENTRIES_MAX: Final = 50_000


class GoodRule(msgspec.Struct, frozen=True):
    """Till lines of this category (and with one of these parts in the product's name, if any) count as this good."""

    good: str
    category: str
    parts: tuple[str, ...]


class GoodSales(msgspec.Struct):
    """What a till sold of one good: money in cents, refunds taken off, lines, and the households' tokens."""

    amount_cents: int = 0
    lines: int = 0
    households: set[bytes] = msgspec.field(default_factory=set)


class MappedSales(msgspec.Struct, frozen=True):
    """Sales by good, with what no rule took."""

    goods: dict[str, GoodSales]
    lines: int
    amount_cents: int
    lines_unmapped: int
    unmapped_cents: int


class GoodsMapping:
    """All rules of a goods table."""

    def __init__(self, rules: Iterable[GoodRule]) -> None:
        self.rules = tuple(rules)
        if len(self.rules) > RULES_MAX:
            raise RefusedError(f"mapping: {len(self.rules)} rules, more than {RULES_MAX}")
        self.by_category: dict[str, list[GoodRule]] = {}
        for rule in self.rules:
            self.by_category.setdefault(rule.category, []).append(rule)
        for rules_here in self.by_category.values():
            rules_here.sort(key=lambda rule: not rule.parts)
        self.known: dict[tuple[str, str], str | None] = {}

    def good_of(self, category: str, product_name: str) -> str | None:
        """The good that a line counts as; None when no rule takes it."""
        key = (category, product_name)
        if key in self.known:
            return self.known[key]
        good = self.search(_fold_words(category), _fold_words(product_name))
        if len(self.known) < MEMO_ENTRIES_MAX:
            self.known[key] = good
        return good

    def search(self, category: str, product_name: str) -> str | None:
        """The first rule that fits, of folded words."""
        for rule in self.by_category.get(category, ()):
            if not rule.parts or any(part in product_name for part in rule.parts):
                return rule.good
        return None


def _fold_words(text: str) -> str:
    """Words as they are compared: capitals, one blank between."""
    return " ".join(text.upper().split())


def parse_rules(till: Mapping[str, Sequence[str]]) -> GoodsMapping:
    """The mapping of a goods table: for each good the texts of its rules; RefusedError names the text that is none."""
    rules: list[GoodRule] = []
    for good, texts in till.items():
        for text in texts:
            category, colon, names = text.partition(": ")
            parts = tuple(part for part in (_fold_words(name) for name in names.split("|")) if part)
            if not category.strip() or (colon and not parts) or len(text) > RULE_CHARS_MAX:
                raise RefusedError.at(f"till rule of {good}", "not 'CATEGORY' or 'CATEGORY: part of a name | another'")
            rules.append(GoodRule(good, _fold_words(category), parts))
    return GoodsMapping(rules)


def sum_goods(sales: Iterable[Sale], mapping: GoodsMapping) -> MappedSales:
    """Add up till lines by good, in one pass; the order of the lines does not matter."""
    goods: dict[str, GoodSales] = {rule.good: GoodSales() for rule in mapping.rules}
    lines = amount_cents = lines_unmapped = unmapped_cents = 0
    for sale in sales:
        lines += 1
        amount_cents += sale.amount_cents
        good = mapping.good_of(sale.category, sale.product_name)
        if good is None:
            lines_unmapped += 1
            unmapped_cents += sale.amount_cents
            continue
        sums = goods[good]
        sums.amount_cents += sale.amount_cents
        sums.lines += 1
        if sale.household_token is not None:
            sums.households.add(sale.household_token)
    return MappedSales(goods, lines, amount_cents, lines_unmapped, unmapped_cents)


def proportions(sales: Iterable[Sale], mapping: GoodsMapping) -> dict[str, int]:
    """Each good's share of the money spent on goods of the plan, in parts per million; private to the node."""
    spent = {good: max(0, sums.amount_cents) for good, sums in sum_goods(sales, mapping).goods.items()}
    total = sum(spent.values())
    return {good: cents * 1_000_000 // total if total else 0 for good, cents in spent.items()}
