"""The witness over the web: every answer of tlog-witness, one last head however it is asked, and all of it on disk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from node.clock import Clock
from node.use_cases.context import Node
from node.use_cases.cosign import Cosigner
from node.use_cases.fork_watch import list_evidence
from node.use_cases.home import open_node
from node.use_cases.receive import Receiver
from node.use_cases.status import ReturnReport
from node.web.server import build_application
from node.web.visit import UPLOADS_MAX
from protocol.core.identity import public_keys
from protocol.core.note import Ed25519Verifier, Verifier, verify_note
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.cosignature import CosignatureVerifier, Mldsa44Verifier, read_cosigned, witness_name
from protocol.log.merkle import EMPTY_ROOT, prove_consistency
from protocol.log.mirror import mirror_prefix
from protocol.log.witness import ADD_CHECKPOINT_BYTES_MAX, format_add_checkpoint
from storage.log import cosignatures, log_store
from tests.interop.made_log import LOG_KEY, ORIGIN, MadeLog
from tests.node.homes import Rosters, make_node
from tests.node.web.conftest import Browser
from tests.node.web.test_server import served_site

ADD = "/witness/add-checkpoint"
SHOWN = f"/witness/{mirror_prefix(ORIGIN)}/checkpoint"
LOG = MadeLog(40)
OTHER = MadeLog(40, branch=" told otherwise", parts_at=6)
ODD = MadeLog(5, branch=" told otherwise", parts_at=4)


def ask(old_size: int, size: int, log: MadeLog = LOG, proof_from: MadeLog = LOG) -> bytes:
    """The body of an honest request, or with other logs of one that takes something back."""
    return format_add_checkpoint(old_size, prove_consistency(old_size, size, proof_from.read), log.note(size))


def forged(size: int) -> bytes:
    """A request whose log signature is of another key."""
    name, text = ORIGIN.encode(), ask(0, size)
    place = text.rindex(b"\n\xe2\x80\x94 " + name) + len(name) + 12
    return text[:place] + (b"A" if text[place : place + 1] != b"A" else b"B") + text[place + 1 :]


def times_of(note: bytes, scene: "Scene") -> dict[str, int]:
    times_s, wrong = read_cosigned(note, [(one.name, one) for one in scene.verifiers])
    assert wrong == ()
    return times_s


class Scene:
    """A node that is a witness, its web server, and what it would say to anyone."""

    def __init__(self, node: Node, browser: Browser) -> None:
        self.node = node
        self.browser = browser
        keys, name = public_keys(node.keys), witness_name(node.origin)
        self.verifiers: list[Verifier] = [
            CosignatureVerifier(name, keys.witness),
            Mldsa44Verifier(name, keys.witness_mldsa44),
        ]

    async def post(self, raw: bytes) -> tuple[int, str, str]:
        """Status, type and body of the answer."""
        answer = await self.browser.post(ADD, data=raw)
        return answer.status, answer.headers["Content-Type"], await answer.text()

    async def grow(self, *sizes: int) -> None:
        """Have heads of these sizes cosigned in turn."""
        for old_size, size in zip((0, *sizes), sizes, strict=False):
            assert (await self.post(ask(old_size, size)))[0] == 200

    def last(self) -> tuple[int, bytes] | None:
        """What the witness has written down as its last head."""
        return cosignatures.cosigned(self.node.database.reader, ORIGIN)


def build_browser(node: Node) -> Browser:
    application = build_application(node, {}, "token")
    return TestClient(TestServer(application))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    node = await make_node(tmp_path, "north")
    await node.database.write(lambda db: log_store.add_log(db, ORIGIN, LOG_KEY.public))
    node.parts["roster"] = Rosters(node.origin, {}, [ORIGIN])
    async with build_browser(node) as browser:
        yield Scene(node, browser)
    node.database.close()


async def test_a_head_that_extends_the_last_is_cosigned_with_both_keys_and_shown(scene: Scene) -> None:
    assert (await scene.browser.get(SHOWN)).status == 404
    await scene.grow(1, 5)
    status, _, lines = await scene.post(ask(5, 40))
    assert status == 200
    assert lines.count("\n") == 2 and lines.startswith(f"\u2014 {witness_name(scene.node.origin)} ")
    note = LOG.note(40) + lines.encode()
    verified = verify_note(note, [Ed25519Verifier(ORIGIN, LOG_KEY.public), *scene.verifiers])[1]
    assert len(verified) == 3 and min(times_of(note, scene).values()) > 1_600_000_000
    answer = await scene.browser.get(SHOWN)
    assert (answer.status, await answer.read()) == (200, note)
    assert scene.last() == (40, LOG.head(40).root)


# Each after the witness has cosigned a head of 5: the body, the status, the type and the body of the answer.
CASES = {
    "the same head again": (ask(5, 5), 200, "text/plain", "\u2014 "),
    "a longer head": (ask(5, 9), 200, "text/plain", "\u2014 "),
    "a log that nobody watches": (ask(5, 9).replace(b"made-up.example", b"unheard.example"), 404, "text/plain", ""),
    "a wrong signature of the log's key": (forged(9), 403, "text/plain", ""),
    "an old size above the new one": (ask(0, 9).replace(b"old 0", b"old 10"), 400, "text/plain", ""),
    "an old size below the last": (ask(4, 9), 409, "text/x.tlog.size", "5\n"),
    "an old size above the last": (ask(6, 9), 409, "text/x.tlog.size", "5\n"),
    "no size known yet": (ask(0, 9), 409, "text/x.tlog.size", "5\n"),
    "another root of the same size": (ask(5, 5, ODD), 422, "text/plain", ""),
    "a proof of another size": (ask(4, 9).replace(b"old 4", b"old 5"), 422, "text/plain", ""),
    "a proof where none is needed": (ask(4, 5).replace(b"old 4", b"old 5"), 422, "text/plain", ""),
    "a proof of another branch": (ask(5, 9, LOG, OTHER), 422, "text/plain", ""),
    "no old size": (LOG.note(9), 400, "text/plain", ""),
    "an old size with a leading zero": (ask(5, 9).replace(b"old 5", b"old 05"), 400, "text/plain", ""),
    "64 lines of proof": (
        b"old 5\n" + b"A" * 43 + b"=\n" + (b"A" * 43 + b"=\n") * 63 + b"\n" + LOG.note(9),
        400,
        "text/plain",
        "",
    ),
    "a line of proof that is no base64": (ask(5, 9).replace(b"old 5\n", b"old 5\n!\n"), 400, "text/plain", ""),
    "nothing at all": (b"", 400, "text/plain", ""),
    "bytes that are no text": (b"\xff" * 50, 400, "text/plain", ""),
    "no empty line": (ask(5, 9).replace(b"\n\n", b"\n", 1), 400, "text/plain", ""),
}
SIGNED = ("the same head again", "a longer head")


@pytest.mark.parametrize("case", CASES)
async def test_every_request_has_the_answer_of_the_standard(scene: Scene, case: str) -> None:
    await scene.grow(5)
    before = scene.last()
    raw, status, content_type, body = CASES[case]
    answer = await scene.post(raw)
    assert answer[0] == status
    assert answer[1].split(";")[0] == content_type
    assert answer[2].startswith(body) and answer[2].endswith("\n")
    assert case in SIGNED or (scene.last() == before and "\u2014" not in answer[2])


async def test_a_body_beyond_all_limits_is_refused(scene: Scene) -> None:
    status, content_type, _ = await scene.post(ask(0, 5) + b"x" * ADD_CHECKPOINT_BYTES_MAX)
    assert (status, content_type.split(";")[0]) == (413, "text/plain")
    assert scene.last() is None


async def test_a_body_that_cannot_be_unpacked_is_refused(scene: Scene) -> None:
    answer = await scene.browser.post(ADD, data=b"no gzip at all", headers={"Content-Encoding": "gzip"})
    assert (answer.status, scene.last()) == (400, None)


async def test_logs_that_ask_by_the_dozen_leave_room_for_the_pages(scene: Scene) -> None:
    uploads = served_site(scene.browser).uploads
    uploads.inside = UPLOADS_MAX
    assert (await scene.post(ask(0, 5)))[0] == 503
    assert (await scene.browser.get("/healthz")).status == 200
    uploads.inside = 0
    await scene.grow(5)
    assert uploads.inside == 0


async def test_a_log_that_is_known_but_not_watched_is_not_cosigned(scene: Scene) -> None:
    scene.node.parts["roster"] = Rosters(scene.node.origin, {}, [])
    assert (await scene.post(ask(0, 5)))[0] == 404
    assert scene.last() is None


class Waiting:
    """A home that came from a backup and still waits for word of what it signed."""

    def describe(self) -> ReturnReport:
        return ReturnReport(False, "it was put back from a backup", ())


async def test_a_restored_home_signs_for_no_log_until_it_knows_what_it_signed(scene: Scene) -> None:
    await scene.grow(5)
    scene.node.parts["restored"] = Waiting()
    assert (await scene.post(ask(5, 9)))[0] == 503
    assert (await scene.browser.post("/mirror/add-entries", data=b"")).status == 503
    assert scene.last() == (5, LOG.head(5).root)
    del scene.node.parts["restored"]
    assert (await scene.post(ask(5, 9)))[0] == 200


async def test_of_two_that_ask_at_once_one_is_first_and_the_other_is_told_where_it_stands(scene: Scene) -> None:
    await scene.grow(5)
    answers = await asyncio.gather(scene.post(ask(5, 9)), scene.post(ask(5, 30)), scene.post(ask(5, 12)))
    statuses = sorted(answer[0] for answer in answers)
    assert statuses == [200, 409, 409]
    last = scene.last()
    assert last is not None and last[0] in (9, 12, 30)
    assert {answer[2] for answer in answers if answer[0] == 409} == {f"{last[0]}\n"}


async def test_two_signed_heads_of_one_size_are_kept_as_evidence_and_the_log_is_signed_no_more(scene: Scene) -> None:
    await scene.grow(9)
    assert (await scene.post(ask(9, 9, OTHER)))[0] == 422
    evidence = list_evidence(scene.node.database.reader)
    assert [(one.origin, one.proof) for one in evidence] == [(ORIGIN, b"")]
    assert (await scene.post(ask(9, 12)))[0] == 404
    assert scene.last() == (9, LOG.head(9).root)


async def test_an_empty_log_has_the_one_root_of_all_empty_logs(scene: Scene) -> None:
    assert (await scene.post(format_add_checkpoint(0, [], LOG.note(0))))[0] == 200
    assert scene.last() == (0, EMPTY_ROOT)
    untrue = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG_KEY)
    assert (await scene.post(format_add_checkpoint(0, [], untrue)))[0] == 422


async def test_what_is_asked_over_the_web_and_what_comes_by_session_are_one_witness(scene: Scene) -> None:
    learned: list[object] = []
    cosigner = Cosigner(scene.node, lambda found, _source: learned.append(found))
    await scene.grow(9)
    await push(scene.node, LOG, 5)
    assert await cosigner.cosign(ORIGIN) is None
    await push(scene.node, LOG, 20, start=5)
    made = await cosigner.cosign(ORIGIN)
    assert made is not None and learned == [made]
    assert (await scene.post(ask(9, 30)))[1:] == ("text/x.tlog.size", "20\n")
    shown = await (await scene.browser.get(SHOWN)).read()
    assert shown.startswith(LOG.note(20)) and times_of(shown, scene)


async def test_a_head_beside_the_entries_held_here_is_not_signed(scene: Scene) -> None:
    await push(scene.node, LOG, 20)
    status, _, _ = await scene.post(format_add_checkpoint(0, [], OTHER.note(9)))
    assert (status, scene.last()) == (422, None)
    assert [one.origin for one in list_evidence(scene.node.database.reader)] == [ORIGIN]


async def test_what_was_signed_is_remembered_by_the_next_run_of_the_node(scene: Scene) -> None:
    await scene.grow(5, 9)
    scene.node.database.close()
    again = open_node(scene.node.config, Clock())
    again.parts["roster"] = Rosters(again.origin, {}, [ORIGIN])
    async with build_browser(again) as browser:
        assert (await browser.post(ADD, data=ask(5, 40))).status == 409
        assert (await browser.post(ADD, data=ask(9, 40))).status == 200
    again.database.close()


@pytest.mark.parametrize("prefix", ["0" * 64, "0" * 63, mirror_prefix(ORIGIN).upper(), "x" * 64, "../logs"])
async def test_only_a_hash_of_a_log_that_was_cosigned_has_a_head(scene: Scene, prefix: str) -> None:
    await scene.grow(5)
    assert (await scene.browser.get(f"/witness/{prefix}/checkpoint")).status == 404


async def test_a_server_of_pages_alone_has_no_witness(browser: Browser) -> None:
    assert (await browser.post(ADD, data=ask(0, 5))).status == 404
    assert (await browser.get(ADD)).status == 405


async def push(node: Node, log: MadeLog, stop: int, start: int = 0) -> None:
    """Bring entries to the node as a session does."""
    entries = log.entries[start:stop]
    await Receiver(node).admit_push(ORIGIN, start, len(entries), log.note(stop), format_bundle(entries))
