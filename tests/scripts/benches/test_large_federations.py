"""The page on large federations says what the formulas say."""

from pathlib import Path

from protocol.federation.votes import VOTERS_MAX
from protocol.gossip.overlay import limits
from scripts.reference import large_federations as costs

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/large-federations.md").read_text(encoding="utf-8")


def test_the_page_has_the_table_as_it_is_worked_out() -> None:
    assert "\n".join(costs.list_rows()) in PAGE


def test_the_page_names_what_the_table_rests_on() -> None:
    figures = (
        costs.NOTE_BYTES,
        costs.PUSH_OVERHEAD_BYTES,
        costs.LAZY_BYTES,
        costs.COSIGNATURE_BYTES,
        costs.IDLE_BYTES_A_MINUTE,
    )
    benchmarks = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    section = benchmarks.split("## A large federation")[1]
    for figure in figures:
        assert str(figure) in PAGE, f"{figure} is not on the page"
    for figure in (costs.LAZY_BYTES, costs.COSIGNATURE_BYTES, costs.IDLE_BYTES_A_MINUTE, costs.NOTE_BYTES):
        assert str(figure) in section, f"{figure} is not what was measured last"
    assert (costs.SESSIONS == (limits.ACTIVE_WANTED, limits.ACTIVE_MAX)) and f"{limits.MESH_MEMBERS_MAX} other" in PAGE
    assert f"{costs.MEMBERS**3:,}" in PAGE and f"{VOTERS_MAX**3:,}" in PAGE


def test_a_day_is_the_sum_of_its_parts_and_grows_with_the_levels() -> None:
    one, three = costs.work_out(1), costs.work_out(3)
    assert three.logs == 3 * one.logs == 432
    assert abs(three.bytes_a_day - 3 * one.bytes_a_day) < 1
    assert one.bytes_a_day > one.entries_bytes + one.cosignature_bytes
    assert one.signatures == 144 * 100 * 6
