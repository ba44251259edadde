"""`rochdale` as a test types it: the same entry as the installed command, its exit code and what it printed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from node.cli.main import run_words


class Said(NamedTuple):
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """The one JSON object of a command that was done."""
        assert self.code == 0, self
        return self.json

    @property
    def json(self) -> Any:
        """The one JSON value on standard output, whatever the exit code; nothing else may stand there."""
        assert self.out.count("\n") == 1 and self.out.endswith("\n"), self
        return json.loads(self.out)


Run = Callable[..., Said]


def runner(capsys: pytest.CaptureFixture[str], home: Path) -> Run:
    """Runs words against one home."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        code = run_words(["--home", str(home), *map(str, words)])
        said = Said(code, *capsys.readouterr())
        assert "Traceback" not in said.err + said.out
        return said

    return run
