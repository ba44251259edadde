"""Who belongs to a federation, with which keys, for how many people; each version decided by the members before it.

Invariant: a version names its predecessor; its voters are the predecessor's members; two never close for one slot.
Invariant: the same set of facts gives the same chain of versions, in whatever order they came.
Spec: docs/spec/federation/federation.md
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from protocol.core.encoding import encode, to_value
from protocol.core.errors import Finding, RefusedError, refuse
from protocol.core.founding import Name
from protocol.core.identity import Ed25519Public
from protocol.core.record import Hash, Origin
from protocol.federation.charter import Charter, check_charter, hash_charter, outside_witnesses
from protocol.federation.peer_certificate import CERTIFICATE_BYTES_MAX
from protocol.federation.votes import VOTERS_MAX, name_slot

ROSTER_DOMAIN = b"rochdale/roster/v1\0"
SLOT_DOMAIN = b"rochdale/roster-slot/v1\0"
NO_PREDECESSOR = bytes(32)
PEOPLE_MAX = 100_000_000
VERSIONS_MAX = 1_000_000
URL_LENGTH_MAX = 200
ROSTER_BYTES_MAX = 1 << 20
"""Four times what VOTERS_MAX members with the longest certificates and addresses take."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A co-op in the roster: its log, the keys it is bound to, its count of people, and where it can be reached."""

    origin: Origin
    name: Name
    kind: Literal["consumers", "producers"]
    people: Annotated[int, msgspec.Meta(ge=0, le=PEOPLE_MAX)]
    log_key: Ed25519Public
    witness_key: Ed25519Public
    mirror_key: Ed25519Public
    tls_certificate: Annotated[bytes, msgspec.Meta(max_length=CERTIFICATE_BYTES_MAX)]
    url: Annotated[str, msgspec.Meta(max_length=URL_LENGTH_MAX)]


class Roster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version: its number, the hash of the version before it, its charter's hash, and all members by origin."""

    version: Annotated[int, msgspec.Meta(ge=1, le=VERSIONS_MAX)]
    predecessor: Hash
    charter: Hash
    members: Annotated[tuple[Member, ...], msgspec.Meta(min_length=1, max_length=VOTERS_MAX)]


class Join(msgspec.Struct, frozen=True):
    """A co-op that asked to join, and for which a member vouches."""

    member: Member


class Leave(msgspec.Struct, frozen=True):
    """A co-op that leaves, or whose log the others have ended."""

    origin: str


class Replace(msgspec.Struct, frozen=True):
    """A co-op whose log ended and that goes on in another; its people stay those that were counted."""

    origin: str
    member: Member


class Recount(msgspec.Struct, frozen=True):
    """A co-op's people, counted anew."""

    origin: str
    people: int


class NewCharter(msgspec.Struct, frozen=True):
    """Another charter for the same members."""

    charter: Charter


Change = Join | Leave | Replace | Recount | NewCharter


class InForce(msgspec.Struct, frozen=True):
    """A closed version with its charter; `hash` is what calls and invitations name it by."""

    hash: bytes
    roster: Roster
    charter: Charter

    @property
    def voters(self) -> tuple[str, ...]:
        """Who decides on the version that follows."""
        return tuple(member.origin for member in self.roster.members)


def hash_roster(roster: Roster) -> bytes:
    """The 32 bytes that a version is named by; those of version 1 name the federation."""
    return hashlib.sha256(ROSTER_DOMAIN + encode(to_value(roster), ROSTER_BYTES_MAX)).digest()


def slot_of(predecessor: bytes, attempt: int) -> bytes:
    """The decision slot of the version that follows `predecessor`."""
    return name_slot(SLOT_DOMAIN, predecessor, attempt)


def found_roster(member: Member, charter: Charter) -> Roster:
    """Version 1: a federation of one, which others may join."""
    return Roster(1, NO_PREDECESSOR, hash_charter(charter), (member,))


def found_federation(member: Member, charter: Charter) -> InForce:
    """The founding version with its charter, in force by the founder's word alone."""
    check_charter(charter)
    roster = found_roster(member, charter)
    _check_roster(roster)
    check_outsiders(roster, charter)
    return InForce(hash_roster(roster), roster, charter)


def _next_roster(roster: Roster, changes: Sequence[Join | Leave | Replace | Recount]) -> Roster:
    """The version that follows after these changes; RefusedError when one cannot be made."""
    members = {member.origin: member for member in roster.members}
    for change in changes:
        match change:
            case Join(member):
                if member.origin in members:
                    raise RefusedError.at(f"join.{member.origin}", "is a member already")
                members[member.origin] = member
            case Leave(origin):
                _known(members, origin, "leave")
                del members[origin]
            case Replace(origin, member):
                people = _known(members, origin, "succession").people
                if member.origin in members:
                    raise RefusedError.at(f"succession.{member.origin}", "is a member already")
                del members[origin]
                members[member.origin] = msgspec.structs.replace(member, people=people)
            case Recount(origin, people):
                members[origin] = msgspec.structs.replace(_known(members, origin, "people"), people=people)
    ordered = tuple(members[origin] for origin in sorted(members))
    following = Roster(roster.version + 1, hash_roster(roster), roster.charter, ordered)
    _check_roster(following)
    return following


def audit_roster(roster: Roster) -> list[Finding]:
    """What a roster says that cannot be."""
    found = []
    origins = [member.origin for member in roster.members]
    if origins != sorted(set(origins)):
        found.append(Finding("members", "sorted, each once, is how this list is written"))
    keys = [key for member in roster.members for key in (member.log_key, member.witness_key, member.mirror_key)]
    if len(set(keys)) != len(keys):
        found.append(Finding("members", "one key stands for two uses or two members"))
    if (roster.version == 1) != (roster.predecessor == NO_PREDECESSOR):
        found.append(Finding("predecessor", "only the first version has none"))
    if roster.version == 1 and len(roster.members) != 1:
        found.append(Finding("members", "a federation is founded by one; the others join"))
    if not roster.members or len(roster.members) > VOTERS_MAX:
        found.append(Finding("members", f"1 to {VOTERS_MAX} members"))
    return found


def _check_roster(roster: Roster) -> None:
    """RefusedError with every finding when a roster has any."""
    refuse(audit_roster(roster), "the roster is refused")


def check_outsiders(roster: Roster, charter: Charter) -> None:
    """RefusedError where an outside witness of the charter signs with a member's key: it would count twice."""
    keys = {key for member in roster.members for key in (member.log_key, member.witness_key, member.mirror_key)}
    for outsider in outside_witnesses(charter):
        if outsider.public in keys:
            raise RefusedError.at("witnesses", f"the key of {outsider.name} is a member's")


def follow(version: InForce, changes: Sequence[Change]) -> InForce:
    """The version in force once these changes are decided; RefusedError when one cannot be made."""
    following = _next_roster(version.roster, [change for change in changes if not isinstance(change, NewCharter)])
    charters = [change.charter for change in changes if isinstance(change, NewCharter)]
    if len(charters) > 1:
        raise RefusedError.at("charter", "one version has one charter; the others can follow in the next")
    charter = charters[0] if charters else version.charter
    check_charter(charter)
    check_outsiders(following, charter)
    following = msgspec.structs.replace(following, charter=hash_charter(charter))
    return InForce(hash_roster(following), following, charter)


def _known(members: Mapping[str, Member], origin: str, place: str) -> Member:
    if origin not in members:
        raise RefusedError.at(f"{place}.{origin}", "is no member")
    return members[origin]
