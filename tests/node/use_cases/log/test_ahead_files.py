"""Files fetched ahead: an audit over the web finds just what one of the folder finds, and never holds much."""

import contextlib
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from node.clock import Clock
from node.use_cases.log.ahead_files import FILES_AHEAD_MAX, AheadFiles
from node.use_cases.log.auditing import AuditReport, audit_files, policy_of_key
from node.use_cases.log.files import FolderFiles
from node.use_cases.log.web_files import WebFiles
from protocol.core.errors import PeerError
from protocol.core.note import parse_vkey
from protocol.log.audit.log_files import FileReader, Need, list_needs
from protocol.log.bundle import BUNDLE_BYTES_MAX
from tests.interop.made_log import LOG_VKEY, MadeLog

SIZE = 20 * 256 + 77
LOG = MadeLog(SIZE)
WAIT_S = 20.0
"""A safety net only."""


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; keeps connections open, and says when it has to wait for the others."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, server: "Folder", *given: object, **named: object) -> None:
        self.folder_server = server
        super().__init__(*given, **named)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.folder_server.note_asked(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    """Says nothing of readers who hang up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class Folder:
    """A web server of one folder; the first `together` files are answered only once all of them are asked for."""

    def __init__(self, folder: Path, together: int = 0) -> None:
        self.asked: list[str] = []
        self._barrier = threading.Barrier(together, timeout=WAIT_S) if together else None
        self._lock = threading.Lock()
        self._http = QuietServer(("127.0.0.1", 0), partial(Handler, self, directory=str(folder)))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._http.server_port}/"

    def __enter__(self) -> "Folder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def note_asked(self, path: str) -> None:
        if not path.startswith("/tile/"):
            return
        with self._lock:
            self.asked.append(path)
            is_held = self._barrier is not None and len(self.asked) <= self._barrier.parties
        if is_held and self._barrier is not None:
            with contextlib.suppress(threading.BrokenBarrierError):
                self._barrier.wait()

    def release(self) -> None:
        """Hold nobody any longer."""
        if self._barrier is not None:
            self._barrier.abort()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    LOG.write_folder(tmp_path, LOG.note(SIZE))
    return tmp_path


def audit(read: FileReader, foresee: Callable[[Iterator[Need]], None]) -> AuditReport:
    key = parse_vkey(LOG_VKEY)
    return audit_files(read, policy_of_key(key), key, foresee=foresee)


def audit_web(url: str, **given: int) -> AuditReport:
    files = AheadFiles(url, Clock(), **given)
    try:
        return audit(files, files.foresee)
    finally:
        files.close()


def test_the_files_foreseen_are_those_that_are_read_and_in_this_order(folder: Path) -> None:
    files, read = FolderFiles(folder), list[str]()

    def remember(path: str, bytes_max: int) -> bytes | None:
        read.append(path)
        return files(path, bytes_max)

    assert not audit(remember, lambda needs: None).findings
    foreseen = [need.path for need in list_needs(SIZE)]
    placed = [read.index(path, read.index(foreseen[0])) for path in foreseen]
    assert placed == sorted(placed) and len(foreseen) == 42


def flip(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "none": lambda folder: None,
    "a changed byte": lambda folder: flip(folder / "tile/entries/007"),
    "a missing bundle": lambda folder: (folder / "tile/entries/003").unlink(),
    "a missing tile": lambda folder: (folder / "tile/0/011").unlink(),
    "a false tile": lambda folder: flip(folder / "tile/0/012"),
    "a file that is far too long": lambda folder: (folder / "tile/entries/001").write_bytes(
        bytes(BUNDLE_BYTES_MAX + 9)
    ),
    "all but the head": lambda folder: shutil.rmtree(folder / "tile"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_web_says_what_the_folder_says(folder: Path, damage: str) -> None:
    DAMAGES[damage](folder)
    expected = audit(FolderFiles(folder), lambda needs: None)
    assert bool(expected.findings) == (damage != "none")
    with Folder(folder) as server:
        assert audit_web(server.url) == expected
        assert audit_web(server.url, files_ahead=1) == expected


def test_many_files_are_on_their_way_at_once_and_never_more_than_that(folder: Path) -> None:
    with Folder(folder, together=FILES_AHEAD_MAX) as server:
        files = AheadFiles(server.url, Clock())
        try:
            files.foresee(list_needs(SIZE))
            # All of them are answered at once, for each waits for the others; nobody has read one yet.
            first = list(list_needs(SIZE))[:FILES_AHEAD_MAX]
            assert all(ahead.result(WAIT_S) is not None for ahead in files._ahead.values())
            assert sorted(server.asked) == sorted(f"/{need.path}" for need in first)
            read = [files(need.path, need.bytes_max) for need in list_needs(SIZE)]
        finally:
            files.close()
    assert None not in read and len(server.asked) == len(read)


def test_a_server_that_does_not_listen_is_named() -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody else gets this port, and whoever calls it is turned away.
        taken.bind(("127.0.0.1", 0))
        files = WebFiles(f"http://127.0.0.1:{taken.getsockname()[1]}/log", Clock())
        with pytest.raises(ConnectionError, match=r"^127\.0\.0\.1: Connection refused$"):
            files("checkpoint", 100)


def test_a_server_that_goes_away_ends_the_audit(folder: Path) -> None:
    with Folder(folder) as server:
        pass
    with pytest.raises((ConnectionError, PeerError)):
        audit_web(server.url)


def test_what_is_on_its_way_is_not_waited_for_at_the_end(folder: Path) -> None:
    with Folder(folder, together=FILES_AHEAD_MAX + 1) as server:
        files = AheadFiles(server.url, Clock())
        files.foresee(list_needs(SIZE))
        ended = threading.Thread(target=files.close)
        ended.start()
        ended.join(WAIT_S / 2)
        assert not ended.is_alive()
        server.release()
