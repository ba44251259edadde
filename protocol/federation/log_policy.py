"""A federation's roster and charter as a file that outside tools read: whose word makes a member's head believable.

Invariant: the policy accepts just the heads that the charter's rule calls witnessed; the log's owner never counts.
Spec: docs/spec/log/policy.md, docs/spec/federation/federation.md
"""

from collections.abc import Mapping
from typing import Final

from protocol.core.errors import RefusedError
from protocol.core.note import COSIGNATURE_MLDSA44, COSIGNATURE_V1, ED25519, VerifierKey
from protocol.federation.charter import Charter, outside_witnesses
from protocol.federation.roster import Member, Roster
from protocol.log.cosignature import witness_name
from protocol.log.policy import Policy, make_policy

NO_KEYS: Final[Mapping[str, bytes]] = {}


def make_log_policy(
    roster: Roster, charter: Charter, origin: str, mldsa44_keys: Mapping[str, bytes] = NO_KEYS
) -> Policy:
    """The policy for one member's log; RefusedError where it is no member's, or nobody else could witness it.

    `mldsa44_keys`: by origin, the ML-DSA-44 keys of witnesses as far as they are known; each is a second key of the
    same witness.
    """
    owners = [member for member in roster.members if member.origin == origin]
    if not owners:
        raise RefusedError.at("origin", "no member of the federation has a log of that name")
    keys: list[VerifierKey] = []
    for member in roster.members:
        if member.origin in charter.witnesses:
            keys += _list_keys(member, mldsa44_keys.get(member.origin))
    keys += outside_witnesses(charter)
    log_key = VerifierKey(origin, ED25519, owners[0].log_key)
    return make_policy(log_key, keys, witness_name(origin), charter.witness_rule)


def _list_keys(member: Member, mldsa44_key: bytes | None) -> list[VerifierKey]:
    name = witness_name(member.origin)
    keys = [VerifierKey(name, COSIGNATURE_V1, member.witness_key)]
    if mldsa44_key is not None:
        keys.append(VerifierKey(name, COSIGNATURE_MLDSA44, mldsa44_key))
    return keys
