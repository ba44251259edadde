"""While a node runs, outside witnesses are asked of their own accord; who is slow or gone delays nobody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from node.use_cases.context import Node, NoParams
from node.use_cases.outside.asker import WAIT_MS_MAX, WitnessAsker
from node.use_cases.outside.witnesses import (
    AddWitness,
    WitnessUrl,
    add_witness,
    ask_witnesses,
    remove_witness,
)
from node.use_cases.own_log.own_head import head_folder, own_head_of
from node.use_cases.own_log.restored import Return
from node.use_cases.status import AskerReport
from protocol.core.identity import generate
from protocol.log.witness import CosignedHead
from storage.peers.outside_witnesses import outside_witnesses
from tests.node.use_cases.log.grown_home import fill
from tests.node.use_cases.outside.strangers import OutsideWitness, Server, Silence
from tests.node.use_cases.two_homes import open_home

WAIT_S = 20.0
"""A safety net only."""


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_home(tmp_path, "north")
    # Read before the log is filled past its rules.
    assert own_head_of(node).reason == ""
    yield node
    node.database.close()


class Counted:
    """A witness that keeps the rules, after refusing some times; each question is an event."""

    def __init__(self, witness: OutsideWitness, refusals: int = 0) -> None:
        self.witness, self.refusals = witness, refusals
        self.questions: asyncio.Queue[int] = asyncio.Queue()

    async def __call__(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if self.refusals:
            self.refusals -= 1
            self.questions.put_nowait(503)
            return web.Response(status=503)
        verdict = self.witness.judge(raw)
        self.questions.put_nowait(verdict.status)
        return web.Response(text=verdict.body, status=verdict.status)


def public(node: Node) -> bytes:
    return generate(node.keys.log).public


def grow(node: Node, size: int) -> None:
    """Publish, as far as whoever listens can tell."""
    start = size - 1
    fill(node, size)
    node.changes.publish(node.origin, start, size)


async def heard(witness: Counted) -> int:
    async with asyncio.timeout(WAIT_S):
        return await witness.questions.get()


async def test_what_is_published_is_cosigned_unasked(north: Node) -> None:
    oak = Counted(OutsideWitness(north.origin, public(north)))
    asker = WitnessAsker(north)
    async with Server(oak) as server:
        await asker.start()
        north.parts["outside_witnesses"] = asker
        await add_witness(north, AddWitness(url=server.url, keys=oak.witness.vkeys))
        assert await heard(oak) == 200
        for size in range(2, 9):
            grow(north, size)
        # The newest only: what was overtaken is not asked about.
        assert await heard(oak) == 200
        assert oak.witness.held.size == 8 and len(oak.witness.asked) == 2
        await asker.stop()


async def test_a_silent_witness_delays_neither_the_other_nor_the_stop(north: Node) -> None:
    silence, oak = Silence(), Counted(OutsideWitness(north.origin, public(north)))
    asker = WitnessAsker(north)
    async with Server(silence) as mute, Server(oak) as server:
        for url in (mute.url, server.url):
            await add_witness(north, AddWitness(url=url, keys=oak.witness.vkeys))
        await asker.start()
        async with asyncio.timeout(WAIT_S):
            await silence.is_asked.wait()
        assert await heard(oak) == 200
        async with asyncio.timeout(5):
            await asker.stop()
        silence.ended.set()


async def test_a_witness_that_fails_is_asked_again_and_then_no_more(north: Node) -> None:
    oak = Counted(OutsideWitness(north.origin, public(north)), refusals=2)
    asker = WitnessAsker(north, first_wait_ms=10)
    async with Server(oak) as server:
        await add_witness(north, AddWitness(url=server.url, keys=oak.witness.vkeys))
        await asker.start()
        north.parts["outside_witnesses"] = asker
        assert [await heard(oak) for _ in range(3)] == [503, 503, 200]
        # Asked about the next head, it has noted how it went with this one.
        grow(north, 2)
        assert await heard(oak) == 200
        assert outside_witnesses(north.database.reader)[0].error == ""
        assert asker.describe() == AskerReport(asked=1, failing={})
        await remove_witness(north, WitnessUrl(url=server.url))
        grow(north, 3)
        await asker.stop()
        assert oak.questions.empty()


async def test_the_waits_grow_to_a_bound(north: Node) -> None:
    asker = WitnessAsker(north)
    waits_s = [asker.next_wait_s(failures) for failures in range(1, 40)]
    assert 2.5 <= waits_s[0] <= 5.0 and 5.0 <= waits_s[1] <= 10.0
    assert all(WAIT_MS_MAX / 2 <= wait_s * 1_000 <= WAIT_MS_MAX for wait_s in waits_s[8:])


class Nobody:
    """No peer has ever heard of this home."""

    def answers(self) -> dict[str, int]:
        return {}

    def take_own(self, is_taken: bool) -> None:
        pass


@pytest.mark.parametrize("is_older", [False, True], ids=["the backup is the newest", "the backup is older"])
async def test_a_home_from_a_backup_asks_its_witnesses_before_it_signs(north: Node, is_older: bool) -> None:
    oak = Counted(OutsideWitness(north.origin, public(north)))
    has_gone_on = asyncio.Event()

    async def go_on() -> None:
        has_gone_on.set()

    async with Server(oak) as server:
        await add_witness(north, AddWitness(url=server.url, keys=oak.witness.vkeys))
        await ask_witnesses(north, NoParams())
        if is_older:
            oak.witness.held = CosignedHead(9, bytes(32))
        own_head_of(north).hold("it is marked as restored from a backup")
        returning, asker = Return(north, Nobody(), go_on), WitnessAsker(north)
        north.parts.update(outside_witnesses=asker, restored=returning)
        assert returning.waits_for() == [server.url]
        await returning.start()
        await asker.start()
        while await heard(oak) != 409:
            pass
        if is_older:
            assert (returning.waits_for(), has_gone_on.is_set()) == ([server.url], False)
            # Its people know better, or go on under a new name.
            await remove_witness(north, WitnessUrl(url=server.url))
        async with asyncio.timeout(WAIT_S):
            await has_gone_on.wait()
        assert own_head_of(north).reason == ""
        await asker.stop()
        await returning.stop()


async def test_a_home_that_only_a_witness_knows_does_not_sign_when_its_note_is_lost(north: Node) -> None:
    await add_witness(north, AddWitness(url="https://oak.example", keys=OutsideWitness(north.origin, bytes(32)).vkeys))
    for path in head_folder(north.config).iterdir():
        path.unlink()
    del north.parts["own_head"]
    assert "is not there" in own_head_of(north).reason
