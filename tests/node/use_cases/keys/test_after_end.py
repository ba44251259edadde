"""A key that signs after its log's end: kept, handed on and shown, whatever came first; nobody signs it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node
from node.use_cases.fork_watch import LATER_HEADS_PER_LOG_MAX, admit_later_head, list_later_heads
from node.use_cases.home import init_home, open_node
from node.use_cases.keys.ends import recount_ends
from node.use_cases.keys.succeed import SucceedParams, succeed
from node.use_cases.log.evidence import audit_evidence, show_evidence
from node.use_cases.log.heads import LogName
from node.use_cases.logs import LogParams, show_log
from node.use_cases.public.mirroring import add_checkpoint as add_to_mirror
from node.use_cases.public.witnessing import add_checkpoint as add_to_witness
from node.use_cases.publish import publish
from node.web.logs.filling import tell_cut
from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import generate
from protocol.core.note import ED25519, VerifierKey
from protocol.federation.grants import KeyGrant
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.witness import format_add_checkpoint
from storage.log import log_store
from tests.node.use_cases.two_homes import carry

GRANT = KeyGrant(bytes(32), "facilitator", "facilitator 1", False)


class Scene:
    """An old log of 7 entries that ended at 4, its successor, and a node that holds neither yet."""

    def __init__(self, old: Node, new: Node, third: Node) -> None:
        self.old, self.new, self.third = old, new, third
        self.key = generate(old.keys.log)

    def later(self, size: int) -> bytes:
        """What a thief signs with the old log's key."""
        return sign_checkpoint(Checkpoint(self.old.origin, size, bytes([size]) * 32), self.key)

    def sizes(self, node: Node) -> list[int]:
        """How long the heads are that a node knows to be signed beyond the end."""
        found = (int(one.note.split(b"\n")[1]) for one in list_later_heads(node.database.reader))
        return sorted(found)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    nodes, keys = [], []
    for name in ("old", "new", "third"):
        config = Config(home=tmp_path / name, name=name)
        keys.append((await init_home(config, Clock())).recovery_key)
        nodes.append(open_node(config, Clock()))
    for _ in range(6):
        await publish(nodes[0], "key.grant", GRANT)
    params = SucceedParams(recovery_key=keys[0], old_home=str(tmp_path / "old"), size=4)
    await succeed(nodes[1], params)
    yield Scene(*nodes)
    for node in nodes:
        node.database.close()


async def know_the_end(scene: Scene) -> None:
    await carry(scene.new, scene.third)
    await carry(scene.old, scene.third)
    await recount_ends(scene.third)


async def test_a_later_head_is_kept_whether_it_comes_before_or_after_the_word_of_the_end(scene: Scene) -> None:
    third = scene.third
    await third.database.write(lambda db: log_store.add_log(db, scene.old.origin, scene.key.public))
    assert not await admit_later_head(third, scene.old.origin, scene.later(9))
    assert scene.sizes(third) == []
    await know_the_end(scene)
    # What is held itself leads beyond the end too.
    assert scene.sizes(third) == [7, 9]
    assert await admit_later_head(third, scene.old.origin, scene.later(12))
    assert scene.sizes(third) == [7, 9, 12]


async def test_the_same_again_and_more_than_need_be_are_not_kept(scene: Scene) -> None:
    await know_the_end(scene)
    for size in (9, 9, 10, 11, 12, 13, 14):
        assert await admit_later_head(scene.third, scene.old.origin, scene.later(size))
    assert len(scene.sizes(scene.third)) == 1 + LATER_HEADS_PER_LOG_MAX


async def test_another_s_signature_is_the_peer_s_fault_and_a_head_within_the_end_is_nothing(scene: Scene) -> None:
    await know_the_end(scene)
    within = sign_checkpoint(Checkpoint(scene.old.origin, 3, bytes(32)), scene.key)
    assert not await admit_later_head(scene.third, scene.old.origin, within)
    forged = sign_checkpoint(Checkpoint(scene.old.origin, 9, bytes(32)), generate(b"f" * 32))
    with pytest.raises(PeerError):
        await admit_later_head(scene.third, scene.old.origin, forged)


async def test_it_is_shown_in_neutral_words_and_given_out_as_a_file_that_anyone_can_check(scene: Scene) -> None:
    await know_the_end(scene)
    await admit_later_head(scene.third, scene.old.origin, scene.later(12))
    shown = (await show_log(scene.third, LogParams(origin=scene.old.origin, last=0))).log
    assert (shown.has_ended, shown.signed_after_end) == (True, 12)
    assert "A head of 12 records was signed beyond that end" in tell_cut(shown)
    files = (await show_evidence(scene.third, LogName(origin=scene.old.origin))).files
    key = VerifierKey(scene.old.origin, ED25519, scene.key.public)
    reports = [audit_evidence(text.encode(), key) for text in files]
    assert sorted(one.longer.size for one in reports) == [7, 12]
    assert all(one.is_after_end and one.shorter.size == 4 for one in reports)
    with pytest.raises(RefusedError, match="nothing is held"):
        await show_evidence(scene.third, LogName(origin=scene.new.origin))


async def test_whoever_asks_to_have_it_signed_is_refused_and_leaves_the_evidence(scene: Scene) -> None:
    await know_the_end(scene)
    request = format_add_checkpoint(0, [], scene.later(20))
    assert (await add_to_witness(scene.third, request)).status == 404
    request = format_add_checkpoint(0, [], scene.later(21))
    assert (await add_to_mirror(scene.third, request)).status == 404
    assert scene.sizes(scene.third) == [7, 20, 21]
