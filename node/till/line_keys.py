"""A key for every line ever sold, so that the same file twice, or two files that overlap, change nothing.

Invariant: the key depends on what was sold only, never on the file, the line's number, or the household (whose token
changes when its key is destroyed). Equal lines of one file stay apart by their ordinal: the first, second, third such.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from node.till.sale import Sale

KEY_BYTES: Final = 16
KEY_PERSON: Final = b"rochdale/line/v1"


def key_lines(sales: Iterable[Sale]) -> Iterator[tuple[bytes, Sale]]:
    """Every sale of one file with its key, in the file's order."""
    seen: Counter[tuple[str, str, str, int, int]] = Counter()
    for sale in sales:
        parts = _parts_of(sale)
        ordinal = seen[parts]
        seen[parts] = ordinal + 1
        yield _hash_parts(parts, ordinal), sale


def _parts_of(sale: Sale) -> tuple[str, str, str, int, int]:
    """What makes two lines the same sale: a product's name counts only where it has no code."""
    product = f"code {sale.product_code}" if sale.product_code else f"name {sale.product_name}"
    return sale.sold_at, sale.receipt, product, sale.quantity_milli, sale.amount_cents


def _hash_parts(parts: tuple[str, str, str, int, int], ordinal: int) -> bytes:
    """BLAKE2b over the parts, split by a character that a cleaned cell never holds."""
    text = "\n".join((*map(str, parts), str(ordinal)))
    return hashlib.blake2b(text.encode("utf-8"), digest_size=KEY_BYTES, person=KEY_PERSON).digest()
