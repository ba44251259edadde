"""Keys that a quantum computer does not break: the second key of a witness or mirror, for heads and subtrees of logs.

Invariant: FIPS 204, pure, with an empty context; a key is made from its 32-byte seed and from nothing else.
Invariant: two signatures of one text differ (FIPS 204 mixes in chance), so nothing may hang on a signature's bytes.
Spec: docs/spec/log/note-and-checkpoint.md
"""

from typing import Final, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from protocol.core.errors import MisuseError
from protocol.core.identity import MLDSA44_PUBLIC_BYTES, SEED_BYTES

MLDSA44_SIGNATURE_BYTES: Final = 2_420


@final
class Mldsa44Key:
    """An ML-DSA-44 key that can sign; `public` is its 1,312-byte public part."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise MisuseError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self._private = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"Mldsa44Key(public={self.public[:8].hex()}...)"

    def sign(self, message: bytes) -> bytes:
        """A 2,420-byte signature of a message; another one each time."""
        return self._private.sign(message)


def verify_mldsa44(public: bytes, message: bytes, signature: bytes, context: bytes | None = None) -> bool:
    """Whether an ML-DSA-44 signature is right; False for keys, signatures or contexts of a wrong length."""
    if len(public) != MLDSA44_PUBLIC_BYTES or len(signature) != MLDSA44_SIGNATURE_BYTES:
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message, context)
    except (InvalidSignature, ValueError):
        return False
    return True
