"""A node as a process of its own: started, asked, killed without warning, started again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from node.clock import Clock
from node.running import NotRunningError, ask_running, find_running, forget_running
from protocol.core.errors import RefusedError

CLOCK = Clock()
COMMAND = (sys.executable, "-m", "node.cli.main")
COMMAND_WAIT_S = 120.0
START_WAIT_S = 60.0
STOP_WAIT_S = 15.0
POLL_S = 0.02


class NodeProcess:
    """One home and the process that runs it; `peak_kib` is the most memory it was seen to hold."""

    def __init__(self, key: str, name: str, home: Path) -> None:
        self.key, self.name, self.home = key, name, home
        self.origin = ""
        self.pages = ""
        self.peak_kib = 0
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; `wait_ready` returns once it listens."""
        log = (self.home / "node.log").open("ab")
        line = [*COMMAND, "--home", str(self.home), "--json", "run"]
        self._process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603
        log.close()
        self.starts += 1

    def wait_ready(self) -> None:
        """Wait until this start's process says where it listens; RefusedError with its log's end when it never does."""
        assert self._process is not None
        deadline_s = CLOCK.monotonic_s() + START_WAIT_S
        while CLOCK.monotonic_s() < deadline_s and self._process.poll() is None:
            running = find_running(self.home)
            if running is not None and running.pid == self._process.pid:
                self.pages = running.address
                return
            CLOCK.pause(POLL_S)
        ended = self._process.poll()
        why = f"does not listen after {START_WAIT_S:.0f} s" if ended is None else f"ended with code {ended}"
        raise RefusedError.at(self.name, f"the node {why}; {self.read_log() or 'its log is empty'}")

    def call(self, operation: str, params: msgspec.Struct | dict[str, Any] | None = None) -> Any:
        """Ask the running node, as its own commands do."""
        try:
            return ask_running(self.home, operation, msgspec.json.encode(params or {}))
        except NotRunningError:
            raise RefusedError.at(
                self.name, f"the node does not run; {self.read_log() or 'its log is empty'}"
            ) from None

    def command(self, *words: str) -> Any:
        """Run one of the commands that a volunteer types, against this home; its JSON answer."""
        line = [*COMMAND, "--home", str(self.home), "--json", *words]
        done = subprocess.run(line, capture_output=True, timeout=COMMAND_WAIT_S, check=False)  # noqa: S603
        try:
            answer = json.loads(done.stdout.splitlines()[-1])
        except (ValueError, IndexError):
            raise RefusedError.at(self.name, f"`{' '.join(words)}` failed: {done.stderr[-500:].decode()}") from None
        if done.returncode:
            raise RefusedError.at(self.name, answer.get("error", "refused"))
        return answer

    def kill(self) -> None:
        """SIGKILL: as a power cut for the process, no goodbye."""
        assert self._process is not None
        self.note_memory()
        self._process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        self._process.wait()
        forget_running(self.home)

    def stop(self) -> None:
        """Ask it to end, and wait; only then by force."""
        if self._process is None or self._process.poll() is not None:
            return
        self.note_memory()
        self._process.terminate()
        try:
            self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def note_memory(self) -> None:
        """Look at the peak of this process's resident memory, where the system tells."""
        if self._process is None:
            return
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text("ascii").splitlines():
                if line.startswith("VmHWM:"):
                    self.peak_kib = max(self.peak_kib, int(line.split()[1]))

    def read_log(self, lines: int = 12) -> str:
        """The end of the process's own log."""
        with contextlib.suppress(OSError):
            return "\n".join((self.home / "node.log").read_text("utf-8", "replace").splitlines()[-lines:])
        return ""


def run_together(jobs: Sequence[Any]) -> list[Any]:
    """Run callables side by side in threads; their results in order, or the first error once all have ended."""
    with ThreadPoolExecutor(max(len(jobs), 1)) as threads:
        return list(threads.map(lambda job: job(), jobs))
