"""The first record of a log: who begins here, with which keys, and which key could ever succeed them.

Spec: docs/spec/core/record.md
"""

from typing import Annotated

import msgspec

from protocol.core.identity import PublicKeys
from protocol.core.record import Hash

NAME_LENGTH_MAX = 80
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH_MAX)]


class Founding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A co-op's name as it wants to be called, the public keys of its home, and the hash of its recovery key."""

    name: Name
    keys: PublicKeys
    recovery_key_hash: Hash
