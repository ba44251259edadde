"""Who may see what: the scopes that a hidden field or a file can have, and whom each lets in.

Invariant: whoever a scope does not name is let in to nothing; auditors are people, and are handed things by hand.
Spec: docs/spec/federation/scopes.md
"""

from collections.abc import Collection
from typing import Final

PUBLIC: Final = "public"
BUYERS: Final = "buyers"
FEDERATION: Final = "federation"
AUDITORS: Final = "auditors"
SCOPES: Final[dict[str, str]] = {
    PUBLIC: "anyone",
    BUYERS: "members of the buying co-ops",
    FEDERATION: "members of the federation",
    AUDITORS: "appointed auditors",
}


def may_read(scope: str, reader: str, owner: str, members: Collection[str], parties: Collection[str] = ()) -> bool:
    """Whether a co-op may have what `owner` gave this scope; both are origins.

    `members`: the federation's; `parties`: who buys and who sells what it is about. Both see what members see.
    """
    if reader == owner or scope == PUBLIC:
        return True
    is_party = reader in parties
    return (scope == BUYERS and is_party) or (scope == FEDERATION and (is_party or reader in members))
