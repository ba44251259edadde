"""A home hands its log to a mirror of another co-op, whatever the mirror has already and however it answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from node.use_cases.context import Node
from node.use_cases.log.heads import LogName, show_head
from node.use_cases.outside.mirrors import STANDSTILLS_MAX, Pushed, PushParams, push_log
from node.use_cases.own_log.own_head import own_head_of
from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import generate, public_keys
from protocol.core.note import COSIGNATURE_MLDSA44, COSIGNATURE_V1, format_vkey, parse_note
from protocol.log.cosignature import mirror_name
from protocol.log.mirror import parse_entries_header
from storage.log import log_store
from tests.node.use_cases.log.grown_home import fill
from tests.node.use_cases.outside.strangers import Server
from tests.node.use_cases.two_homes import open_home
from tests.node.web.conftest import Browser
from tests.node.web.public.test_witness import build_browser

PACKAGES = 32 * 256


class Scene:
    """North's log and South, who mirrors it and talks to it in no other way."""

    def __init__(self, north: Node, south: Node, browser: Browser) -> None:
        self.north, self.south = north, south
        self.url = str(browser.make_url("/mirror"))
        keys, name = public_keys(south.keys), mirror_name(south.origin)
        self.name = name
        self.vkeys = (
            format_vkey(name, COSIGNATURE_V1, keys.mirror),
            format_vkey(name, COSIGNATURE_MLDSA44, keys.mirror_mldsa44),
        )

    async def push(self, requests: int = 8) -> Pushed:
        return await push_log(self.north, PushParams(url=self.url, keys=self.vkeys, requests=requests))

    def held(self, node: Node) -> list[bytes]:
        return log_store.entries(node.database.reader, self.north.origin, 0, 100_000)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    north, south = await open_home(tmp_path, "north"), await open_home(tmp_path, "south")
    # Read before the log is filled past its rules.
    assert own_head_of(north).reason == ""
    key = generate(north.keys.log).public
    await south.database.write(lambda db: log_store.add_log(db, north.origin, key))
    async with build_browser(south) as browser:
        yield Scene(north, south, browser)
    north.database.close()
    south.database.close()


@pytest.mark.parametrize("sizes", [(1, 2, 255), (256, 257), (700, 700, 9_000), (PACKAGES, PACKAGES + 1)])
async def test_a_log_is_handed_over_and_again_when_it_has_grown(scene: Scene, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        fill(scene.north, size)
        done = await scene.push()
        assert (done.is_done, done.size, done.next_entry, done.cosigners) == (True, size, size, (scene.name,))
        assert scene.held(scene.south) == scene.held(scene.north)
        shown = (await show_head(scene.north, LogName())).note.encode()
        assert [one.name for one in parse_note(shown)[1]] == [scene.north.origin, scene.name, scene.name]


async def test_a_push_that_was_left_half_done_goes_on_where_it_stopped(scene: Scene) -> None:
    fill(scene.north, 2 * PACKAGES + 300)
    reached = [(await scene.push(requests=2)).next_entry for _ in range(2)]
    assert reached == [PACKAGES, 2 * PACKAGES]
    fill(scene.north, 2 * PACKAGES + 900)
    done = await scene.push()
    assert (done.is_done, scene.held(scene.south) == scene.held(scene.north)) == (True, True)


async def test_without_a_key_nothing_is_believed_nor_kept(scene: Scene) -> None:
    done = await push_log(scene.north, PushParams(url=scene.url))
    assert (done.is_done, done.cosigners) == (True, ())
    shown = (await show_head(scene.north, LogName())).note.encode()
    assert [one.name for one in parse_note(shown)[1]] == [scene.north.origin]


async def test_a_home_that_must_not_sign_hands_over_nothing(scene: Scene) -> None:
    own_head_of(scene.north).hold("it is marked as restored from a backup")
    with pytest.raises(RefusedError, match="nobody is asked while this home must not sign"):
        await scene.push()
    assert scene.held(scene.south) == []


class Mirror:
    """A stranger's mirror that takes every head and answers uploads as told; `uploads` are their headers."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.uploads: list[tuple[int, int, bytes]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if request.path.endswith("/add-checkpoint"):
            return web.Response()
        found = parse_entries_header(raw)
        assert found is not None
        self.uploads.append((found[0].start, found[0].end, found[0].ticket))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, text=body)


# Answers of the mirror to a log of 300, and the words that say what went wrong.
WRONG = {
    "it wants the same entry for ever": ([(202, "300\n7\n\n")], "it wants entry 7 again and again"),
    "it goes back": ([(202, "300\n256\n\n"), (409, "300\n0\n\n")], "it wants entry 0 again and again"),
    "it wants what there is not": ([(409, "300\n301\n\n")], "it has 301 entries of this log, which has 300 here"),
    "it has a longer head": ([(409, "900\n0\n\n")], "it has 900 entries of this log"),
    "it says nothing": ([(409, "")], "mirror-info: not the three lines"),
    "it does not mirror this log": ([(404, "")], "it does not know this log"),
    "it finds an entry unproven": ([(409, "300\n0\n\n"), (422, "")], "does not lead to the head"),
    "it is full": ([(507, "")], "it answered 507"),
    "it signs another head": ([(200, "\u2014 odd.example/m AAAAAAAA\n")], "not signed by any key that is known"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_mirror_that_does_not_keep_the_rules_is_left_with_a_reason(scene: Scene, case: str) -> None:
    fill(scene.north, 300)
    answers, words = WRONG[case]
    mirror = Mirror(*answers)
    async with Server(mirror) as server:
        with pytest.raises(PeerError, match=words):
            await push_log(scene.north, PushParams(url=server.url, keys=scene.vkeys))
    assert len(mirror.uploads) <= STANDSTILLS_MAX + 2


async def test_the_ticket_and_an_older_head_are_taken_up(scene: Scene) -> None:
    fill(scene.north, 300)
    mirror = Mirror((409, "200\n100\ndGlja2V0\n"), (200, ""), (202, "300\n256\n\n"), (200, ""))
    async with Server(mirror) as server:
        done = await push_log(scene.north, PushParams(url=server.url))
    assert done.is_done
    assert mirror.uploads == [(300, 300, b""), (100, 200, b"ticket"), (200, 300, b""), (256, 300, b"")]
