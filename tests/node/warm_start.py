"""A process that has loaded a node once and forks one for each that a test starts, in a twentieth of the time.

Invariant: what is forked has no thread, no open home and no chance drawn; it dies and is waited for as any process.
Linux; elsewhere, and for whoever wants a cold start, a process is started in the usual way.
"""

import atexit
import gc
import importlib
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

import msgspec

ROOT = Path(__file__).resolve().parents[2]
LOADED = ("node.app", "node.cli.main", "node.cli.home.run_command")
WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1"}
"""numpy's library begins its threads when it is loaded, for whatever may be computed later."""
MESSAGE_BYTES_MAX = 65_536
END_WAIT_S = 10.0


class Start(msgspec.Struct):
    """What is to be run: the words behind `rochdale`, the environment's variables, the folder that it runs in."""

    words: list[str]
    variables: dict[str, str]
    folder: str


class WarmProcess:
    """A forked process, as far as tests look at one."""

    def __init__(self, parent: "WarmParent", pid: int, stdout: IO[bytes]) -> None:
        self.pid, self.stdout = pid, stdout
        self.returncode: int | None = None
        self._parent = parent
        self._ended = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit code, below 0 for a signal; None while it runs."""
        return self._collect(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code once it has ended; TimeoutExpired after so many seconds."""
        code = self._collect(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("rochdale", timeout or 0)
        return code

    def communicate(self, timeout: float) -> tuple[bytes, None]:
        """What it still says on stdout until it ends, which must be little."""
        self.wait(timeout)
        return self.stdout.read(), None

    def send_signal(self, number: int) -> None:
        """Nothing where it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word."""
        self.send_signal(signal.SIGKILL)

    def _collect(self, wait_s: float | None) -> int | None:
        # Its number is its own until the parent has waited for it, which is after this.
        if self.returncode is None and select.select([self._ended], [], [], wait_s)[0]:
            self.returncode = self._parent.collect(self.pid)
            os.close(self._ended)
        return self.returncode


class WarmParent:
    """The process that forks; one for all tests of a worker, ended with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line = [sys.executable, "-m", __name__, str(theirs.fileno())]
        self._process = subprocess.Popen(
            line, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env={**os.environ, **WITHOUT_THREADS}
        )
        theirs.close()
        atexit.register(self._end)

    def start(self, words: Sequence[str], variables: Mapping[str, str], stderr: IO[bytes]) -> WarmProcess:
        """Run `rochdale` with these words and environment variables."""
        reading, writing = os.pipe()
        try:
            asked = Start(list(words), dict(variables), str(Path.cwd()))
            with self._lock:
                socket.send_fds(self._socket, [msgspec.json.encode(asked)], [writing, stderr.fileno()])
                pid = int(self._socket.recv(MESSAGE_BYTES_MAX))
        finally:
            os.close(writing)
        return WarmProcess(self, pid, os.fdopen(reading, "rb"))

    def collect(self, pid: int) -> int:
        """The exit code of a process that has ended; its number is free from here on."""
        with self._lock:
            self._socket.send(str(pid).encode())
            return int(self._socket.recv(MESSAGE_BYTES_MAX))

    def _end(self) -> None:
        self._socket.close()
        self._process.wait(END_WAIT_S)


@cache
def warm_parent() -> WarmParent | None:
    """This worker's one; None where processes cannot be watched without being their parent."""
    return WarmParent() if hasattr(os, "pidfd_open") else None


def serve(channel: socket.socket) -> None:
    """Fork for each message that brings what to run, wait for each that names a process, until nobody is there."""
    while True:
        raw, files, _, _ = socket.recv_fds(channel, MESSAGE_BYTES_MAX, 2)
        if not raw:
            return
        if not files:
            _, status = os.waitpid(int(raw), 0)
            channel.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if not pid:
            channel.close()
            _become(msgspec.json.decode(raw, type=Start), *files)
        for descriptor in files:
            os.close(descriptor)
        channel.send(str(pid).encode())


def _become(asked: Start, stdout: int, stderr: int) -> None:
    """Be the process that was asked for; does not return."""
    for descriptor, target in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, target)
        os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.variables)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    sys.argv = ["rochdale", *asked.words]
    importlib.import_module("node.cli.main").run_main()


if __name__ == "__main__":
    # Ctrl-C is for the tests, which end this by hanging up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
