"""A federation's policy for outside tools says just what the charter's rule says, whoever is there and whoever not."""

from itertools import combinations
from typing import Literal

import pytest

from protocol.core.errors import RefusedError
from protocol.core.note import COSIGNATURE_MLDSA44
from protocol.federation.log_policy import WITNESS_SUFFIX, make_log_policy
from protocol.federation.roster import Roster
from protocol.log.policy import Policy, format_policy, is_quorum, parse_policy
from protocol.log.quorum import is_witnessed
from tests.protocol.federation.made_up_federation import make_charter, make_member

COOPS = [f"{letter}.example/log" for letter in "abcdefg"]
OWNER, STRANGER = COOPS[0], COOPS[-1]
Rule = Literal["half", "two_thirds"]


def make_policy(owner: str, witnesses: list[str], rule: Rule, mldsa44_keys: dict[str, bytes] | None = None) -> Policy:
    """As another tool reads it: through the file."""
    charter = make_charter(witnesses=tuple(sorted(witnesses)), witness_rule=rule)
    roster = Roster(1, bytes(32), bytes(32), tuple(make_member(origin) for origin in COOPS))
    policy = make_log_policy(roster, charter, owner, mldsa44_keys or {})
    assert parse_policy(format_policy(policy)) == policy
    return policy


@pytest.mark.parametrize("rule", ["half", "two_thirds"])
@pytest.mark.parametrize("owner", [OWNER, STRANGER], ids=["a witness owns the log", "no witness owns the log"])
@pytest.mark.parametrize("count", range(1, 7))
def test_every_combination_of_witnesses_counts_as_the_charter_says(count: int, owner: str, rule: Rule) -> None:
    witnesses = COOPS[:count]
    if witnesses == [owner]:
        with pytest.raises(RefusedError, match="no witness besides the log's owner"):
            make_policy(owner, witnesses, rule)
        return
    policy, names = make_policy(owner, witnesses, rule), [origin + WITNESS_SUFFIX for origin in witnesses]
    seen = set()
    for present in (set(some) for size in range(count + 1) for some in combinations(names, size)):
        expected = is_witnessed(present, names, owner + WITNESS_SUFFIX, rule)
        assert is_quorum(policy, present) == expected, present
        seen.add(expected)
    assert seen == {False, True}


@pytest.mark.parametrize("rule", ["half", "two_thirds"])
def test_a_witness_with_two_keys_counts_once_by_either(rule: Rule) -> None:
    witnesses = COOPS[1:4]
    mldsa44_keys = {origin: origin.encode().ljust(1_312, b"\0") for origin in witnesses}
    policy, names = make_policy(OWNER, witnesses, rule, mldsa44_keys), [one + WITNESS_SUFFIX for one in witnesses]
    assert [key.key.key_type for key in policy.witnesses].count(COSIGNATURE_MLDSA44) == 3
    lines = [witness.name for witness in policy.witnesses]
    for present in (set(some) for size in range(7) for some in combinations(lines, size)):
        owners = {line.partition("+")[0] for line in present}
        assert is_quorum(policy, present) == is_witnessed(owners, names, OWNER + WITNESS_SUFFIX, rule)


def test_only_a_member_s_log_has_a_policy() -> None:
    with pytest.raises(RefusedError, match="no member of the federation"):
        make_policy("elsewhere.example/log", COOPS[:3], "half")


def test_the_log_s_own_key_is_the_roster_s() -> None:
    policy = make_policy(OWNER, COOPS[:3], "half")
    assert [(log.key.name, log.key.public) for log in policy.logs] == [(OWNER, make_member(OWNER).log_key)]
