"""What may stand in a charter and a roster, and how one version follows another."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from protocol.core.encoding import decode, encode, to_struct, to_value
from protocol.core.errors import RefusedError
from protocol.core.note import COSIGNATURE_V1, format_vkey
from protocol.federation.charter import Charter, CouncilException, Floor, approvals_needed, check_charter, hash_charter
from protocol.federation.roster import (
    Change,
    Join,
    Leave,
    Member,
    NewCharter,
    Recount,
    Roster,
    audit_roster,
    follow,
    found_federation,
    hash_roster,
    slot_of,
)
from tests.protocol.federation.made_up_federation import ASH, BIRCH, CEDAR, make_charter, make_member

FOUNDED = found_federation(make_member(ASH), make_charter())
THREE = follow(FOUNDED, [Join(make_member(BIRCH)), Join(make_member(CEDAR))])


def test_a_federation_is_founded_by_one_alone() -> None:
    assert FOUNDED.voters == (ASH,)
    assert FOUNDED.roster.version == 1
    assert FOUNDED.roster.charter == hash_charter(FOUNDED.charter)


def test_each_version_names_the_one_before_it() -> None:
    assert THREE.roster.version == 2
    assert THREE.roster.predecessor == FOUNDED.hash
    assert THREE.voters == (ASH, BIRCH, CEDAR)


@pytest.mark.parametrize(
    ("changes", "people"),
    [
        pytest.param([Leave(BIRCH)], {ASH: 100, CEDAR: 100}, id="one leaves"),
        pytest.param([Leave(ASH)], {BIRCH: 100, CEDAR: 100}, id="the founder leaves and the rest go on"),
        pytest.param([Recount(CEDAR, 412)], {ASH: 100, BIRCH: 100, CEDAR: 412}, id="one counts its people anew"),
        pytest.param([Recount(CEDAR, 0)], {ASH: 100, BIRCH: 100, CEDAR: 0}, id="a workplace has no people"),
        pytest.param([Recount(CEDAR, 7), Leave(CEDAR)], {ASH: 100, BIRCH: 100}, id="one counts its people and leaves"),
        pytest.param(
            [Leave(BIRCH), Join(make_member(BIRCH, people=9))],
            {ASH: 100, BIRCH: 9, CEDAR: 100},
            id="one leaves and comes back",
        ),
        pytest.param([], {ASH: 100, BIRCH: 100, CEDAR: 100}, id="nothing changes"),
    ],
)
def test_what_follows(changes: list[Change], people: dict[str, int]) -> None:
    following = follow(THREE, changes)
    assert {member.origin: member.people for member in following.roster.members} == people
    assert following.roster.version == 3
    assert following.charter == THREE.charter
    assert audit_roster(following.roster) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param([Join(make_member(ASH))], "is a member already", id="nobody joins twice"),
        pytest.param([Leave("mallow.example")], "is no member", id="a stranger cannot leave"),
        pytest.param([Recount("mallow.example", 5)], "is no member", id="a stranger has no people"),
        pytest.param([Leave(CEDAR), Recount(CEDAR, 7)], "is no member", id="who has left is not counted"),
        pytest.param([Leave(ASH), Leave(BIRCH), Leave(CEDAR)], "members", id="the last one cannot leave"),
        pytest.param(
            [Join(msgspec.structs.replace(make_member("elm.example"), log_key=make_member(ASH).log_key))],
            "one key stands for two",
            id="nobody joins with another's key",
        ),
        pytest.param(
            [NewCharter(make_charter(name="one")), NewCharter(make_charter(name="two"))],
            "one charter",
            id="two charters cannot both follow",
        ),
        pytest.param(
            [NewCharter(make_charter(required_sections=("water", "labour")))],
            "required_sections",
            id="a charter that is not well written cannot follow",
        ),
    ],
)
def test_what_cannot_follow(changes: list[Change], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        follow(THREE, changes)


def test_a_new_charter_is_named_by_the_version_it_comes_with() -> None:
    charter = make_charter(k_households=8)
    following = follow(THREE, [NewCharter(charter)])
    assert following.charter.k_households == 8
    assert following.roster.charter == hash_charter(charter) != THREE.roster.charter


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("members", (), "members"),
        ("members", tuple(reversed(THREE.roster.members)), "members"),
        ("members", (THREE.roster.members[0],) * 2, "members"),
        ("predecessor", bytes(32), "predecessor"),
        ("version", 1, "predecessor"),
    ],
)
def test_what_is_wrong_with_a_roster_is_named(field: str, value: Any, place: str) -> None:
    changed: Roster = msgspec.structs.replace(THREE.roster, **{field: value})
    assert place in [finding.place for finding in audit_roster(changed)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("k_households", 4),
        ("credits_per_person_micro", 0),
        ("currency", "eur"),
        ("currency", "EUR\n"),
        ("language", "english"),
        ("committee_threshold", 0),
        ("approvals_percent_coops", 101),
        ("witness_rule", "anyone"),
        ("floors", [{"good": "bread", "amount": 0, "decimals": 1}]),
        ("floors", [{"good": "bread", "amount": 4}]),
        ("rules", {"planning": 0}),
        ("colour", "green"),
    ],
)
def test_a_charter_with_a_value_out_of_bounds_is_not_read(field: str, value: Any) -> None:
    plain = {**to_value(make_charter()), field: value}
    with pytest.raises(RefusedError, match="charter"):
        to_struct(plain, Charter, "charter")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("required_sections", ("water", "labour")),
        ("witnesses", (ASH, ASH)),
        ("floors", (Floor("milk", 1, 0), Floor("bread", 1, 0))),
        ("exceptions", (CouncilException(ASH, "r", (Floor("milk", 1, 0),)),) * 2),
        ("exceptions", (CouncilException(ASH, "r", (Floor("milk", 1, 0), Floor("milk", 2, 0))),)),
    ],
)
def test_the_lists_of_a_charter_are_sorted_with_each_entry_once(field: str, value: Any) -> None:
    with pytest.raises(RefusedError, match=field):
        check_charter(make_charter(**{field: value}))


@pytest.mark.parametrize(
    ("exception", "reason"),
    [
        (CouncilException(ASH, "r"), "grants nothing"),
        (CouncilException("every body", "r", (Floor("milk", 1, 0),)), "is not a log's origin"),
    ],
)
def test_an_exception_gives_something_to_a_log(exception: CouncilException, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check_charter(make_charter(exceptions=(exception,)))


def test_a_charter_without_exceptions_is_written_as_before() -> None:
    assert "exceptions" not in to_value(make_charter())
    exception = CouncilException(ASH, "a school", (Floor("milk", 40, 0),))
    charter = make_charter(exceptions=(exception,))
    check_charter(charter)
    assert to_struct(to_value(charter), Charter, "charter") == charter
    assert hash_charter(charter) != hash_charter(make_charter())


@pytest.mark.parametrize(
    ("percent", "member_count", "needed"),
    [(1, 4, 3), (75, 4, 3), (76, 4, 4), (100, 10, 10), (51, 10, 7), (80, 10, 8), (50, 1, 1), (60, 3, 3)],
)
def test_a_plan_needs_the_charters_share_and_never_less_than_a_quorum(
    percent: int, member_count: int, needed: int
) -> None:
    assert approvals_needed(make_charter(approvals_percent_coops=percent), member_count) == needed


def test_one_changed_field_changes_the_name_of_a_version() -> None:
    names = {hash_roster(THREE.roster)}
    changes: dict[str, Any] = {"people": 101, "url": "wss://b", "name": "B", "kind": "producers", "log_key": b"x" * 32}
    for field, value in changes.items():
        first, *rest = THREE.roster.members
        changed: Member = msgspec.structs.replace(first, **{field: value})
        names.add(hash_roster(msgspec.structs.replace(THREE.roster, members=(changed, *rest))))
    assert len(names) == 1 + len(changes)


def test_versions_and_slots_are_named_as_the_page_says() -> None:
    plain = encode(to_value(THREE.roster), bytes_max=100_000)
    assert THREE.hash == sha256(b"rochdale/roster/v1\0" + plain).digest()
    assert slot_of(THREE.hash, 7) == sha256(b"rochdale/roster-slot/v1\0" + encode([THREE.hash, 7])).digest()


@pytest.mark.parametrize(
    ("field", "longest", "beyond"),
    [
        ("name", "n" * 80, "n" * 81),
        ("name", "n", ""),
        ("url", "u" * 200, "u" * 201),
        ("people", 100_000_000, 100_000_001),
        ("people", 0, -1),
        ("tls_certificate", bytes(1_024), bytes(1_025)),
        ("log_key", bytes(32), bytes(33)),
        ("log_key", bytes(32), bytes(31)),
    ],
)
def test_a_member_may_be_as_long_as_the_limits_and_no_longer(field: str, longest: Any, beyond: Any) -> None:
    plain = to_value(make_member(ASH))
    assert to_value(to_struct({**plain, field: longest}, Member))[field] == longest
    with pytest.raises(RefusedError, match=rf"^body\.{field}: "):
        to_struct({**plain, field: beyond}, Member)


def test_no_federation_is_founded_by_two_or_under_a_charter_that_is_wrong() -> None:
    two = msgspec.structs.replace(THREE.roster, version=1, predecessor=bytes(32))
    assert [str(finding) for finding in audit_roster(two)] == [
        "members: a federation is founded by one; the others join"
    ]
    with pytest.raises(RefusedError, match="required_sections"):
        found_federation(make_member(ASH), make_charter(required_sections=("water", "labour")))
    with pytest.raises(RefusedError, match="stands for two uses"):
        found_federation(
            msgspec.structs.replace(make_member(ASH), log_key=make_member(ASH).witness_key), make_charter()
        )


def test_no_outside_witness_signs_with_a_members_key_at_the_founding_or_later() -> None:
    outsider = format_vkey("pine.example/witness", COSIGNATURE_V1, make_member(ASH).witness_key)
    charter = make_charter(witnesses=tuple(sorted((ASH, outsider))))
    with pytest.raises(RefusedError, match=r"the key of pine\.example/witness is a member's"):
        found_federation(make_member(ASH), charter)
    with pytest.raises(RefusedError, match=r"the key of pine\.example/witness is a member's"):
        follow(THREE, [NewCharter(charter)])


def test_every_attempt_at_every_version_is_a_slot_of_its_own() -> None:
    slots = {slot_of(version.hash, attempt) for version in (FOUNDED, THREE) for attempt in range(3)}
    assert len(slots) == 6
    assert all(len(slot) == 32 for slot in slots)


def test_a_charter_that_names_nobody_has_no_such_field() -> None:
    value = to_value(make_charter())
    assert isinstance(value, dict) and "facilitators" not in value
    assert to_struct(decode(encode(value)), Charter, "charter").facilitators == ()


def test_a_charter_that_names_some_comes_back_and_is_another_one() -> None:
    named = make_charter(facilitators=(ASH, BIRCH))
    check_charter(named)
    assert to_struct(decode(encode(to_value(named))), Charter, "charter") == named
    assert hash_charter(named) != hash_charter(make_charter())


@pytest.mark.parametrize("names", [(BIRCH, ASH), (ASH, ASH), ("not an origin",)])
def test_facilitators_are_origins_sorted_each_once(names: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError, match="facilitators"):
        check_charter(make_charter(facilitators=names))
