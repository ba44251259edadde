"""The bad network and the three nodes on it."""

from collections.abc import Iterator

import pytest

from tests.processes.chaos_proxy import ChaosNetwork
from tests.processes.trio import Trio


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Three nodes that all call each other, shared by the scenarios of a file: each leaves them level."""
    with ChaosNetwork() as network, Trio(tmp_path_factory.mktemp("trio"), network) as trio:
        trio.check_level()
        yield trio
