"""Three real nodes, one of which believes that it is a year later, or earlier: nothing but dates depends on it."""

import sys
from pathlib import Path

import pytest

from tests.processes.trio import Trio, check_said

pytestmark = pytest.mark.slow
YEAR_DAYS = 365
DATED_AHEAD = f"The last record of {{origin}} is dated {YEAR_DAYS} days ahead of this machine"
SHIFTED = [sys.executable, "-m", "tests.processes.shifted_node"]


def test_a_clock_a_year_ahead(trio: Trio, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole process's where that can be: also OpenSSL and SQLite ask the system for the time, and not us."""
    ash, cedar = trio["ash"], trio["cedar"]
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        cedar.start([*SHIFTED, str(cedar.home), str(YEAR_DAYS)])
    else:
        faked = {"LD_PRELOAD": str(library), "FAKETIME": f"+{YEAR_DAYS}d", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        cedar.start(None, **faked)
    check_goes_on(trio, "ahead")
    check_said(ash, capsys, DATED_AHEAD.format(origin=cedar.origin))
    cedar.start()
    check_goes_on(trio, "right-again")


def test_a_clock_a_year_behind(trio: Trio, capsys: pytest.CaptureFixture[str]) -> None:
    """To it the others' records come from the future."""
    ash, cedar = trio["ash"], trio["cedar"]
    cedar.start([*SHIFTED, str(cedar.home), str(-YEAR_DAYS)])
    check_goes_on(trio, "behind")
    check_said(cedar, capsys, DATED_AHEAD.format(origin=ash.origin))
    cedar.start()
    check_goes_on(trio, "right-after-all")


def check_goes_on(trio: Trio, what: str) -> None:
    for member in trio.members.values():
        member.publish(what)
    trio.check_level()
    assert all(member.status()["void"] == 0 for member in trio.members.values())
