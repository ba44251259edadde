"""What a log believes of an answer, and the example of docs/spec/log/cosigning.md."""

import re
from pathlib import Path

import pytest

from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import generate, verify
from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import ED25519, Verifier, VerifierKey, parse_note, parse_signature
from protocol.log.cosignature import (
    TIME_BYTES,
    CosignatureVerifier,
    Mldsa44Verifier,
    join_signatures,
    make_verifier,
    sign_cosignature,
    sign_mldsa44_cosignature,
)
from protocol.log.outside.cosigning import parse_held_size, read_cosignatures
from protocol.log.policy import parse_policy
from tests.interop.made_log import LOG_VKEY, TIME_S, MadeLog, Witness, list_flipped
from tests.protocol.core.values import load_vectors

PAGE = Path(__file__).resolve().parents[4] / "docs/spec/log/cosigning.md"
LOG = MadeLog(9)
TEXT = parse_note(LOG.note(9))[0]
ANNA, BEN = Witness(1), Witness(2)
LONG_KEY = Mldsa44Key(b"m" * 32)
KEYS: list[Verifier] = [CosignatureVerifier(ANNA.name, ANNA.key.public), Mldsa44Verifier(ANNA.name, LONG_KEY.public)]
SHORT = sign_cosignature(TEXT, ANNA.name, ANNA.key, TIME_S)
LONG = sign_mldsa44_cosignature(TEXT, ANNA.name, LONG_KEY, TIME_S)


def test_the_example_on_the_page_is_what_the_witness_signed() -> None:
    signed, line = re.findall(r"```note\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    witness = next(
        one
        for one in parse_policy(load_vectors("log/logs.json")["proof"]["policy"].encode()).witnesses
        if one.key.name == "oak.example/witness"
    )
    signature = parse_signature(line)
    assert verify(witness.key.public, signed.encode(), signature.raw[TIME_BYTES:])
    assert read_cosignatures(line.encode(), signed.split("\n", 2)[2], [make_verifier(witness.key)]) == (line,)


def test_lines_of_known_keys_count_and_others_are_ignored() -> None:
    strange = sign_cosignature(TEXT, BEN.name, BEN.key, TIME_S)
    # The same name with another key, and the same key with another name, are unknown.
    odd = sign_cosignature(TEXT, ANNA.name, BEN.key, TIME_S) + sign_cosignature(TEXT, BEN.name, ANNA.key, TIME_S)
    assert read_cosignatures((strange + SHORT + odd + LONG).encode(), TEXT, KEYS) == (SHORT, LONG)
    assert read_cosignatures((SHORT + SHORT).encode(), TEXT, KEYS) == (SHORT,)
    with pytest.raises(PeerError, match="not signed by any key"):
        read_cosignatures(strange.encode(), TEXT, KEYS)


@pytest.mark.parametrize("line", [SHORT, LONG[:400]], ids=["short", "long"])
def test_one_changed_byte_is_never_believed(line: str) -> None:
    whole = SHORT if line == SHORT else LONG
    for flipped in list_flipped(whole.encode(), step=1 if whole is SHORT else 97):
        try:
            assert read_cosignatures(flipped, TEXT, KEYS) == (), flipped
        except PeerError:
            continue


def test_a_line_under_another_head_or_without_a_time_spoils_the_answer() -> None:
    other = sign_cosignature(parse_note(LOG.note(8))[0], ANNA.name, ANNA.key, TIME_S)
    with pytest.raises(PeerError, match=f"signature of {ANNA.name} is wrong"):
        read_cosignatures((LONG + other).encode(), TEXT, KEYS)
    with pytest.raises(PeerError, match="without a time"):
        read_cosignatures((LONG + sign_cosignature(TEXT, ANNA.name, ANNA.key, 0)).encode(), TEXT, KEYS)


@pytest.mark.parametrize("body", [b"", b"7", b"07\n", b"-1\n", b"7\n\n", b"9007199254740993\n", b"\xff\n", b" 7\n"])
def test_a_conflict_names_one_size_in_one_way(body: bytes) -> None:
    with pytest.raises(PeerError):
        parse_held_size(body)
    assert [parse_held_size(raw) for raw in (b"0\n", b"7\n", b"9007199254740991\n")] == [0, 7, 2**53 - 1]


def test_a_key_of_a_log_is_no_cosigner() -> None:
    with pytest.raises(RefusedError, match="not the key of a cosigner"):
        make_verifier(VerifierKey(LOG_VKEY.split("+")[0], ED25519, generate(b"x" * 32).public))


def test_signatures_of_one_head_are_joined_and_those_of_another_are_not() -> None:
    both = join_signatures(LOG.note(9, ANNA), LOG.note(9, ANNA, BEN))
    assert both == LOG.note(9, ANNA, BEN)
    assert join_signatures(LOG.note(9, ANNA), LOG.note(8, BEN)) == LOG.note(9, ANNA)
