"""What a federation's members have agreed on: what must be disclosed, who witnesses, what everybody is due.

Invariant: a charter is never edited; a change is a new version that the members of the roster before it decide on.
Spec: docs/spec/federation/federation.md
"""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from protocol.core.encoding import encode, to_value
from protocol.core.errors import Finding, RefusedError, refuse
from protocol.core.founding import Name
from protocol.core.note import COSIGNATURE_V1, VerifierKey, parse_vkey
from protocol.core.origin import is_origin
from protocol.core.quantities import divide_up
from protocol.federation.votes import quorum
from protocol.log.cosignature import witness_name
from protocol.log.quorum import WITNESSES_MAX

CHARTER_DOMAIN = b"rochdale/charter/v1\0"
K_HOUSEHOLDS_LEAST = 5
SECTIONS_MAX = 32
FLOORS_MAX = 256
CREDITS_PER_PERSON_MICRO_MAX = 10**15
WITNESS_NAME_LENGTH_MAX = 400
FACILITATORS_MAX = 15
EXCEPTIONS_MAX = 32
EXCEPTION_FLOORS_MAX = 16
EXCEPTION_REASON_LENGTH_MAX = 200
EXTRA_CREDITS_MICRO_MAX = 10**15

WitnessRule = Literal["half", "two_thirds"]
Share = Annotated[int, msgspec.Meta(ge=1, le=100)]
"""A part of a whole in percent."""


WitnessName = Annotated[str, msgspec.Meta(min_length=1, max_length=WITNESS_NAME_LENGTH_MAX)]
"""A member by its origin, or a witness outside the federation by its vkey, which alone has a plus in it."""


class Floor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One basic need: `amount` x 10^-decimals of a good's unit for each person."""

    good: Name
    amount: Annotated[int, msgspec.Meta(ge=1, le=10**12)]
    decimals: Annotated[int, msgspec.Meta(ge=0, le=9)]


class CouncilException(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the members approved for one council beyond its people's equal part: needs in all (not for each person), and
    credits. The reason is public, and says nothing about a person."""

    member: WitnessName
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=EXCEPTION_REASON_LENGTH_MAX)]
    floors: Annotated[tuple[Floor, ...], msgspec.Meta(max_length=EXCEPTION_FLOORS_MAX)] = ()
    credits_micro: Annotated[int, msgspec.Meta(ge=0, le=EXTRA_CREDITS_MICRO_MAX)] = 0


class Charter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a federation's charter.

    `approvals_percent_coops` of the co-ops and `approvals_percent_people` of their people (0: people are not counted)
    must approve a plan, and never fewer co-ops than a decision's quorum. `rules` activates (area, rule version). Floors
    are amounts per person.
    `facilitators` are members' logs that look after plans; empty (then it is not written): whoever calls one.
    `exceptions` are what single councils may claim beyond what their people are allotted; not written when empty.
    """

    name: Name
    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z")]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    currency_exponent: Annotated[int, msgspec.Meta(ge=0, le=4)]
    required_sections: Annotated[tuple[Name, ...], msgspec.Meta(max_length=SECTIONS_MAX)]
    committee_threshold: Annotated[int, msgspec.Meta(ge=1, le=16)]
    approvals_percent_coops: Share
    approvals_percent_people: Annotated[int, msgspec.Meta(ge=0, le=100)]
    witnesses: Annotated[tuple[WitnessName, ...], msgspec.Meta(max_length=WITNESSES_MAX)]
    witness_rule: WitnessRule
    credits_per_person_micro: Annotated[int, msgspec.Meta(ge=1, le=CREDITS_PER_PERSON_MICRO_MAX)]
    floors: Annotated[tuple[Floor, ...], msgspec.Meta(max_length=FLOORS_MAX)]
    k_households: Annotated[int, msgspec.Meta(ge=K_HOUSEHOLDS_LEAST, le=1_000)]
    rules: dict[str, Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]]
    facilitators: Annotated[tuple[WitnessName, ...], msgspec.Meta(max_length=FACILITATORS_MAX)] = ()
    exceptions: Annotated[tuple[CouncilException, ...], msgspec.Meta(max_length=EXCEPTIONS_MAX)] = ()


RULE_VERSIONS: Mapping[str, int] = {"federation": 1, "planning": 1, "supply": 1}
"""The newest rule of each area that this version of the software knows."""


def describe_outdated(charter: Charter, area: str) -> str:
    """Why this node must not follow an area of this federation; empty when it may.

    Agreement needs one rule everywhere: a node that lacks the version a charter activates stops that area only.
    """
    asked = charter.rules.get(area, 1)
    if asked <= RULE_VERSIONS[area]:
        return ""
    return f"update needed: the charter asks for rule {asked} of {area}, this node knows {RULE_VERSIONS[area]}"


def hash_charter(charter: Charter) -> bytes:
    """The 32 bytes that a roster names its charter by."""
    return hashlib.sha256(CHARTER_DOMAIN + encode(to_value(charter))).digest()


def audit_charter(charter: Charter) -> list[Finding]:
    """What a charter says that cannot be; its types were checked when it was read."""
    findings = [
        Finding(place, "sorted, each once, is how this list is written")
        for place, names in (
            ("required_sections", charter.required_sections),
            ("witnesses", charter.witnesses),
            ("facilitators", charter.facilitators),
            ("floors", tuple(floor.good for floor in charter.floors)),
            ("exceptions", tuple(one.member for one in charter.exceptions)),
            *((f"exceptions.{one.member}", tuple(row.good for row in one.floors)) for one in charter.exceptions),
        )
        if list(names) != sorted(set(names))
    ]
    findings += [
        Finding("witnesses", f"{name} is neither a log's origin nor the Ed25519 key of a cosigner")
        for name in charter.witnesses
        if not is_origin(name) and _parse_outside(name) is None
    ]
    findings += [
        Finding("facilitators", f"{name} is not a log's origin") for name in charter.facilitators if not is_origin(name)
    ]
    findings += [
        Finding(f"exceptions.{one.member}", "grants nothing" if is_origin(one.member) else "is not a log's origin")
        for one in charter.exceptions
        if not is_origin(one.member) or not (one.floors or one.credits_micro)
    ]
    keys = outside_witnesses(charter)
    inside = {witness_name(name) for name in charter.witnesses if is_origin(name)}
    names = [key.name for key in keys]
    if len({*names}) != len(names) or len({key.public for key in keys}) != len(keys) or inside & {*names}:
        findings.append(Finding("witnesses", "two of them have one name or one key"))
    return findings


def outside_witnesses(charter: Charter) -> tuple[VerifierKey, ...]:
    """The keys of those witnesses that are no members: each counts as one witness, for every member's log."""
    found = (_parse_outside(name) for name in charter.witnesses)
    return tuple(key for key in found if key is not None)


def _parse_outside(name: str) -> VerifierKey | None:
    try:
        key = parse_vkey(name)
    except RefusedError:
        return None
    return key if key.key_type == COSIGNATURE_V1 else None


def check_charter(charter: Charter) -> None:
    """RefusedError with every finding when a charter has any."""
    refuse(audit_charter(charter), "the charter is refused")


def approvals_needed(charter: Charter, member_count: int) -> int:
    """How many co-ops must approve a plan: the charter's share, and at least a decision's quorum."""
    share = divide_up(member_count * charter.approvals_percent_coops, 100)
    return max(share, quorum(member_count))


def people_needed(charter: Charter, people: int) -> int:
    """For how many of so many people the approving members must stand; 0 where people are not counted."""
    return divide_up(people * charter.approvals_percent_people, 100)
