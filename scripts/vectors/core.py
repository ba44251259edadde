"""The vectors of the core: canonical bytes, records of every form, statements, commitments."""

from typing import Any

from protocol.core.commitment import Opening, commit_opening, format_opening
from protocol.core.encoding import decode, encode
from protocol.core.identity import key_id
from protocol.core.record import (
    Record,
    Reference,
    Statement,
    embed_statement,
    enter_by_office,
    format_record,
    format_statement,
    leaf_hash_of,
    sign_statement,
)
from scripts.vectors.made_up import AT_MS, HEX, KEYS, ORIGIN, describe_keys

OPENINGS = {
    "a whole body": Opening(
        origin=ORIGIN,
        kind="commons.post",
        field_path="body",
        value={"text": "made up, for a test"},
        salt=bytes(range(32)),
    ),
    "one field": Opening(
        origin=ORIGIN,
        kind="supply.cost_sheet",
        field_path="body.lines[2].amount",
        value=125,
        salt=bytes(range(32, 64)),
    ),
}
CANONICAL: list[tuple[str, Any]] = [
    ("nothing", None),
    ("no", False),
    ("yes", True),
    ("zero", 0),
    ("largest in one byte", 127),
    ("first that needs two bytes", 128),
    ("largest in two bytes", 255),
    ("first that needs three", 256),
    ("first that needs five", 2**16),
    ("first that needs nine", 2**32),
    ("greatest integer", 2**63 - 1),
    ("minus one", -1),
    ("least in one byte", -32),
    ("first negative in two bytes", -33),
    ("least integer", -(2**63)),
    ("empty text", ""),
    ("31 letters", "a" * 31),
    ("32 letters", "a" * 32),
    ("256 letters", "a" * 256),
    ("text beyond ASCII", "Müller 麦 🌾"),
    ("empty bytes", b""),
    ("eight bytes", bytes(range(8))),
    ("256 bytes", bytes(256)),
    ("empty list", []),
    ("16 members", [0] * 16),
    ("empty map", {}),
    ("keys in the order of their bytes", {"b": 1, "aa": 2, "a": 3, "é": 4, "": 5, "Z": 6}),
    ("keys beyond the first plane come last", {"\U0001f33e": 1, "\uffee": 2}),
    ("16 keys", {f"{number:02}": number for number in range(16)}),
    (
        "a nested value",
        {"lines": [{"amount": 125, "unit": "KGM"}, {"amount": -1, "unit": "C62"}], "proof": b"\1\2", "note": None},
    ),
]
REFUSED: list[tuple[str, bytes, str]] = [
    ("nothing at all", b"", "truncated"),
    ("a cut text", b"\xa3ab", "truncated"),
    ("bytes left over", b"\xc0\xc0", "trailing"),
    ("one as a two-byte integer", b"\xcc\x01", "not canonical at byte 0"),
    ("one as a signed byte", b"\xd0\x01", "not canonical at byte 0"),
    ("a short text with a long header", b"\xd9\x01a", "not canonical at byte 0"),
    ("a short list with a long header", b"\xdc\x00\x00", "not canonical at byte 0"),
    ("a short map with a long header", b"\xde\x00\x00", "not canonical at byte 0"),
    ("bytes with a long header", b"\xc5\x00\x00", "not canonical at byte 0"),
    ("keys out of order", b"\x82\xa1b\x01\xa1a\x02", "not canonical at byte 2"),
    ("the same key twice", b"\x82\xa1a\x01\xa1a\x02", "not canonical at byte 0"),
    ("a key that is a number", b"\x81\x01\x02", "a key that is no text"),
    ("a key that is bytes", b"\x81\xc4\x01a\x02", "a key that is no text"),
    ("a map as a key", b"\x81\x80\xc0", "not msgpack"),
    ("a float", b"\xcb\x3f\xf0" + bytes(6), "float has no canonical form"),
    ("a short float", b"\xca\x3f\x80\x00\x00", "float has no canonical form"),
    ("not a number", b"\xcb\x7f\xf8" + bytes(6), "float has no canonical form"),
    ("an extension", b"\xd4\x05\x00", "Ext has no canonical form"),
    ("a time stamp", b"\xd6\xff\x00\x00\x00\x01", "datetime has no canonical form"),
    ("an integer beyond int64", b"\xcf" + b"\xff" * 8, "beyond 64 bits"),
    ("text that is not UTF-8", b"\xa2\xc3\x28", "not valid UTF-8"),
    ("half a letter", b"\xa3\xed\xa0\x80", "not valid UTF-8"),
    ("the byte that msgpack never uses", b"\xc1", "not msgpack"),
    ("seventeen lists in one another", b"\x91" * 17 + b"\xc0", "nested deeper than 16"),
    ("a list that promises four thousand million members", b"\xdd\xff\xff\xff\xff", "truncated"),
]


def export_encoding() -> dict[str, Any]:
    """Values with their bytes, and bytes that are refused with a part of the reason."""
    return {
        "about": f"Canonical msgpack (docs/spec/core/encoding.md). {HEX}",
        "canonical": [{"says": says, "value": value, "encoded": encode(value)} for says, value in CANONICAL],
        "refused": [{"says": says, "encoded": raw, "reason": reason} for says, raw, reason in REFUSED],
    }


def export_records() -> dict[str, Any]:
    """Records of every form, a statement, and commitments with their openings."""
    return {
        "about": f"Records, statements and commitments (docs/spec/core/record.md, docs/spec/core/commitment.md). {HEX} "
        "Keys and content are made up.",
        "keys": describe_keys(),
        "statement": format_statement(_make_statement()),
        "records": [_describe_record(says, format_record(record)) for says, record in make_records().items()],
        "commitments": [
            {"says": says, "opening": format_opening(opening), "commitment": commit_opening(opening)}
            for says, opening in OPENINGS.items()
        ],
    }


def make_records() -> dict[str, Record]:
    """One record of every form, by what it is."""
    log_id, statement = key_id(KEYS["log"].public), _make_statement()
    own, counter = sign_statement(statement, KEYS["member"]), sign_statement(statement, KEYS["log"])
    detached = commit_opening(OPENINGS["a whole body"])
    disclosure = {"complete": True}
    return {
        "a product of the log's own co-op": _make_product(),
        "with a reference": Record(
            kind="supply.disclosure", seq=8, at=AT_MS, by=log_id, refs=statement.refs, body=disclosure
        ),
        "a detached body": Record(kind="commons.post", seq=9, at=AT_MS, by=log_id, body=detached),
        "signed by a member and the log's owner": embed_statement(statement, (own, counter), 10),
        "entered by the office": embed_statement(statement, (enter_by_office(statement, KEYS["office"]),), 11),
    }


def _make_product() -> Record:
    body = {"name": {"en": "bread"}, "unit": "KGM"}
    return Record(kind="supply.product", seq=7, at=AT_MS, by=key_id(KEYS["log"].public), body=body)


def _make_statement() -> Statement:
    return Statement(
        kind="supply.price.agreement",
        at=AT_MS,
        by=key_id(KEYS["member"].public),
        audience=ORIGIN,
        nonce=bytes(range(16)),
        refs=(Reference(ORIGIN, 7, leaf_hash_of(format_record(_make_product()))),),
        body={"price_cents": 125},
    )


def _describe_record(says: str, entry: bytes) -> dict[str, Any]:
    return {"says": says, "value": decode(entry), "entry": entry, "leaf": leaf_hash_of(entry)}


FILES = {"core/encoding.json": export_encoding, "core/records.json": export_records}
