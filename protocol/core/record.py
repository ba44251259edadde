"""One entry of a log: what is said, by whom, when, leaning on what, and signed by whom.

Invariant: an entry parses in one way only; formatting what was parsed gives the same bytes.
Invariant: without signatures an entry speaks for its log's own key alone; with them it holds one whole statement.
Invariant: an entry made by the office never counts as the member's own signature.
Spec: docs/spec/core/record.md
"""

import hashlib
import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, Final, TypeVar

import msgspec

from protocol.core import identity
from protocol.core.encoding import Value, decode, encode, to_struct, to_value
from protocol.core.errors import Finding, MisuseError, RefusedError
from protocol.core.identity import KEY_ID_BYTES, SIGNATURE_BYTES, SigningKey, key_id
from protocol.core.origin import ORIGIN_BYTES_MAX, ORIGIN_PATTERN

VERSION: Final = 1
REFS_MAX: Final = 64
SIGS_MAX: Final = 16
KIND_LENGTH_MAX: Final = 64
AUDIENCE_LENGTH_MAX: Final = 512
SIGNATURE_BYTES_MAX: Final = 4_096
NONCE_BYTES: Final = 16
HASH_BYTES: Final = 32
# JSON readers hold integers below 2**53 exactly, and dates end with the year 9999.
INDEX_MAX: Final = 2**53 - 1
AT_MS_MAX: Final = 253_402_300_799_999

ED25519: Final = "ed25519"
OFFICE: Final = "office"

# One domain for each meaning: what the office signs can never be shown as signed by the member.
_DOMAINS = {ED25519: b"rochdale/record/v1", OFFICE: b"rochdale/office/v1"}
_KIND = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")

Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
KeyId = Annotated[bytes, msgspec.Meta(min_length=KEY_ID_BYTES, max_length=KEY_ID_BYTES)]
Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
Origin = Annotated[str, msgspec.Meta(pattern=ORIGIN_PATTERN, max_length=ORIGIN_BYTES_MAX)]
Index = Annotated[int, msgspec.Meta(ge=0, le=INDEX_MAX)]
TimeMs = Annotated[int, msgspec.Meta(ge=0, le=AT_MS_MAX)]
Kind = Annotated[str, msgspec.Meta(pattern=rf"^{_KIND.pattern}\Z", max_length=KIND_LENGTH_MAX)]
Audience = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z", max_length=AUDIENCE_LENGTH_MAX)]
Body = dict[str, Any] | bytes
"""A map of plain values, or the 32-byte commitment of a detached one."""


class Reference(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Another entry that this one leans on: its log's origin, its index there and its leaf hash."""

    origin: Origin
    index: Index
    leaf: Hash


class Sig(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A signature under a statement: algorithm, id of the key, bytes."""

    algorithm: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,16}\Z")]
    key_id: KeyId
    signature: Annotated[bytes, msgspec.Meta(min_length=1, max_length=SIGNATURE_BYTES_MAX)]


Refs = Annotated[tuple[Reference, ...], msgspec.Meta(max_length=REFS_MAX)]
Sigs = Annotated[tuple[Sig, ...], msgspec.Meta(max_length=SIGS_MAX)]


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody other than the log's owner says and signs, meant for one log or decision (`audience`)."""

    v: int = VERSION
    kind: Kind
    at: TimeMs
    by: KeyId
    audience: Audience = msgspec.field(name="for")
    nonce: Nonce
    refs: Refs = ()
    body: Body


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `body` is always what is said: also when it stands inside an embedded `statement`."""

    kind: Kind
    seq: Index
    at: TimeMs
    by: KeyId
    refs: Refs = ()
    body: Body
    sigs: Sigs = ()
    statement: Statement | None = None


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The map as it lies in the log."""

    v: int
    kind: Kind
    seq: Index
    at: TimeMs
    by: KeyId
    refs: Refs
    body: Body
    sigs: Sigs


Form = TypeVar("Form", _Entry, Statement)


def leaf_hash_of(raw: bytes) -> bytes:
    """The id of a record: the RFC 6962 leaf hash of its entry bytes."""
    return hashlib.sha256(b"\0" + raw).digest()


def embed_statement(statement: Statement, sigs: tuple[Sig, ...], seq: int) -> Record:
    """The record that carries a signed statement as entry `seq` of a log."""
    return Record(
        kind=statement.kind,
        seq=seq,
        at=statement.at,
        by=statement.by,
        refs=statement.refs,
        body=statement.body,
        sigs=sigs,
        statement=statement,
    )


def format_record(record: Record) -> bytes:
    """The entry bytes of a record; RefusedError, with the place, for what no node would parse; MisuseError where
    statement, signatures and record do not say the same."""
    if (record.statement is not None) != bool(record.sigs):
        raise MisuseError("a record has a statement exactly when it has signatures")
    if record.statement is not None and record != embed_statement(record.statement, record.sigs, record.seq):
        raise MisuseError("a record says something else than its statement")
    entry = _Entry(
        v=VERSION,
        kind=record.kind,
        seq=record.seq,
        at=record.at,
        by=record.by,
        refs=record.refs,
        body=record.body if record.statement is None else format_statement(record.statement),
        sigs=record.sigs,
    )
    value = to_value(entry)
    raw = encode(value)
    # One rule for both roads: what is written must be what would be read. These bytes decode to this very value.
    _open_entry(value)
    return raw


def parse_record(raw: bytes) -> Record:
    """The record of entry bytes; RefusedError with the place when they are anything else."""
    return _open_entry(decode(raw))


def _open_entry(value: Value) -> Record:
    entry = _open_form(value, _Entry, "entry")
    if entry.sigs:
        return _open_statement(entry)
    _check_body(entry.body, "entry.body")
    return Record(kind=entry.kind, seq=entry.seq, at=entry.at, by=entry.by, refs=entry.refs, body=entry.body)


def format_statement(statement: Statement) -> bytes:
    """The canonical bytes of a statement: these are signed, and these lie in the entry."""
    value = to_value(statement)
    raw = encode(value)
    _open_said(value, "statement")
    return raw


def parse_statement(raw: bytes, place: str = "statement") -> Statement:
    """The statement of canonical bytes; RefusedError with the place when they are anything else."""
    return _open_said(decode(raw), place)


def _open_said(value: Value, place: str) -> Statement:
    statement = _open_form(value, Statement, place)
    _check_body(statement.body, f"{place}.body")
    return statement


def sign_statement(statement: Statement, key: SigningKey) -> Sig:
    """The author's or a counter-signer's own Ed25519 signature."""
    return _sign(statement, ED25519, key)


def enter_by_office(statement: Statement, office_key: SigningKey) -> Sig:
    """The office's word that the author said this: signed by a key of the office, never the author's own."""
    return _sign(statement, OFFICE, office_key)


def verify_statement(record: Record, public_key_of: Callable[[bytes], bytes | None]) -> list[Finding]:
    """What is wrong with a record's signatures; an empty list when nothing is, or when it has none.

    `public_key_of` gives the 32-byte public key of a key id, None when it is unknown. The author (`by`) must have
    signed, or the office have entered it. Whether a key had the right to sign is for the grants to say.
    """
    if record.statement is None:
        return []
    raw = format_statement(record.statement)
    findings = [
        Finding(f"sigs[{index}]", reason)
        for index, sig in enumerate(record.sigs)
        if (reason := _describe_wrong(sig, raw, public_key_of)) is not None
    ]
    if len({sig.key_id for sig in record.sigs}) != len(record.sigs):
        findings.append(Finding("sigs", "one key signs more than once"))
    if record.by not in list_own_signers(record) and all(sig.algorithm != OFFICE for sig in record.sigs):
        findings.append(Finding("sigs", "the author has not signed, and no office has entered it"))
    return findings


def list_own_signers(record: Record) -> list[bytes]:
    """Ids of the keys that signed for themselves, office entries left out; true only once verify_statement is."""
    return [sig.key_id for sig in record.sigs if sig.algorithm != OFFICE]


def audit_author(record: Record, log_key_id: bytes) -> list[Finding]:
    """A record without signatures must be by its log's own key: otherwise it is void, and this says so."""
    if record.sigs or record.by == log_key_id:
        return []
    return [Finding("by", "not the key of this log, and nobody has signed")]


def audit_audience(record: Record, audiences: Collection[str]) -> list[Finding]:
    """A statement counts only where it was meant for: its log's origin or a decision that is read from it."""
    if record.statement is None or record.statement.audience in audiences:
        return []
    return [Finding("statement.for", "meant for another log or decision")]


def _open_statement(entry: _Entry) -> Record:
    if not isinstance(entry.body, bytes):
        raise RefusedError.at("entry.body", "signatures without the statement that they sign")
    statement = parse_statement(entry.body, "entry.body")
    record = embed_statement(statement, entry.sigs, entry.seq)
    for field in ("kind", "at", "by", "refs"):
        if getattr(record, field) != getattr(entry, field):
            raise RefusedError.at(f"entry.{field}", "not the same as in the statement")
    return record


def _open_form(value: Value, form: type[Form], place: str) -> Form:
    if not isinstance(value, dict):
        raise RefusedError.at(place, "not a map")
    version = value.get("v")
    if type(version) is int and version != VERSION:
        raise RefusedError.at(f"{place}.v", f"version {version} is not known to this node: update needed")
    # A default serves our own callers; in bytes every field is written out.
    for field in form.__struct_encode_fields__:
        if field not in value:
            raise RefusedError.at(place, f"the field {field} is missing")
    return to_struct(value, form, place)


def _check_body(body: Body, place: str) -> None:
    if isinstance(body, bytes) and len(body) != HASH_BYTES:
        raise RefusedError.at(place, f"a commitment has {HASH_BYTES} bytes, not {len(body)}")


def _sign(statement: Statement, algorithm: str, key: SigningKey) -> Sig:
    message = _DOMAINS[algorithm] + format_statement(statement)
    return Sig(algorithm, key_id(key.public), key.sign(message))


def _describe_wrong(sig: Sig, raw: bytes, public_key_of: Callable[[bytes], bytes | None]) -> str | None:
    domain = _DOMAINS.get(sig.algorithm)
    if domain is None:
        return f"signatures of kind {sig.algorithm} are not read by this node: update needed"
    public = public_key_of(sig.key_id)
    if public is None or key_id(public) != sig.key_id:
        return "the key is not known here"
    if len(sig.signature) != SIGNATURE_BYTES or not identity.verify(public, domain + raw, sig.signature):
        return "the signature is wrong"
    return None
