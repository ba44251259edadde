"""Three real nodes, one of which believes that it is a year later, or earlier: nothing but dates depends on it."""

import sys
from pathlib import Path

import pytest

from tests.processes.trio import Trio, check_said

pytestmark = pytest.mark.slow
YEAR_DAYS = 365
SHIFTED = [sys.executable, "-m", "tests.processes.shifted_node"]


@pytest.mark.parametrize("days", [YEAR_DAYS, -YEAR_DAYS], ids=["a year ahead", "a year behind"])
def test_a_clock_that_is(trio: Trio, capsys: pytest.CaptureFixture[str], days: int) -> None:
    ash, cedar = trio["ash"], trio["cedar"]
    cedar.start([*SHIFTED, str(cedar.home), str(days)])
    check_goes_on(trio, f"shifted-{days}")
    # Whoever's clock is behind sees the other's records come from the future.
    seer, other = (ash, cedar) if days > 0 else (cedar, ash)
    check_said(seer, capsys, f"The last record of {other.origin} is dated {YEAR_DAYS} days ahead of this machine")
    cedar.start()
    check_goes_on(trio, f"right-again-{days}")


def test_with_faketime_the_whole_process_is_a_year_ahead(trio: Trio, capsys: pytest.CaptureFixture[str]) -> None:
    """Also the clocks of OpenSSL and SQLite, which ask the system and not us."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    ash, cedar = trio["ash"], trio["cedar"]
    faked = {"LD_PRELOAD": str(library), "FAKETIME": f"+{YEAR_DAYS}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    cedar.start(None, **faked)
    check_goes_on(trio, "faketime")
    check_said(ash, capsys, f"The last record of {cedar.origin} is dated {YEAR_DAYS} days ahead")
    cedar.start()
    check_goes_on(trio, "right-again")


def check_goes_on(trio: Trio, what: str) -> None:
    for member in trio.members.values():
        member.publish(what)
    trio.check_level()
    assert all(member.status()["void"] == 0 for member in trio.members.values())
