"""A log signed on two branches: proven at every pair of sizes, kept, handed on; an honest log is never convicted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import PeerError
from protocol.gossip import events, limits
from protocol.gossip.frames import cut_have, format_frame
from protocol.gossip.frontier import NO_COSIGNERS, Frontier, LogHead
from protocol.gossip.hearing import Hearing
from protocol.gossip.messages import HeadMark, Hello, Push
from protocol.gossip.session import Session
from protocol.log.bundle import format_bundle
from protocol.log.checkpoint import open_checkpoint
from protocol.log.fork import check_fork, prove_fork
from protocol.log.merkle import leaf_hash, prove_consistency, root_at, root_of
from tests.protocol.gossip.small_home import SmallHome, log_key, signed_head
from tests.protocol.gossip.wires import Network, make_homes

ORIGIN = "north.example/log"
KEY = log_key(ORIGIN).public
US, THEM = "us.example/log", "them.example/log"
OURS, THEIRS = b"a" * 32, b"b" * 32
ONE = [b"one %d" % index for index in range(40)]


def branch(common: int, length: int) -> list[bytes]:
    return ONE[:common] + [b"other %d" % index for index in range(length - common)]


def prove(shorter: list[bytes], longer: list[bytes]) -> bytes | None:
    def read(level: int, index: int) -> bytes:
        return root_of([leaf_hash(entry) for entry in longer[index << level : (index + 1) << level]])

    heads = [open_checkpoint(signed_head(ORIGIN, entries), KEY, ORIGIN) for entries in (shorter, longer)]
    return prove_fork(heads[0], heads[1], read)


@given(st.integers(0, 39), st.integers(1, 40), st.integers(1, 40))
def test_two_branches_are_proven_and_one_branch_is_not(common: int, one_size: int, other_size: int) -> None:
    shorter, longer = sorted((ONE[:one_size], branch(min(common, other_size), other_size)), key=len)
    proof = prove(shorter, longer)
    if longer[: len(shorter)] == shorter:
        assert proof is None
        return
    assert proof is not None and len(proof) <= 32 * 64
    check_fork(signed_head(ORIGIN, longer), signed_head(ORIGIN, shorter), proof, KEY, ORIGIN)


@pytest.mark.parametrize(
    ("one", "other", "proof"),
    [
        (ONE[:5], ONE[:5], b""),
        (ONE[:5], ONE[:9], b""),
        (ONE[:5], ONE[:9], root_of([leaf_hash(entry) for entry in ONE[:5]])),
        (ONE[:5], branch(3, 5), bytes(32)),
        (ONE[:5], branch(3, 9), bytes(32)),
        (ONE[:5], branch(3, 9), b"half a hash"),
    ],
    ids=["the same head", "no proof", "an honest log", "a proof too many", "a made-up proof", "not hashes"],
)
def test_evidence_that_proves_nothing_is_refused(one: list[bytes], other: list[bytes], proof: bytes) -> None:
    with pytest.raises(PeerError):
        check_fork(signed_head(ORIGIN, one), signed_head(ORIGIN, other), proof, KEY, ORIGIN)


def test_an_honest_log_with_its_own_consistency_proof_is_no_fork() -> None:
    def read(level: int, index: int) -> bytes:
        return root_of([leaf_hash(entry) for entry in ONE[index << level : (index + 1) << level]])

    proof = root_at(5, read) + b"".join(prove_consistency(5, 9, read))
    with pytest.raises(PeerError, match="no fork"):
        check_fork(signed_head(ORIGIN, ONE[:5]), signed_head(ORIGIN, ONE[:9]), proof, KEY, ORIGIN)


def test_evidence_that_another_key_signed_is_refused() -> None:
    proof = prove(ONE[:5], branch(3, 9))
    assert proof is not None
    with pytest.raises(PeerError, match="not signed"):
        check_fork(
            signed_head(ORIGIN, ONE[:5]), signed_head(ORIGIN, branch(3, 9)), proof, log_key("else").public, ORIGIN
        )


def hold(home: SmallHome, origin: str, entries: list[bytes]) -> None:
    """Have a home hold a branch as if it had come from the log's owner."""
    line = home.connect(origin)
    push = Push(origin, 0, len(entries), signed_head(origin, entries), format_bundle(entries))
    home.carry_out(line, events.StorePush(origin, 0, push.count, push.note, push.entries))
    home.lines.remove(line)
    assert format_frame(push)


@pytest.mark.parametrize(
    ("one", "other"),
    [(ONE[:5], branch(3, 5)), (ONE[:5], branch(3, 9)), (ONE[:9], branch(3, 5)), (ONE[:8], branch(0, 16))],
    ids=["level", "the other is longer", "ours is longer", "nothing in common"],
)
def test_the_first_two_who_meet_prove_the_fork_and_all_hear_of_it(one: list[bytes], other: list[bytes]) -> None:
    homes = make_homes(4)
    forked = homes[0].origin
    network = Network(homes)
    hold(homes[1], forked, one)
    hold(homes[2], forked, other)
    network.connect(homes[1], homes[2])
    network.connect(homes[2], homes[3])
    network.settle()
    network.sweep()
    for wire in ((homes[1], homes[2]), (homes[2], homes[3])):
        if all({known.left, known.right} != set(wire) for known in network.wires):
            network.connect(*wire)
    network.settle()
    assert all(home.evidence and forked in home.frontier.frozen for home in homes[1:])
    assert homes[1].logs[forked].entries == one
    assert homes[2].logs[forked].entries == other


def test_what_is_pushed_of_a_log_that_stands_still_is_not_taken_but_its_head_is_looked_at() -> None:
    homes = make_homes(2)
    origin, home = homes[0].origin, homes[1]
    hold(home, origin, ONE[:5])
    home.frontier.frozen.add(origin)
    hearing = Hearing(home.frontier, 1, origin)
    push = Push(origin, 5, 1, signed_head(origin, ONE[:6]), format_bundle(ONE[5:6]))
    assert hearing.take(push) == [events.CheckFork(origin, push.note, b"", limits.AFTER_END)]


def test_a_forked_log_stands_still_and_all_others_go_on() -> None:
    homes = make_homes(3)
    network = Network(homes)
    hold(homes[1], homes[0].origin, ONE[:5])
    hold(homes[2], homes[0].origin, branch(3, 5))
    network.connect(homes[1], homes[2])
    network.settle()
    homes[1].publish(b"goes on")
    network.settle()
    assert homes[2].logs[homes[1].origin].entries == [b"goes on"]
    assert homes[2].frontier.size(homes[0].origin) == 5


@pytest.mark.parametrize(
    ("size", "root", "expected"),
    [
        (9, OURS, events.ServeNote(ORIGIN)),
        (9, THEIRS, None),
        (12, OURS, events.CheckPast(ORIGIN, 9, THEIRS[: limits.ROOT_MARK_BYTES])),
        (8, OURS, None),
    ],
    ids=["as long, another root", "as long, the same", "longer: looked up", "not as far yet"],
)
def test_a_head_that_was_ahead_is_compared_when_ours_has_reached_it(
    size: int, root: bytes, expected: events.Action | None
) -> None:
    frontier = Frontier(US, b"n" * limits.EPOCH_BYTES)
    frontier.know(ORIGIN, LogHead(7, b"7" * 32))
    session = Session(1, THEM, (b"", 0), frontier)
    session.handle(events.Opened(), 0)
    hello = Hello(limits.PROTOCOL_VERSION, THEM, b"e" * limits.EPOCH_BYTES, b"", 0)
    session.handle(events.Received(format_frame(hello)), 0)
    session.handle(events.HeadsRead((), 0), 0)
    mark = HeadMark(ORIGIN, 9, THEIRS[: limits.ROOT_MARK_BYTES], NO_COSIGNERS)
    (told,) = cut_have([mark], 1)
    session.handle(events.Received(told), 1)
    # By another session than this one.
    frontier.move(ORIGIN, size, root)
    actions = session.handle(events.HeadMoved(ORIGIN), 2)
    found = [one for one in actions if isinstance(one, events.ServeNote | events.CheckPast)]
    assert found == ([] if expected is None else [expected])
