"""The bad network and the three nodes on it."""

from collections.abc import Generator, Iterator

import pytest

from tests.processes.chaos_proxy import ChaosNetwork
from tests.processes.trio import Trio


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Three nodes that all call each other, shared by the scenarios of a file: each leaves them level."""
    with ChaosNetwork() as network, Trio(tmp_path_factory.mktemp("trio"), network) as trio:
        trio.check_level()
        yield trio


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed scenario shows what the shared nodes logged."""
    report = yield
    found = getattr(item, "funcargs", {})
    trio = found.get("trio") or found.get("on_small_disk", (None, None))[1]
    if report.failed and trio is not None:
        report.sections += [(f"{name} logged", member.last_logged()) for name, member in trio.members.items()]
    return report
