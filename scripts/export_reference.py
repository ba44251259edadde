#!/usr/bin/env python3
"""Writes the reference pages from the tables they describe, so that they cannot fall behind.

docs/spec/records.md from protocol/record_kinds.py, docs/guides/api.md from the operations and routes,
docs/guides/commands.md from the command line; and the two indexes by which a command loads no more than its own
module, node/operations.tsv and node/cli/commands.tsv. A house test compares what is written with what would be.
Run it from the checkout: .venv/bin/python -m scripts.export_reference
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from node.cli.command_tree import format_commands_index
from node.operations import format_operations_index
from scripts.reference.api_page import format_api_page
from scripts.reference.commands_page import format_commands_page
from scripts.reference.records_page import format_records_page

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/spec/records.md": format_records_page,
    "docs/guides/api.md": format_api_page,
    "docs/guides/commands.md": format_commands_page,
    "node/operations.tsv": format_operations_index,
    "node/cli/commands.tsv": format_commands_index,
}


def outdated_pages(root: Path) -> dict[str, str]:
    """The pages, by path, whose text differs from what the tables say: path -> what should stand there."""
    found = {}
    for path, format_page in PAGES.items():
        page = root / path
        text = format_page()
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            found[path] = text
    return found


def main() -> int:
    """Write what is outdated; the names of what was written go to standard output."""
    root = Path(__file__).resolve().parents[1]
    for path, text in outdated_pages(root).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
