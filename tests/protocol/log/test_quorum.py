"""When a head is witnessed: every federation of up to six."""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pytest

from protocol.core.errors import MisuseError
from protocol.log.quorum import Rule, count_needed, list_eligible, witnessed_size

NAMES = [f"w{number}" for number in range(6)]
# Needed for 0 to 6 eligible witnesses. With none, no number is enough.
NEEDED: dict[Rule, list[int]] = {"half": [1, 1, 2, 2, 3, 3, 4], "two_thirds": [1, 1, 2, 2, 3, 4, 4]}
RULES: list[Rule] = ["half", "two_thirds"]


def is_witnessed(cosigners: Iterable[str], witnesses: list[str], owner: str, rule: Rule) -> bool:
    """Whether a head of size 1 is witnessed by these."""
    return witnessed_size(dict.fromkeys(cosigners, 1), witnesses, owner, rule) == 1


def all_subsets(names: list[str]) -> list[set[str]]:
    return [set(chosen) for count in range(len(names) + 1) for chosen in combinations(names, count)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("count", range(7))
def test_every_set_of_cosigners_is_judged_as_the_rule_says(rule: Rule, count: int) -> None:
    witnesses = NAMES[:count]
    for owner in ("stranger", *witnesses):
        eligible = [name for name in witnesses if name != owner]
        for cosigners in all_subsets(NAMES):
            counted = sum(name in eligible for name in cosigners)
            expected = bool(eligible) and counted >= NEEDED[rule][len(eligible)]
            assert is_witnessed(cosigners, witnesses, owner, rule) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("count", range(1, 7))
def test_any_two_quorums_have_a_witness_in_common(rule: Rule, count: int) -> None:
    quorums = [chosen for chosen in all_subsets(NAMES[:count]) if is_witnessed(chosen, NAMES[:count], "owner", rule)]
    assert quorums
    assert all(first & second for first in quorums for second in quorums)


def test_two_thirds_never_ask_for_less_than_half_does() -> None:
    for count in range(16):
        witnesses = [f"w{number}" for number in range(count)]
        assert count_needed(witnesses, "owner", "two_thirds") >= count_needed(witnesses, "owner", "half")


@pytest.mark.parametrize(
    ("members", "needed"),
    [(["north", "oak"], 1), (["north", "oak", "mill"], 2), (["north", "oak", "mill", "dairy"], 2)],
    ids=["two see one another and no more", "three wait while one is down", "four go on with one down"],
)
def test_small_federations(members: list[str], needed: int) -> None:
    assert count_needed(members, "north", "half") == needed


def test_a_log_is_witnessed_as_far_as_enough_have_cosigned() -> None:
    witnesses = ["north", "oak", "mill", "dairy"]
    cosigned = {"oak": 30, "mill": 20, "dairy": 10, "north": 40, "stranger": 40}
    assert witnessed_size(cosigned, witnesses, "north", "half") == 20
    assert witnessed_size(cosigned, witnesses, "nobody", "half") == 20
    assert witnessed_size({"oak": 30}, witnesses, "north", "half") == 0


def test_the_owner_and_strangers_never_count() -> None:
    assert not is_witnessed(["north", "stranger"], ["north", "oak", "mill"], "north", "half")
    assert list_eligible(["north", "oak", "oak"], "north") == {"oak"}


def test_a_witness_set_has_a_limit_and_a_rule_a_name() -> None:
    unknown: Any = "most"
    with pytest.raises(MisuseError, match="at most 15"):
        is_witnessed([], [f"w{number}" for number in range(16)], "north", "half")
    with pytest.raises(MisuseError, match="no rule is called most"):
        count_needed(["oak"], "north", unknown)
