"""The solver HiGHS, where the extra `plan` brings it."""

from typing import Any


def load_highs() -> Any:
    """The module of HiGHS, None where the extra is not installed."""
    try:
        import highspy
    except ImportError:
        return None
    return highspy
