"""Worlds from the other half of the seeds of every run."""

import pytest

from node.simulation.world.disk.sqlite_vfs import is_available
from tests.node.simulation.world.seeds import MORE_SEEDS, list_broken


@pytest.mark.slow
@pytest.mark.skipif(not is_available(), reason="this Python's SQLite cannot be reached")
def test_what_must_hold_holds_in_every_world() -> None:
    assert list_broken(MORE_SEEDS) == []
