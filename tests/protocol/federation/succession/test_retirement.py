"""The others end a lost or stolen log without its own vote, and no two quorums can make two versions of the roster."""

from itertools import combinations

import pytest

from protocol.core.errors import MisuseError
from protocol.federation.succession import retirement_quorum
from protocol.federation.votes import quorum
from tests.protocol.federation.succession.retirement_model import Scene, find_contradiction

ASH, CEDAR, DOGWOOD = "ash", "cedar", "dogwood"


def list_quorums(members: int, needed: int) -> list[frozenset[int]]:
    """The smallest sets that close a version: of all members, and of the others for each whose log would end."""
    ordinary = [frozenset(part) for part in combinations(range(members), quorum(members))]
    ending = [
        frozenset(part)
        for subject in range(members)
        for part in combinations(sorted(set(range(members)) - {subject}), needed)
    ]
    return [*ordinary, *ending]


def is_safe(members: int, needed: int) -> bool:
    """Whether any two such sets have more members in common than may be faulty."""
    faulty = members - quorum(members)
    return all(len(one & other) > faulty for one, other in combinations(list_quorums(members, needed), 2))


@pytest.mark.parametrize("members", range(3, 9))
def test_any_two_quorums_share_an_honest_voter_and_no_smaller_number_would_do(members: int) -> None:
    needed = retirement_quorum(members)
    assert quorum(members - 1) <= needed <= members - 1
    assert is_safe(members, needed)
    assert needed == quorum(members - 1) or not is_safe(members, needed - 1)


def test_how_many_must_agree() -> None:
    assert [retirement_quorum(members) for members in range(3, 12)] == [2, 3, 4, 4, 5, 6, 6, 7, 8]


@pytest.mark.parametrize("members", [1, 2])
def test_one_alone_ends_nobody_s_log(members: int) -> None:
    with pytest.raises(MisuseError, match="leave, and found anew"):
        retirement_quorum(members)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(Scene(3, CEDAR, CEDAR, 2), id="three, and a thief votes with the stolen key"),
        pytest.param(Scene(4, DOGWOOD, DOGWOOD, 1), id="four, and a thief votes with the stolen key"),
        pytest.param(Scene(4, ASH, DOGWOOD, 1), id="four, and another than the one to go lies"),
    ],
)
def test_in_every_world_of_both_slots_one_content_at_most_can_close(scene: Scene) -> None:
    assert find_contradiction(scene) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scene", "carries_lock", "needed"),
    [
        pytest.param(Scene(3, CEDAR, CEDAR, 1), False, None, id="three forget what they held to"),
        pytest.param(Scene(4, ASH, DOGWOOD, 1), False, None, id="four forget what they held to"),
        pytest.param(Scene(4, DOGWOOD, DOGWOOD, 1), True, 1, id="one alone of four ends a log"),
    ],
)
def test_the_model_notices_a_planted_fault(scene: Scene, carries_lock: bool, needed: int | None) -> None:
    assert find_contradiction(scene, carries_lock=carries_lock, needed=needed) != ""
