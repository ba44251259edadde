"""Cosignatures by ML-DSA-44, under heads."""

import struct

import pytest

from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.mldsa44 import Mldsa44Key, verify_mldsa44
from protocol.core.note import (
    COSIGNATURE_MLDSA44,
    Signature,
    format_signature,
    format_vkey,
    parse_signature,
    parse_vkey,
)
from protocol.log.checkpoint import Checkpoint, format_checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.cosignature import (
    CosignatureVerifier,
    Mldsa44Verifier,
    add_signature,
    format_cosigned_message,
    read_cosigned,
    sign_cosignature,
    sign_mldsa44_cosignature,
    verify_cosignature,
)
from protocol.log.merkle import EMPTY_ROOT
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN, flip_bit

ROOT = bytes(range(32))
HEAD = Checkpoint(ORIGIN, 1234, ROOT)
TEXT = format_checkpoint(HEAD)
TIME_S = 1_679_315_147
NAME = "oak.example/witness"
KEY = Mldsa44Key(b"made-up ML-DSA key, for tests on")
OAK = Mldsa44Verifier(NAME, KEY.public)
LINE = sign_mldsa44_cosignature(TEXT, NAME, KEY, TIME_S)


def test_the_signed_bytes_are_those_of_the_standard() -> None:
    message = b"subtree/v1\n\0" + b"\x13oak.example/witness" + struct.pack(">Q", TIME_S)
    message += b"\x15northside.example/log" + struct.pack(">QQ", 0, 1234) + ROOT
    assert format_cosigned_message(HEAD, NAME, TIME_S) == message
    signature = parse_signature(LINE)
    assert signature.raw[:8] == struct.pack(">Q", TIME_S)
    assert verify_mldsa44(KEY.public, message, signature.raw[8:])
    key = parse_vkey(format_vkey(NAME, COSIGNATURE_MLDSA44, KEY.public))
    assert Mldsa44Verifier(key.name, key.public).key_hash == signature.key_hash


def test_a_cosignature_tells_when_the_head_was_seen() -> None:
    assert verify_cosignature(TEXT, LINE, OAK) == TIME_S


def test_flipped_bits_of_a_cosignature_refuse_it() -> None:
    signature = parse_signature(LINE)
    for bit in [*range(64), *range(64, len(signature.raw) * 8, 211)]:
        line = format_signature(Signature(NAME, signature.key_hash, flip_bit(signature.raw, bit)))
        with pytest.raises(PeerError, match="cosignature: wrong"):
            verify_cosignature(TEXT, line, OAK)


def test_a_cosignature_holds_for_its_head_its_name_and_its_key_alone() -> None:
    for text in (TEXT.replace("1234", "1235"), TEXT.replace("northside", "southside")):
        with pytest.raises(PeerError, match="wrong"):
            verify_cosignature(text, LINE, OAK)
    with pytest.raises(PeerError, match="another key"):
        verify_cosignature(TEXT, LINE, Mldsa44Verifier("mill.example/witness", KEY.public))
    with pytest.raises(PeerError, match="another key"):
        verify_cosignature(TEXT, LINE, Mldsa44Verifier(NAME, Mldsa44Key(bytes(32)).public))
    renamed = Mldsa44Verifier("mill.example/witness", KEY.public)
    line = format_signature(Signature(renamed.name, renamed.key_hash, parse_signature(LINE).raw))
    with pytest.raises(PeerError, match="wrong"):
        verify_cosignature(TEXT, line, renamed)


def test_a_head_gathers_cosignatures_of_both_kinds() -> None:
    both = CosignatureVerifier(NAME, MEMBER_KEY.public)
    note = add_signature(sign_checkpoint(HEAD, LOG_KEY), sign_cosignature(TEXT, NAME, MEMBER_KEY, TIME_S - 7))
    note = add_signature(note, LINE)
    assert open_checkpoint(note, LOG_KEY.public, ORIGIN) == HEAD
    assert (
        read_cosigned(note, [(NAME, OAK)]) == read_cosigned(note, [(NAME, OAK), (NAME, both)]) == ({NAME: TIME_S}, ())
    )
    assert read_cosigned(note, [("oak", both)]) == ({"oak": TIME_S - 7}, ())
    wrong = sign_mldsa44_cosignature(TEXT.replace("1234", "1235"), NAME, KEY, TIME_S)
    found = read_cosigned(add_signature(note, wrong), [(NAME, OAK), (NAME, both)])
    assert found == ({NAME: TIME_S - 7}, (NAME,))


def test_only_heads_are_cosigned() -> None:
    empty = format_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT))
    assert verify_cosignature(empty, sign_mldsa44_cosignature(empty, NAME, KEY, 1), OAK) == 1
    assert not OAK.is_valid("any other text\n", parse_signature(LINE).raw)
    assert not OAK.is_valid(TEXT, parse_signature(LINE).raw + b"x")
    with pytest.raises(PeerError, match="checkpoint: "):
        sign_mldsa44_cosignature("any other text\n", NAME, KEY, TIME_S)
    for time_s in (-1, 0, 2**63):
        with pytest.raises(MisuseError):
            sign_mldsa44_cosignature(TEXT, NAME, KEY, time_s)
    for name, time_s in (("a name with spaces", 1), (NAME, -1), (NAME, 2**63)):
        with pytest.raises(MisuseError):
            format_cosigned_message(HEAD, name, time_s)
    with pytest.raises(RefusedError):
        format_cosigned_message(Checkpoint("No Origin", 1, ROOT), NAME, 0)
