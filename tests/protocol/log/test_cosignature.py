"""Cosignatures."""

import pytest

from protocol.core import identity
from protocol.core.errors import MisuseError, PeerError
from protocol.core.note import (
    COSIGNATURE_V1,
    SIGNATURES_MAX,
    Ed25519Verifier,
    Signature,
    format_note,
    format_signature,
    format_vkey,
    parse_note,
    parse_signature,
    parse_vkey,
    verify_note,
)
from protocol.log.checkpoint import Checkpoint, format_checkpoint, open_checkpoint, sign_checkpoint
from protocol.log.cosignature import (
    TIME_S_MAX,
    CosignatureVerifier,
    add_signature,
    read_cosigned,
    sign_cosignature,
    verify_cosignature,
)
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, OFFICE_KEY, ORIGIN, flip_bit

HEAD = Checkpoint(ORIGIN, 1234, bytes(range(32)))
TEXT = format_checkpoint(HEAD)
NOTE = sign_checkpoint(HEAD, LOG_KEY)
TIME_S = 1_679_315_147
OAK = CosignatureVerifier("oak.example/witness", MEMBER_KEY.public)
MILL = CosignatureVerifier("mill.example/witness", OFFICE_KEY.public)
OAK_LINE = sign_cosignature(TEXT, OAK.name, MEMBER_KEY, TIME_S)
MILL_LINE = sign_cosignature(TEXT, MILL.name, OFFICE_KEY, TIME_S + 5)


def test_the_signed_bytes_are_those_of_the_standard() -> None:
    signature = parse_signature(OAK_LINE)
    message = b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    assert signature.raw[:8] == (1_679_315_147).to_bytes(8, "big")
    assert identity.verify(MEMBER_KEY.public, message, signature.raw[8:])
    key = parse_vkey(format_vkey(OAK.name, COSIGNATURE_V1, OAK.public))
    assert CosignatureVerifier(key.name, key.public).key_hash == signature.key_hash


def times_of(note: bytes, *verifiers: CosignatureVerifier) -> dict[str, int]:
    found = read_cosigned(note, [(one.name, one) for one in verifiers])
    assert found.wrong == ()
    return found.times_s


def test_a_cosignature_tells_when_the_head_was_seen() -> None:
    assert verify_cosignature(TEXT, OAK_LINE, OAK) == TIME_S


def test_any_flipped_bit_of_a_cosignature_refuses_it() -> None:
    signature = parse_signature(OAK_LINE)
    for bit in range(len(signature.raw) * 8):
        line = format_signature(Signature(signature.name, signature.key_hash, flip_bit(signature.raw, bit)))
        with pytest.raises(PeerError, match="cosignature: wrong"):
            verify_cosignature(TEXT, line, OAK)


def test_a_cosignature_holds_for_its_head_its_name_and_its_key_alone() -> None:
    with pytest.raises(PeerError, match="wrong"):
        verify_cosignature(TEXT.replace("1234", "1235"), OAK_LINE, OAK)
    with pytest.raises(PeerError, match="another key"):
        verify_cosignature(TEXT, OAK_LINE, CosignatureVerifier(MILL.name, OAK.public))
    with pytest.raises(PeerError, match="another key"):
        verify_cosignature(TEXT, OAK_LINE, CosignatureVerifier(OAK.name, MILL.public))
    for raw in (b"x", parse_signature(OAK_LINE).raw + b"x", parse_signature(OAK_LINE).raw[8:]):
        with pytest.raises(PeerError, match="wrong"):
            line = format_signature(Signature(OAK.name, OAK.key_hash, raw))
            verify_cosignature(TEXT, line, OAK)


def test_only_heads_are_cosigned_and_only_at_times_that_can_be_written() -> None:
    with pytest.raises(PeerError, match="checkpoint: "):
        sign_cosignature("any other text\n", OAK.name, MEMBER_KEY, TIME_S)
    for time_s in (-1, 2**63):
        with pytest.raises(MisuseError):
            sign_cosignature(TEXT, OAK.name, MEMBER_KEY, time_s)


def test_a_note_gathers_cosignatures_and_stays_the_same_head() -> None:
    note = add_signature(add_signature(NOTE, OAK_LINE), MILL_LINE)
    assert open_checkpoint(note, LOG_KEY.public, ORIGIN) == HEAD
    assert times_of(note, OAK, MILL) == {OAK.name: TIME_S, MILL.name: TIME_S + 5}
    assert times_of(note, MILL) == {MILL.name: TIME_S + 5}
    assert times_of(NOTE, OAK, MILL) == {}
    _, signatures = verify_note(note, [OAK, MILL, Ed25519Verifier(ORIGIN, LOG_KEY.public)])
    assert [signature.name for signature in signatures] == [ORIGIN, OAK.name, MILL.name]


@pytest.mark.parametrize("time_s", [0, 1, TIME_S_MAX])
def test_any_time_that_can_be_written_comes_back(time_s: int) -> None:
    line = sign_cosignature(TEXT, OAK.name, MEMBER_KEY, time_s)
    assert verify_cosignature(TEXT, line, OAK) == time_s
    assert times_of(add_signature(NOTE, line), OAK) == {OAK.name: time_s}


def test_a_newer_cosignature_takes_the_place_of_the_older_one() -> None:
    newer = sign_cosignature(TEXT, OAK.name, MEMBER_KEY, TIME_S + 60)
    note = add_signature(add_signature(NOTE, OAK_LINE), newer)
    assert times_of(note, OAK) == {OAK.name: TIME_S + 60}
    assert len(parse_note(note)[1]) == 2
    text, signatures = parse_note(NOTE)
    both = format_note(text, [*signatures, parse_signature(newer), parse_signature(OAK_LINE)])
    assert times_of(both, OAK) == {OAK.name: TIME_S + 60}


def test_a_known_cosigners_wrong_signature_is_told() -> None:
    other_head = sign_cosignature(TEXT.replace("1234", "1235"), OAK.name, MEMBER_KEY, TIME_S)
    note = add_signature(add_signature(NOTE, MILL_LINE), other_head)
    assert read_cosigned(note, [(OAK.name, OAK), ("mill", MILL)]) == ({"mill": TIME_S + 5}, (OAK.name,))
    assert times_of(note, MILL) == {MILL.name: TIME_S + 5}


def test_a_note_that_is_full_takes_no_more() -> None:
    text, signatures = parse_note(NOTE)
    strangers = [Signature(f"w{number}", b"hash", b"x") for number in range(SIGNATURES_MAX - 1)]
    full = format_note(text, [*signatures, *strangers])
    with pytest.raises(PeerError, match="100 signatures are all"):
        add_signature(full, OAK_LINE)
    for junk in ("", "no line", OAK_LINE + "\n", OAK_LINE + OAK_LINE):
        with pytest.raises(PeerError):
            add_signature(NOTE, junk)
