"""When a log's key is lost or stolen: who goes on in its place, who may end it, and which of its entries still count.

Invariant: the recovery key alone names a successor; the log's own key never does, for a thief has it.
Invariant: nobody continues another's tree: a successor is a log of its own, under a name of its own.
Invariant: what follows from a set of successions is the same in whatever order they came.
Invariant: any two quorums that can close a version of the roster, its ordinary one or one that ends a log, have more
voters in common than may be faulty.
Spec: docs/spec/federation/succession.md
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, NamedTuple

import msgspec

from protocol.core.encoding import to_value
from protocol.core.errors import MisuseError, RefusedError, refuse
from protocol.core.founding import Founding
from protocol.core.identity import Ed25519Public, SigningKey, key_id, recovery_key_hash
from protocol.core.record import (
    INDEX_MAX,
    Hash,
    Origin,
    Record,
    Sig,
    Statement,
    list_own_signers,
    sign_statement,
    verify_statement,
)
from protocol.federation.votes import name_slot, quorum

SUCCESSION_KIND: Final = "key.succession"
RETIREMENT_SLOT_DOMAIN: Final = b"rochdale/retirement-slot/v1\0"
RETIREMENT_MEMBERS_MIN: Final = 3
LEAVE_AND_FOUND: Final = "in a federation of two nobody can end the other's log: leave, and found anew"
Size = Annotated[int, msgspec.Meta(ge=1, le=INDEX_MAX)]


class KeySuccession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """key.succession: the log `old` ended at the head (`size`, `root`); the log that holds this record goes on.

    `recovery_key` is the public key whose hash stands in the old log's first record.
    """

    old: Origin
    size: Size
    root: Hash
    recovery_key: Ed25519Public


class End(NamedTuple):
    """Where a log ended, and the log that goes on (empty: none does)."""

    size: int
    root: bytes
    successor: str


def sign_succession(
    succession: KeySuccession, new_origin: str, recovery: SigningKey, nonce: bytes, at_ms: int
) -> tuple[Statement, Sig]:
    """The statement, meant for the new log alone, with the recovery key's signature; MisuseError for another key."""
    statement = Statement(
        kind=SUCCESSION_KIND,
        at=at_ms,
        by=key_id(succession.recovery_key),
        audience=new_origin,
        nonce=nonce,
        body=to_value(succession),
    )
    return statement, sign_statement(statement, recovery)


def check_succession(record: Record, body: KeySuccession, new_origin: str, founding: Founding) -> None:
    """RefusedError unless this record of the log `new_origin` makes it the successor of the log with that founding."""
    name = key_id(body.recovery_key)
    if record.kind != SUCCESSION_KIND or record.statement is None:
        raise RefusedError.at("sigs", "only the recovery key can say this")
    if record.statement.audience != new_origin:
        raise RefusedError.at("statement.for", "meant for another log")
    if body.old == new_origin:
        raise RefusedError.at("old", "a log cannot succeed itself")
    if recovery_key_hash(body.recovery_key) != founding.recovery_key_hash:
        raise RefusedError.at("recovery_key", "not the key that the old log's first record promised")
    refuse(verify_statement(record, {name: body.recovery_key}.get), "the succession is refused")
    if record.by != name or list_own_signers(record) != [name]:
        raise RefusedError.at("sigs", "the recovery key has not signed this itself")


def fold_ends(
    successions: Iterable[tuple[str, KeySuccession]], retirements: Mapping[str, tuple[int, bytes]]
) -> dict[str, End]:
    """Where each log ended: `successions` are (new origin, body) that were checked, `retirements` what a roster closed
    on, which stands above them.

    Of several successions of one log the one that leaves the fewest entries counts, then the smallest root and name:
    a recovery key that was used twice gains nothing by it.
    """
    ends: dict[str, End] = {}
    for new_origin, body in successions:
        end = End(body.size, body.root, new_origin)
        ends[body.old] = min(end, ends.get(body.old, end))
    for origin, (size, root) in retirements.items():
        known = ends.get(origin)
        ends[origin] = End(size, root, "" if known is None else known.successor)
    return ends


def retirement_slot_of(predecessor: bytes, attempt: int, subject: str) -> bytes:
    """The decision slot in which the others end a member's log instead of what `slot_of` decides."""
    return name_slot(RETIREMENT_SLOT_DOMAIN, predecessor, attempt, subject)


def retirement_quorum(member_count: int) -> int:
    """How many members must agree that the log of one of so many ends; that one is not counted.

    A quorum of the others, and enough of them that two such quorums, each ending the log of another member, share
    more voters than may be faulty. MisuseError below three members, where one alone would decide.
    """
    if member_count < RETIREMENT_MEMBERS_MIN:
        raise MisuseError(LEAVE_AND_FOUND)
    faulty = member_count - quorum(member_count)
    return max(quorum(member_count - 1), (member_count + faulty) // 2 + 1)
