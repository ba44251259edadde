"""A log's files behind a web address, as an auditor fetches them over one connection.

Invariant: no answer is read beyond the bytes that its place can need, nor waited for beyond a set time; no redirect is
followed and nothing is unpacked.
"""

import contextlib
import http.client
import socket
from urllib.parse import urlsplit

from node.clock import Clock
from protocol.core.errors import PeerError, RefusedError

ANSWER_WAIT_S = 30
FILE_WAIT_S = 120
CHUNK_BYTES = 256 * 1024
TRIES_MAX = 2
BROKEN_OFF = (http.client.HTTPException, BrokenPipeError, ConnectionResetError, ConnectionAbortedError)
OK, NOT_FOUND, GONE = 200, 404, 410


class WebFiles:
    """A log's files below a web address (protocol.log.audit.log_files.FileReader).

    ConnectionError or TimeoutError where the server cannot be reached or does not serve.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise RefusedError.at(url, "not an address of the form https://host/path")
        try:
            port = parts.port
        except ValueError:
            raise RefusedError.at(url, "has no port that can be") from None
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, port, timeout=ANSWER_WAIT_S)
        self._prefix = parts.path.rstrip("/")
        self._clock = clock
        self._is_interrupted = False

    def __call__(self, path: str, bytes_max: int) -> bytes | None:
        """The whole file, None where the server has none; PeerError where it is too long."""
        for attempt in range(1, TRIES_MAX + 1):
            try:
                return self._fetch(path, bytes_max)
            except BROKEN_OFF:
                self._connection.close()
                # A server may close a connection between two files; it is asked once more on a new one.
                if attempt == TRIES_MAX or self._is_interrupted:
                    raise ConnectionError(f"{self._connection.host}: broke off at {path}") from None
            except OSError as error:
                if isinstance(error, ConnectionError | TimeoutError) and error.errno is None:
                    raise
                reason = error.strerror or "cannot be reached"
                raise ConnectionError(f"{self._connection.host}: {reason}") from None
        return None

    def interrupt(self) -> None:
        """Have whoever waits for a file, in another thread, wait no longer; nothing more is fetched."""
        self._is_interrupted = True
        waiting = self._connection.sock
        if waiting is not None:
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _fetch(self, path: str, bytes_max: int) -> bytes | None:
        deadline_s = self._clock.monotonic_s() + FILE_WAIT_S
        if self._connection.sock is None:
            self._connection.connect()
        # After the socket is there: whoever interrupts has then either seen it, or is seen here.
        if self._is_interrupted:
            raise ConnectionAbortedError
        self._connection.request("GET", f"{self._prefix}/{path}", headers={"Accept-Encoding": "identity"})
        answer = self._connection.getresponse()
        if answer.status != OK:
            self._connection.close()
            if answer.status in (NOT_FOUND, GONE):
                return None
            raise ConnectionError(f"{self._connection.host}: answered {answer.status} for {path}")
        chunks, total = [], 0
        while chunk := answer.read(min(CHUNK_BYTES, bytes_max + 1 - total)):
            chunks.append(chunk)
            total += len(chunk)
            if total > bytes_max:
                self._connection.close()
                raise PeerError(f"more than {bytes_max} bytes")
            if self._clock.monotonic_s() > deadline_s:
                self._connection.close()
                raise TimeoutError(f"{self._connection.host}: {path} did not arrive in {FILE_WAIT_S} seconds")
        return b"".join(chunks)
