"""One value, one string of bytes: the canonical msgpack that every record is written in.

Invariant: decoding then encoding gives the same bytes; anything else is refused.
Invariant: no float, no extension type, no integer beyond int64 and no key that is not text ever passes.
Spec: docs/spec/encoding.md
"""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from protocol.core.errors import MisuseError, RefusedError

DEPTH_MAX = 16
ENTRY_BYTES_MAX = 16_384
INT_MIN = -(2**63)
INT_MAX = 2**63 - 1

Value = Any
"""None, bool, int, str, bytes, a list of values or a dict from str to values."""

StructType = TypeVar("StructType")

# Sorted: keys in the order of their UTF-8 bytes, at every depth.
_ENCODER = msgspec.msgpack.Encoder(order="sorted")
_DECODER = msgspec.msgpack.Decoder()
_SCALARS = frozenset({type(None), bool, bytes})


def encode(value: Value, bytes_max: int = ENTRY_BYTES_MAX) -> bytes:
    """The canonical bytes of a value; MisuseError for a type that has none, RefusedError past a limit."""
    _check_value(value, "value", 1)
    raw = _ENCODER.encode(value)
    if len(raw) > bytes_max:
        raise RefusedError.at("value", f"{len(raw)} bytes when encoded, at most {bytes_max} are allowed")
    return raw


def decode(raw: bytes, bytes_max: int = ENTRY_BYTES_MAX) -> Value:
    """The value of canonical bytes; RefusedError with the place or offset for any other bytes."""
    if len(raw) > bytes_max:
        raise RefusedError.at("encoding", f"{len(raw)} bytes, at most {bytes_max} are allowed")
    try:
        value = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RefusedError.at("encoding", f"not msgpack: {_describe_malformed(error)}") from None
    except (RecursionError, TypeError):
        raise RefusedError.at("encoding", "nested too deeply or with keys that are no text") from None
    try:
        _check_value(value, "value", 1)
    except MisuseError as error:
        raise RefusedError.at("encoding", str(error)) from None
    _check_same_bytes(raw, _ENCODER.encode(value))
    return value


def to_struct(value: Value, struct_type: type[StructType], place: str = "body") -> StructType:
    """A decoded value as a typed struct, strictly: no unknown field, no conversion of types.

    `struct_type` and all structs in it must be declared with forbid_unknown_fields=True (MisuseError otherwise).
    RefusedError names the place below `place`, such as `body.lines[2].amount`.
    """
    hashable_type: Any = struct_type
    _check_struct_type(hashable_type)
    try:
        return msgspec.convert(value, struct_type, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        raise RefusedError.at(place + path.rstrip("`").removeprefix("$"), reason) from None


def to_value(struct: object) -> Value:
    """A typed struct as plain values: bytes stay bytes, fields that are None stay as explicit None."""
    return msgspec.to_builtins(struct, builtin_types=(bytes,))


def _check_value(value: Value, place: str, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value, place)
    elif kind is int:
        if not INT_MIN <= value <= INT_MAX:
            raise RefusedError.at(place, "an integer beyond 64 bits")
    elif kind is dict:
        _check_depth(place, depth)
        for key, member in value.items():
            if type(key) is not str:
                raise MisuseError(f"{place}: a key that is no text")
            _check_text(key, place)
            _check_value(member, f"{place}.{key}", depth + 1)
    elif kind is list or kind is tuple:
        _check_depth(place, depth)
        for index, member in enumerate(value):
            _check_value(member, f"{place}[{index}]", depth + 1)
    elif kind not in _SCALARS:
        raise MisuseError(f"{place}: a value of type {kind.__name__} has no canonical form")


def _check_text(text: str, place: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RefusedError.at(place, "text that is not valid Unicode") from None


def _check_depth(place: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise RefusedError.at(place[:80], f"nested deeper than {DEPTH_MAX}")


def _check_same_bytes(raw: bytes, canonical: bytes) -> None:
    if raw == canonical:
        return
    pairs = enumerate(zip(raw, canonical, strict=False))
    offset = next((index for index, (ours, theirs) in pairs if ours != theirs), min(len(raw), len(canonical)))
    raise RefusedError.at("encoding", f"not canonical at byte {offset}")


def _describe_malformed(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "text that is not valid UTF-8"
    return str(error).removeprefix("MessagePack data is malformed: ")


@lru_cache(maxsize=1024)
def _check_struct_type(struct_type: Any) -> None:
    """MisuseError when a struct anywhere in the type would silently drop unknown fields."""
    for config_owner in _list_structs(msgspec.inspect.type_info(struct_type), set()):
        if not config_owner.__struct_config__.forbid_unknown_fields:
            raise MisuseError(f"{config_owner.__name__} must be declared with forbid_unknown_fields=True")


def _list_structs(info: object, seen: set[type]) -> list[type[msgspec.Struct]]:
    found: list[type[msgspec.Struct]] = []
    if isinstance(info, msgspec.inspect.StructType):
        if info.cls in seen:
            return found
        seen.add(info.cls)
        found.append(info.cls)
        for field in info.fields:
            found += _list_structs(field.type, seen)
    elif isinstance(info, msgspec.inspect.UnionType):
        for member in info.types:
            found += _list_structs(member, seen)
    elif isinstance(info, msgspec.inspect.TupleType):
        for member in info.item_types:
            found += _list_structs(member, seen)
    elif isinstance(info, msgspec.inspect.DictType):
        found += _list_structs(info.value_type, seen)
    elif isinstance(info, msgspec.inspect.ListType | msgspec.inspect.VarTupleType | msgspec.inspect.SetType):
        found += _list_structs(info.item_type, seen)
    return found
