"""Start prices from recipes: what a good costs in labour, land, emissions and outside money, and a tenth for the plant.

The recipes form a linear system; since no good is made from itself, by whatever detour, it is solved by substitution.
Exact fractions throughout; each price is rounded once, to a millionth of a credit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

import msgspec

from protocol.core.errors import MisuseError

PLANT_SHARE: Final = Fraction(1, 10)
MICRO: Final = Decimal("0.000001")


class Recipe(msgspec.Struct, frozen=True):
    """What one activity makes and uses, in units of the goods."""

    makes: Mapping[str, Decimal]
    uses: Mapping[str, Decimal]


def cost_prices(
    known: Mapping[str, Decimal],
    recipes: Sequence[Recipe],
    bought: Mapping[str, Decimal],
    plant_share: Fraction | int = PLANT_SHARE,
) -> dict[str, Decimal]:
    """The price of every good: given, or the cost of the first recipe that makes it, or what it is bought for.

    `plant_share` comes on top of every recipe's inputs. With emissions in the place of prices it sums emissions.

    Raises MisuseError for a good that can be had in no way, or that is made from itself.
    """
    makers: dict[str, Recipe] = {}
    for recipe in recipes:
        for good in recipe.makes:
            makers.setdefault(good, recipe)
    exact: dict[str, Fraction] = {good: Fraction(price) for good, price in known.items()}
    for good in sorted(makers.keys() | bought.keys()):
        _solve_price(good, exact, makers, bought, 1 + Fraction(plant_share), ())
    return {good: _round_price(price) for good, price in exact.items()}


def _solve_price(
    good: str,
    exact: dict[str, Fraction],
    makers: Mapping[str, Recipe],
    bought: Mapping[str, Decimal],
    plant_factor: Fraction,
    path: tuple[str, ...],
) -> Fraction:
    """The price of one good, first of all that it is made from."""
    if good in exact:
        return exact[good]
    if good in path:
        raise MisuseError(f"made_up: {good} is made from itself: {' < '.join(path)}")
    if good not in makers:
        if good not in bought:
            raise MisuseError(f"made_up: {good} is neither made nor bought")
        exact[good] = Fraction(bought[good])
        return exact[good]
    recipe = makers[good]
    inputs = sum(
        (
            Fraction(amount) * _solve_price(used, exact, makers, bought, plant_factor, (*path, good))
            for used, amount in recipe.uses.items()
        ),
        Fraction(0),
    )
    made = sum((Fraction(amount) for amount in recipe.makes.values()), Fraction(0))
    exact[good] = inputs * plant_factor / made
    return exact[good]


def _round_price(price: Fraction) -> Decimal:
    """To a millionth."""
    return (Decimal(price.numerator) / Decimal(price.denominator)).quantize(MICRO, ROUND_HALF_UP)
