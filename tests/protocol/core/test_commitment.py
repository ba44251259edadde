"""Commitments: nothing is shown before it is opened, and then nothing else can be shown."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.commitment import (
    FIELD_PATH_LENGTH_MAX,
    OPENING_BYTES_MAX,
    Opening,
    check_opening,
    commit,
    commit_opening,
    format_opening,
    parse_opening,
)
from protocol.core.encoding import decode, encode
from protocol.core.errors import MisuseError, PeerError, RefusedError
from tests.protocol.core.values import ORIGIN, load_vectors, values

SALT = bytes(range(32))
OPENING = Opening(origin=ORIGIN, kind="supply.cost_sheet", field_path="body.lines[2].amount", value=125, salt=SALT)


@pytest.mark.parametrize("vector", load_vectors("core/records.json")["commitments"], ids=lambda vector: vector["says"])
def test_commitments_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    opening = parse_opening(vector["opening"])
    assert commit_opening(opening) == vector["commitment"]
    hidden = encode([opening.origin, opening.kind, opening.field_path, opening.value])
    assert hashlib.sha256(b"rochdale/commitment/v1\0" + opening.salt + hidden).digest() == vector["commitment"]


@settings(max_examples=60)
@given(values, st.binary(min_size=32, max_size=32))
def test_an_opening_travels_and_opens_its_commitment(value: Any, salt: bytes) -> None:
    opening = Opening(origin=ORIGIN, kind="a.b", field_path="body", value=value, salt=salt)
    check_opening(commit(ORIGIN, "a.b", "body", value, salt), parse_opening(format_opening(opening)))


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "oak.example"},
        {"kind": "supply.cost"},
        {"field_path": "body.lines[3].amount"},
        {"value": 126},
        {"value": None},
        {"value": "125"},
        {"salt": bytes(32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_nothing_else_opens_a_commitment(change: dict[str, Any]) -> None:
    commitment = commit_opening(OPENING)
    check_opening(commitment, OPENING)
    with pytest.raises(PeerError, match="does not open"):
        check_opening(commitment, msgspec.structs.replace(OPENING, **change))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"origin": "two words"}, "opening.origin"),
        ({"kind": "nodot"}, "opening.kind"),
        ({"field_path": "lines"}, "opening.field_path"),
        ({"field_path": "body" + "x" * 300}, "opening.field_path"),
        ({"salt": bytes(31)}, "opening.salt"),
        ({"more": 1}, "opening"),
    ],
)
def test_a_malformed_opening_is_refused_with_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(RefusedError, match=f"^{place}: "):
        parse_opening(encode(decode(format_opening(OPENING)) | change))


def test_a_field_path_may_be_as_long_as_its_limit_and_no_longer() -> None:
    longest = msgspec.structs.replace(OPENING, field_path="body".ljust(FIELD_PATH_LENGTH_MAX, "x"))
    assert parse_opening(format_opening(longest)) == longest
    with pytest.raises(RefusedError, match=r"^opening\.field_path: "):
        format_opening(msgspec.structs.replace(longest, field_path=longest.field_path + "x"))


def test_an_opening_has_limits() -> None:
    with pytest.raises(RefusedError, match="opening: not a map"):
        parse_opening(encode([1]))
    with pytest.raises(RefusedError, match="at most"):
        format_opening(msgspec.structs.replace(OPENING, value="x" * OPENING_BYTES_MAX))
    with pytest.raises(MisuseError, match="a salt has 32 bytes, not 5"):
        commit(ORIGIN, "a.b", "body", 1, b"short")
