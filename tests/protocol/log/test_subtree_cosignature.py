"""Cosignatures by ML-DSA-44, under heads and under parts of logs."""

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
from protocol.log.cosignature import CosignatureVerifier, add_signature, list_cosigners, sign_cosignature
from protocol.log.merkle import EMPTY_ROOT
from protocol.log.subtree_cosignature import (
    Mldsa44Verifier,
    SubtreeHead,
    format_cosigned_message,
    sign_mldsa44_cosignature,
    sign_subtree,
    verify_mldsa44_cosignature,
    verify_subtree,
)
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN, flip_bit

ROOT = bytes(range(32))
HEAD = Checkpoint(ORIGIN, 1234, ROOT)
TEXT = format_checkpoint(HEAD)
TIME_S = 1_679_315_147
NAME = "oak.example/witness"
KEY = Mldsa44Key(b"made-up ML-DSA key, for tests on")
OAK = Mldsa44Verifier(NAME, KEY.public)
LINE = sign_mldsa44_cosignature(TEXT, NAME, KEY, TIME_S)
PART = SubtreeHead(ORIGIN, 1024, 1234, ROOT)
PART_LINE = sign_subtree(PART, NAME, KEY)


def test_the_signed_bytes_are_those_of_the_standard() -> None:
    message = b"subtree/v1\n\0" + b"\x13oak.example/witness" + struct.pack(">Q", TIME_S)
    message += b"\x15northside.example/log" + struct.pack(">QQ", 0, 1234) + ROOT
    assert format_cosigned_message(SubtreeHead(ORIGIN, 0, 1234, ROOT), NAME, TIME_S) == message
    signature = parse_signature(LINE)
    assert signature.raw[:8] == struct.pack(">Q", TIME_S)
    assert verify_mldsa44(KEY.public, message, signature.raw[8:])
    key = parse_vkey(format_vkey(NAME, COSIGNATURE_MLDSA44, KEY.public))
    assert Mldsa44Verifier(key.name, key.public).key_hash == signature.key_hash


def test_a_cosignature_tells_when_the_head_was_seen() -> None:
    assert verify_mldsa44_cosignature(TEXT, LINE, NAME, KEY.public) == TIME_S
    assert verify_subtree(PART, PART_LINE, NAME, KEY.public) == 0


def test_flipped_bits_of_a_cosignature_refuse_it() -> None:
    signature = parse_signature(LINE)
    for bit in [*range(64), *range(64, len(signature.raw) * 8, 211)]:
        line = format_signature(Signature(NAME, signature.key_hash, flip_bit(signature.raw, bit)))
        with pytest.raises(PeerError, match="cosignature: wrong"):
            verify_mldsa44_cosignature(TEXT, line, NAME, KEY.public)


def test_a_cosignature_holds_for_its_head_its_part_its_name_and_its_key_alone() -> None:
    for text in (TEXT.replace("1234", "1235"), TEXT.replace("northside", "southside")):
        with pytest.raises(PeerError, match="wrong"):
            verify_mldsa44_cosignature(text, LINE, NAME, KEY.public)
    for part in (
        SubtreeHead(ORIGIN, 1024, 1233, ROOT),
        SubtreeHead(ORIGIN, 0, 1234, ROOT),
        SubtreeHead(ORIGIN, 1024, 1234, bytes(32)),
        SubtreeHead("southside.example/log", 1024, 1234, ROOT),
    ):
        with pytest.raises(PeerError, match="wrong"):
            verify_subtree(part, PART_LINE, NAME, KEY.public)
    with pytest.raises(PeerError, match="another key"):
        verify_mldsa44_cosignature(TEXT, LINE, "mill.example/witness", KEY.public)
    with pytest.raises(PeerError, match="another key"):
        verify_mldsa44_cosignature(TEXT, LINE, NAME, Mldsa44Key(bytes(32)).public)
    renamed = Mldsa44Verifier("mill.example/witness", KEY.public)
    line = format_signature(Signature(renamed.name, renamed.key_hash, parse_signature(LINE).raw))
    with pytest.raises(PeerError, match="wrong"):
        verify_mldsa44_cosignature(TEXT, line, renamed.name, KEY.public)


def test_a_part_that_does_not_begin_at_the_first_entry_bears_no_time() -> None:
    with pytest.raises(MisuseError):
        format_cosigned_message(PART, NAME, TIME_S)
    signature = parse_signature(PART_LINE)
    raw = TIME_S.to_bytes(8, "big") + signature.raw[8:]
    with pytest.raises(PeerError, match="wrong"):
        verify_subtree(PART, format_signature(Signature(NAME, signature.key_hash, raw)), NAME, KEY.public)


def test_a_head_gathers_cosignatures_of_both_kinds() -> None:
    both = CosignatureVerifier(NAME, MEMBER_KEY.public)
    note = add_signature(sign_checkpoint(HEAD, LOG_KEY), sign_cosignature(TEXT, NAME, MEMBER_KEY, TIME_S - 7))
    note = add_signature(note, LINE)
    assert open_checkpoint(note, LOG_KEY.public, ORIGIN) == HEAD
    assert list_cosigners(note, [OAK]) == list_cosigners(note, [OAK, both]) == {NAME: TIME_S}
    assert list_cosigners(note, [both]) == {NAME: TIME_S - 7}
    wrong = sign_mldsa44_cosignature(TEXT.replace("1234", "1235"), NAME, KEY, TIME_S)
    with pytest.raises(PeerError, match=r"that of oak\.example/witness is wrong"):
        list_cosigners(add_signature(note, wrong), [OAK, both])


def test_only_heads_and_parts_are_cosigned() -> None:
    assert verify_mldsa44_cosignature(
        format_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT)),
        sign_mldsa44_cosignature(format_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT)), NAME, KEY, 1),
        NAME,
        KEY.public,
    )
    assert not OAK.is_valid("any other text\n", parse_signature(LINE).raw)
    assert not OAK.is_valid(TEXT, parse_signature(LINE).raw + b"x")
    with pytest.raises(PeerError, match="checkpoint: "):
        sign_mldsa44_cosignature("any other text\n", NAME, KEY, TIME_S)
    for time_s in (-1, 0, 2**63):
        with pytest.raises(MisuseError):
            sign_mldsa44_cosignature(TEXT, NAME, KEY, time_s)
    for start, end in ((1, 3), (4, 4), (3, 2), (0, 2**53), (-1, 0)):
        with pytest.raises(ValueError, match="needs a start and an end"):
            SubtreeHead(ORIGIN, start, end, ROOT)
    with pytest.raises(MisuseError):
        format_cosigned_message(PART, "a name with spaces", 0)
    with pytest.raises(RefusedError):
        format_cosigned_message(SubtreeHead("No Origin", 0, 1, ROOT), NAME, 0)
