"""Entries of a log: every field, every way to be wrong, and who has signed."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import ENTRY_BYTES_MAX, decode, encode
from protocol.core.errors import Finding, MisuseError, RefusedError
from protocol.core.identity import key_id
from protocol.core.record import (
    REFS_MAX,
    SIGS_MAX,
    Record,
    Reference,
    Sig,
    Statement,
    audit_audience,
    audit_author,
    embed_statement,
    enter_by_office,
    format_record,
    format_statement,
    leaf_hash_of,
    list_own_signers,
    parse_record,
    parse_statement,
    sign_statement,
    verify_statement,
)
from tests.protocol.core.values import (
    LOG_KEY,
    MEMBER_KEY,
    OFFICE_KEY,
    ORIGIN,
    PUBLIC_OF,
    bodies,
    flip_bit,
    kinds,
    load_vectors,
    references,
    statements,
)

LOG_ID, MEMBER_ID, OFFICE_ID = (key_id(key.public) for key in (LOG_KEY, MEMBER_KEY, OFFICE_KEY))
LEAF = bytes(range(32))
ENTRY = {
    "v": 1,
    "kind": "supply.product",
    "seq": 7,
    "at": 1_770_000_000_000,
    "by": LOG_ID,
    "refs": [["oak.example", 3, LEAF]],
    "body": {"name": "bread"},
    "sigs": [],
}
STATEMENT = Statement(
    kind="supply.price.agreement",
    at=1_770_000_000_000,
    by=MEMBER_ID,
    audience=ORIGIN,
    nonce=bytes(16),
    refs=(Reference("oak.example", 3, LEAF),),
    body={"price": 125},
)
OWN = sign_statement(STATEMENT, MEMBER_KEY)
SIGNED = embed_statement(STATEMENT, (OWN,), seq=8)

records = st.builds(
    Record,
    kind=kinds,
    seq=st.integers(0, 2**53 - 1),
    at=st.integers(0, 10**13),
    by=st.just(LOG_ID),
    refs=st.lists(references, max_size=3).map(tuple),
    body=bodies | st.binary(min_size=32, max_size=32),
)


@pytest.mark.parametrize("vector", load_vectors("core/records.json")["records"], ids=lambda vector: vector["says"])
def test_records_have_the_bytes_and_the_id_of_the_vectors(vector: dict[str, Any]) -> None:
    record = parse_record(vector["entry"])
    assert format_record(record) == vector["entry"]
    assert leaf_hash_of(vector["entry"]) == vector["leaf"] == hashlib.sha256(b"\0" + vector["entry"]).digest()
    assert decode(vector["entry"]) == vector["value"]
    assert verify_statement(record, PUBLIC_OF.get) == []


@settings(max_examples=60)
@given(records)
def test_plain_records_go_there_and_back(record: Record) -> None:
    assert parse_record(format_record(record)) == record


@settings(max_examples=40)
@given(statements, st.integers(0, 1000))
def test_signed_statements_go_there_and_back(statement: Statement, seq: int) -> None:
    record = embed_statement(statement, (sign_statement(statement, MEMBER_KEY),), seq)
    parsed = parse_record(format_record(record))
    assert parsed == record
    assert (parsed.body, parsed.by, parsed.refs) == (statement.body, statement.by, statement.refs)
    assert verify_statement(parsed, PUBLIC_OF.get) == []


def test_a_flipped_bit_of_a_signed_record_never_passes_for_the_same_words() -> None:
    raw = format_record(SIGNED)
    for bit in range(len(raw) * 8):
        try:
            changed = parse_record(flip_bit(raw, bit))
        except RefusedError:
            continue
        # What the member did not sign is the entry's own number alone.
        assert changed.seq != SIGNED.seq or verify_statement(changed, PUBLIC_OF.get)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"v": 2}, "entry.v: version 2 is not known to this node: update needed"),
        ({"v": "1"}, "entry.v: Expected `int`"),
        ({"kind": "product"}, "entry.kind: .*regex"),
        ({"kind": "Supply.product"}, "entry.kind: .*regex"),
        ({"kind": "supply.product\n"}, "entry.kind: .*regex"),
        ({"kind": "supply." + "x" * 60}, "entry.kind: .*length"),
        ({"seq": -1}, "entry.seq: "),
        ({"seq": 2**53}, "entry.seq: "),
        ({"seq": True}, "entry.seq: Expected `int`"),
        ({"at": -1}, "entry.at: "),
        ({"at": 253_402_300_800_000}, "entry.at: "),
        ({"by": LOG_ID[:31]}, "entry.by: .*length"),
        ({"by": LOG_ID.hex()}, "entry.by: "),
        ({"refs": {}}, "entry.refs: Expected `array`"),
        ({"refs": [["oak.example", 3]]}, r"entry.refs\[0\]: "),
        ({"refs": [["oak.example", 3, LEAF, 0]]}, r"entry.refs\[0\]: "),
        ({"refs": [["oak.example", 3, LEAF + b"x"]]}, r"entry.refs\[0\]\[2\]: .*length"),
        ({"refs": [["Oak.example", 3, LEAF]]}, r"entry.refs\[0\]\[0\]: .*regex"),
        ({"refs": [["oak.example/../mill", 3, LEAF]]}, r"entry.refs\[0\]\[0\]: .*regex"),
        ({"refs": [["oak.example", 3, LEAF]] * (REFS_MAX + 1)}, "entry.refs: .*length"),
        ({"body": None}, "entry.body: "),
        ({"body": "text"}, "entry.body: "),
        ({"body": []}, "entry.body: "),
        ({"body": bytes(31)}, "entry.body: a commitment has 32 bytes, not 31"),
        ({"sigs": [["ed25519", MEMBER_ID, bytes(64)]]}, "entry.body: signatures without the statement"),
        ({"sigs": None}, "entry.sigs: "),
        ({"colour": "red"}, "entry: .*unknown field `colour`"),
    ],
)
def test_an_entry_with_a_wrong_field_is_refused_with_its_place(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=f"^{reason}"):
        parse_record(encode(ENTRY | change))


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_an_entry_without_one_of_its_fields_is_refused(field: str) -> None:
    with pytest.raises(RefusedError, match=f"^entry: the field {field} is missing"):
        parse_record(encode({name: value for name, value in ENTRY.items() if name != field}))


@pytest.mark.parametrize("raw", [b"", b"\x90", b"\xc0", encode(ENTRY) + b"\0", b"\x91" * 99])
def test_bytes_that_are_no_entry_are_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_record(raw)


def signed_entry(**change: Any) -> dict[str, Any]:
    value = decode(format_record(SIGNED))
    assert isinstance(value, dict)
    return value | change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "supply.product"}, "entry.kind: not the same as in the statement"),
        ({"at": 5}, "entry.at: not the same as in the statement"),
        ({"by": LOG_ID}, "entry.by: not the same as in the statement"),
        ({"refs": []}, "entry.refs: not the same as in the statement"),
        ({"body": format_statement(STATEMENT) + b"\0"}, "encoding: not msgpack"),
        ({"body": encode([1])}, "entry.body: not a map"),
        ({"body": LEAF}, "encoding: |entry.body: "),
        ({"sigs": []}, "entry.body: a commitment has 32 bytes"),
        ({"sigs": [["ED25519", MEMBER_ID, bytes(64)]]}, r"entry.sigs\[0\]\[0\]: .*regex"),
        ({"sigs": [["ed25519", MEMBER_ID[:5], bytes(64)]]}, r"entry.sigs\[0\]\[1\]: .*length"),
        ({"sigs": [["ed25519", MEMBER_ID, b""]]}, r"entry.sigs\[0\]\[2\]: .*length"),
        ({"sigs": [["ed25519", MEMBER_ID, bytes(64)]] * (SIGS_MAX + 1)}, "entry.sigs: .*length"),
    ],
)
def test_an_entry_that_disagrees_with_its_statement_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=f"^({reason})"):
        parse_record(encode(signed_entry(**change)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"for": "two words"}, "statement.for: .*regex"),
        ({"for": ""}, "statement.for: "),
        ({"nonce": bytes(15)}, "statement.nonce: .*length"),
        ({"body": bytes(33)}, "statement.body: a commitment has 32 bytes, not 33"),
        ({"v": 0}, "statement.v: version 0 is not known"),
        ({"seq": 1}, "statement: .*unknown field `seq`"),
    ],
)
def test_a_statement_with_a_wrong_field_is_refused(change: dict[str, Any], reason: str) -> None:
    value = decode(format_statement(STATEMENT))
    with pytest.raises(RefusedError, match=f"^{reason}"):
        parse_statement(encode(value | change))


def test_nothing_is_written_that_would_not_be_read() -> None:
    for record in (
        Record(kind="nodot", seq=0, at=0, by=LOG_ID, body={}),
        Record(kind="a.b", seq=0, at=0, by=LOG_ID, body=b"short"),
        Record(kind="a.b", seq=0, at=0, by=LOG_ID, body={"text": "x" * ENTRY_BYTES_MAX}),
    ):
        with pytest.raises(RefusedError):
            format_record(record)
    for record in (
        msgspec.structs.replace(SIGNED, sigs=()),
        msgspec.structs.replace(SIGNED, statement=None),
        msgspec.structs.replace(SIGNED, at=5),
    ):
        with pytest.raises(MisuseError):
            format_record(record)


WRONG = "the signature is wrong"
UNKNOWN = "the key is not known here"
UNREAD = "signatures of kind {} are not read by this node: update needed"
UNSIGNED = Finding("sigs", "the author has not signed, and no office has entered it")
TWICE = Finding("sigs", "one key signs more than once")
COUNTER = sign_statement(STATEMENT, LOG_KEY)
OFFICE_ENTRY = enter_by_office(STATEMENT, OFFICE_KEY)
FORGED = Sig("ed25519", MEMBER_ID, bytes(64))


@pytest.mark.parametrize(
    ("sigs", "expected"),
    [
        pytest.param((OWN,), [], id="the author"),
        pytest.param((OWN, COUNTER), [], id="the author and a counter-signer"),
        pytest.param((OFFICE_ENTRY,), [], id="the office"),
        pytest.param((COUNTER,), [UNSIGNED], id="a counter-signer alone"),
        pytest.param((FORGED,), [Finding("sigs[0]", WRONG)], id="a forger"),
        pytest.param((OWN, FORGED), [Finding("sigs[1]", WRONG), TWICE], id="the author and a forger"),
        pytest.param(
            (OWN, Sig("ed25519", OFFICE_ID, OFFICE_ENTRY.signature)),
            [Finding("sigs[1]", WRONG)],
            id="the office's entry shown as a signature",
        ),
        pytest.param(
            (Sig("office", MEMBER_ID, OWN.signature),), [Finding("sigs[0]", WRONG)], id="a signature shown as an entry"
        ),
        pytest.param(
            (Sig("ed25519", LEAF, OWN.signature),), [Finding("sigs[0]", UNKNOWN), UNSIGNED], id="an unknown key"
        ),
        pytest.param(
            (Sig("mldsa44", MEMBER_ID, b"x"),),
            [Finding("sigs[0]", UNREAD.format("mldsa44"))],
            id="an algorithm of later years",
        ),
        pytest.param(
            (Sig("webauthn", MEMBER_ID, b"x"),), [Finding("sigs[0]", UNREAD.format("webauthn"))], id="a passkey"
        ),
        pytest.param((OWN, OWN), [TWICE], id="the author twice"),
    ],
)
def test_who_signed_decides_what_is_wrong(sigs: tuple[Sig, ...], expected: list[Finding]) -> None:
    record = parse_record(format_record(embed_statement(STATEMENT, sigs, 8)))
    assert verify_statement(record, PUBLIC_OF.get) == expected


def test_an_office_entry_never_counts_as_the_members_own() -> None:
    record = embed_statement(STATEMENT, (OWN, OFFICE_ENTRY), 8)
    assert list_own_signers(record) == [MEMBER_ID]
    assert list_own_signers(embed_statement(STATEMENT, (OFFICE_ENTRY,), 8)) == []


def test_a_public_key_of_another_id_is_no_proof() -> None:
    assert verify_statement(SIGNED, lambda _: LOG_KEY.public) == [Finding("sigs[0]", "the key is not known here")]


def test_without_signatures_only_the_logs_own_key_speaks() -> None:
    plain = parse_record(encode(ENTRY))
    assert audit_author(plain, LOG_ID) == []
    assert [finding.place for finding in audit_author(plain, OFFICE_ID)] == ["by"]
    assert audit_author(SIGNED, LOG_ID) == []


def test_a_statement_counts_only_where_it_was_meant_for() -> None:
    assert audit_audience(SIGNED, {ORIGIN}) == []
    assert [finding.place for finding in audit_audience(SIGNED, {"oak.example"})] == ["statement.for"]
    assert audit_audience(parse_record(encode(ENTRY)), {"oak.example"}) == []
