"""Writes what is written from the code, so that it cannot fall behind: reference pages, indexes, vectors.

The pages docs/spec/records.md, docs/guides/api.md and docs/guides/commands.md; the two indexes by which a command
loads no more than its own module; and tests/vectors, the formats and rules as files for readers in other languages
(made up; the seeds are in the files, so that anyone can sign the same bytes). Each module of scripts/vectors names its
files in FILES.

Run it from the checkout: .venv/bin/python -m scripts.export; with `--check` it writes nothing and names what is behind.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from node.cli.command_tree import format_commands_index
from node.modules import walk_modules
from node.operations import format_operations_index
from scripts import vectors
from scripts.reference.api_page import format_api_page
from scripts.reference.commands_page import format_commands_page
from scripts.reference.records_page import format_records_page

ROOT = Path(__file__).resolve().parents[1]
PAGES: Mapping[str, Callable[[], str]] = {
    "docs/spec/records.md": format_records_page,
    "docs/guides/api.md": format_api_page,
    "docs/guides/commands.md": format_commands_page,
    "node/operations.tsv": format_operations_index,
    "node/cli/commands.tsv": format_commands_index,
}


def list_vectors() -> dict[str, Callable[[], str]]:
    """Every file of vectors, by its path in the checkout, with what makes its text."""
    files = {path: make for module in walk_modules(vectors) for path, make in getattr(module, "FILES", {}).items()}
    return {f"tests/vectors/{path}": partial(_format_vectors, make) for path, make in files.items()}


def find_stale(made: Mapping[str, Callable[[], str]], root: Path = ROOT) -> dict[str, str]:
    """What differs from what the code makes, or is missing: path -> the text that should stand there."""
    texts = {path: make() for path, make in made.items()}
    return {path: text for path, text in texts.items() if _read(root / path) != text}


def run(arguments: Iterable[str]) -> int:
    """Write what is behind, or with `--check` only name it; 1 when there is any."""
    is_check = "--check" in arguments
    stale = find_stale({**PAGES, **list_vectors()})
    for path, text in stale.items():
        if not is_check:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}: {'behind' if is_check else 'written'}\n")
    return 1 if stale and is_check else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _format_vectors(make: Callable[[], Any]) -> str:
    return json.dumps(_mark_bytes(make()), ensure_ascii=False, indent=1) + "\n"


def _mark_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: _mark_bytes(member) for key, member in value.items()}
    return [_mark_bytes(member) for member in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
