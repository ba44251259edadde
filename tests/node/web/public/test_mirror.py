"""The mirror over the web: entries are taken in package by package, and a head is signed when all below it is here."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.clock import Clock
from node.use_cases.context import Node
from node.use_cases.cosign import Cosigner
from node.use_cases.fork_watch import list_evidence
from node.use_cases.home import open_node
from protocol.core.identity import public_keys
from protocol.core.note import Ed25519Verifier, Verifier, verify_note
from protocol.log.bundle import BUNDLE_ENTRIES
from protocol.log.cosignature import CosignatureVerifier, Mldsa44Verifier, mirror_name
from protocol.log.merkle import prove_consistency
from protocol.log.mirror import (
    EntriesHeader,
    MirrorInfo,
    format_entries_header,
    format_package,
    list_spans,
    mirror_prefix,
    parse_mirror_info,
    prove_package,
)
from protocol.log.witness import format_add_checkpoint
from storage.log import cosignatures, log_store
from tests.interop.made_log import LOG_KEY, ORIGIN, MadeLog, list_flipped
from tests.node.homes import Rosters, make_node
from tests.node.web.conftest import Browser
from tests.node.web.public.test_witness import build_browser, push

ADD = "/mirror/add-checkpoint"
UPLOAD = "/mirror/add-entries"
SHOWN = f"/mirror/{mirror_prefix(ORIGIN)}/checkpoint"
LOG = MadeLog(1_000)
OTHER = MadeLog(1_000, branch=" told otherwise", parts_at=290)


def packages(start: int, end: int, log: MadeLog = LOG) -> list[bytes]:
    """All packages of an upload."""
    return [
        format_package(prove_package(span, log.entries[span.start : span.end], end, log.read))
        for span in list_spans(start, end)
    ]


def header(start: int, end: int, origin: str = ORIGIN) -> bytes:
    return format_entries_header(EntriesHeader(origin, start, end))


def upload(start: int, end: int, log: MadeLog = LOG) -> bytes:
    """The body of a whole upload."""
    return header(start, end) + b"".join(packages(start, end, log))


def info(size: int, next_entry: int) -> MirrorInfo:
    return MirrorInfo(size, next_entry)


class Scene:
    """A node that mirrors, and what it says."""

    def __init__(self, node: Node, browser: Browser) -> None:
        self.node = node
        self.browser = browser
        keys, name = public_keys(node.keys), mirror_name(node.origin)
        self.verifiers: list[Verifier] = [
            Ed25519Verifier(ORIGIN, LOG_KEY.public),
            CosignatureVerifier(name, keys.mirror),
            Mldsa44Verifier(name, keys.mirror_mldsa44),
        ]

    async def post(self, raw: bytes, **more: str) -> tuple[int, str, bytes]:
        """Status, type and body of the answer to an upload."""
        answer = await self.browser.post(UPLOAD, data=raw, headers={"Content-Type": "application/octet-stream", **more})
        assert answer.headers["Accept-Encoding"] == "gzip"
        return answer.status, answer.headers["Content-Type"], await answer.read()

    async def announce(self, *sizes: int, log: MadeLog = LOG) -> None:
        """Show heads of these sizes in turn."""
        for old_size, size in zip((0, *sizes), sizes, strict=False):
            proof = prove_consistency(old_size, size, log.read)
            answer = await self.browser.post(ADD, data=format_add_checkpoint(old_size, proof, log.note(size)))
            assert (answer.status, await answer.read()) == (200, b"")

    async def told(self, raw: bytes) -> tuple[int, MirrorInfo]:
        """Where an upload is to go on."""
        status, content_type, body = await self.post(raw)
        assert content_type == "text/x.tlog.mirror-info", (status, body)
        return status, parse_mirror_info(body)

    def held(self) -> tuple[int, list[bytes]]:
        """The size of the log's head here, and its entries."""
        head = log_store.head(self.node.database.reader, ORIGIN)
        assert head is not None
        return head.size, log_store.entries(self.node.database.reader, ORIGIN, 0, head.size)

    async def check_signed(self, size: int, answer: tuple[int, str, bytes]) -> None:
        """Both lines are right, all entries are here, and anyone is shown the head."""
        status, _, lines = answer
        assert (status, lines.count(b"\n")) == (200, 2)
        assert len(verify_note(LOG.note(size) + lines, self.verifiers)[1]) == 3
        assert self.held() == (size, LOG.entries[:size])
        shown = await self.browser.get(SHOWN)
        assert await shown.read() == LOG.note(size) + lines


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    node = await make_node(tmp_path, "north")
    await node.database.write(lambda db: log_store.add_log(db, ORIGIN, LOG_KEY.public))
    async with build_browser(node) as browser:
        yield Scene(node, browser)
    node.database.close()


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
async def test_a_log_handed_over_whole_is_stored_indexed_and_signed(scene: Scene, size: int) -> None:
    heard: list[tuple[str, int, int]] = []
    scene.node.changes.add_listener(lambda *change: heard.append(change))
    await scene.announce(size)
    await scene.check_signed(size, await scene.post(upload(0, size)))
    assert heard == [(ORIGIN, 0, size)]


async def test_an_empty_log_is_signed_too(scene: Scene) -> None:
    await scene.announce(0)
    status, _, lines = await scene.post(upload(0, 0))
    assert (status, len(verify_note(LOG.note(0) + lines, scene.verifiers)[1])) == (200, 3)


async def test_an_upload_that_breaks_off_goes_on_where_it_stopped(scene: Scene) -> None:
    await scene.announce(700)
    parts = packages(0, 700)
    assert await scene.told(header(0, 700) + parts[0]) == (202, info(700, 256))
    assert scene.held()[0] == 0
    rest = packages(256, 700)
    # Cut off within a package: what came whole before it counts.
    assert await scene.told(header(256, 700) + rest[0] + rest[1][:-7]) == (202, info(700, 512))
    assert await scene.told(header(900, 1_000)) == (409, info(700, 512))
    await scene.check_signed(700, await scene.post(upload(512, 700)))


async def test_an_upload_may_begin_within_a_bundle_that_waits(scene: Scene) -> None:
    await scene.announce(700)
    assert (await scene.told(header(0, 700) + b"".join(packages(0, 700)[:2])))[1] == info(700, 512)
    await scene.check_signed(700, await scene.post(upload(300, 700)))


async def test_an_upload_goes_on_in_the_next_run_of_the_node(scene: Scene) -> None:
    await scene.announce(700)
    await scene.told(header(0, 700) + packages(0, 700)[0])
    scene.node.database.close()
    again = open_node(scene.node.config, Clock())
    async with build_browser(again) as browser:
        later = Scene(again, browser)
        await later.check_signed(700, await later.post(upload(256, 700)))
    again.database.close()


async def test_a_log_that_grows_meanwhile_need_not_begin_anew(scene: Scene) -> None:
    await scene.announce(300)
    await scene.told(header(0, 300) + packages(0, 300)[0])
    proof = prove_consistency(300, 1_000, LOG.read)
    assert (await scene.browser.post(ADD, data=format_add_checkpoint(300, proof, LOG.note(1_000)))).status == 200
    await scene.check_signed(300, await scene.post(upload(256, 300)))
    await scene.check_signed(1_000, await scene.post(upload(300, 1_000)))
    # Never back: the smaller head is known no more, or below the one that is signed.
    assert (await scene.told(header(300, 300)))[0] == 409
    await scene.check_signed(1_000, await scene.post(header(1_000, 1_000)))


async def test_two_who_upload_at_once_do_not_disturb_each_other(scene: Scene) -> None:
    await scene.announce(700)
    answers = await asyncio.gather(*(scene.post(upload(0, 700)) for _ in range(3)))
    for answer in answers:
        status, _, lines = answer
        assert (status, len(verify_note(LOG.note(700) + lines, scene.verifiers)[1])) == (200, 3)
    assert scene.held() == (700, LOG.entries[:700])


async def test_a_packed_upload_is_unpacked(scene: Scene) -> None:
    await scene.announce(700)
    packed = gzip.compress(upload(0, 700))
    await scene.check_signed(700, await scene.post(packed, **{"Content-Encoding": "gzip"}))


async def test_what_came_by_a_session_need_not_be_handed_over_again(scene: Scene) -> None:
    await push(scene.node, LOG, 200)
    await scene.announce(300)
    assert await scene.told(header(250, 300)) == (409, info(300, 200))
    await scene.check_signed(300, await scene.post(upload(200, 300)))


async def test_the_mirror_signs_what_the_witness_signs_of_its_own_accord(scene: Scene) -> None:
    scene.node.parts["roster"] = Rosters(scene.node.origin, {}, [ORIGIN])
    await push(scene.node, LOG, 200)
    assert await Cosigner(scene.node, lambda found, session: None).cosign(ORIGIN) is not None
    shown = await (await scene.browser.get(SHOWN)).read()
    assert [one.name for one in verify_note(shown, scene.verifiers)[1]] == [ORIGIN, mirror_name(scene.node.origin)]
    assert (await scene.browser.post(ADD, data=format_add_checkpoint(0, [], LOG.note(300)))).status == 409


async def test_a_log_that_is_nobody_s_duty_is_mirrored_all_the_same(scene: Scene) -> None:
    await push(scene.node, LOG, 200)
    assert await (await scene.browser.get(SHOWN)).read() == LOG.note(200)
    assert await Cosigner(scene.node, lambda found, session: None).cosign(ORIGIN) is None
    shown = await (await scene.browser.get(SHOWN)).read()
    assert [one.name for one in verify_note(shown, scene.verifiers)[1]] == [ORIGIN, mirror_name(scene.node.origin)]
    assert cosignatures.cosigned(scene.node.database.reader, ORIGIN) is None


async def test_a_head_that_the_mirror_has_not_signed_yet_is_not_shown_by_it(scene: Scene) -> None:
    await push(scene.node, LOG, 200)
    cosigner = Cosigner(scene.node, lambda found, session: None)
    await cosigner.cosign(ORIGIN)
    before = await (await scene.browser.get(SHOWN)).read()
    await push(scene.node, LOG, 300, start=200)
    assert await (await scene.browser.get(SHOWN)).read() == before
    await cosigner.cosign(ORIGIN)
    shown = await (await scene.browser.get(SHOWN)).read()
    assert shown.startswith(LOG.note(300)) and len(verify_note(shown, scene.verifiers)[1]) == 2


async def test_what_the_last_run_did_not_come_to_is_signed_after_the_start(scene: Scene) -> None:
    await push(scene.node, LOG, 200)
    cosigner = Cosigner(scene.node, lambda found, session: None, debounce_s=0)
    cosigner.resume()
    async with asyncio.timeout(20):
        while cosignatures.mirrored_size(scene.node.database.reader, mirror_prefix(ORIGIN)) < 200:
            # Both the timer and the signing are under way on this loop.
            await scene.node.database.write(lambda db: None)
    await cosigner.stop()
    shown = await (await scene.browser.get(SHOWN)).read()
    assert [one.name for one in verify_note(shown, scene.verifiers)[1]] == [ORIGIN, mirror_name(scene.node.origin)]


# Body and status, with a head of 300 pending and nothing stored.
REFUSED = {
    "a log that nobody knows": (header(0, 300, "unheard.example/log"), 404),
    "a head that was never shown": (upload(0, 299), 409),
    "a start beyond what is wanted": (upload(1, 300), 409),
    "nothing at all": (b"", 400),
    "half a header": (header(0, 300)[:-3], 400),
    "an end before the start": (header(0, 300)[:-18] + bytes([0] * 7 + [9]) + bytes([0] * 7 + [8]) + b"\0\0", 400),
    "a header alone": (header(0, 300), 400),
    "less than a package": (upload(0, 300)[:200], 400),
    "entries of another branch": (upload(0, 300, OTHER), 422),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_does_not_fit_is_refused_and_nothing_is_signed(scene: Scene, case: str) -> None:
    await scene.announce(300)
    raw, status = REFUSED[case]
    assert (await scene.post(raw))[0] == status
    assert scene.held()[0] == 0
    assert not any(
        head.is_signed for head in cosignatures.pending_heads(scene.node.database.reader, mirror_prefix(ORIGIN))
    )


async def test_no_upload_comes_before_a_head(scene: Scene) -> None:
    assert (await scene.post(upload(0, 300)))[0] == 422
    own = await scene.post(header(0, 1, scene.node.origin))
    assert own[0] == 404


async def test_one_changed_byte_anywhere_is_never_stored_as_what_was_signed(scene: Scene) -> None:
    await scene.announce(300)
    raw = upload(0, 300)
    for flipped in list_flipped(raw, step=len(raw) // 40):
        status, _, _ = await scene.post(flipped)
        assert status in (400, 404, 409, 422, 202)
        assert scene.held()[0] == 0
    await scene.check_signed(300, await scene.post(upload(BUNDLE_ENTRIES, 300)))


async def test_a_head_of_another_branch_than_the_entries_held_is_evidence_and_not_signed(scene: Scene) -> None:
    await push(scene.node, LOG, 200)
    await push(scene.node, LOG, 300, start=200)
    await scene.announce(295, log=OTHER)
    status, _, _ = await scene.post(upload(256, 295, OTHER))
    assert status in (404, 422)
    assert scene.held() == (300, LOG.entries[:300])
    assert [one.origin for one in list_evidence(scene.node.database.reader)] == [ORIGIN]
    assert (await scene.post(upload(256, 295, OTHER)))[0] == 404


async def test_a_head_that_takes_something_back_does_not_wait(scene: Scene) -> None:
    await scene.announce(300)
    again = await scene.browser.post(ADD, data=format_add_checkpoint(300, [], OTHER.note(300)))
    assert again.status == 422
    assert [one.origin for one in list_evidence(scene.node.database.reader)] == [ORIGIN]
