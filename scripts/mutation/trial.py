"""One mutant against the tests that reach it, in a process of its own.

Invariant: no file is changed: the child imports the mutated module from memory, and ends with its verdict.
"""

import ast
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, Final, NamedTuple

import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401 - loaded once, for all children
import msgspec  # noqa: F401
import numpy  # noqa: F401
import pytest
import pytest_asyncio  # noqa: F401
from hypothesis import settings

MEMORY_BYTES_MAX: Final = 4 * 2**30
CPU_SPARE_S: Final = 3
CPU_TIMES: Final = 1
"""A mutant may take so many times the processor's seconds of the tests without it, which were watched and so several
times slower, and some to spare."""
WALL_TIMES: Final = 20
POLL_S: Final = 0.02
# tests/conftest.py builds on it: what one mutant was caught by must not help to catch the next.
PROFILE: Final = "mutants"
_WORDS: Final = ["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"]
settings.register_profile(PROFILE, database=None, derandomize=True)


class Reach(NamedTuple):
    """What the tests of a module do without a mutant: seconds of each, and the lines that it reaches."""

    seconds: dict[str, float]
    lines: dict[str, frozenset[int]]

    def tests_of(self, line: int) -> list[str]:
        """The tests that reach a line (0: all), the quickest first."""
        reached = [test for test in self.seconds if line == 0 or line in self.lines.get(test, ())]
        return sorted(reached, key=lambda test: (self.seconds[test], test))


class Recorder:
    """Notes which lines of one file every test runs through."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, set[int]] = {}
        self._current: set[int] = set()
        self._ahead: dict[CodeType, set[int]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._current = self.lines.setdefault(item.nodeid, set())
        self._ahead = {}
        start_s = time.process_time()
        # A home's database is written in a thread of its own.
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self.seconds[item.nodeid] = time.process_time() - start_s

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if code.co_filename != self.path:
            return None
        if code not in self._ahead:
            self._ahead[code] = {line for _, _, line in code.co_lines() if line}
        # Once a test has been everywhere in a function, watching it further would only take time.
        return self._step if self._ahead[code] else None

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        self._current.add(frame.f_lineno)
        self._ahead[frame.f_code].discard(frame.f_lineno)
        return self._step


class Selection:
    """Runs those that reach the line, in this order, and any that are there with the mutant alone (other names)."""

    def __init__(self, tests: Sequence[str], without: Collection[str]) -> None:
        self.rank = {test: number for number, test in enumerate(tests)}
        self.without = without

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [item for item in items if item.nodeid in self.rank or item.nodeid not in self.without]
        items[:] = sorted(kept, key=lambda item: self.rank.get(item.nodeid, len(self.rank)))


class MutatedFinder(MetaPathFinder):
    """Finds one module before anybody else does, and gives it the mutated code."""

    def __init__(self, module: str, path: Path, tree: ast.Module) -> None:
        self.module, self.path, self.tree = module, path, tree

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self.module:
            return None
        return spec_from_file_location(name, self.path, loader=_MutatedLoader(name, str(self.path), self.tree))


class _MutatedLoader(SourceFileLoader):
    """Loads the code of a tree in place of the file's."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(self.tree, self.path, "exec")
        return code


def run_tests(files: Sequence[str], plugin: object) -> int:
    """pytest's exit code; nothing is printed. Tests marked slow are left out: what they alone notice is a hole here."""
    settings.load_profile(PROFILE)
    return int(pytest.main([*_WORDS, *files], plugins=[plugin]))


def run_mutant(finder: MutatedFinder, files: Sequence[str], selection: Selection) -> int:
    """In a child: pytest's exit code over the mutated module."""
    sys.meta_path.insert(0, finder)
    return run_tests(files, selection)


def wait_for(child: int, wall_s: float) -> int | None:
    """The exit code of a child, None when a limit of time or memory ended it."""
    end_s = time.monotonic() + wall_s
    while time.monotonic() < end_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        time.sleep(POLL_S)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def set_limits(cpu_s: float) -> None:
    """Bounds for the process that calls it: seconds of processor, bytes of memory, no output."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s) + 1, int(cpu_s) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
