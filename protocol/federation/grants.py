"""Who may sign for a co-op: the keys that its log gives a role, and from which entry on.

Invariant: a grant is read with its place in the log: what was signed before it does not count.
Invariant: only the log itself grants, and a key is named by a free label such as `committee member 1`, never a name.
Spec: docs/spec/supply/price.md
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from protocol.core.errors import Finding, refuse
from protocol.core.identity import PUBLIC_BYTES, key_id

GRANT_KIND: Final = "key.grant"
ROLE_LENGTH_MAX: Final = 64
HOLDER_LENGTH_MAX: Final = 64


class KeyGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A 32-byte Ed25519 `key` gets a role (or, with `ends`, loses it) from this entry of the granting log on."""

    key: bytes
    role: str
    holder: str
    ends: bool


@dataclass(slots=True)
class Grants:
    """The grants of one log, in its order; entries must be added in the order of their index."""

    _public_keys: dict[bytes, bytes] = field(default_factory=dict)
    _holders: dict[bytes, str] = field(default_factory=dict)
    _turns: dict[tuple[bytes, str], list[tuple[int, bool]]] = field(default_factory=dict)

    def apply_grant(self, index: int, grant: KeyGrant) -> None:
        """Take up the grant that stands at `index`; one that `_audit_grant` finds wrong changes nothing."""
        if _audit_grant(grant):
            return
        name = key_id(grant.key)
        self._public_keys[name] = grant.key
        self._holders[name] = grant.holder
        self._turns.setdefault((name, grant.role), []).append((index, not grant.ends))

    def public_key_of(self, name: bytes) -> bytes | None:
        """The public key of a key id that was ever granted a role here, None otherwise."""
        return self._public_keys.get(name)

    def holder_of(self, name: bytes) -> str:
        """The label of a granted key, empty when there is none."""
        return self._holders.get(name, "")

    def has_role(self, name: bytes, role: str, index: int) -> bool:
        """Whether the key of this id holds a role for what stands at `index` of the log."""
        turns = [given for place, given in self._turns.get((name, role), []) if place < index]
        return bool(turns) and turns[-1]

    def list_holders(self, role: str) -> list[bytes]:
        """Ids of the keys that hold a role at the end of what is known of the log."""
        return sorted(name for (name, granted), turns in self._turns.items() if granted == role and turns[-1][1])


def fold_grants(grants: Iterable[tuple[int, KeyGrant]]) -> Grants:
    """The grants of one log from (index, grant) in any order."""
    folded = Grants()
    for index, grant in sorted(grants, key=lambda placed: placed[0]):
        folded.apply_grant(index, grant)
    return folded


def _audit_grant(grant: KeyGrant) -> list[Finding]:
    """Everything in a grant that has to be put right."""
    findings = []
    if len(grant.key) != PUBLIC_BYTES:
        findings.append(Finding("key", f"must be {PUBLIC_BYTES} bytes"))
    for place, text, length_max in (("role", grant.role, ROLE_LENGTH_MAX), ("holder", grant.holder, HOLDER_LENGTH_MAX)):
        if not text.strip() or len(text) > length_max or not text.isprintable():
            findings.append(Finding(place, f"must be 1 to {length_max} characters that show"))
    return findings


def check_grant(grant: KeyGrant) -> None:
    """RefusedError with every finding when a grant has any."""
    refuse(_audit_grant(grant), "the key grant is refused")
