"""The vectors are those that the code makes, and the pages of the formats show the same bytes."""

import re
from pathlib import Path

import pytest

from protocol.core.identity import SigningKey
from scripts.export import find_stale, list_vectors
from scripts.vectors.made_up import SEEDS
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, OFFICE_KEY

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "docs" / "spec"
VECTORS = list_vectors()
PAGES = [
    "core/commitment.md",
    "log/cosigning.md",
    "core/encoding.md",
    "log/fork-evidence.md",
    "log/mirror.md",
    "log/note-and-checkpoint.md",
    "log/policy.md",
    "core/record.md",
    "log/tiles-and-proofs.md",
    "log/tree.md",
]
HEX = re.compile(r"(?:[0-9a-f]{2})+")


def test_vectors_are_those_that_the_code_makes() -> None:
    assert sorted(find_stale(VECTORS)) == [], "run .venv/bin/python -m scripts.export"


def test_every_file_is_made_by_the_code_but_the_village() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/vectors").rglob("*.json")}
    assert files == {*VECTORS, "tests/vectors/planning/village.json"}


def test_the_keys_of_the_vectors_are_those_of_the_tests() -> None:
    keys = [SigningKey(SEEDS[name]).public for name in ("log", "member", "office")]
    assert keys == [LOG_KEY.public, MEMBER_KEY.public, OFFICE_KEY.public]


@pytest.mark.parametrize("page", PAGES)
def test_the_bytes_on_a_page_of_the_spec_stand_in_the_vectors(page: str) -> None:
    known = "".join((ROOT / path).read_text("utf-8") for path in VECTORS).replace("\\n", "\n")
    blocks = re.findall(r"```(hex|note)\n(.*?)```", (SPEC / page).read_text("utf-8"), re.DOTALL)
    assert blocks
    for language, block in blocks:
        lines = (
            [re.sub(r"^\s*\d+\s\s|\s", "", line) for line in block.splitlines()]
            if language == "hex"
            else [block.strip()]
        )
        # One value broken into lines, or a value on each line.
        assert all(HEX.fullmatch(line) for line in lines) or language == "note"
        assert "".join(lines) in known or all(line in known and len(line) == 64 for line in lines), page
