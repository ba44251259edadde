"""Mutants that change nothing anybody can see, each with the reason; they are not counted."""

from typing import Final

EQUIVALENTS: Final[dict[tuple[str, str], str]] = {}
"""(path, name) -> reason."""
