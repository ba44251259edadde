"""Canonical msgpack written from docs/spec/core/encoding.md with struct alone: for reading vectors as strangers do."""

import struct
from typing import Any


def pack(value: Any) -> bytes:
    """encoding.md."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return pack_integer(value)
    if isinstance(value, str):
        raw = value.encode()
        short = bytes([0xA0 | len(raw)]) if len(raw) < 32 else pack_length(len(raw), 0xD9, 0xDA, 0xDB)
        return short + raw
    if isinstance(value, bytes):
        return pack_length(len(value), 0xC4, 0xC5, 0xC6) + value
    if isinstance(value, dict):
        head = bytes([0x80 | len(value)]) if len(value) < 16 else pack_length(len(value), None, 0xDE, 0xDF)
        return head + b"".join(pack(key) + pack(value[key]) for key in sorted(value, key=str.encode))
    head = bytes([0x90 | len(value)]) if len(value) < 16 else pack_length(len(value), None, 0xDC, 0xDD)
    return head + b"".join(map(pack, value))


def pack_integer(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">b", value)
    forms = ((0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q"))
    if value < 0:
        forms = ((0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q"))
    for code, form in forms:
        bits = 8 * struct.calcsize(form)
        if -(2 ** (bits - 1)) <= value < (2**bits if value >= 0 else 0):
            return bytes([code]) + struct.pack(form, value)
    raise ValueError(value)


def pack_length(length: int, one: int | None, two: int, four: int) -> bytes:
    if one is not None and length < 2**8:
        return struct.pack(">BB", one, length)
    return struct.pack(">BH", two, length) if length < 2**16 else struct.pack(">BI", four, length)


def unpack(raw: bytes) -> Any:
    """The value of canonical bytes."""
    value, rest = unpack_one(raw)
    assert rest == b""
    return value


def unpack_one(raw: bytes) -> tuple[Any, bytes]:
    code = raw[0]
    if code < 0x80 or code >= 0xE0:
        return struct.unpack(">b", raw[:1])[0], raw[1:]
    if code in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[code], raw[1:]
    if 0xCC <= code <= 0xD3:
        form = ">" + "BHIQbhiq"[code - 0xCC]
        end = 1 + struct.calcsize(form)
        return struct.unpack(form, raw[1:end])[0], raw[end:]
    length, rest = unpack_length(raw)
    if code in (0xC4, 0xC5, 0xC6):
        return rest[:length], rest[length:]
    if 0xA0 <= code < 0xC0 or code in (0xD9, 0xDA, 0xDB):
        return rest[:length].decode(), rest[length:]
    is_map, members = 0x80 <= code < 0x90 or code in (0xDE, 0xDF), []
    for _ in range(length * (2 if is_map else 1)):
        member, rest = unpack_one(rest)
        members.append(member)
    return (dict(zip(members[::2], members[1::2], strict=True)) if is_map else members), rest


def unpack_length(raw: bytes) -> tuple[int, bytes]:
    code = raw[0]
    if code < 0xC0:
        return (code & 0x1F if code >= 0xA0 else code & 0x0F), raw[1:]
    forms = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
    form = forms.get(code) or (">I" if code & 1 else ">H")
    end = 1 + struct.calcsize(form)
    return struct.unpack(form, raw[1:end])[0], raw[end:]
