"""One value, one string of bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.encoding import DEPTH_MAX, ENTRY_BYTES_MAX, decode, encode, to_struct, to_value
from protocol.core.errors import NAME_LENGTH_SHOWN, MisuseError, RefusedError
from tests.protocol.core.values import load_vectors, values

# The second opinion: another implementation of msgpack, without type hints of its own.
msgpack = pytest.importorskip("msgpack")


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: int
    evidence: bytes = b""
    note: str | None = None


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lines: list[Line]


class Loose(msgspec.Struct):
    amount: int


class HoldsLoose(msgspec.Struct, forbid_unknown_fields=True):
    parts: dict[str, Loose | None]


def nest(depth: int) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value]
    return value


def sort_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sort_keys(value[key]) for key in sorted(value, key=str.encode)}
    return [sort_keys(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("vector", load_vectors("core/encoding.json")["canonical"], ids=lambda vector: vector["says"])
def test_values_have_the_bytes_of_the_vectors(vector: dict[str, Any]) -> None:
    assert encode(vector["value"]) == vector["encoded"]
    assert decode(vector["encoded"]) == vector["value"]


@pytest.mark.parametrize("vector", load_vectors("core/encoding.json")["refused"], ids=lambda vector: vector["says"])
def test_other_bytes_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=vector["reason"]):
        decode(vector["encoded"])


@settings(max_examples=80)
@given(values)
def test_encoding_agrees_with_another_msgpack_and_comes_back(value: Any) -> None:
    raw = encode(value)
    assert raw == msgpack.packb(sort_keys(value))
    assert decode(raw) == value


@settings(max_examples=150)
@given(st.binary(max_size=24))
def test_whatever_decodes_encodes_to_the_same_bytes(raw: bytes) -> None:
    try:
        value = decode(raw)
    except RefusedError:
        return
    assert encode(value) == raw


@settings(max_examples=80)
@given(values, st.data())
def test_one_flipped_bit_never_gives_the_same_value(value: Any, data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        assert encode(decode(bytes(raw))) == bytes(raw) != encode(value)
    except RefusedError as refused:
        assert refused.findings


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), {1: "a key that is a number"}, {b"a": 1}, {"deep": [object()]}, {1, 2}, bytearray(b"x")],
    ids=lambda value: type(value).__name__,
)
def test_types_without_a_form_are_the_callers_fault(value: Any) -> None:
    with pytest.raises(MisuseError):
        encode(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": [2**63]}, r"value\.a\[0\]: an integer beyond 64 bits"),
        (-(2**63) - 1, "beyond 64 bits"),
        ({"a": "\ud800"}, r"value\.a: text that is not valid Unicode"),
        (nest(DEPTH_MAX + 1), "nested deeper than 16"),
        (b"x" * ENTRY_BYTES_MAX, "16387 bytes when encoded, at most 16384"),
    ],
    ids=["too great", "too small", "half a letter", "too deep", "too long"],
)
def test_values_beyond_a_limit_are_refused_with_their_place(value: Any, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        encode(value)


def test_the_limits_themselves_are_allowed() -> None:
    assert decode(encode(nest(DEPTH_MAX))) == nest(DEPTH_MAX)
    assert len(encode(b"x" * (ENTRY_BYTES_MAX - 3))) == ENTRY_BYTES_MAX
    with pytest.raises(RefusedError, match="5 bytes, at most 4"):
        decode(encode("four"), bytes_max=4)
    assert decode(encode("four"), bytes_max=5) == "four"


def test_hostile_headers_are_refused_before_they_take_memory() -> None:
    for header in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdc\x3f\xff" * 5000, b"\x91" * ENTRY_BYTES_MAX):
        with pytest.raises(RefusedError):
            decode(header)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"lines": [{"amount": 1}, {"amount": "1"}]}, r"body\.lines\[1\]\.amount: Expected `int`, got `str`"),
        ({"lines": [{"amount": True}]}, r"body\.lines\[0\]\.amount: Expected `int`, got `bool`"),
        ({"lines": [{"amount": 1, "colour": 2}]}, r"body\.lines\[0\]: .*unknown field `colour`"),
        ({"lines": [{}]}, r"body\.lines\[0\]: .*missing required field `amount`"),
        ({"lines": [{"amount": 1, "evidence": "AAAA"}]}, r"body\.lines\[0\]\.evidence: Expected `bytes`, got `str`"),
        ({"lines": {}}, "body.lines: Expected `array`"),
        (7, "body: Expected `object`, got `int`"),
    ],
    ids=["text for a number", "a yes for a number", "unknown field", "missing", "base64", "map for list", "no map"],
)
def test_a_body_of_another_shape_is_refused_with_its_place(value: Any, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        to_struct(value, Sheet)


def test_structs_go_there_and_back_with_bytes_and_explicit_none() -> None:
    sheet = Sheet([Line(5, b"\0"), Line(-1, note="late")])
    assert to_value(sheet)["lines"][0] == {"amount": 5, "evidence": b"\0", "note": None}
    assert to_struct(decode(encode(to_value(sheet))), Sheet) == sheet


def test_a_struct_that_would_drop_unknown_fields_is_the_callers_fault() -> None:
    with pytest.raises(MisuseError, match="Loose must be declared"):
        to_struct({"parts": {}}, HoldsLoose)


def test_a_name_is_said_whole_up_to_a_limit() -> None:
    for length, shown in ((NAME_LENGTH_SHOWN, "x" * NAME_LENGTH_SHOWN), (NAME_LENGTH_SHOWN + 1, "x" * 120 + "…")):
        with pytest.raises(RefusedError) as caught:
            encode({"x" * length: 2**64})
        assert caught.value.findings[0].place == f"value.{shown}"


def test_a_long_hostile_name_does_not_fill_the_error() -> None:
    with pytest.raises(RefusedError) as caught:
        to_struct({"lines": [], "x" * 10_000: 1}, Sheet)
    assert len(str(caught.value)) < 400
    with pytest.raises(RefusedError) as caught:
        encode({"x" * 10_000: 2**64})
    assert len(str(caught.value)) < 400
