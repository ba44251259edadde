"""Cost sheets: to the cent, and what they may hide."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.commitment import Opening, commit_opening
from protocol.core.errors import PeerError, RefusedError
from protocol.supply.cost_sheet import COST_HEADINGS, LINES_MAX, CostLine, CostSheet, audit_cost_sheet, check_cost_sheet
from protocol.supply.disclosure import Section
from protocol.supply.openings import (
    audit_opened_sheet,
    hide_line,
    hide_note,
    hide_section,
    open_line,
    open_note,
    open_section,
)
from tests.protocol.supply.made_up_logs import BAKERY, NORTHSIDE, line, section, sheet

REPLACE = msgspec.structs.replace


def test_a_sheet_that_is_one_cent_short_says_so() -> None:
    with pytest.raises(RefusedError) as refused:
        check_cost_sheet(sheet(342, materials=120, labour=221))
    assert refused.value.findings[0].reason == (
        "the lines add up to 3.41 EUR, the price is 3.42 EUR: 0.01 EUR is missing"
    )


def test_a_sheet_that_is_one_cent_over_says_so() -> None:
    with pytest.raises(RefusedError) as refused:
        check_cost_sheet(sheet(342, materials=120, labour=223))
    assert refused.value.findings[0].reason == (
        "the lines add up to 3.43 EUR, the price is 3.42 EUR: 0.01 EUR is too much"
    )


@given(
    st.lists(st.tuples(st.sampled_from(sorted(COST_HEADINGS)), st.integers(0, 10**6)), min_size=1, max_size=12),
    st.integers(-3, 3),
)
def test_only_the_exact_price_is_taken(parts: list[tuple[str, int]], error_cents: int) -> None:
    total = sum(amount for _, amount in parts) + 1
    lines = [*(line(heading, amount) for heading, amount in parts), line("surplus", 1)]
    given_sheet = REPLACE(sheet(), lines=lines, price_minor=total + error_cents)
    refused = audit_cost_sheet(given_sheet)
    assert bool(refused) == (error_cents != 0)


def test_a_price_below_its_own_costs_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"without tax it is 3.00 EUR, 0.01 EUR below the costs of 3.01 EUR"):
        check_cost_sheet(sheet(321, materials=151, labour=150, surplus=-1, tax=21))
    check_cost_sheet(sheet(321, materials=150, labour=150, surplus=0, tax=21))


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"price_minor": 0}, "price: must be more than nothing"),
        ({"lines": []}, "lines: there are 0"),
        ({"lines": [line("materials", 1)] * 33}, "lines: there are 33"),
        ({"lines": [line("magic", 342)]}, "lines.1.heading: is none of materials"),
        ({"lines": [line("labour", -1), line("materials", 343)]}, "lines.1.amount_minor: labour cannot"),
        ({"lines": [REPLACE(line("labour", 342), label=" ")]}, "lines.1.label: is empty"),
        ({"lines": [REPLACE(line("labour", 342), scope="me")]}, "lines.1.scope: is none of public"),
        ({"lines": [REPLACE(line("labour", 1), amount_minor=None)]}, "lines.1: a public line shows"),
        ({"lines": [REPLACE(line("labour", 342), commitment=bytes(32))]}, "lines.1: a public line shows"),
        ({"lines": [*[line("labour", 10)] * 31, line("magic", 32)]}, "lines.32.heading: is none of"),
        ({"hidden_minor": 5}, "hidden_minor: is 0 when no line is hidden"),
        ({"unit": "loaf"}, "unit: no UN/ECE"),
        ({"language": "english"}, "language: is no language tag"),
    ],
)
def test_a_sheet_that_is_not_right_is_refused_with_place_and_reason(changes: dict[str, object], finding: str) -> None:
    with pytest.raises(RefusedError) as refused:
        check_cost_sheet(REPLACE(sheet(), **changes))
    assert any(str(each).startswith(finding) for each in refused.value.findings)


def hide(shown: CostSheet, *numbers: int) -> tuple[CostSheet, dict[int, Opening]]:
    lines, openings = list(shown.lines), {}
    for number in numbers:
        closed = REPLACE(lines[number - 1], scope="buyers")
        lines[number - 1], openings[number] = hide_line(BAKERY, closed, number, bytes([number]) * 32)
    hidden = sum(shown.lines[number - 1].amount_minor or 0 for number in numbers)
    return REPLACE(shown, lines=lines, hidden_minor=hidden), openings


def test_two_hidden_lines_still_add_up_to_the_cent() -> None:
    closed, openings = hide(sheet(), 1, 2)
    check_cost_sheet(closed)
    assert closed.hidden_minor == 270
    amounts = {number: open_line(BAKERY, closed.lines[number - 1], number, openings[number]) for number in openings}
    assert amounts == {1: 120, 2: 150}
    assert audit_opened_sheet(closed, amounts) == []
    assert audit_opened_sheet(closed, {1: 120}) == []


@pytest.mark.parametrize(
    "change",
    [{"amount_minor": 120}, {"commitment": None}, {"commitment": bytes(31)}, {"commitment": bytes(33)}],
    ids=["shows its amount", "commits to nothing", "a byte short", "a byte long"],
)
def test_a_hidden_line_hides_its_amount_behind_a_whole_commitment(change: dict[str, object]) -> None:
    closed, _ = hide(sheet(), 1, 2)
    leaky = [REPLACE(closed.lines[0], **change), *closed.lines[1:]]
    assert [str(finding) for finding in audit_cost_sheet(REPLACE(closed, lines=leaky))] == [
        "lines.1: a hidden line has a commitment of 32 bytes and no amount"
    ]


def test_a_sheet_may_have_as_many_lines_as_its_limit() -> None:
    check_cost_sheet(REPLACE(sheet(), price_minor=320, lines=[line("labour", 10)] * LINES_MAX))


def test_one_hidden_line_would_be_the_price_minus_the_rest() -> None:
    closed, _ = hide(sheet(), 2)
    with pytest.raises(
        RefusedError, match="the cost sheet is refused: lines: a single hidden line is the price minus the rest"
    ):
        check_cost_sheet(closed)


def test_a_hidden_total_off_by_one_cent_is_refused() -> None:
    closed, _ = hide(sheet(), 1, 2)
    with pytest.raises(RefusedError, match=r"0.01 EUR is missing"):
        check_cost_sheet(REPLACE(closed, hidden_minor=269))


def test_two_lines_behind_one_commitment_are_refused() -> None:
    closed, _ = hide(sheet(), 1, 2)
    twice = [closed.lines[0], REPLACE(closed.lines[1], commitment=closed.lines[0].commitment), *closed.lines[2:]]
    with pytest.raises(
        RefusedError, match="the cost sheet is refused: lines: two hidden lines have the same commitment"
    ):
        check_cost_sheet(REPLACE(closed, lines=twice))


def test_opened_lines_that_do_not_come_to_their_total_are_a_finding() -> None:
    closed, _ = hide(sheet(), 1, 2)
    (finding,) = audit_opened_sheet(closed, {1: 120, 2: 149})
    assert finding.reason.endswith("0.01 EUR is missing")


def test_an_opening_opens_only_its_own_line() -> None:
    closed, openings = hide(sheet(), 1, 2)
    with pytest.raises(PeerError, match=r"made for body\.sheet\.lines\.2"):
        open_line(BAKERY, closed.lines[0], 1, openings[2])
    with pytest.raises(PeerError, match="does not open"):
        open_line(BAKERY, closed.lines[0], 1, REPLACE(openings[1], value=119))
    with pytest.raises(PeerError, match="another record"):
        open_line(NORTHSIDE, closed.lines[0], 1, openings[1])
    with pytest.raises(PeerError, match="no amount of money"):
        bad_line, bad = hide_line(BAKERY, CostLine("labour", "x", None, "buyers", None), 1, bytes(32))
        open_line(BAKERY, bad_line, 1, bad)


def test_a_hidden_section_is_read_with_its_opening() -> None:
    told = REPLACE(section("working_conditions", "five bakers, made up"), scope="buyers")
    closed, opening = hide_section(BAKERY, told, bytes(32))
    assert closed.texts == {}
    assert open_section(BAKERY, closed, opening) == {"en": "five bakers, made up"}
    with pytest.raises(PeerError, match="does not open"):
        open_section(BAKERY, closed, REPLACE(opening, salt=bytes([1]) * 32))


@pytest.mark.parametrize("texts", [{}, {"en": " "}, {"en": 5}, "text", None])
def test_a_hidden_section_that_holds_no_text_is_said_to(texts: object) -> None:
    told = Section(name="delivery", scope="buyers", texts=texts, commitment=None)  # type: ignore[arg-type]
    closed, opening = hide_section(BAKERY, told, bytes(32))
    with pytest.raises(PeerError, match="holds no texts"):
        open_section(BAKERY, closed, opening)


def test_a_note_is_read_with_its_opening() -> None:
    opening = hide_note(NORTHSIDE, "made up: please ask again in spring", bytes(32))
    closed, other = hide_line(BAKERY, line("labour", 5), 1, bytes(32))
    assert closed.commitment is not None
    assert open_note(NORTHSIDE, commit_opening(opening), opening) == "made up: please ask again in spring"
    with pytest.raises(PeerError, match="another record"):
        open_note(NORTHSIDE, closed.commitment, other)
