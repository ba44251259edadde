"""Keys: who signs a log's heads, who witnesses, who mirrors, who dials; and how a signature is judged.

Invariant: libsodium is the definition of a valid Ed25519 signature, here and in every audit tool.
Invariant: randomness comes in as seeds; no key is made here from anything else.
Invariant: no secret shows in a repr.
Spec: docs/spec/core/record.md
"""

import hashlib
from typing import Annotated, Final, final

import msgspec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey as SodiumKey
from nacl.signing import VerifyKey

from protocol.core.errors import MisuseError

SEED_BYTES: Final = 32
PUBLIC_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
KEY_ID_BYTES: Final = 32
MLDSA44_PUBLIC_BYTES: Final = 1_312

Ed25519Public = Annotated[bytes, msgspec.Meta(min_length=PUBLIC_BYTES, max_length=PUBLIC_BYTES)]
Mldsa44Public = Annotated[bytes, msgspec.Meta(min_length=MLDSA44_PUBLIC_BYTES, max_length=MLDSA44_PUBLIC_BYTES)]

_KEY_DOMAIN = b"rochdale/key/v1\0"
_RECOVERY_DOMAIN = b"rochdale/recovery/v1\0"


@final
class SigningKey:
    """An Ed25519 key that can sign; `public` is its 32-byte public part."""

    __slots__ = ("_sodium_key", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise MisuseError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self._sodium_key = SodiumKey(seed)
        self.public = bytes(self._sodium_key.verify_key)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()})"

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature of a message."""
        return self._sodium_key.sign(message).signature


class PublicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public part of a home's keys: four of Ed25519 (32 bytes) and two of ML-DSA-44 (1,312 bytes)."""

    log: Ed25519Public
    witness: Ed25519Public
    mirror: Ed25519Public
    tls: Ed25519Public
    witness_mldsa44: Mldsa44Public
    mirror_mldsa44: Mldsa44Public


class HomeKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The six 32-byte seeds of a home, one for each use; a key never serves two uses."""

    log: bytes
    witness: bytes
    mirror: bytes
    tls: bytes
    witness_mldsa44: bytes
    mirror_mldsa44: bytes

    def __post_init__(self) -> None:
        seeds = self._seeds()
        if len(set(seeds)) != len(seeds) or any(len(seed) != SEED_BYTES for seed in seeds):
            raise ValueError(f"a home needs {len(seeds)} different seeds of {SEED_BYTES} bytes")

    def __repr__(self) -> str:
        return f"HomeKeys(log_public={generate(self.log).public.hex()})"

    def _seeds(self) -> tuple[bytes, ...]:
        return (self.log, self.witness, self.mirror, self.tls, self.witness_mldsa44, self.mirror_mldsa44)


HOME_SEED_BYTES: Final = SEED_BYTES * len(HomeKeys.__struct_fields__)


def generate(seed: bytes) -> SigningKey:
    """The Ed25519 key of a 32-byte random seed; MisuseError for a seed of another length."""
    return SigningKey(seed)


def generate_home_keys(seed: bytes) -> HomeKeys:
    """A home's keys from HOME_SEED_BYTES random bytes, 32 for each key; MisuseError for fewer, more, or a key twice."""
    if len(seed) != HOME_SEED_BYTES:
        raise MisuseError(f"a home's seed has {HOME_SEED_BYTES} bytes, not {len(seed)}")
    try:
        return HomeKeys(*(seed[start : start + SEED_BYTES] for start in range(0, HOME_SEED_BYTES, SEED_BYTES)))
    except ValueError as error:
        raise MisuseError(str(error)) from None


def public_keys(keys: HomeKeys) -> PublicKeys:
    """What a home may show of its keys."""
    return PublicKeys(
        log=generate(keys.log).public,
        witness=generate(keys.witness).public,
        mirror=generate(keys.mirror).public,
        tls=generate(keys.tls).public,
        witness_mldsa44=_mldsa44_public(keys.witness_mldsa44),
        mirror_mldsa44=_mldsa44_public(keys.mirror_mldsa44),
    )


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether libsodium accepts an Ed25519 signature; False for keys or signatures of a wrong length."""
    if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        VerifyKey(public).verify(message, signature)
    except CryptoError:
        return False
    return True


def key_id(public: bytes) -> bytes:
    """The 32-byte name of a key in records: the `by` of what it signs."""
    return hashlib.sha256(_KEY_DOMAIN + public).digest()


def recovery_key_hash(recovery_public: bytes) -> bytes:
    """The 32-byte hash by which a log's first record names its recovery key."""
    return hashlib.sha256(_RECOVERY_DOMAIN + recovery_public).digest()


def _mldsa44_public(seed: bytes) -> bytes:
    return MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
