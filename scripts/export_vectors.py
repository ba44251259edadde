"""Writes the vectors of the formats and rules to tests/vectors: values and their bytes, for readers in other languages.

Run it from the checkout: .venv/bin/python -m scripts.export_vectors; with `--check` it writes nothing and names the
files that the code would make otherwise. Keys, names and content are made up; the seeds are in the files, so that
anyone can sign the same bytes. Each module of scripts/vectors names its files in FILES.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from node.modules import walk_modules
from scripts import vectors

VECTORS = Path(__file__).resolve().parents[1] / "tests" / "vectors"


def list_exports() -> dict[str, Callable[[], Any]]:
    """Every file of vectors by its path below tests/vectors, with what makes it."""
    return {path: export for module in walk_modules(vectors) for path, export in getattr(module, "FILES", {}).items()}


EXPORTS = list_exports()


def _format_vectors(name: str) -> str:
    """The text of one file of vectors."""
    return json.dumps(_mark_bytes(EXPORTS[name]()), ensure_ascii=False, indent=1) + "\n"


def run(arguments: list[str]) -> int:
    """Write all files of vectors, or with `--check` name those that differ; 1 when there are any."""
    stale = []
    for name in EXPORTS:
        path, text = VECTORS / name, _format_vectors(name)
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    sys.stdout.write("".join(f"{name}: {'stale' if '--check' in arguments else 'written'}\n" for name in stale))
    return 1 if stale and "--check" in arguments else 0


def _mark_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: _mark_bytes(member) for key, member in value.items()}
    return [_mark_bytes(member) for member in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
