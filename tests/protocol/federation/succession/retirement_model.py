"""Every way the ordinary slot of a version and the slot that ends a member's log can go, side by side.

An honest node that turns to the second slot signs nothing more in the first and brings along what it holds to there.
So a world of both is a world of the first slot, some of whose honest nodes stand still from there on, and a world of
the second slot among just these: worlds of the decision model each, through the code that nodes run.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from protocol.federation import decision
from protocol.federation.decision import Precommit, Vote
from protocol.federation.succession import retirement_quorum
from tests.protocol.federation.decision_model import VALUES, VOTERS, Electorate, Model, World

END = b"E" * 32
"""The value that ends the subject's log."""


class Scene(NamedTuple):
    """So many members, whose log others would end, who lies, and how many rounds each slot goes through."""

    members: int
    subject: str
    liar: str
    rounds: int


class Held(NamedTuple):
    """What is left of a world of the ordinary slot: what each honest node holds to, and what can close there."""

    locks: tuple[bytes | None, ...]
    closable: frozenset[bytes]


def find_contradiction(scene: Scene, *, carries_lock: bool = True, needed: int | None = None) -> str:
    """A pair of worlds in which two contents can close, in words; empty where there is none.

    `carries_lock` and `needed` are there to be changed: then the model must find one.
    """
    voters = VOTERS[: scene.members]
    honest = tuple(voter for voter in voters if voter != scene.liar)
    others = [voter for voter in honest if voter != scene.subject]
    needed = retirement_quorum(scene.members) if needed is None else needed
    helpers = 0 if scene.liar == scene.subject else 1
    for held in list_held(voters, honest, scene):
        for size in range(max(1, needed - helpers), len(others) + 1):
            for turned in combinations(others, size):
                locks = tuple(held.locks[honest.index(node)] if carries_lock else None for node in turned)
                for closable in list_closings(scene, turned, locks, needed):
                    if len(held.closable | closable) > 1:
                        return f"{turned} turned with {locks}: {held.closable} and {closable} can close"
    return ""


def list_held(voters: tuple[str, ...], honest: tuple[str, ...], scene: Scene) -> set[Held]:
    """What can be left of the ordinary slot, whoever leads it first."""
    found = set[Held]()
    electorate = Electorate(voters, honest, scene.liar)
    for first in voters:
        for world in Model(first, scene.rounds - 1, electorate).explore():
            closable = list_closable(world, electorate, decision.quorum(len(voters)))
            found.add(Held(tuple(find_lock(votes) for votes, _ in world), closable))
    return found


def list_closings(
    scene: Scene, turned: tuple[str, ...], locks: tuple[bytes | None, ...], needed: int
) -> frozenset[frozenset[bytes]]:
    """What can close, in each world, in the slot that ends the subject's log when just these take part."""
    return _list_closings(scene, turned, locks, needed)


@lru_cache(maxsize=4_096)
def _list_closings(
    scene: Scene, turned: tuple[str, ...], locks: tuple[bytes | None, ...], needed: int
) -> frozenset[frozenset[bytes]]:
    voters = tuple(voter for voter in VOTERS[: scene.members] if voter != scene.subject)
    ordinary = sorted({lock for lock in locks if lock is not None} or {VALUES[0]})
    liked = {
        node: frozenset({lock}) if lock else frozenset({END, *ordinary})
        for node, lock in zip(turned, locks, strict=True)
    }
    liar = "" if scene.liar == scene.subject else scene.liar
    electorate = Electorate(voters, turned, liar, (END, *ordinary), needed, liked)
    return frozenset(
        list_closable(world, electorate, needed)
        for first in voters
        for world in Model(first, scene.rounds - 1, electorate).explore()
    )


def list_closable(world: World, electorate: Electorate, needed: int) -> frozenset[bytes]:
    """The values on which somebody can close when the liar adds whatever it likes."""
    precommits = {vote for votes, _ in world for vote in votes if isinstance(vote, Precommit)}
    return frozenset(_list_closable(frozenset(precommits), electorate.voters, electorate.liar, needed))


@lru_cache(maxsize=100_000)
def _list_closable(precommits: frozenset[Vote], voters: tuple[str, ...], liar: str, needed: int) -> tuple[bytes, ...]:
    return tuple(
        value
        for value in {vote.value for vote in precommits if vote.value is not None}
        if any(
            decision.is_closed(precommits | lie, voters, needed) == value for lie in _list_lies(precommits, liar, value)
        )
    )


def _list_lies(precommits: frozenset[Vote], liar: str, value: bytes) -> Iterator[frozenset[Vote]]:
    yield frozenset()
    if liar:
        for vote in precommits:
            yield frozenset({Precommit(vote.slot, vote.round, value, liar)})


def find_lock(votes: frozenset[Vote]) -> bytes | None:
    """What a node holds to: the value of its latest precommit for one."""
    held = [vote for vote in votes if isinstance(vote, Precommit) and vote.value is not None]
    return max(held, key=lambda vote: vote.round).value if held else None
