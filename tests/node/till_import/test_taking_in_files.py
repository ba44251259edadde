"""Taking a till file in: whole or not at all, once, and with nobody's number kept."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.till.columns import ColumnMapping
from node.use_cases.context import Node, NoParams
from node.use_cases.till import (
    TillParams,
    TillReport,
    import_file,
    preview_file,
    show_consumption,
)
from protocol.core.errors import RefusedError
from storage.private import till_lines
from tests.node.homes import make_node

HEADER = "date,product_code,description,category,quantity,amount,household,receipt\n"
MONDAY = "2017-01-30,B1,Oak loaf,BREAD,2,3.40,Marple-4711,R1\n"
TUESDAY = "2017-01-31,B1,Oak loaf,BREAD,1,1.70,Marple-4712,R2\n"
OIL = "2017-01-31,B2,Olivenöl,OIL,1,9.00,,R2\n"
REFUND = "2017-02-01,B1,Oak loaf,BREAD,-1,-1.70,Marple-4711,R3\n"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A home that has sold nothing yet."""
    made = await make_node(tmp_path, "shop")
    yield made
    made.database.close()


async def take(node: Node, content: str | bytes, good_rows_only: bool = False) -> TillReport:
    raw = content.encode() if isinstance(content, str) else content
    return await import_file(node, TillParams(name="till.csv", content=raw, good_rows_only=good_rows_only))


def state(node: Node) -> list[tuple[object, ...]]:
    """All that till files have left in the database, but for when they came."""
    db = node.database.reader
    files = [tuple(row) for row in db.execute("SELECT id, name, sha256, lines, lines_new FROM till_file ORDER BY id")]
    return files + [tuple(row) for row in db.execute("SELECT * FROM till_line ORDER BY key")]


async def test_lines_refunds_and_households_are_counted(node: Node) -> None:
    report = await take(node, HEADER + MONDAY + TUESDAY + REFUND)
    assert (report.lines_new, report.refund_lines, report.amount_cents, report.households) == (3, 1, 340, 2)
    found = await show_consumption(node, NoParams())
    (loaf,) = found.products
    assert (loaf.quantity_milli, loaf.amount_cents, loaf.lines, loaf.households) == (2000, 340, 3, 2)
    assert (found.lines, found.households, found.weeks) == (3, 2, ("2017-W05",))


async def test_the_same_file_twice_changes_nothing(node: Node) -> None:
    first = await take(node, HEADER + MONDAY + MONDAY + TUESDAY)
    before = state(node)
    again = await take(node, HEADER + MONDAY + MONDAY + TUESDAY)
    assert (first.lines_new, first.known_file) == (3, False)
    assert (again.lines_new, again.lines_known, again.known_file) == (0, 3, True)
    assert state(node) == before


async def test_an_overlapping_file_adds_only_what_is_new_whatever_its_columns_and_order(node: Node) -> None:
    await take(node, HEADER + MONDAY + TUESDAY)
    report = await take(node, HEADER + REFUND + TUESDAY)
    assert (report.lines_new, report.lines_known, report.known_file) == (1, 1, False)
    turned = "receipt;amount;quantity;description;product_code;date\nR1;3.40;2;Oak loaf;B1;2017-01-30\n"
    assert (await take(node, turned)).lines_new == 0
    assert till_lines.line_count(node.database.reader) == 3


async def test_a_preview_keeps_nothing(node: Node) -> None:
    before = state(node)
    report = await preview_file(node, TillParams(name="till.csv", content=(HEADER + MONDAY).encode()))
    assert (report.taken, report.rows_read, report.lines_new) == (False, 1, 0)
    assert state(node) == before == []


async def test_no_customer_number_is_kept_anywhere_in_the_home(node: Node) -> None:
    await take(node, HEADER + MONDAY + TUESDAY)
    with pytest.raises(RefusedError) as refused:
        await take(node, HEADER + MONDAY + TUESDAY.replace(",1,1.70", ",one,1.70"))
    assert "4712" not in str(refused.value) + repr(refused.value.findings)
    node.database.close()
    kept = b"".join(path.read_bytes() for path in node.config.home.rglob("*") if path.is_file())
    assert b"Oak loaf" in kept and b"4711" not in kept and b"Marple" not in kept


BAD_FILES = {
    "a header nobody knows": (b"a,b,c\n1,2,3\n", "header"),
    "a header without a quantity": (b"date,item,amount\n2017-01-01,A,1\n", "header"),
    "a word for a number in the last row": ((HEADER + MONDAY + MONDAY.replace(",2,", ",two,")).encode(), "line 3"),
    "a decimal comma": ((HEADER + MONDAY.replace("3.40", '"3,40"')).encode(), "line 2, column amount"),
    "letters of Windows in the last row": ((HEADER + MONDAY + OIL).encode("cp1252"), "line 3"),
    "a quote that never ends": ((HEADER + MONDAY + '2017-01-31,"B1\n').encode(), "after row 1"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00", "line 1"),
    "nothing": (b"", "file"),
    "a header alone": (HEADER.encode(), "file"),
}  # fmt: skip


@pytest.mark.parametrize("raw, place", BAD_FILES.values(), ids=BAD_FILES)
async def test_a_bad_file_is_refused_with_its_place_and_leaves_no_trace(node: Node, raw: bytes, place: str) -> None:
    await take(node, HEADER + TUESDAY)
    before = state(node)
    with pytest.raises(RefusedError) as refused:
        await take(node, raw)
    assert refused.value.findings[0].place.startswith(place)
    assert refused.value.reason == "till.csv: nothing was imported"
    assert state(node) == before


async def test_a_bad_file_is_not_remembered_as_known_and_can_be_put_right(node: Node) -> None:
    bad = HEADER + MONDAY + TUESDAY.replace(",1,1.70", ",one,1.70")
    with pytest.raises(RefusedError):
        await take(node, bad)
    report = await take(node, bad, good_rows_only=True)
    assert (report.lines_new, len(report.findings), report.taken) == (1, 1, True)
    assert (await take(node, HEADER + MONDAY + TUESDAY)).lines_new == 1


async def test_a_file_without_one_good_row_is_refused_also_when_the_good_rows_are_asked_for(node: Node) -> None:
    with pytest.raises(RefusedError, match="no till lines in this file") as refused:
        await take(node, HEADER + MONDAY.replace(",2,", ",two,"), good_rows_only=True)
    assert any(finding.place == "line 2, column quantity" for finding in refused.value.findings)
    assert state(node) == []


async def test_a_file_that_is_too_big_is_refused_before_it_is_read(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.use_cases.till.FILE_BYTES_MAX", 10)
    with pytest.raises(RefusedError, match="at most 10"):
        await take(node, HEADER + MONDAY)


async def test_a_mapping_reads_what_no_name_tells(node: Node) -> None:
    mapping = ColumnMapping(date="Tag", name="Ware", quantity="Menge", amount="Summe", household="Kunde")
    raw = "Kunde,Tag,Ware,Menge,Summe\n12,31.01.2017,Brot,1.5,4.20\n".encode("cp1252")
    report = await import_file(node, TillParams(name="t.csv", content=raw, encoding="cp1252", mapping=mapping))
    assert (report.lines_new, report.households, report.columns_dropped) == (1, 1, ("Kunde",))
