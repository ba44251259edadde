"""What command tests share: the process's umask and logging are put back, and no variable of the caller's shines in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.node.cli.command_line import Run, runner


@pytest.fixture
def bare_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The state of a process that a command changes, as it was before."""
    for name in [name for name in os.environ if name.startswith("ROCHDALE_")]:
        monkeypatch.delenv(name)
    logging, umask = structlog.get_config(), os.umask(0o022)
    yield
    os.umask(umask)
    structlog.configure(**logging)


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
