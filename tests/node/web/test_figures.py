"""Amounts as they read on a page, and drawings with the same figures."""

from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.web.figures import words
from node.web.figures.charts import BAR_WIDTH, draw_curve, draw_share, draw_stacked_bar, draw_swatch
from protocol.core.quantities import Money, Quantity
from tests.node.web.made_up import HOSTILE


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [
        (341, 2, "3.41 EUR"),
        (5, 2, "0.05 EUR"),
        (-5, 2, "−0.05 EUR"),
        (123_456_789, 2, "1,234,567.89 EUR"),
        (7, 0, "7 EUR"),
        (1_500, 3, "1.500 EUR"),
    ],
)
def test_money_reads_to_the_cent(minor: int, exponent: int, text: str) -> None:
    assert words.format_money(Money(minor, "EUR", exponent)) == text


@given(st.integers(-(10**15), 10**15))
def test_money_is_never_rounded(minor: int) -> None:
    text = words.format_money(Money(minor, "EUR", 2)).removesuffix(" EUR")
    assert Fraction(text.replace(",", "").replace("−", "-")) == Fraction(minor, 100)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(412, "C62", 0), "412 pieces"),
        (Quantity(1, "C62", 0), "1 piece"),
        (Quantity(1_250, "KGM", 3), "1.25 kg"),
        (Quantity(963_249, "KGM", 3), "963 kg"),
        (Quantity(12_345_678, "LTR", 3), "12,346 l"),
        (Quantity(51, "HUR", 3), "0.051 hours"),
        (Quantity(1, "KGM", 6), "less than 0.001 kg"),
        (Quantity(0, "KGM", 3), "0 kg"),
        (Quantity(-2_500, "KGM", 3), "−2.5 kg"),
        (Quantity(3, "XBX", 0), "3 boxes"),
    ],
)
def test_quantities_read_in_three_figures_with_their_unit(quantity: Quantity, text: str) -> None:
    assert words.format_quantity(quantity) == text


@given(st.fractions(min_value=-(10**9), max_value=10**9).filter(bool))
def test_what_is_not_zero_never_reads_as_zero(value: Fraction) -> None:
    assert words.format_number(value) not in ("0", "−0", "")


@pytest.mark.parametrize(
    ("ppm", "text"), [(4_200, "0.42 %"), (1_000_000, "100 %"), (3, "less than 0.001 %"), (0, "0 %")]
)
def test_shares_read_in_percent(ppm: int, text: str) -> None:
    assert words.format_percent(ppm) == text


@pytest.mark.parametrize(
    ("several", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["loaf, 1 kg", "b", "c"], "loaf, 1 kg; b and c"),
    ],
)
def test_words_are_joined_as_they_are_spoken(several: list[str], text: str) -> None:
    assert words.join_words(several) == text


@given(st.lists(st.integers(0, 10_000), max_size=20))
def test_the_segments_of_a_bar_fill_it_exactly(amounts: list[int]) -> None:
    drawing = ElementTree.fromstring(
        draw_stacked_bar([(f"line {place}", one) for place, one in enumerate(amounts)], "bar")
    )
    widths = [float(rect.get("width", "0")) for rect in drawing.iter("rect")]
    assert len(widths) == sum(amount > 0 for amount in amounts)
    assert abs(sum(widths) - (BAR_WIDTH if any(amounts) else 0)) <= 0.01 * len(amounts)


def test_a_hostile_label_stays_a_label() -> None:
    drawing = ElementTree.fromstring(draw_stacked_bar([(HOSTILE, 5)], HOSTILE))
    assert drawing.get("aria-label") == HOSTILE
    assert [title.text for title in drawing.iter("title")] == [HOSTILE]
    assert list(drawing.iter("script")) == []


@given(st.lists(st.integers(0, 2_000_000), max_size=30), st.integers(1, 100_000))
def test_a_curve_has_a_point_for_every_round_inside_its_frame(worst: list[int], tolerance: int) -> None:
    drawing = ElementTree.fromstring(draw_curve(worst, tolerance, "rounds"))
    dots = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in drawing.iter("circle")]
    _, _, width, height = (float(part) for part in drawing.get("viewBox", "").split())
    assert len(dots) == len(worst)
    assert all(0 < across < width and 0 < down < height for across, down in dots)
    downs = [down for _, down in sorted(zip(worst, [down for _, down in dots], strict=True))]
    assert downs == sorted(downs, reverse=True)


@pytest.mark.parametrize(("ppm", "filled"), [(-5, 0.0), (500_000, 50.0), (2_000_000, 100.0)])
def test_a_share_is_held_to_the_whole(ppm: int, filled: float) -> None:
    rects = list(ElementTree.fromstring(draw_share(ppm, "share")).iter("rect"))
    assert float(rects[1].get("width", "")) == filled


def test_a_swatch_has_the_colour_of_its_segment() -> None:
    assert 'class="segment part-2"' in draw_swatch(1)
    assert 'class="segment part-1"' in draw_swatch(12)
