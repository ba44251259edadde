"""Whole numbers with a unit."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from protocol.core.encoding import INT_MAX, INT_MIN, to_struct
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.quantities import (
    UNITS,
    Money,
    Quantity,
    check_unit,
    divide_half_up,
    divide_up,
    format_decimal,
    parse_decimal,
)


@pytest.mark.parametrize(
    ("text", "exponent", "amount"),
    [
        ("12.50", 2, 1250),
        ("12.5", 2, 1250),
        ("12", 2, 1200),
        ("-0.05", 2, -5),
        ("-0", 2, 0),
        ("007", 0, 7),
        ("1.2500", 2, 125),
        ("0.000000001", 9, 1),
        ("0" * 39 + "7", 0, 7),
        ("9223372036854775807", 0, INT_MAX),
    ],
)
def test_a_plain_decimal_is_read_exactly(text: str, exponent: int, amount: int) -> None:
    assert parse_decimal(text, exponent, "price") == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1e3", "not a plain decimal"),
        ("inf", "not a plain decimal"),
        ("nan", "not a plain decimal"),
        ("", "not a plain decimal"),
        (".5", "not a plain decimal"),
        ("5.", "not a plain decimal"),
        ("+5", "not a plain decimal"),
        ("1,50", "not a plain decimal"),
        ("1 000", "not a plain decimal"),
        ("1_000", "not a plain decimal"),
        ("٣", "not a plain decimal"),
        ("5\n", "not a plain decimal"),
        ("--5", "not a plain decimal"),
        ("0" * 41, "not a plain decimal"),
        ("1.005", "more than 2 decimals"),
        ("92233720368547758.08", "a number beyond 64 bits"),
    ],
)
def test_any_other_number_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=f"^line 3, price: {reason}"):
        parse_decimal(text, 2, "line 3, price")


@settings(max_examples=80)
@given(st.integers(INT_MIN + 1, INT_MAX), st.integers(0, 9))
def test_what_is_written_reads_back_and_means_the_same(amount: int, exponent: int) -> None:
    text = format_decimal(amount, exponent)
    assert parse_decimal(text, exponent, "here") == amount
    assert Decimal(text) == Decimal(amount).scaleb(-exponent)


@settings(max_examples=80)
@given(st.integers(-(10**12), 10**12), st.integers(-1000, 1000).filter(bool))
@example(5, -1)
@example(-1, 2)
@example(0, -3)
def test_halves_round_away_from_zero(numerator: int, denominator: int) -> None:
    exact = Decimal(numerator) / Decimal(denominator)
    assert divide_half_up(numerator, denominator) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30).filter(bool))
def test_dividing_up_ends_at_or_just_above_the_fraction(numerator: int, denominator: int) -> None:
    assert 0 <= divide_up(numerator, denominator) - Fraction(numerator, denominator) < 1


def test_division_by_zero_and_exponents_out_of_range_are_the_callers_fault() -> None:
    for misuse in (
        lambda: divide_half_up(1, 0),
        lambda: format_decimal(1, -1),
        lambda: parse_decimal("1", 10, "here"),
    ):
        with pytest.raises(MisuseError):
            misuse()


def test_money_and_quantities_add_only_among_their_own_kind() -> None:
    assert Money(125, "EUR", 2) + Money(-130, "EUR", 2) == Money(-5, "EUR", 2)
    assert Money(125, "EUR", 2) - Money(-130, "EUR", 2) == Money(255, "EUR", 2)
    assert Quantity(1500, "KGM", 3) + Quantity(500, "KGM", 3) == Quantity(2000, "KGM", 3)
    assert Quantity(1500, "KGM", 3) - Quantity(500, "KGM", 3) == Quantity(1000, "KGM", 3)
    for other in (Money(1, "GBP", 2), Money(1, "EUR", 3)):
        with pytest.raises(MisuseError, match="cannot be added"):
            Money(1, "EUR", 2) + other
    with pytest.raises(MisuseError, match="cannot be added"):
        Quantity(1, "KGM", 3) - Quantity(1, "LTR", 3)


def test_money_and_quantities_read_like_money_and_quantities() -> None:
    assert str(Money(-5, "EUR", 2)) == "-0.05 EUR"
    assert str(Quantity(1500, "KGM", 3)) == "1.500 kilogram"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"amount": 1, "currency": "eur", "exponent": 2}, "body.currency"),
        ({"amount": 1, "currency": "EUR\n", "exponent": 2}, "body.currency"),
        ({"amount": 1, "currency": "EUR", "exponent": 10}, "body.exponent"),
        ({"amount": "1", "currency": "EUR", "exponent": 2}, "body.amount"),
    ],
)
def test_money_in_a_record_is_checked(value: dict[str, object], place: str) -> None:
    with pytest.raises(RefusedError, match=f"^{place}: "):
        to_struct(value, Money)


def test_units_are_codes_that_quantities_take() -> None:
    for code in UNITS:
        assert to_struct({"amount": 1, "unit": code, "exponent": 0}, Quantity).unit == code
        check_unit(code, "unit")
    with pytest.raises(RefusedError, match=r"^goods\[2\]\.unit: not one of"):
        check_unit("KG", "goods[2].unit")
