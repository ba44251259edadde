"""No page of the spec stands without a test that reads it: what a page shows cannot fall behind the code."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.spec_pages.examples import list_pages, read_page
from tests.spec_pages.test_short_forms import RECORD_PAGES

TESTS = Path(__file__).resolve().parents[1]
MARK = re.compile(r"rochdale(?:/[a-z-]+/v?[0-9]+|-[a-z-]+/[0-9]+|-[a-z]+:)")
"""What hashes, documents and lines begin with, so that none is taken for another."""
VECTORS = re.compile(r"`(?:tests/vectors/)?((?:[a-z]+/)?[a-z-]+\.json)`")
OPENED = re.compile(r'["/]([a-z-]+\.md)"')
WITHOUT = {"plan-simulation.md", "records.md", "signed-head.md", "simulation.md"}
"""Pages of nothing that another program must read alike; records.md names the folder of all kinds."""


def test_every_page_is_read_by_a_test() -> None:
    """Pages that show records are found by test_short_forms.py; any other is opened by a test: a sentence that names it
    ends otherwise than with a quote."""
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    opened = set(OPENED.findall(tests))
    assert [page for page in list_pages() if page not in RECORD_PAGES and page not in opened] == []


def test_every_mark_of_a_hash_a_document_or_a_line_stands_on_a_page() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (TESTS.parent / "protocol").rglob("*.py"))
    pages = "".join(map(read_page, list_pages()))
    marks = set(MARK.findall(code))
    assert len(marks) > 20
    assert sorted(mark for mark in marks if mark not in pages) == []


def test_every_page_names_its_vectors_and_all_of_them_are_named() -> None:
    known = {path.relative_to(TESTS / "vectors").as_posix() for path in (TESTS / "vectors").rglob("*.json")}
    named = {page: set(list_vectors(read_page(page))) for page in list_pages()}
    assert set().union(*named.values()) == known
    assert {page for page, files in named.items() if not files} == WITHOUT


def list_vectors(text: str) -> Iterator[str]:
    """The files that a page names; one without a folder lies beside the one named before it."""
    folder = ""
    for name in VECTORS.findall(text):
        folder = name.rpartition("/")[0] or folder
        yield f"{folder}/{name.rpartition('/')[2]}"
