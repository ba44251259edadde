"""Files that people hand in: whatever is not what it should be is refused with its place."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from protocol.core.errors import RefusedError
from protocol.core.file_rows import (
    DIGITS_MOST,
    NUMBER_MOST,
    check_once,
    decode_file,
    read_above,
    read_name,
    read_number,
    read_rows,
    read_signed,
)

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a file that is too long": (lambda: decode_file(b'{"a":1}', 6), "file"),
    "no JSON": (lambda: decode_file(b"{", 100), "file"),
    "brackets without end": (lambda: decode_file(b"[" * 100_000, 1_000_000), "file"),
    "a list where an object is meant": (lambda: decode_file(b"[]", 100), "file"),
    "a name twice in one object": (lambda: decode_file(b'{"a": {"b": 1, "b": 1}}', 100), "file"),
    "no list": (lambda: read_rows({"goods": {}}, "goods"), "goods"),
    "nothing": (lambda: read_rows({}, "goods"), "goods"),
    "a row that is no object": (lambda: read_rows({"goods": [{}, 1]}, "goods"), "goods[1]"),
    "no name": (lambda: read_name({"id": ""}, "goods[0]"), "goods[0].id"),
    "two of one name": (lambda: check_once(["bread", "milk", "bread"], "goods"), "goods"),
    "a number without quotes": (lambda: read_signed({"least": 1.5}, "least", "oven"), "oven.least"),
    "a number with an exponent": (lambda: read_signed({"least": "1e3"}, "least", "oven"), "oven.least"),
    "a number of other digits": (lambda: read_signed({"least": "\u0661"}, "least", "oven"), "oven.least"),
    "a number without end": (lambda: read_signed({"least": "0" * (DIGITS_MOST + 1)}, "least", "oven"), "oven.least"),
    "a number beyond all": (lambda: read_signed({"least": str(NUMBER_MOST + 1)}, "least", "oven"), "oven.least"),
    "less than nothing": (lambda: read_number({"least": "-1"}, "least", "oven"), "oven.least"),
    "nothing where something must be": (lambda: read_above({"least": "0"}, "least", "oven"), "oven.least"),
    "a number that is missing": (lambda: read_number({}, "least", "oven"), "oven.least"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_with_its_place(what: str) -> None:
    read, place = WRONG[what]
    with pytest.raises(RefusedError) as caught:
        read()
    assert [finding.place for finding in caught.value.findings] == [place]


def test_what_is_right_is_read_as_it_is_written() -> None:
    document = decode_file(b'{"goods": [{"id": "bread", "least": "-0.50"}]}', 100)
    (row,) = read_rows(document, "goods")
    assert read_name(row, "goods[0]") == "bread"
    assert str(read_signed(row, "least", "bread")) == "-0.50"
    assert read_number({}, "least", "bread", Decimal(0)) == 0
    for read in (read_signed, read_number, read_above):
        assert read({"most": str(NUMBER_MOST)}, "most", "bread") == NUMBER_MOST
