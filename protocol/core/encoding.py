"""One value, one string of bytes: the canonical msgpack that every record is written in.

Invariant: decoding then encoding gives the same bytes; anything else is refused.
Invariant: no float, no extension type, no integer beyond int64 and no key that is not text ever passes.
Spec: docs/spec/core/encoding.md
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from protocol.core.errors import MisuseError, RefusedError, shorten

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
    """The canonical bytes of a value; MisuseError for a type that has none, RefusedError past a limit or for text that
    is not Unicode."""
    try:
        _check_value(value, 1)
    except _UnfitError as unfit:
        if unfit.is_type:
            raise MisuseError(f"value{unfit.place}: {unfit.reason}") from None
        raise RefusedError.at("value" + unfit.place, unfit.reason) from None
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
    except UnicodeDecodeError:
        raise RefusedError.at("encoding", "text that is not valid UTF-8") from None
    except msgspec.MsgspecError as error:
        reason = str(error).removeprefix("MessagePack data is malformed: ")
        raise RefusedError.at("encoding", f"not msgpack: {reason}") from None
    except RecursionError:
        raise RefusedError.at("encoding", f"nested deeper than {DEPTH_MAX}") from None
    try:
        _check_value(value, 1)
    except _UnfitError as unfit:
        raise RefusedError.at("value" + unfit.place, unfit.reason) from None
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
        path, reason = split_misfit(error)
        raise RefusedError.at(place + path, shorten(reason)) from None


def split_misfit(error: msgspec.ValidationError) -> tuple[str, str]:
    """Where a value has another shape than was asked for, such as `.lines[2].amount` (empty: as a whole), and which."""
    reason, _, path = str(error).rpartition(" - at `")
    return (path.rstrip("`").removeprefix("$"), reason) if reason else ("", path)


def to_value(struct: object) -> Value:
    """A typed struct as plain values: bytes stay bytes, None stays None; defaults are left out where the struct says so
    (omit_defaults)."""
    return msgspec.to_builtins(struct, builtin_types=(bytes,))


class _UnfitError(Exception):
    """A value without a canonical form; its place is put together on the way out, where it costs nothing else."""

    def __init__(self, reason: str, is_type: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_type = is_type
        self.place = ""


def _check_value(value: Value, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind is int:
        if not INT_MIN <= value <= INT_MAX:
            raise _UnfitError("an integer beyond 64 bits")
    elif kind is dict:
        _check_members(value.items(), "", depth)
    elif kind is list or kind is tuple:
        _check_members(enumerate(value), "[]", depth)
    elif kind not in _SCALARS:
        raise _UnfitError(f"a value of type {kind.__name__} has no canonical form", is_type=True)


def _check_members(members: Iterable[tuple[Any, Value]], brackets: str, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _UnfitError(f"nested deeper than {DEPTH_MAX}")
    for key, member in members:
        if not brackets:
            if type(key) is not str:
                raise _UnfitError("a key that is no text", is_type=True)
            _check_text(key)
        try:
            _check_value(member, depth + 1)
        except _UnfitError as unfit:
            unfit.place = (f"[{key}]" if brackets else f".{shorten(key)}") + unfit.place
            raise


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _UnfitError("text that is not valid Unicode") from None


def _check_same_bytes(raw: bytes, canonical: bytes) -> None:
    if raw == canonical:
        return
    pairs = enumerate(zip(raw, canonical, strict=False))
    offset = next((index for index, (ours, theirs) in pairs if ours != theirs), min(len(raw), len(canonical)))
    raise RefusedError.at("encoding", f"not canonical at byte {offset}")


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
