"""What waits for the disk: bounded for each session, and all of it comes to its end."""

import asyncio

from node.peering.backlog import Backlog
from protocol.gossip.limits import UNVERIFIED_BYTES_MAX


async def test_a_session_waits_while_too_much_of_it_is_under_way_and_others_do_not() -> None:
    backlog, disk, done = Backlog(), asyncio.Event(), []

    async def store(name: str) -> None:
        await disk.wait()
        done.append(name)

    await backlog.add(1, store("first"), UNVERIFIED_BYTES_MAX)
    waiting = asyncio.create_task(backlog.add(1, store("second"), 1))
    await backlog.add(2, store("other"), 1)
    await asyncio.sleep(0)
    assert not waiting.done()
    disk.set()
    await waiting
    await backlog.end()
    assert sorted(done) == ["first", "other", "second"]


async def test_it_goes_on_as_soon_as_enough_is_done() -> None:
    backlog, disks = Backlog(), [asyncio.Event(), asyncio.Event()]
    await backlog.add(1, _wait(disks[0]), UNVERIFIED_BYTES_MAX)
    waiting = asyncio.create_task(backlog.add(1, _wait(disks[1]), UNVERIFIED_BYTES_MAX))
    await asyncio.sleep(0)
    disks[0].set()
    await waiting
    assert not disks[1].is_set()
    disks[1].set()
    await backlog.end()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
