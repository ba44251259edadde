"""A home and the command line at it."""

from pathlib import Path

import pytest

from tests.node.cli.command_line import Run, runner


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the home of a test lies; `init` has not been there yet."""
    return tmp_path / "home"


@pytest.fixture
def rochdale(bare_process: None, capsys: pytest.CaptureFixture[str], home: Path) -> Run:
    """The command line at that home."""
    return runner(capsys, home)


@pytest.fixture
def at_home(rochdale: Run) -> Run:
    """The command line at a home that was made."""
    assert rochdale("init", "--name", "Northside Food Co-op").code == 0
    return rochdale
