"""ML-DSA-44 keys, and the vectors of Wycheproof."""

import json

import pytest

from protocol.core.errors import MisuseError
from protocol.core.identity import generate_home_keys, public_keys
from protocol.core.mldsa44 import MLDSA44_SIGNATURE_BYTES, Mldsa44Key, verify_mldsa44
from tests.protocol.core.values import SHARED_SIGNATURES

KEY = Mldsa44Key(b"made-up ML-DSA key, for tests on")
VECTORS = SHARED_SIGNATURES / "wycheproof_mldsa_44_verify_test.json"


@pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared: ML-DSA-44 vectors")
def test_wycheproof_vectors_are_answered_as_they_say() -> None:
    answers = [
        (
            test["tcId"],
            verify_mldsa44(
                bytes.fromhex(group["publicKey"]),
                bytes.fromhex(test["msg"]),
                bytes.fromhex(test["sig"]),
                bytes.fromhex(test["ctx"]) if "ctx" in test else None,
            ),
            test["result"] == "valid",
        )
        for group in json.loads(VECTORS.read_text("utf-8"))["testGroups"]
        for test in group["tests"]
    ]
    assert len(answers) == 180
    assert [number for number, answer, expected in answers if answer != expected] == []


def test_what_is_signed_is_verified_and_nothing_else() -> None:
    signature = KEY.sign(b"a text")
    assert len(signature) == MLDSA44_SIGNATURE_BYTES
    assert verify_mldsa44(KEY.public, b"a text", signature)
    assert not verify_mldsa44(KEY.public, b"another text", signature)
    assert not verify_mldsa44(KEY.public, b"a text", signature, b"a context")
    assert not verify_mldsa44(KEY.public, b"a text", signature[:-1])
    assert not verify_mldsa44(KEY.public[:-1], b"a text", signature)
    assert not verify_mldsa44(Mldsa44Key(bytes(32)).public, b"a text", signature)
    for place in range(0, len(signature), 97):
        changed = signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
        assert not verify_mldsa44(KEY.public, b"a text", changed)


def test_the_key_of_a_seed_is_the_one_a_home_shows() -> None:
    keys = generate_home_keys(bytes(range(192)))
    assert Mldsa44Key(keys.witness_mldsa44).public == public_keys(keys).witness_mldsa44


def test_no_secret_shows_and_a_seed_has_its_length() -> None:
    assert "made-up" not in repr(KEY) and KEY.public[:8].hex() in repr(KEY)
    with pytest.raises(MisuseError, match="a seed has 32 bytes"):
        Mldsa44Key(b"short")
