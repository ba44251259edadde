"""Who may sign for a co-op: grants in a log, and what stands before and after them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import RefusedError
from protocol.core.identity import generate, key_id
from protocol.federation.grants import KeyGrant, check_grant, fold_grants

COMMITTEE = "price committee"


def granted(number: int, role: str = COMMITTEE, ends: bool = False) -> KeyGrant:
    return KeyGrant(key=generate(bytes([number]) * 32).public, role=role, holder=f"member {number}", ends=ends)


def name(number: int) -> bytes:
    return key_id(granted(number).key)


@pytest.mark.parametrize(
    ("index", "holds"), [(0, False), (3, False), (4, True), (7, True), (8, False), (9, False), (10, True)]
)
def test_a_role_is_held_after_its_grant_and_until_its_end(index: int, holds: bool) -> None:
    grants = fold_grants([(9, granted(1)), (3, granted(1)), (7, granted(1, ends=True))])
    assert grants.has_role(name(1), COMMITTEE, index) == holds


def test_ending_one_role_leaves_the_other() -> None:
    grants = fold_grants([(1, granted(1)), (2, granted(1, "facilitator")), (3, granted(1, ends=True))])
    assert not grants.has_role(name(1), COMMITTEE, 9)
    assert grants.has_role(name(1), "facilitator", 9)
    assert (grants.list_holders(COMMITTEE), grants.list_holders("facilitator")) == ([], [name(1)])


def test_a_granted_key_is_known_and_another_is_not() -> None:
    grants = fold_grants([(1, granted(1))])
    assert grants.public_key_of(name(1)) == granted(1).key
    assert grants.public_key_of(name(2)) is None
    assert (grants.holder_of(name(1)), grants.holder_of(name(2))) == ("member 1", "")


@pytest.mark.parametrize(
    "wrong",
    [
        KeyGrant(key=b"short", role=COMMITTEE, holder="member 1", ends=False),
        KeyGrant(key=bytes(32), role="", holder="member 1", ends=False),
        KeyGrant(key=bytes(32), role=COMMITTEE, holder="member\n1", ends=False),
        KeyGrant(key=bytes(32), role="x" * 65, holder="member 1", ends=False),
    ],
)
def test_a_grant_that_is_not_right_is_refused_and_changes_nothing(wrong: KeyGrant) -> None:
    with pytest.raises(RefusedError, match="the key grant is refused: "):
        check_grant(wrong)
    assert fold_grants([(1, wrong)]).list_holders(wrong.role) == []


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=8), st.integers(0, 2**32))
def test_any_order_of_delivery_gives_the_same_holders(turns: list[tuple[int, bool]], seed: int) -> None:
    placed = [(index, granted(number, ends=ends)) for index, (number, ends) in enumerate(turns)]
    shuffled = list(placed)
    random.Random(seed).shuffle(shuffled)
    last = dict(turns)
    expected = sorted(name(number) for number, ends in last.items() if not ends)
    assert fold_grants(shuffled).list_holders(COMMITTEE) == fold_grants(placed).list_holders(COMMITTEE) == expected
