"""A proposal and an approval, each read by itself: dates, parties, what goes with a yes and with a no."""

from typing import Any

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.core.quantities import Quantity
from protocol.supply.price_agreement import (
    BUYERS_MAX,
    PERIOD_DAYS_MAX,
    REASONS,
    PriceApproval,
    audit_approval,
    audit_proposal,
    check_approval,
)
from tests.protocol.supply.made_up_logs import proposal

HASH = bytes(32)
YES = PriceApproval(proposal=HASH, disclosure=HASH, approve=True, reason="", note=None)
NO = PriceApproval(proposal=HASH, disclosure=HASH, approve=False, reason="price", note=HASH)
MONTH_DAYS = {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


def list_buyers(count: int) -> list[str]:
    return [f"co-op-{number:03}.example/log" for number in range(count)]


@pytest.mark.parametrize("month", MONTH_DAYS)
def test_every_month_ends_on_its_last_day(month: int) -> None:
    last = MONTH_DAYS[month]
    assert audit_proposal(proposal(valid_from=f"2026-{month:02}-{last}")) == []
    assert audit_proposal(proposal(valid_from=f"2026-{month:02}-{last + 1}"))


@pytest.mark.parametrize("day", ["2028-02-29", "2000-02-29", "0001-01-01", "9999-12-31"])
def test_these_are_days(day: str) -> None:
    assert audit_proposal(proposal(valid_from=day)) == []


@pytest.mark.parametrize(
    "text",
    ["2026-02-29", "2100-02-29", "0000-01-01", "2026-13-01", "2026-00-10", "2026-01-00", "20260301"],
)
def test_these_are_no_days(text: str) -> None:
    assert audit_proposal(proposal(valid_from=text))


@pytest.mark.parametrize(
    "text", ["2026-W10-1", "2026-3-1", "２０２６-03-01", "2026-03-01T00:00", "2026-03-01\n", "soon", ""]
)
def test_a_day_is_written_in_one_way(text: str) -> None:
    assert [str(each) for each in audit_proposal(proposal(valid_from=text))] == [
        "valid_from: not a date such as 2026-03-01"
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"product": "12"}, "product"),
        ({"maker": "two words"}, "maker"),
        ({"version": 0}, "version"),
        ({"buyers": ["two words"]}, "buyers.1"),
        ({"buyers": ["northside.example/log"] * 2}, "buyers"),
        ({"buyers": list_buyers(BUYERS_MAX + 1)}, "buyers"),
        ({"predecessor": HASH}, "predecessor"),
        ({"version": 2, "predecessor": bytes(31)}, "predecessor"),
        ({"period_days": PERIOD_DAYS_MAX + 1}, "period_days"),
        ({"guaranteed_minimum": Quantity(-1, "C62", 0)}, "guaranteed_minimum"),
        ({"guaranteed_minimum": Quantity(0, "C62", 0)}, "guaranteed_minimum"),
    ],
)
def test_what_is_wrong_with_a_proposal_has_its_place(changes: dict[str, Any], place: str) -> None:
    findings = audit_proposal(msgspec.structs.replace(proposal(), **changes))
    assert {finding.place for finding in findings} - {"predecessor"} == {place} - {"predecessor"}
    assert place in {finding.place for finding in findings}


@pytest.mark.parametrize(
    "changes",
    [
        {"buyers": list_buyers(BUYERS_MAX)},
        {"period_days": 1},
        {"period_days": PERIOD_DAYS_MAX},
        {"guaranteed_minimum": Quantity(1, "C62", 0)},
        {"version": 2, "predecessor": HASH},
    ],
)
def test_a_proposal_may_go_as_far_as_the_limits(changes: dict[str, Any]) -> None:
    assert audit_proposal(msgspec.structs.replace(proposal(), **changes)) == []


@pytest.mark.parametrize("approval", [YES, NO, *(msgspec.structs.replace(NO, reason=reason) for reason in REASONS)])
def test_a_yes_says_nothing_more_and_a_no_gives_a_reason(approval: PriceApproval) -> None:
    check_approval(approval)
    assert audit_approval(approval) == []


@pytest.mark.parametrize(
    ("approval", "changes", "finding"),
    [
        (YES, {"proposal": bytes(31)}, "proposal: must be 32 bytes"),
        (YES, {"disclosure": bytes(33)}, "disclosure: must be 32 bytes"),
        (YES, {"note": b""}, "note: must be 32 bytes"),
        (YES, {"reason": "price"}, "reason: belongs to a no, not to a yes"),
        (NO, {"reason": ""}, "reason: a no gives one of price, volume"),
        (NO, {"reason": "mood"}, "reason: a no gives one of price, volume"),
    ],
)
def test_any_other_approval_is_refused(approval: PriceApproval, changes: dict[str, Any], finding: str) -> None:
    with pytest.raises(RefusedError, match="price approval") as refused:
        check_approval(msgspec.structs.replace(approval, **changes))
    (only,) = refused.value.findings
    assert str(only).startswith(finding)
