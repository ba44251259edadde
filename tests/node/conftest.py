"""What node tests share: a process is put back as it was, and no variable of the caller's shines in."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture
def bare_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The state of a process that a command changes: variables, umask."""
    for name in [name for name in os.environ if name.startswith("ROCHDALE_")]:
        monkeypatch.delenv(name)
    umask = os.umask(0o022)
    yield
    os.umask(umask)
