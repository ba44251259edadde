"""The bytes of a frame: one type byte, then a fixed header and raw bytes, or canonical msgpack for small messages.

Invariant: a frame parses in one way only, and formatting what was parsed gives the same bytes.
Invariant: nothing of an entry is decoded here; bulk bytes pass as they are.
Spec: docs/spec/gossip/session.md
"""

import re
import struct
from collections.abc import Callable
from typing import Any, Final

from protocol.core import encoding
from protocol.core.commitment import OPENING_BYTES_MAX
from protocol.core.errors import MisuseError, PeerError, RefusedError
from protocol.core.quantities import divide_up
from protocol.gossip import limits
from protocol.gossip.messages import (
    Ask,
    Bundle,
    Bye,
    Cosig,
    Fetch,
    FilePart,
    FileWant,
    Fork,
    ForwardJoin,
    Graft,
    Have,
    Head,
    HeadMark,
    Hello,
    Message,
    OpeningWant,
    Ping,
    Pong,
    Prune,
    Push,
    Reveal,
    Shuffle,
    Want,
)
from protocol.gossip.overlay import limits as overlay

_HAVE = struct.Struct(">QBH")
_MARK = struct.Struct(f">Q{limits.ROOT_MARK_BYTES}s{limits.COSIGNERS_MARK_BYTES}sB")
_HEAD = struct.Struct(">IBH")
_BUNDLE = struct.Struct(">IHH")
_WANT = struct.Struct(">QB")
_PUSH = struct.Struct(">HBH")
_FILE = struct.Struct(">32sII")
_ROOT_BYTES = 32

_SMALL_TYPES: Final[dict[int, type[Message]]] = {
    0x01: Hello,
    0x04: Ask,
    0x06: Fetch,
    0x09: Cosig,
    0x0A: Fork,
    0x0B: FileWant,
    0x0D: Ping,
    0x0E: Pong,
    0x0F: Bye,
    0x10: OpeningWant,
    0x11: Reveal,
    0x20: Graft,
    0x21: Prune,
    0x22: ForwardJoin,
    0x23: Shuffle,
}
_SMALL_CODES: Final = {message_type: code for code, message_type in _SMALL_TYPES.items()}
_HAVE_CODE, _WANT_CODE, _HEAD_CODE, _BUNDLE_CODE, _PUSH_CODE, _FILE_CODE = 0x02, 0x03, 0x05, 0x07, 0x08, 0x0C
_NOTE_LOG = re.compile(rb"([!-~]{1,255})\n(0|[1-9][0-9]{0,15})\n")
"""What a head's note begins with: the log and its size."""

ENTRY_CODES: Final = tuple(bytes([code]) for code in (_HEAD_CODE, _BUNDLE_CODE, _FILE_CODE))
"""First bytes of the frames that answer what was asked for."""


def format_frame(message: Message) -> bytes:
    """The bytes of a message; MisuseError when they would pass the limit of a frame."""
    code = _SMALL_CODES.get(type(message))
    if code is None:
        raw = _BULK_FORMATS[type(message)](message)
    else:
        raw = bytes([code]) + encoding.encode(encoding.to_value(message), limits.FRAME_BYTES_MAX)
    if len(raw) > limits.FRAME_BYTES_MAX:
        raise MisuseError(f"a {type(message).__name__} frame of {len(raw)} bytes")
    return raw


def parse_frame(raw: bytes) -> Message:
    """The message of a frame; PeerError names what is wrong with it."""
    if not raw or len(raw) > limits.FRAME_BYTES_MAX:
        raise PeerError(f"frame: {len(raw)} bytes, 1 to {limits.FRAME_BYTES_MAX} are allowed")
    code = raw[0]
    small = _SMALL_TYPES.get(code)
    if small is not None:
        return _parse_small(raw, small)
    parse = _BULK_PARSERS.get(code)
    if parse is None:
        raise PeerError(f"frame: unknown type {code}")
    return parse(_Reader(raw))


def _parse_small(raw: bytes, message_type: type[Message]) -> Message:
    try:
        message = encoding.to_struct(encoding.decode(raw[1:], limits.FRAME_BYTES_MAX), message_type, "frame")
    except RefusedError as error:
        raise PeerError(f"{message_type.__name__} frame: {error.reason}") from None
    _check_small(message)
    return message


def _check_small(message: Message) -> None:
    """Lengths and ranges that the types alone do not say."""
    match message:
        case Hello():
            _check(len(message.epoch) == limits.EPOCH_BYTES, "Hello: an epoch of a wrong length")
            _check(len(message.seen_epoch) in (0, limits.EPOCH_BYTES), "Hello: a seen epoch of a wrong length")
            _check(message.seen_change >= 0, "Hello: a negative change")
        case Ask():
            _check(1 <= len(message.origins) <= limits.ASK_ORIGINS_MAX, "Ask: a wrong number of origins")
        case Fetch():
            fits = message.first >= 0 and 1 <= message.count <= limits.FETCH_BUNDLES and message.size > 0
            _check(fits, "Fetch: a wrong range of bundles")
        case Cosig():
            fits = message.size > 0 and 0 < len(message.line) <= limits.COSIGNATURE_LINE_BYTES_MAX
            _check(fits, "Cosig: a wrong size or line")
        case Fork():
            longest = max(len(message.note_a), len(message.note_b))
            fits = bool(message.note_a) and longest <= limits.NOTE_BYTES_MAX
            _check(fits and len(message.proof) <= limits.PROOF_BYTES_MAX, "Fork: notes or proof of a wrong length")
        case FileWant():
            fits = len(message.sha256) == 32 and 0 <= message.offset < limits.FILE_BYTES_MAX
            _check(fits, "FileWant: a wrong hash or offset")
        case OpeningWant():
            fits = 1 <= len(message.commitments) <= limits.OPENINGS_WANTED_MAX
            _check(fits and all(len(one) == _ROOT_BYTES for one in message.commitments), "OpeningWant: wrong hashes")
        case Reveal():
            _check(0 < len(message.opening) <= OPENING_BYTES_MAX, "Reveal: an opening of a wrong length")
        case Ping():
            _check(message.counter >= 0, "Ping: a negative counter")
        case ForwardJoin():
            _check(0 <= message.links <= overlay.WALK_LINKS, "ForwardJoin: a wrong number of links")
        case Shuffle():
            _check(len(message.origins) <= overlay.SHUFFLE_ORIGINS_MAX, "Shuffle: too many origins")
        case Bye():
            _check(len(message.reason) <= limits.REASON_LENGTH_MAX, "Bye: a reason that is too long")


def _check(is_well: bool, reason: str) -> None:
    if not is_well:
        raise PeerError(f"frame {reason}")


class _Reader:
    """A frame read from front to back; PeerError when it ends too early or too late."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._place = 1

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        stop = self._place + count
        if stop > len(self._raw):
            raise PeerError(f"frame: truncated, {stop - len(self._raw)} bytes are missing")
        part = self._raw[self._place : stop]
        self._place = stop
        return part

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The next fields of a fixed layout; no number beyond what a record or a table could hold."""
        fields = layout.unpack(self.take(layout.size))
        if any(isinstance(field, int) and field > encoding.INT_MAX for field in fields):
            raise PeerError("frame: a number beyond 2^63 - 1")
        return fields

    def origin(self) -> str:
        """The next origin: one byte of length, then ASCII."""
        (length,) = self.take(1)
        try:
            return self.take(length).decode("ascii")
        except UnicodeDecodeError:
            raise PeerError("frame: an origin that is not ASCII") from None

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._raw) - self._place)

    def end(self) -> None:
        """PeerError unless everything was read."""
        if self._place != len(self._raw):
            raise PeerError(f"frame: {len(self._raw) - self._place} bytes too many")


def _parse_have(reader: _Reader) -> Have:
    counter, last, count = reader.unpack(_HAVE)
    heads = tuple(HeadMark(reader.origin(), *reader.unpack(_MARK)) for _ in range(count))
    reader.end()
    # Each head may make us fold a whole log's bundle roots, so a log is named once.
    _check(len({mark.origin for mark in heads}) == count, "Have: a log named twice")
    return Have(heads, counter, _parse_flag(last))


def _parse_head(reader: _Reader) -> Head:
    origin = reader.origin()
    first, last, note_bytes = reader.unpack(_HEAD)
    _check(0 < note_bytes <= limits.NOTE_BYTES_MAX, "Head: a note of a wrong length")
    note, roots = reader.take(note_bytes), reader.rest()
    fits = len(roots) % _ROOT_BYTES == 0 and 0 < len(roots) <= limits.ROOTS_PER_FRAME * _ROOT_BYTES
    _check(fits, "Head: a wrong number of root bytes")
    return Head(origin, first, note, roots, _parse_flag(last))


def _parse_bundle(reader: _Reader) -> Bundle:
    origin = reader.origin()
    number, part, parts = reader.unpack(_BUNDLE)
    _check(part < parts <= limits.BUNDLE_PARTS_MAX, "Bundle: a wrong number of parts")
    raw = reader.rest()
    # All parts but the last are full, so that a bundle is cut in one way only.
    fits = 0 < len(raw) <= limits.PART_BYTES if part == parts - 1 else len(raw) == limits.PART_BYTES
    _check(fits, "Bundle: a part of a wrong length")
    return Bundle(origin, number, part, parts, raw)


def _parse_want(reader: _Reader) -> Want:
    origin = reader.origin()
    start, grafted = reader.unpack(_WANT)
    reader.end()
    return Want(origin, start, _parse_flag(grafted))


def _parse_push(reader: _Reader) -> Push:
    count, hops, note_bytes = reader.unpack(_PUSH)
    _check(0 < note_bytes <= limits.NOTE_BYTES_MAX, "Push: a note of a wrong length")
    _check(1 <= count <= limits.PUSH_ENTRIES_MAX, "Push: a wrong number of entries")
    note = reader.take(note_bytes)
    named = _NOTE_LOG.match(note)
    if named is None or int(named[2]) < count:
        raise PeerError("frame Push: a note that does not begin with a log and a size that so many entries lead to")
    return Push(named[1].decode("ascii"), int(named[2]) - count, count, note, reader.rest(), hops)


def _parse_file(reader: _Reader) -> FilePart:
    digest, offset, total = reader.unpack(_FILE)
    raw = reader.rest()
    fits = total <= limits.FILE_BYTES_MAX and offset + len(raw) <= total and bool(raw) == bool(total)
    _check(fits, "FilePart: a piece outside its file")
    return FilePart(digest, offset, total, raw)


def _parse_flag(value: int) -> bool:
    _check(value in (0, 1), "with a flag that is neither 0 nor 1")
    return value == 1


def _format_origin(origin: str) -> bytes:
    raw = origin.encode("ascii")
    return bytes([len(raw)]) + raw


def _format_have(message: Have) -> bytes:
    marks = [_format_origin(mark.origin) + _MARK.pack(*mark[1:]) for mark in message.heads]
    return bytes([_HAVE_CODE]) + _HAVE.pack(message.counter, message.is_last, len(marks)) + b"".join(marks)


def _format_head(message: Head) -> bytes:
    header = _HEAD.pack(message.first, message.is_last, len(message.note))
    return bytes([_HEAD_CODE]) + _format_origin(message.origin) + header + message.note + message.roots


def _format_bundle(message: Bundle) -> bytes:
    header = _BUNDLE.pack(message.number, message.part, message.parts)
    return bytes([_BUNDLE_CODE]) + _format_origin(message.origin) + header + message.raw


def _format_want(message: Want) -> bytes:
    return bytes([_WANT_CODE]) + _format_origin(message.origin) + _WANT.pack(message.start, message.is_grafted)


def _format_push(message: Push) -> bytes:
    if not message.note.startswith(f"{message.origin}\n{message.start + message.count}\n".encode("ascii")):
        raise MisuseError(f"a push of {message.origin} under a note that does not name it and its end")
    header = _PUSH.pack(message.count, message.hops, len(message.note))
    return bytes([_PUSH_CODE]) + header + message.note + message.entries


def _format_file(message: FilePart) -> bytes:
    return bytes([_FILE_CODE]) + _FILE.pack(message.sha256, message.offset, message.total) + message.raw


_BULK_FORMATS: Final[dict[type[Message], Callable[[Any], bytes]]] = {
    Have: _format_have,
    Want: _format_want,
    Head: _format_head,
    Bundle: _format_bundle,
    Push: _format_push,
    FilePart: _format_file,
}
_BULK_PARSERS: Final[dict[int, Callable[[_Reader], Message]]] = {
    _HAVE_CODE: _parse_have,
    _WANT_CODE: _parse_want,
    _HEAD_CODE: _parse_head,
    _BUNDLE_CODE: _parse_bundle,
    _PUSH_CODE: _parse_push,
    _FILE_CODE: _parse_file,
}


def cut_bundle(origin: str, number: int, raw: bytes) -> list[bytes]:
    """The frames of a bundle, in order."""
    parts = divide_up(len(raw), limits.PART_BYTES)
    pieces = (raw[part * limits.PART_BYTES : (part + 1) * limits.PART_BYTES] for part in range(parts))
    return [_format_bundle(Bundle(origin, number, part, parts, piece)) for part, piece in enumerate(pieces)]


def cut_head(origin: str, first: int, note: bytes, roots: list[bytes]) -> list[bytes]:
    """The frames of a head with its bundle roots, in order."""
    frames = []
    for start in range(0, len(roots), limits.ROOTS_PER_FRAME):
        page = b"".join(roots[start : start + limits.ROOTS_PER_FRAME])
        is_last = start + limits.ROOTS_PER_FRAME >= len(roots)
        frames.append(format_frame(Head(origin, first + start, note, page, is_last)))
    return frames


def cut_have(marks: list[HeadMark], counter: int, is_last: bool = True) -> list[bytes]:
    """The frames of a frontier; only the last one says the counter (none with `is_last` false); always at least one."""
    room = limits.FRAME_BYTES_MAX - 1 - _HAVE.size
    pages: list[list[HeadMark]] = [[]]
    used = 0
    for mark in marks:
        length = 1 + len(mark.origin) + _MARK.size
        if used + length > room or len(pages[-1]) == 0xFFFF:
            pages.append([])
            used = 0
        pages[-1].append(mark)
        used += length
    last = len(pages) - 1
    return [
        format_frame(Have(tuple(page), counter if is_last and index == last else 0, is_last and index == last))
        for index, page in enumerate(pages)
    ]
