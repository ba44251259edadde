"""The processes that are measured, driven over their pipes: a word in, one JSON object a line out.

Invariant: a process that we started ends with us, whatever happened; every wait for one is bounded.
"""

import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

ANSWER_WAIT_S: Final = 300.0
END_WAIT_S: Final = 10.0
READ_BYTES: Final = 1 << 16
SAID_BYTES_SHOWN: Final = 1_500


class BenchError(Exception):
    """A process that is measured did not do what it was asked to."""


class Child:
    """One process; what it says beside JSON objects is passed over."""

    def __init__(
        self, words: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        # A file, not a pipe: a process that complains much must not stand still because nobody reads.
        self._wrong = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603 - the words are this bench's own
            list(words),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._wrong,
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._said = b""

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def tell(self, *words: object) -> None:
        """Send a line of words."""
        self._stdin.write((" ".join(map(str, words)) + "\n").encode())

    def ask(self, key: str, *words: object) -> dict[str, Any]:
        """Send a line of words and wait for the answer that has this key."""
        self.tell(*words)
        return self.wait_for(key)

    def wait_for(self, key: str, wait_s: float = ANSWER_WAIT_S) -> dict[str, Any]:
        """The next object that has this key; BenchError when the process fails, ends or takes too long."""
        until_s = time.monotonic() + wait_s
        while True:
            line, found, rest = self._said.partition(b"\n")
            if not found:
                self._read(key, until_s)
                continue
            self._said = rest
            answer = _parse_object(line)
            if "error" in answer:
                raise BenchError(str(answer["error"])[:SAID_BYTES_SHOWN])
            if key in answer:
                return answer

    def end(self) -> None:
        """End the process and wait for it."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(END_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._selector.close()
        for stream in (self._stdin, self._stdout, self._wrong):
            stream.close()

    def _read(self, key: str, until_s: float) -> None:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise BenchError(f"no {key!r} in time: {self._read_wrong()}")
        if self._selector.select(left_s):
            raw = os.read(self._stdout.fileno(), READ_BYTES)
            if not raw:
                raise BenchError(f"ended before it said {key!r}: {self._read_wrong()}")
            self._said += raw

    def _read_wrong(self) -> str:
        """The end of what it complained of."""
        self._wrong.seek(max(0, self._wrong.seek(0, os.SEEK_END) - SAID_BYTES_SHOWN))
        return self._wrong.read().decode(errors="replace")


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
