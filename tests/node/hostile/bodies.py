"""Bodies of every kind that satisfy their types and nothing else: whatever a hostile log may say within its form."""

import random
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import inspect

from protocol.record_kinds import KINDS

STRANGE_TEXTS = (
    "",
    "x",
    "\x1b[2J\u202e",
    "é" * 40,
    "0",
    "-",
    "in-house:loaf",
    "EUR",
    "2026-02-31",
    "../../etc",
    "__class__",
)
STRANGE_NUMBERS = (0, 1, -1, 2, 255, 10**6, 10**9, 2**31, 2**62, 2**63 - 1, -(2**63))
ITEMS_MAX = 3


class BodyMaker:
    """Makes bodies from a seed; `hashes` are live names (a federation, a call, a slot) that it likes to use."""

    def __init__(self, seed: int, hashes: Sequence[bytes] = (), texts: Sequence[str] = ()) -> None:
        self._random = random.Random(seed)
        self._hashes = [*hashes, bytes(32), b"\xff" * 32]
        self._texts = [*texts, *STRANGE_TEXTS]

    def make(self, kind: str) -> Any:
        """A plain value that the kind's type takes."""
        body = KINDS[kind].body
        value = self._value(inspect.type_info(body))
        msgspec.convert(value, body, strict=True)
        return value

    def _value(self, type_: inspect.Type) -> Any:
        match type_:
            case inspect.StructType():
                fields = {field.encode_name: self._value(field.type) for field in type_.fields}
                return list(fields.values()) if type_.array_like else fields
            case inspect.IntType():
                return self._number(type_)
            case inspect.StrType():
                return self._text(type_)
            case inspect.BytesType():
                return self._bytes(type_)
            case inspect.VarTupleType() | inspect.ListType():
                return self._items(type_.item_type, type_.min_length, type_.max_length)
            case inspect.TupleType():
                return [self._value(item) for item in type_.item_types]
            case inspect.DictType():
                keys = {self._value(type_.key_type) for _ in range(self._random.randint(0, ITEMS_MAX))}
                return {key: self._value(type_.value_type) for key in keys}
            case inspect.LiteralType():
                return self._random.choice(type_.values)
            case inspect.UnionType():
                return self._value(self._random.choice(type_.types))
            case inspect.BoolType():
                return self._random.random() < 0.5
            case inspect.NoneType():
                return None
            case inspect.AnyType():
                return self._random.choice([None, 0, "", b"", [], {}])
        raise AssertionError(f"no body can be made with {type_}")

    def _number(self, type_: inspect.IntType) -> int:
        low = -(2**63) if type_.ge is None else type_.ge
        low = low if type_.gt is None else type_.gt + 1
        high = 2**63 - 1 if type_.le is None else type_.le
        high = high if type_.lt is None else type_.lt - 1
        return self._random.choice([number for number in STRANGE_NUMBERS if low <= number <= high] + [low, high])

    def _text(self, type_: inspect.StrType) -> str:
        low, high = type_.min_length or 0, 2_000 if type_.max_length is None else type_.max_length
        fitting = [text for text in self._texts if low <= len(text) <= high]
        if type_.pattern is None:
            return self._random.choice(fitting or ["x" * low])
        matcher = msgspec.json.Decoder(type_to_check(type_))
        return self._random.choice([text for text in (*fitting, *PATTERNED) if fits(matcher, text)])

    def _bytes(self, type_: inspect.BytesType) -> bytes:
        low, high = type_.min_length or 0, 200 if type_.max_length is None else type_.max_length
        fitting = [one for one in self._hashes if low <= len(one) <= high]
        lengths = [length for length in (0, 1, 32, low, min(high, 200)) if low <= length <= high]
        return self._random.choice([*fitting, *fitting, self._random.randbytes(self._random.choice(lengths))])

    def _items(self, item: inspect.Type, min_length: int | None, max_length: int | None) -> list[Any]:
        low, high = min_length or 0, ITEMS_MAX if max_length is None else min(max_length, ITEMS_MAX)
        return [self._value(item) for _ in range(self._random.randint(low, max(low, high)))]


PATTERNED = ("a.example/log", "EUR", "C62", "in-house:loaf", "2026-03-01", "en", "bread", "a", "0" * 64)


def type_to_check(type_: inspect.StrType) -> Any:
    """The annotated type that msgspec checks a text against."""
    meta = msgspec.Meta(pattern=type_.pattern, min_length=type_.min_length, max_length=type_.max_length)
    return Annotated[str, meta]


def fits(matcher: "msgspec.json.Decoder[Any]", text: str) -> bool:
    """Whether a text passes the type's check."""
    try:
        matcher.decode(msgspec.json.encode(text))
    except msgspec.ValidationError:
        return False
    return True
