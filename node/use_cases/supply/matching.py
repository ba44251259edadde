"""Which product stands for a good of a plan, so that its agreed price can be shown beside what is planned.

Invariant: pages and schedules ask the same rule; a good without a product has no price.
Spec: docs/spec/planning/delivery.md
"""

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from protocol.supply.product import IN_HOUSE_PREFIX

Product = TypeVar("Product")


def stands_for(code: str, names: Collection[str], good: str) -> bool:
    """Whether a product is this good: by its code or a name, or by the end of its in-house code."""
    ending = good.replace("_", "-")
    own = code.removeprefix(IN_HOUSE_PREFIX)
    return good == code or good in names or own == ending or own.endswith(f"-{ending}")


def find_standing(
    products: Iterable[Product], good: str, read: Callable[[Product], tuple[str, Collection[str]]]
) -> Product | None:
    """The product that fits a good best, None where none does; `read` tells its code and its names."""
    fitting = [(read(product), product) for product in products]
    fitting = [(said, product) for said, product in fitting if stands_for(*said, good)]
    if not fitting:
        return None

    def rank(row: tuple[tuple[str, Collection[str]], Product]) -> tuple[bool, int, str]:
        code, names = row[0]
        # The shortest code fits best: `mill-flour` rather than `mill-rye-flour` for `flour`.
        return good != code and good not in names, len(code), code

    return min(fitting, key=rank)[1]
