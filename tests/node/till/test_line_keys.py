"""Importing twice changes nothing: keys of till lines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from node.till.line_keys import key_lines
from node.till.sale import Sale


def sale(line: int, product: str = "B1", cents: int = 340, household: bytes | None = None) -> Sale:
    return Sale(line, "2017-01-31", "2017-W05", "R1", product, "Oak loaf", "BREAD", 1000, cents, household)


def keys_of(sales: list[Sale]) -> set[bytes]:
    return {key for key, _ in key_lines(sales)}


def key_of(one: Sale) -> bytes:
    ((key, _),) = key_lines([one])
    return key


def test_equal_lines_of_one_file_stay_apart() -> None:
    keys = [key for key, _ in key_lines([sale(2), sale(3), sale(4, cents=341)])]
    assert len(set(keys)) == 3
    assert {len(key) for key in keys} == {16}
    assert keys[0] == key_of(sale(9)) != keys[1]


def test_the_same_lines_at_other_places_of_another_file_have_the_same_keys() -> None:
    assert keys_of([sale(2), sale(3, "B2"), sale(4)]) == keys_of([sale(7, "B2"), sale(8), sale(9)])


def test_a_file_that_overlaps_adds_only_what_is_new() -> None:
    january = [sale(2), sale(3), sale(4, "B2")]
    longer = [*january, sale(5, "B3")]
    assert len(keys_of(longer) - keys_of(january)) == 1


def test_a_household_that_has_a_new_token_is_not_a_new_sale() -> None:
    assert key_of(sale(2, household=b"a" * 16)) == key_of(sale(2, household=b"b" * 16))


def test_a_name_counts_only_where_there_is_no_code() -> None:
    named = Sale(2, "2017-01-31", "2017-W05", "R1", "", "B1", "BREAD", 1000, 340, None)
    other = Sale(2, "2017-01-31", "2017-W05", "R1", "", "B2", "BREAD", 1000, 340, None)
    assert len({key_of(named), key_of(other), key_of(sale(2))}) == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["A", "B"]), st.integers(1, 3)), max_size=20))
def test_keys_do_not_depend_on_the_order_of_the_lines(lines: list[tuple[str, int]]) -> None:
    sales = [sale(number, product, cents) for number, (product, cents) in enumerate(lines)]
    shuffled = sorted(sales, key=lambda one: (one.amount_cents, -one.line))
    assert keys_of(sales) == keys_of(shuffled)
    assert len(keys_of(sales)) == len(sales)
