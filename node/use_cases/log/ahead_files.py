"""A log's files behind a web address, fetched ahead of the reading: several are on their way at any time.

Invariant: no more than a set number of files is fetched or held at a time, however long the log.
Invariant: what is fetched ahead is what will be asked for next; a file is answered as if it had been fetched then.
"""

import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from node.clock import Clock
from node.use_cases.log.web_files import WebFiles
from protocol.log.audit.log_files import Need

FILES_AHEAD_MAX = 16
"""Files on their way or held, each at most 4 MiB; also how many connections a server sees."""


class AheadFiles:
    """A FileReader over the web, told beforehand what will be read (protocol.log.audit.log_files.Foresee)."""

    def __init__(self, url: str, clock: Clock, files_ahead: int = FILES_AHEAD_MAX) -> None:
        self._all = [WebFiles(url, clock) for _ in range(files_ahead)]
        self._idle: queue.SimpleQueue[WebFiles] = queue.SimpleQueue()
        for connection in self._all:
            self._idle.put(connection)
        self._pool = ThreadPoolExecutor(files_ahead, thread_name_prefix="fetch")
        self._needs: Iterator[Need] = iter(())
        self._ahead: dict[str, Future[bytes | None]] = {}

    def foresee(self, needs: Iterator[Need]) -> None:
        """These files will be read, in this order."""
        self._needs = needs
        self._fill()

    def __call__(self, path: str, bytes_max: int) -> bytes | None:
        """The whole file, None where the server has none; PeerError where it is too long."""
        found = self._ahead.get(path)
        if found is None:
            return self._pool.submit(self._fetch, path, bytes_max).result()
        while self._ahead:
            # What stands before it was not wanted after all.
            passed = next(iter(self._ahead))
            del self._ahead[passed]
            if passed == path:
                break
        # One place is this file's own until it is here.
        self._fill(held=1)
        return found.result()

    def close(self) -> None:
        """Hang up, also on what is on its way."""
        for connection in self._all:
            connection.interrupt()
        self._pool.shutdown(cancel_futures=True)
        for connection in self._all:
            connection.close()

    def _fill(self, held: int = 0) -> None:
        while len(self._ahead) + held < len(self._all):
            need = next(self._needs, None)
            if need is None:
                return
            self._ahead[need.path] = self._pool.submit(self._fetch, need.path, need.bytes_max)

    def _fetch(self, path: str, bytes_max: int) -> bytes | None:
        connection = self._idle.get()
        try:
            return connection(path, bytes_max)
        finally:
            self._idle.put(connection)
