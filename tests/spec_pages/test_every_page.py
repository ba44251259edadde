"""No page of the spec stands without a test that reads it: what a page shows cannot fall behind the code."""

import re
from pathlib import Path

import pytest

from tests.spec_pages.examples import list_pages, read_page
from tests.spec_pages.test_short_forms import RECORD_PAGES

TESTS = Path(__file__).resolve().parents[1]
MARK = re.compile(r"rochdale(?:/[a-z-]+/v?[0-9]+|-[a-z-]+/[0-9]+|-[a-z]+:)")
"""What hashes, documents and lines begin with, so that none is taken for another."""
VECTORS = re.compile(r"`(?:tests/vectors/)?((?:[a-z]+/)?[a-z-]+\.json)`")
WITHOUT = {"plan-simulation.md", "records.md", "signed-head.md", "simulation.md"}
"""Pages of nothing that another program must read alike; records.md names the folder of all kinds."""
PLANNING = "protocol/planning"
READERS = {
    **dict.fromkeys(
        [
            "cosigning",
            "encoding",
            "fork-evidence",
            "mirror",
            "note-and-checkpoint",
            "policy",
            "tiles-and-proofs",
            "tree",
        ],
        "scripts/test_export_vectors.py",
    ),
    **dict.fromkeys(["commitment", "record"], "scripts/test_export_vectors.py"),
    **dict.fromkeys(["batches", "delivery", "plan", "planning-step"], f"{PLANNING}/test_spec_pages.py"),
    **dict.fromkeys(["plan-records", "ratification"], f"{PLANNING}/test_plan_records_page.py"),
    **dict.fromkeys(["branch-point", "membership"], "spec_pages/test_short_forms.py"),
    **dict.fromkeys(["decision", "plan-audit", "plan-simulation", "price"], "spec_pages/test_documents.py"),
    **dict.fromkeys(["scopes", "signed-head", "simulation"], "spec_pages/test_documents.py"),
    "session": "spec_pages/test_session_page.py",
    "nested-plans": "node/use_cases/planning/trials/test_levels_trial.py",
    "periods": f"{PLANNING}/periods/test_periods.py",
    "private-recipes": f"{PLANNING}/private/test_private_recipes.py",
    "records": "house/test_reference.py",
}
"""Page -> the test file that reads its example. Records in short form are found on every page, and whole ones too."""


def test_every_page_has_a_reader_and_every_reader_a_page() -> None:
    readers = {f"{page}.md" for page in READERS}
    assert sorted(set(list_pages()) - readers - set(RECORD_PAGES)) == []
    assert sorted(readers - set(list_pages())) == []


@pytest.mark.parametrize(("page", "path"), READERS.items(), ids=READERS)
def test_the_reader_reads_the_page(page: str, path: str) -> None:
    assert f"{page}.md" in (TESTS / path).read_text(encoding="utf-8")


def test_every_mark_of_a_hash_a_document_or_a_line_stands_on_a_page() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (TESTS.parent / "protocol").rglob("*.py"))
    pages = "".join(map(read_page, list_pages()))
    marks = set(MARK.findall(code))
    assert len(marks) > 20
    assert sorted(mark for mark in marks if mark not in pages) == []


def test_every_page_names_its_vectors_and_all_of_them_are_named() -> None:
    folder = TESTS / "vectors"
    known = {path.name: path for path in folder.rglob("*.json")}
    named = {page: {name.rpartition("/")[2] for name in VECTORS.findall(read_page(page))} for page in list_pages()}
    assert sorted(page for page, names in named.items() if not names & known.keys()) == sorted(WITHOUT)
    assert set(known) - set().union(*named.values()) == set()
