"""A signed head before the auditor: every way in which it can be wanting, in a sentence."""

import pytest

from protocol.core.identity import generate
from protocol.core.note import COSIGNATURE_V1, ED25519, VerifierKey, format_vkey, parse_note
from protocol.log.audit.head_audit import NO_WITNESSES, audit_head
from protocol.log.checkpoint import sign_checkpoint
from protocol.log.cosignature import add_signature, sign_cosignature
from protocol.log.policy import Policy, parse_policy
from tests.protocol.log.audit.published_log import KEY, ORIGIN, head_of

NOTE = sign_checkpoint(head_of(5), KEY)
LOG_KEY = VerifierKey(ORIGIN, ED25519, KEY.public)
WITNESSES = {name: generate(bytes([number]) * 32) for number, name in enumerate(("anna", "ben", "cleo"), start=1)}
TIME_S = 1_700_000_000


def policy_of(quorum: str) -> Policy:
    lines = [f"log {format_vkey(ORIGIN, ED25519, KEY.public)}"]
    lines += [f"witness {name} {format_vkey(name, COSIGNATURE_V1, key.public)}" for name, key in WITNESSES.items()]
    lines += [f"group most {quorum} anna ben cleo", "quorum most"]
    return parse_policy("".join(line + "\n" for line in lines).encode())


def cosigned_by(*names: str) -> bytes:
    note, text = NOTE, parse_note(NOTE)[0]
    for name in names:
        line = sign_cosignature(text, name, WITNESSES[name], TIME_S)
        note = add_signature(note, line)
    return note


def test_a_head_with_its_quorum_is_wanting_in_nothing() -> None:
    found = audit_head(cosigned_by("anna", "cleo"), policy_of("2"))
    assert (found.checkpoint, found.findings) == (head_of(5), ())
    assert found.times_s == {"anna": TIME_S, "cleo": TIME_S}


def test_a_missing_cosignature_is_named() -> None:
    found = audit_head(cosigned_by("anna"), policy_of("2"))
    reason = "1 of 3 witnesses cosigned it, which is not the policy's quorum; missing: ben, cleo"
    assert [one.reason for one in found.findings] == [reason]


def test_a_false_cosignature_is_named_even_where_the_others_are_enough() -> None:
    note = cosigned_by("anna", "ben")
    text, signatures = parse_note(note)
    other = sign_cosignature(parse_note(sign_checkpoint(head_of(6), KEY))[0], "cleo", WITNESSES["cleo"], TIME_S)
    found = audit_head(add_signature(note, other), policy_of("2"))
    assert [one.reason for one in found.findings] == ["the cosignature of cleo is false"]
    assert (len(signatures), text) == (3, parse_note(NOTE)[0])


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (sign_checkpoint(head_of(5), generate(b"x" * 32)), "not signed by any key that is known"),
        (NOTE.replace(b"\n5\n", b"\n6\n"), "signature of north.example/log is wrong"),
        (b"nothing of the kind", "no signature lines"),
    ],
)
def test_a_head_that_the_log_did_not_sign_says_nothing(note: bytes, words: str) -> None:
    found = audit_head(note, NO_WITNESSES, LOG_KEY)
    assert found.checkpoint is None
    assert words in found.findings[0].reason


def test_the_log_key_alone_asks_for_no_cosignature() -> None:
    assert audit_head(cosigned_by("ben"), NO_WITNESSES, LOG_KEY).findings == ()
