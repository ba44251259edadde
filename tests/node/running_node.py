"""A node as a process of its own, started with the words a volunteer types, for tests that stop it or cut its power."""

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.node.warm_start import WarmProcess, warm_parent

START_WAIT_S = 60.0
STOP_WAIT_S = 15.0
ASK_WAIT_S = 30.0
SO_WAIT_S = 40.0
LOOK_AGAIN_S = 0.05

_pause = threading.Event()


def until(look: Callable[[], bool], what: str = "what was waited for") -> None:
    """Look again until it is so; other processes have no other way to tell, and need the processor meanwhile."""
    deadline_s = time.monotonic() + SO_WAIT_S
    while not look():
        assert time.monotonic() < deadline_s, f"{what}: it did not come"
        _pause.wait(LOOK_AGAIN_S)


class RunningNode:
    """`rochdale --json run` at a home; `said` is the one JSON object with which it announces itself."""

    def __init__(self, home: Path, *words: str, line: list[str] | None = None, **variables: str) -> None:
        """`line`: another command line than a volunteer's; it and who brings variables start cold."""
        typed = (
            ["--json", "run", *words]
            if "ROCHDALE_HOME" in variables
            else ["--home", str(home), "--json", "run", *words]
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROCHDALE_")}
        self.home = home
        # A file, not a pipe: nobody reads the log while the node runs.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process: subprocess.Popen[bytes] | WarmProcess
        warm = None if line or variables else warm_parent()
        if warm is None:
            line = line or [sys.executable, "-m", "node.cli.main", *typed]
            self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=self._log, env=kept | variables)
        else:
            self.process = warm.start(typed, kept, self._log)
        self._watchdog = threading.Timer(START_WAIT_S, self.process.kill)
        self._watchdog.start()
        self.said = self._hear()

    def __enter__(self) -> "RunningNode":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.end()

    @property
    def token(self) -> str:
        """The token that the home's run file holds."""
        return str(json.loads((self.home / "run.json").read_text("utf-8"))["token"])

    def ask(self, operation: str, params: dict[str, Any]) -> Any:
        """One operation over the API, and nothing else when the node is gone: OSError then."""
        return ask(self.said["pages"], self.token, operation, params)

    def kill(self) -> None:
        """As a power cut for the process: no goodbye."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> tuple[int, str, str]:
        """SIGTERM; its exit code, what it said since it was started, and its log."""
        self.process.terminate()
        out, _ = self.process.communicate(timeout=STOP_WAIT_S)
        log, code = self.read_log(), self.process.wait()
        self._close()
        return code, out.decode(), log

    def end(self) -> None:
        """Leave no process behind, whatever the test did."""
        if self.process.poll() is None:
            self.kill()
        self._close()

    def _hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self._watchdog.cancel()
        if not line:
            self.process.wait()
            log = self.read_log()
            self.end()
            raise AssertionError(f"the node did not start: exit code {self.process.returncode}: {log}")
        return json.loads(line)

    def read_log(self) -> str:
        """What it has logged so far."""
        self._log.seek(0)
        return self._log.read().decode()

    def _close(self) -> None:
        self._watchdog.cancel()
        for stream in (self.process.stdout, self._log):
            if stream is not None:
                stream.close()


def ask(pages: str, token: str, operation: str, params: dict[str, Any]) -> Any:
    """One call of the API on this machine."""
    request = urllib.request.Request(
        f"{pages}api/v1/{operation}",
        data=json.dumps(params).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=ASK_WAIT_S) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        # Read here, so that a test that fails shows what the node said.
        with error:
            said = error.read()
        again = urllib.error.HTTPError(error.url, error.code, error.reason, error.headers, io.BytesIO(said))
        again.add_note(f"{operation}: {said.decode()}")
        raise again from None


def read_page(address: str) -> str:
    """A page as a browser on this machine gets it."""
    with urllib.request.urlopen(address, timeout=ASK_WAIT_S) as answer:
        return str(answer.read().decode())
