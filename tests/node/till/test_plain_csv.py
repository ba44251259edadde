"""A till file in plain CSV: what is read, what is dropped, and what each bad file is told."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.till import plain_csv
from node.till.columns import ColumnMapping
from node.till.plain_csv import parse_plain_csv
from node.till.sale import Sale, TillFile, sale_of_row
from protocol.core.errors import MisuseError

KEY = bytes(range(32))
HEADER = "date,product_code,description,category,quantity,amount,household,receipt\n"
GOOD_ROW = "2017-01-31,B1,Oak loaf,BREAD,2,3.40,H7,R1\n"


def read(text: str, mapping: ColumnMapping | None = None, good_rows_only: bool = False) -> TillFile:
    return parse_plain_csv(text.encode(), KEY, mapping, good_rows_only=good_rows_only)


def test_a_line_becomes_a_sale_with_exact_integers() -> None:
    till_file = read(HEADER + GOOD_ROW)
    (sale,) = till_file.sales
    assert (sale.line, sale.sold_at, sale.week, sale.receipt) == (2, "2017-01-31", "2017-W05", "R1")
    assert (sale.product_code, sale.product_name, sale.category) == ("B1", "Oak loaf", "BREAD")
    assert (sale.quantity_milli, sale.amount_cents) == (2000, 340)
    assert sale.household_token is not None
    assert len(sale.household_token) == 16
    assert till_file.findings == ()


def test_columns_are_found_by_name_in_any_order() -> None:
    there = read("amount;QTY;Item;Invoice Date\n1.10;1;Oats;2017-01-01 10:00:00\n")
    back = read("Invoice Date,Item,QTY,amount\n2017-01-01,Oats,1,1.10\n")
    assert [(s.product_name, s.quantity_milli, s.amount_cents) for s in there.sales] == [("Oats", 1000, 110)]
    assert there.sales == back.sales


def test_unit_price_times_quantity_is_rounded_alike_for_a_sale_and_its_refund() -> None:
    sales = read("date,name,quantity,unit_price\n2017-01-01,A,0.5,0.33\n2017-01-01,A,-0.5,0.33\n").sales
    assert [sale.amount_cents for sale in sales] == [17, -17]


def test_refunds_stay_negative_and_are_counted() -> None:
    till_file = read(HEADER + GOOD_ROW + "2017-02-01,B1,Oak loaf,BREAD,-2,-3.40,H7,R2\n")
    assert till_file.sales[1].quantity_milli == -2000
    assert (till_file.totals.amount_cents, till_file.totals.refund_lines, till_file.totals.refund_cents) == (0, 1, -340)
    assert (till_file.totals.first_day, till_file.totals.last_day) == ("2017-01-31", "2017-02-01")


def test_a_saved_mapping_reads_headers_nobody_knows() -> None:
    mapping = ColumnMapping(date="Tag", name="Ware", quantity="Menge", amount="Summe", household="Kunde")
    till_file = read("Kunde,Tag,Ware,Menge,Summe\n12,31.01.2017,Brot,1.5,4.20\n", mapping)
    (sale,) = till_file.sales
    assert (sale.sold_at, sale.product_name, sale.quantity_milli, sale.amount_cents) == (
        "2017-01-31",
        "Brot",
        1500,
        420,
    )
    assert till_file.columns_dropped == ("Kunde",)


@pytest.mark.parametrize("order, day", [("day_first", "2010-12-01"), ("month_first", "2010-01-12")])
def test_slash_dates_are_read_as_the_mapping_says(order: str, day: str) -> None:
    mapping = msgspec.convert(
        {"date": "date", "name": "item", "quantity": "qty", "amount": "amount", "date_order": order}, ColumnMapping
    )
    assert read("date,item,qty,amount\n01/12/2010 8:26,A,1,1\n", mapping).sales[0].sold_at == day


def test_a_mapping_with_an_unknown_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert({"date": "a", "quantity": "b", "colour": "c"}, ColumnMapping)


def test_personal_and_card_columns_are_dropped_and_listed() -> None:
    secrets = ("Ann Example", "ann@example.org", "4111111111111111", "Bo Example", "0161 496 0000")
    till_file = read(
        "date,item,qty,amount,Customer ID,Customer Name,E-mail,PAN Suffix,Cashier name,Phone,Country\n"
        f"2017-01-01,Oats,1,1.10,77,{','.join(secrets)},GB\n"
    )
    dropped = ("Customer ID", "Customer Name", "E-mail", "PAN Suffix", "Cashier name", "Phone")
    assert till_file.columns_dropped == dropped
    assert till_file.columns_unused == ("Country",)
    shown = repr(till_file)
    assert len(till_file.sales) == 1
    assert not any(secret in shown for secret in (*secrets, "'77'"))


def test_a_household_is_a_token_that_only_its_key_can_make() -> None:
    text = HEADER + GOOD_ROW + GOOD_ROW.replace("H7", "H8") + GOOD_ROW.replace("H7", "")
    tokens = [sale.household_token for sale in read(text).sales]
    others = [sale.household_token for sale in parse_plain_csv(text.encode(), bytes(32)).sales]
    assert tokens[0] != tokens[1]
    assert tokens[2] is None
    assert tokens[0] != others[0]
    assert read(text).totals.households == 2
    with pytest.raises(MisuseError, match="32 bytes"):
        parse_plain_csv(text.encode(), b"short")


def test_mapping_a_personal_column_as_anything_but_household_is_refused() -> None:
    mapping = ColumnMapping(date="date", name="Customer Name", quantity="qty", amount="amount")
    till_file = read("date,Customer Name,qty,amount\n2017-01-01,Ann,1,1\n", mapping)
    assert "personal" in till_file.findings[0].reason
    assert till_file.sales == ()


def test_formula_like_cells_stay_the_letters_they_are() -> None:
    (sale,) = read("date,item,qty,amount\n2017-01-01,=1+1|'x',1,1.00\n").sales
    assert sale.product_name == "=1+1|'x'"


def test_letters_that_steer_a_screen_are_taken_out_of_names() -> None:
    (sale,) = read("date,item,qty,amount\n2017-01-01,\x1b[2JOats \u202e rolled,1,1.00\n").sales
    assert sale.product_name == "[2JOats rolled"


BAD_ROWS = {
    "a word for a quantity": (
        "2017-01-31,B1,x,BREAD,twelve,3.40,,R1",
        "line 3, column quantity",
        "'twelve' is not a number",
    ),
    "an empty quantity": ("2017-01-31,B1,x,BREAD,,3.40,,R1", "line 3, column quantity", "the cell is empty"),
    "a decimal comma": ('2017-01-31,B1,x,BREAD,1,"3,40",,R1', "line 3, column amount", "'3,40' has a comma"),
    "a formula for an amount": (
        "2017-01-31,B1,x,BREAD,1,=A1*2,,R1",
        "line 3, column amount",
        "'=A1*2' is not a number",
    ),
    "an exponent": ("2017-01-31,B1,x,BREAD,1,1e3,,R1", "line 3, column amount", "'1e3' is not a number"),
    "not a number": ("2017-01-31,B1,x,BREAD,nan,1,,R1", "line 3, column quantity", "'nan' is not a number"),
    "infinity": ("2017-01-31,B1,x,BREAD,1,inf,,R1", "line 3, column amount", "'inf' is not a number"),
    "digits of another script": ("2017-01-31,B1,x,BREAD,١,1,,R1", "line 3, column quantity", "'١' is not a number"),
    "a tenth of a cent": ("2017-01-31,B1,x,BREAD,1,3.405,,R1", "line 3, column amount", "more than 2 decimals"),
    "too many digits": ("2017-01-31,B1,x,BREAD,1,12345678901,,R1", "line 3, column amount", "too many digits"),
    "a day of no calendar": ("2017-02-30,B1,x,BREAD,1,1,,R1", "line 3, column date", "not a day of the calendar"),
    "a date in words": ("yesterday,B1,x,BREAD,1,1,,R1", "line 3, column date", "is not a date such as 2017-01-31"),
    "a date either way round": ("01/02/2017,B1,x,BREAD,1,1,,R1", "line 3, column date", "say which in the mapping"),
    "a year nobody sold in": ("0017-02-01,B1,x,BREAD,1,1,,R1", "line 3, column date", "outside the years"),
    "no product": ("2017-01-31,,,BREAD,1,1,,R1", "line 3, column product_code and description", "no product is named"),
    "a cell too few": ("2017-01-31,B1,x,BREAD,1,1,R1", "line 3", "has 7 cells, the header has 8"),
    "a very long cell": (f"2017-01-31,B1,{'x' * 1001},B,1,1,,R", "line 3, column description", "1001 characters"),
}


@pytest.mark.parametrize("row, place, reason", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_and_nothing_is_taken(row: str, place: str, reason: str) -> None:
    till_file = read(HEADER + GOOD_ROW + row + "\n" + GOOD_ROW)
    assert [finding.place for finding in till_file.findings] == [place]
    assert reason in till_file.findings[0].reason
    assert till_file.sales == ()
    assert (till_file.rows_read, till_file.rows_bad) == (3, 1)


def test_the_good_rows_are_taken_when_they_are_asked_for() -> None:
    till_file = read(HEADER + GOOD_ROW + "2017-01-31,B1,x,BREAD,twelve,x,,R1\n" + GOOD_ROW, good_rows_only=True)
    assert [sale.line for sale in till_file.sales] == [2, 4]
    assert [finding.place for finding in till_file.findings] == ["line 3, column quantity", "line 3, column amount"]


def test_line_numbers_count_lines_of_the_file_also_after_a_cell_of_two_lines() -> None:
    till_file = read(HEADER + '2017-01-31,B1,"Oak\nloaf",BREAD,1,1,,R1\n\n2017-01-31,B1,x,BREAD,two,1,,R1\n')
    assert till_file.findings[0].place == "line 5, column quantity"


BAD_FILES = {
    "an empty file": (b"", "file", "the file is empty"),
    "a header alone": (HEADER.encode(), "file", "no row below"),
    "no quantity": (b"date,item,amount\n2017-01-01,A,1\n", "header", "no column for quantity"),
    "a header nobody knows": (b"a,b,c\n1,2,3\n", "header", "the header reads 'a', 'b', 'c'"),
    "letters of Windows": (
        HEADER.encode() + "2017-01-01,B1,Brötchen,B,1,1,,R".encode("cp1252"),
        "line 2, byte",
        "cp1252",
    ),
    "UTF-16": (("\ufeff" + HEADER).encode("utf-16-le"), "byte 0", "utf-16"),
    "a NUL byte": (HEADER.encode() + b"2017-01-01,B\0,A,B,1,1,,R\n", "line 2", "NUL byte"),
    "a very long line": (HEADER.encode() + b"x" * 20_000, "line 2", "20000 characters"),
    "a quote never closed": (HEADER.encode() + b'2017-01-01,B1,"Oak,B,1,1,,R\n', "after row 0", "unexpected end"),
    "very many columns": (b"a," * 300 + b"\n", "header", "301 columns"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00", "line 1, byte 0", "not UTF-8"),
}


@pytest.mark.parametrize("raw, place, reason", BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_with_its_place(raw: bytes, place: str, reason: str) -> None:
    till_file = parse_plain_csv(raw, KEY, good_rows_only=True)
    assert till_file.findings[0].place.startswith(place)
    assert reason in till_file.findings[0].reason
    assert till_file.sales == ()


def test_too_many_rows_and_too_big_a_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_csv, "ROWS_MAX", 2)
    assert "more than 2 rows" in read(HEADER + GOOD_ROW * 3, good_rows_only=True).findings[0].reason
    assert read(HEADER + GOOD_ROW * 3, good_rows_only=True).sales == ()
    monkeypatch.setattr("node.till.text_decoding.FILE_BYTES_MAX", 100)
    assert "more than 100" in read(HEADER + GOOD_ROW * 3).findings[0].reason


def test_the_list_of_findings_is_bounded_and_says_how_many_were_left_off() -> None:
    till_file = read(HEADER + GOOD_ROW.replace(",2,", ",two,") * 250)
    assert len(till_file.findings) == plain_csv.FINDINGS_MAX
    assert (till_file.rows_bad, till_file.findings_left_off) == (250, 50)


def test_another_encoding_is_read_when_it_is_given_and_a_mark_is_skipped() -> None:
    row = HEADER + GOOD_ROW.replace("Oak loaf", "Brötchen")
    for raw, encoding in (
        (row.encode("cp1252"), "cp1252"),
        (row.encode("utf-8-sig"), "utf-8"),
        (row.encode("utf-16"), "utf-16"),
    ):
        assert parse_plain_csv(raw, KEY, encoding=encoding).sales[0].product_name == "Brötchen"
    assert "known:" in parse_plain_csv(row.encode(), KEY, encoding="rot13").findings[0].reason


def test_a_stored_row_reads_back_as_the_sale() -> None:
    (sale,) = read(HEADER + GOOD_ROW).sales
    row = ("2017-01-31", "2017-W05", "B1", "Oak loaf", "BREAD", 2000, 340, sale.household_token)
    assert sale_of_row(row) == Sale(0, "2017-01-31", "2017-W05", "", "B1", "Oak loaf", "BREAD", 2000, 340, row[-1])


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_do_more_than_give_findings(raw: bytes) -> None:
    for text in (raw, HEADER.encode() + raw):
        till_file = parse_plain_csv(text, KEY)
        assert till_file.findings or till_file.sales


@settings(max_examples=40, deadline=None)
@given(st.integers(-(10**11), 10**11), st.integers(-(10**12), 10**12))
def test_every_exact_number_comes_back_as_itself(cents: int, milli: int) -> None:
    amount = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
    quantity = f"{'-' if milli < 0 else ''}{abs(milli) // 1000}.{abs(milli) % 1000:03d}"
    sales = read(f"date,item,qty,amount\n2017-01-01,A,{quantity},{amount}\n").sales
    if abs(cents) < 10**11 and abs(milli) < 10**12:
        assert [(sale.amount_cents, sale.quantity_milli) for sale in sales] == [(cents, milli)]
    else:
        assert sales == ()
