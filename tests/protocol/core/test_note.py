"""Signed notes, against the published examples and against bad input."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.identity import SigningKey
from protocol.core.note import (
    ED25519,
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Ed25519Verifier,
    Signature,
    VerifierKey,
    format_note,
    format_vkey,
    is_key_name,
    key_hash,
    parse_note,
    parse_vkey,
    sign_note,
    verify_note,
)
from tests.protocol.core.values import LOG_KEY, ORIGIN, flip_bit

# The example of c2sp.org/signed-note.
FOO_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
    "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
# The example of golang.org/x/mod/sumdb/note.
PETER_KEY = SigningKey(base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:])
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_NOTE = (
    PETER_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ry"
    "yBwJnAM=\n"
).encode()
VERIFIER = Ed25519Verifier(ORIGIN, LOG_KEY.public)
NOTE = sign_note("Northside has 400 households.\n", ORIGIN, LOG_KEY)


def test_the_example_of_the_standard_verifies() -> None:
    key = parse_vkey(FOO_VKEY)
    assert (key.name, key.key_type, format_vkey(key.name, key.key_type, key.public)) == (
        "example.com/foo",
        ED25519,
        FOO_VKEY,
    )
    text, signatures = verify_note(FOO_NOTE, [Ed25519Verifier(key.name, key.public)])
    assert text == "This is an example message.\n"
    assert [signature.key_hash.hex() for signature in signatures] == ["530d903a"]


def test_a_note_signed_here_is_byte_for_byte_the_one_that_go_signs() -> None:
    assert parse_vkey(PETER_VKEY) == VerifierKey("PeterNeumann", ED25519, PETER_KEY.public)
    assert sign_note(PETER_TEXT, "PeterNeumann", PETER_KEY) == PETER_NOTE


def test_any_flipped_bit_of_a_note_refuses_it() -> None:
    for bit in range(len(NOTE) * 8):
        with pytest.raises(PeerError):
            verify_note(flip_bit(NOTE, bit), [VERIFIER])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no signature lines"),
        (b"text\n", "no signature lines"),
        (b"text\n\n", "no signature lines"),
        (NOTE[:-1], "no signature lines"),
        (NOTE + b"\n", "no signature lines"),
        (NOTE.replace(b"400", b"4\t0"), "a control character"),
        (NOTE.replace(b"400", b"4\r0"), "a control character"),
        (NOTE.replace(b"400", b"4\x000"), "a control character"),
        (NOTE.replace(b"400", b"\xff00"), "not UTF-8"),
        (b"text\n\n-- a AAAAAAAA\n", "em dash"),
        ("text\n\n— a\n".encode(), "no signature after the key hash"),
        ("text\n\n—  AAAAAAAA\n".encode(), "not a key name"),
        ("text\n\n— a+b AAAAAAAA\n".encode(), "not a key name"),
        ("text\n\n— a\u00a0b AAAAAAAA\n".encode(), "not a key name"),
        ("text\n\n— a AAAAAAA\n".encode(), "not base64"),
        ("text\n\n— a AAAAAAB=\n".encode(), "not base64"),
        ("text\n\n— a AAAA AAAA\n".encode(), "not base64"),
        ("text\n\n— a AAAAAA==\n".encode(), "no signature after the key hash"),
        (b"x" * (NOTE_BYTES_MAX + 1), "at most 400000"),
    ],
)
def test_a_malformed_note_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        parse_note(raw)


def test_text_may_hold_empty_lines_since_the_last_one_divides() -> None:
    note = sign_note("one\n\ntwo\n", ORIGIN, LOG_KEY)
    assert verify_note(note, [VERIFIER])[0] == "one\n\ntwo\n"


def test_unknown_signatures_are_ignored_also_when_they_share_a_name_or_a_hash() -> None:
    text, (known,) = parse_note(NOTE)
    strangers = [
        Signature("stranger.example", b"\1\2\3\4", b"x"),
        Signature(ORIGIN, b"\1\2\3\4", b"x"),
        Signature("stranger.example", known.key_hash, b"x" * 64),
    ]
    assert verify_note(format_note(text, [*strangers, known, known]), [VERIFIER]) == (text, (known,))


def test_a_known_keys_wrong_signature_refuses_the_note_even_beside_a_right_one() -> None:
    other = Ed25519Verifier("PeterNeumann", PETER_KEY.public)
    text, (known,) = parse_note(NOTE)
    wrong = Signature(other.name, other.key_hash, PETER_KEY.sign(b"something else"))
    with pytest.raises(PeerError, match="signature of PeterNeumann is wrong"):
        verify_note(format_note(text, [known, wrong]), [VERIFIER, other])


def test_a_second_signature_by_a_known_key_is_checked_too() -> None:
    text, (known,) = parse_note(NOTE)
    with pytest.raises(PeerError, match="is wrong"):
        verify_note(format_note(text, [known, Signature(known.name, known.key_hash, bytes(64))]), [VERIFIER])


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    with pytest.raises(PeerError, match="not signed by any key"):
        verify_note(NOTE, [Ed25519Verifier("PeterNeumann", PETER_KEY.public)])


def test_a_hundred_signatures_are_read_and_no_more() -> None:
    lines = [Signature(f"witness-{number}", b"hash", b"x") for number in range(SIGNATURES_MAX)]
    note = format_note("text\n", lines)
    assert parse_note(note) == ("text\n", tuple(lines))
    with pytest.raises(PeerError, match="101 signatures"):
        parse_note(note + note.splitlines(keepends=True)[-1])


lines = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=10)
names = st.text(min_size=1, max_size=6).filter(is_key_name)
signatures = st.builds(Signature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))


@settings(max_examples=60)
@given(st.lists(lines, min_size=1, max_size=4), st.lists(signatures, min_size=1, max_size=4))
def test_notes_go_there_and_back(text_lines: list[str], written: list[Signature]) -> None:
    text = "\n".join(text_lines) + "\n"
    raw = format_note(text, written)
    assert parse_note(raw) == (text, tuple(written))


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        ("", "name.hash.key"),
        ("PeterNeumann", "name.hash.key"),
        (PETER_VKEY.replace("PeterNeumann", "Peter Neumann"), "name.hash.key"),
        (PETER_VKEY.replace("PeterNeumann", "PeterNeumanm"), "its hash is not"),
        (PETER_VKEY.replace("c74f20a3", "C74F20A3"), "its hash is not"),
        (PETER_VKEY + "=", "not base64"),
        (PETER_VKEY[:-4], "kind or length"),
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "not base64"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "kind or length"),
        ("x" * 5000, "name.hash.key"),
    ],
)
def test_a_bad_vkey_is_refused_with_the_reason(vkey: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=f"^vkey: .*{reason}"):
        parse_vkey(vkey)


def test_what_no_note_can_hold_is_the_callers_fault() -> None:
    line = Signature(ORIGIN, key_hash(ORIGIN, ED25519, LOG_KEY.public), b"x")
    for text, written in [("no newline", [line]), ("tab\t\n", [line]), ("text\n", []), ("text\n", [line] * 101)]:
        with pytest.raises(MisuseError):
            format_note(text, written)
    for broken in (Signature("a b", b"hash", b"x"), Signature("a", b"has", b"x"), Signature("a", b"hash", b"")):
        with pytest.raises(MisuseError):
            format_note("text\n", [broken])


def test_names_of_keys_are_the_same_everywhere() -> None:
    assert is_key_name("example.com/foo") and is_key_name("ü.example") and is_key_name("\U0001f33e")
    spaces = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
    assert not any(is_key_name(f"a{letter}b") for letter in spaces + "+\x00\ud800")
    assert not is_key_name("") and not is_key_name("ü" * 128)
