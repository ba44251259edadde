"""Keys, and libsodium as the judge of signatures."""

import hashlib
import json
from typing import Any

import pytest

from protocol.core.encoding import to_struct, to_value
from protocol.core.errors import MisuseError, RefusedError
from protocol.core.identity import (
    HOME_SEED_BYTES,
    HomeKeys,
    PublicKeys,
    SigningKey,
    generate,
    generate_home_keys,
    key_id,
    public_keys,
    recovery_key_hash,
    verify,
)
from tests.protocol.core.values import LOG_KEY, SHARED_SIGNATURES, flip_bit

needs_shared = pytest.mark.skipif(not SHARED_SIGNATURES.is_dir(), reason="needs ../shared")
# What libsodium refuses and RFC 8032 leaves open: these flags, and no others, decide in the CCTV file.
REFUSED_FLAGS = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"}


def load(name: str) -> Any:
    return json.loads((SHARED_SIGNATURES / name).read_text("utf-8"))


def test_a_signature_holds_for_its_message_alone() -> None:
    signature = LOG_KEY.sign(b"12 loaves")
    assert verify(LOG_KEY.public, b"12 loaves", signature)
    assert not verify(LOG_KEY.public, b"13 loaves", signature)
    assert not verify(generate(b"another made-up key, tests only ").public, b"12 loaves", signature)


def test_any_flipped_bit_breaks_a_signature() -> None:
    signature = LOG_KEY.sign(b"12 loaves")
    assert not any(verify(LOG_KEY.public, b"12 loaves", flip_bit(signature, bit)) for bit in range(len(signature) * 8))


@pytest.mark.parametrize(("public", "signature"), [(b"", bytes(64)), (bytes(31), bytes(64)), (bytes(32), bytes(63))])
def test_wrong_lengths_are_wrong_signatures(public: bytes, signature: bytes) -> None:
    assert not verify(public, b"x", signature)


@needs_shared
def test_wycheproof_vectors_are_answered_as_they_say() -> None:
    judged = 0
    for group in load("wycheproof_ed25519_test.json")["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            accepted = verify(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert accepted == (case["result"] == "valid"), case["comment"]
            judged += 1
    assert judged == 151


@needs_shared
def test_edge_cases_are_answered_as_libsodium_answers() -> None:
    accepted_count = 0
    for case in load("cctv_ed25519vectors.json"):
        accepted = verify(bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"]))
        assert accepted == REFUSED_FLAGS.isdisjoint(case["flags"] or ()), case["number"]
        accepted_count += accepted
    assert accepted_count == 43


def test_a_home_has_six_different_keys_and_shows_only_their_public_parts() -> None:
    keys = generate_home_keys(bytes(range(HOME_SEED_BYTES)))
    public = public_keys(keys)
    assert public.log == SigningKey(bytes(range(32))).public
    assert [len(part) for part in to_value(public).values()] == [32, 32, 32, 32, 1312, 1312]
    assert len(set(to_value(public).values())) == 6
    assert to_struct(to_value(keys), HomeKeys) == keys
    assert to_struct(to_value(public), PublicKeys) == public


def test_secrets_do_not_show_in_a_repr() -> None:
    keys = generate_home_keys(bytes(range(HOME_SEED_BYTES)))
    shown = repr(keys) + str(keys) + repr(generate(keys.log))
    for seed in to_value(keys).values():
        assert repr(seed)[2:-1] not in shown and seed.hex() not in shown


def test_seeds_of_a_wrong_length_or_used_twice_are_refused() -> None:
    for seed in (b"", bytes(31), bytes(33)):
        with pytest.raises(MisuseError):
            generate(seed)
    for seed in (bytes(HOME_SEED_BYTES), bytes(range(HOME_SEED_BYTES - 1))):
        with pytest.raises(MisuseError):
            generate_home_keys(seed)
    sealed = to_value(generate_home_keys(bytes(range(HOME_SEED_BYTES))))
    with pytest.raises(RefusedError, match="6 different seeds"):
        to_struct(sealed | {"mirror": sealed["witness"]}, HomeKeys)


@pytest.mark.parametrize(("field", "length"), [("log", 31), ("tls", 33), ("witness_mldsa44", 32), ("mirror", 0)])
def test_public_keys_of_a_wrong_length_are_refused(field: str, length: int) -> None:
    public = to_value(public_keys(generate_home_keys(bytes(range(HOME_SEED_BYTES)))))
    with pytest.raises(RefusedError, match=f"^body.{field}: .*length"):
        to_struct(public | {field: bytes(length)}, PublicKeys)


def test_a_key_id_and_a_recovery_hash_are_hashes_with_a_domain_each() -> None:
    assert key_id(LOG_KEY.public) == hashlib.sha256(b"rochdale/key/v1\0" + LOG_KEY.public).digest()
    assert recovery_key_hash(LOG_KEY.public) == hashlib.sha256(b"rochdale/recovery/v1\0" + LOG_KEY.public).digest()
