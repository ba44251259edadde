"""A federation's policy for outside tools says just what the charter's rule says, whoever is there and whoever not."""

from collections.abc import Iterable
from itertools import combinations
from typing import Literal

import pytest

from protocol.core.errors import RefusedError
from protocol.core.note import COSIGNATURE_MLDSA44, COSIGNATURE_V1, ED25519, format_vkey
from protocol.federation.charter import audit_charter
from protocol.federation.log_policy import make_log_policy
from protocol.federation.roster import Roster, check_outsiders, found_federation
from protocol.log.cosignature import witness_name
from protocol.log.policy import Policy, format_policy, is_quorum, parse_policy
from protocol.log.quorum import witnessed_size
from tests.protocol.federation.made_up_federation import make_charter, make_member

COOPS = [f"{letter}.example/log" for letter in "abcdefg"]
OWNER, STRANGER = COOPS[0], COOPS[-1]
Rule = Literal["half", "two_thirds"]


def is_witnessed(cosigners: Iterable[str], names: list[str], owner: str, rule: Rule) -> bool:
    return witnessed_size(dict.fromkeys(cosigners, 1), names, owner, rule) == 1


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
    policy, names = make_policy(owner, witnesses, rule), [witness_name(origin) for origin in witnesses]
    seen = set()
    for present in (set(some) for size in range(count + 1) for some in combinations(names, size)):
        expected = is_witnessed(present, names, witness_name(owner), rule)
        assert is_quorum(policy, present) == expected, present
        seen.add(expected)
    assert seen == {False, True}


@pytest.mark.parametrize("rule", ["half", "two_thirds"])
def test_a_witness_with_two_keys_counts_once_by_either(rule: Rule) -> None:
    witnesses = COOPS[1:4]
    mldsa44_keys = {origin: origin.encode().ljust(1_312, b"\0") for origin in witnesses}
    policy, names = make_policy(OWNER, witnesses, rule, mldsa44_keys), [witness_name(one) for one in witnesses]
    assert [key.key.key_type for key in policy.witnesses].count(COSIGNATURE_MLDSA44) == 3
    lines = [witness.name for witness in policy.witnesses]
    for present in (set(some) for size in range(7) for some in combinations(lines, size)):
        owners = {line.partition("+")[0] for line in present}
        assert is_quorum(policy, present) == is_witnessed(owners, names, witness_name(OWNER), rule)


def test_only_a_member_s_log_has_a_policy() -> None:
    with pytest.raises(RefusedError, match="no member of the federation"):
        make_policy("elsewhere.example/log", COOPS[:3], "half")


def test_the_log_s_own_key_is_the_roster_s() -> None:
    policy = make_policy(OWNER, COOPS[:3], "half")
    assert [(log.key.name, log.key.public) for log in policy.logs] == [(OWNER, make_member(OWNER).log_key)]


OUTSIDE = [format_vkey(f"outside-{number}.example/w", COSIGNATURE_V1, bytes([number]) * 32) for number in range(1, 4)]


@pytest.mark.parametrize("rule", ["half", "two_thirds"])
@pytest.mark.parametrize(("inside", "outside"), [(0, 1), (0, 3), (1, 2), (2, 2), (4, 2), (3, 3)])
def test_witnesses_from_outside_count_as_members_do(rule: Rule, inside: int, outside: int) -> None:
    members, vkeys = COOPS[:inside], OUTSIDE[:outside]
    policy = make_policy(OWNER, [*members, *vkeys], rule)
    names = [witness_name(origin) for origin in members] + [vkey.partition("+")[0] for vkey in vkeys]
    for present in (set(some) for size in range(len(names) + 1) for some in combinations(names, size)):
        assert is_quorum(policy, present) == is_witnessed(present, names, witness_name(OWNER), rule), present


BAD_WITNESSES = {
    "no name of a log": ["No Origin"],
    "a log's key": [format_vkey("oak.example/w", ED25519, bytes(32))],
    "a key whose hash is another's": [OUTSIDE[0].replace("outside-1", "outside-9")],
    "one key by two names": sorted(format_vkey(name, COSIGNATURE_V1, bytes(32)) for name in ("a.example", "b.example")),
    "one name with two keys": sorted(format_vkey("a.example", COSIGNATURE_V1, bytes([one]) * 32) for one in (1, 2)),
    "the name of a member's witness": [OWNER, format_vkey(witness_name(OWNER), COSIGNATURE_V1, bytes(32))],
}


@pytest.mark.parametrize("case", BAD_WITNESSES)
def test_a_charter_names_witnesses_that_can_be(case: str) -> None:
    findings = audit_charter(make_charter(witnesses=tuple(BAD_WITNESSES[case])))
    assert [finding.place for finding in findings] == ["witnesses"]
    assert audit_charter(make_charter(witnesses=tuple(sorted([*COOPS[:3], *OUTSIDE])))) == []


def test_a_member_s_own_key_is_no_outside_witness() -> None:
    member = make_member(OWNER)
    twice = make_charter(witnesses=(format_vkey("twice.example", COSIGNATURE_V1, member.witness_key),))
    with pytest.raises(RefusedError, match=r"the key of twice\.example is a member's"):
        found_federation(member, twice)
    check_outsiders(Roster(1, bytes(32), bytes(32), (member,)), make_charter(witnesses=tuple(OUTSIDE)))
