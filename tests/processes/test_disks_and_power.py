"""Real nodes that lose power again and again, whose disk is full or lets nobody write, and that are told to stop."""

import ctypes
import http.client
import os
import re
import signal
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.cli.main import run_words
from tests.node.running_node import STOP_WAIT_S, until
from tests.processes.chaos_proxy import ChaosNetwork
from tests.processes.trio import Trio, check_said, read_status

pytestmark = pytest.mark.slow
CUTS = 4
DISK_KIB = 3_072
DRAIN_S_MAX = 10.0
PUBLISHERS = 3
READ_ONLY = re.compile("read-?only", re.IGNORECASE)
MS_RDONLY, MS_REMOUNT, MNT_DETACH = 1, 32, 2


class SmallDisk:
    """A file system of a few megabytes of its own, for whoever may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._libc = ctypes.CDLL(None, use_errno=True)

    def mount(self) -> bool:
        self.folder.mkdir()
        return self._mount(0)

    def remount(self, read_only: bool) -> None:
        assert self._mount(MS_REMOUNT | (MS_RDONLY if read_only else 0)), os.strerror(ctypes.get_errno())

    def unmount(self) -> None:
        self._libc.umount2(str(self.folder).encode(), MNT_DETACH)

    def fill(self) -> Path:
        """Take all the room that is left."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as stream:
            try:
                while stream.write(bytes(4_096)):
                    pass
            except OSError:
                return ballast
        raise AssertionError("a disk without an end")

    def _mount(self, flags: int) -> bool:
        options = f"size={DISK_KIB}k".encode()
        return bool(self._libc.mount(b"tmpfs", str(self.folder).encode(), b"tmpfs", flags, options) == 0)


@pytest.fixture(scope="module")
def on_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallDisk, Trio]]:
    """Three nodes, cedar's home on a disk of its own; each scenario leaves them level, with room, and all at work."""
    disk = SmallDisk(tmp_path_factory.mktemp("small") / "disk")
    if not disk.mount():
        pytest.skip("only root may mount a small disk")
    try:
        with ChaosNetwork() as network, Trio(disk.folder.parent, network, homes={"cedar": disk.folder}) as trio:
            yield disk, trio
    finally:
        disk.unmount()


def refusal(trio: Trio, name: str, code: str) -> str:
    """What the node answers to whoever publishes; empty when it does publish."""
    try:
        trio[name].publish(code)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode()
        assert error.code == 507, said
        return said
    return ""


def test_power_cuts_lose_nothing_that_was_acknowledged(trio: Trio, capsys: pytest.CaptureFixture[str]) -> None:
    ash, birch = trio["ash"], trio["birch"]
    for cut in range(CUTS):
        for number in range(cut + 1):
            ash.publish(f"before-cut-{cut}-{number}")
            birch.publish(f"meanwhile-{cut}-{number}")
        # No waiting: the cut falls into whatever is under way.
        birch.node.kill()
        ash.publish(f"while-dark-{cut}")
        birch.start()
    birch.publish("after-all")
    trio.check_level()
    check_said(birch, capsys, "2 peers connected")


def test_told_to_stop_a_node_says_goodbye_and_ends_soon_with_all_it_acknowledged(
    trio: Trio, capsys: pytest.CaptureFixture[str]
) -> None:
    ash, cedar = trio["ash"], trio["cedar"]
    threads = [threading.Thread(target=publish_until_it_ends, args=(trio, number)) for number in range(PUBLISHERS)]
    for thread in threads:
        thread.start()
    until(lambda: len(cedar.acknowledged) > 2 * PUBLISHERS, "publishers at work")
    process, started_s = cedar.node.process, time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_WAIT_S) == 0
    assert time.monotonic() - started_s < DRAIN_S_MAX
    for thread in threads:
        thread.join()
    until(lambda: not ash.is_connected(cedar), "the goodbye")
    assert ash.peer(cedar)["last_error"].startswith(("the peer said: this node stops", "cannot be reached"))
    assert "cedar: not connected" in read_status(ash, capsys)
    cedar.start()
    trio.check_level()


def publish_until_it_ends(trio: Trio, number: int) -> None:
    cedar, count = trio["cedar"], 0
    while True:
        count += 1
        try:
            cedar.publish(f"until-the-end-{number}-{count}")
        except urllib.error.HTTPError as error:
            error.close()
            return
        except (OSError, ValueError, http.client.HTTPException):
            return


def test_on_a_full_disk_a_node_says_so_loses_nothing_and_goes_on_once_there_is_room(
    on_small_disk: tuple[SmallDisk, Trio], capsys: pytest.CaptureFixture[str]
) -> None:
    disk, trio = on_small_disk
    ash, cedar = trio["ash"], trio["cedar"]
    cedar.publish("before")
    trio.check_level()
    ballast = disk.fill()
    until(lambda: refusal(trio, "cedar", "no-room") != "", "a full disk")
    assert "The disk says" in refusal(trio, "cedar", "no-room-either")
    ash.publish("elsewhere")
    # Said in one line, and read once: a write that still finds room takes the line away for a moment.
    check_said(cedar, capsys, "What was acknowledged is safe; make room, and it goes on.")
    ballast.unlink()
    until(lambda: "cannot write" not in read_status(cedar, capsys), "room again")
    cedar.publish("after")
    trio.check_level()


def test_on_a_read_only_disk_a_node_does_not_start_says_why_and_goes_on_once_it_may_write(
    on_small_disk: tuple[SmallDisk, Trio], capsys: pytest.CaptureFixture[str]
) -> None:
    disk, trio = on_small_disk
    ash, cedar = trio["ash"], trio["cedar"]
    cedar.publish("before-read-only")
    trio.check_level()
    assert cedar.node.stop()[0] == 0
    disk.remount(read_only=True)
    ash.publish("meanwhile")
    refused = cedar.start()
    assert READ_ONLY.search(refused.said["error"]), refused.said
    assert refused.process.wait(STOP_WAIT_S) == 1
    assert run_words(["--home", str(cedar.home), "status"]) == 1
    assert READ_ONLY.search(capsys.readouterr().err)
    disk.remount(read_only=False)
    cedar.start()
    cedar.publish("after-read-only")
    trio.check_level()
    check_said(cedar, capsys, "2 peers connected")
