"""The reference pages say what the tables say, and the bodies of records hold nothing that nodes could differ on."""

from pathlib import Path

import msgspec
import pytest

from protocol.record_kinds import KINDS
from scripts.export import PAGES, find_stale
from scripts.reference.shapes import format_type, shape_of, structs_within


@pytest.mark.parametrize("path", PAGES)
def test_the_page_is_up_to_date(path: str) -> None:
    assert not find_stale({path: PAGES[path]}), f"{path} is behind: run .venv/bin/python -m scripts.export"


def test_a_page_that_fell_behind_is_caught(tmp_path: Path) -> None:
    page = tmp_path / "docs/spec/records.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGES["docs/spec/records.md"]() + "\nA kind that is no more.\n", encoding="utf-8")
    assert "docs/spec/records.md" in find_stale(PAGES, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_body_holds_no_float(kind: str) -> None:
    assert list_floats(KINDS[kind].body) == []


def test_a_float_deep_in_a_body_is_caught() -> None:
    class Line(msgspec.Struct):
        amount: float

    class Sheet(msgspec.Struct):
        lines: list[Line]

    assert list_floats(Sheet) == ["Line.amount"]


def list_floats(body: type[msgspec.Struct]) -> list[str]:
    """Fields that are, or may hold, a float, in a body and in the structs it is made of."""
    whole = shape_of(body)
    return [
        f"{part.cls.__name__}.{field.name}"
        for part in (whole, *structs_within(whole))
        for field in part.fields
        if "float" in format_type(field.type)
    ]
