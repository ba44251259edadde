"""How a log is handed to a mirror, package by package, and what the mirror may say it holds.

Invariant: no entry is kept that is not proven to stand under a signed head; a package is judged on its own, so an
interrupted upload goes on where it stopped.
Invariant: a mirror signs a head only when every entry below it is on disk, and never one below the last it signed.
Spec: docs/spec/log/mirror.md (c2sp.org/tlog-mirror)
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from protocol.core.errors import MisuseError, PeerError
from protocol.core.origin import ORIGIN_BYTES_MAX, check_origin, is_origin
from protocol.core.record import HASH_BYTES
from protocol.log.bundle import BUNDLE_BYTES_MAX, BUNDLE_ENTRIES, LENGTH_BYTES, format_bundle, parse_bundle
from protocol.log.checkpoint import SIZE_MAX
from protocol.log.merkle import PROOF_HASHES_MAX, HashReader, fold, leaf_hash
from protocol.log.subtree import check_subtree, prove_subtree
from protocol.log.witness import BAD_REQUEST, CONFLICT, NOT_FOUND, OK, UNPROCESSABLE, Verdict

ACCEPTED: Final = 202
INFO_TYPE: Final = "text/x.tlog.mirror-info"

PACKAGES_PER_REQUEST: Final = 32
"""What tlog-mirror asks clients to send at most in one request: 8,192 entries."""
EXCESS_ENTRIES_MAX: Final = PACKAGES_PER_REQUEST * BUNDLE_ENTRIES
PENDING_HEADS_MAX: Final = 8
"""To how many of a log's last heads an upload may be proven, so that one need not begin anew when the log grows."""
TICKET_BYTES_MAX: Final = 65_535
HEADER_BYTES_MAX: Final = LENGTH_BYTES + ORIGIN_BYTES_MAX + 16 + LENGTH_BYTES + TICKET_BYTES_MAX
PACKAGE_BYTES_MAX: Final = BUNDLE_BYTES_MAX + 1 + PROOF_HASHES_MAX * HASH_BYTES
INFO_BYTES_MAX: Final = 100_000

_SIZE_BYTES = 8
_INFO = re.compile(r"(0|[1-9][0-9]{0,15})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]*={0,2})\n", re.ASCII)


class EntriesHeader(msgspec.Struct, frozen=True):
    """How an add-entries request begins: log, first entry sent, size of the head proven to, the mirror's ticket."""

    origin: str
    start: int
    end: int
    ticket: bytes = b""


class Span(msgspec.Struct, frozen=True):
    """What one package carries: entries start..end of the bundle that begins at `base`."""

    base: int
    start: int
    end: int


class Package(msgspec.Struct, frozen=True):
    """Entries of one bundle and the proof that the bundle, up to the last of them, stands in the log."""

    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]


class MirrorInfo(msgspec.Struct, frozen=True):
    """Where an upload goes on: the size of a pending head, the next entry wanted, a ticket to send along."""

    size: int
    next_entry: int
    ticket: bytes = b""


class MirrorState(msgspec.Struct, frozen=True):
    """What a mirror has of a log: roots of heads by size, the size it signed last, and the next entry it wants.

    The heads are the last pending ones and the signed one; none before the log's first. An upload may be proven to
    any of them.
    """

    pending: Mapping[int, bytes]
    signed_size: int
    next_entry: int


def mirror_prefix(origin: str) -> str:
    """The folder under which witnesses and mirrors serve a log: lower-case hex of the origin's SHA-256."""
    return hashlib.sha256(origin.encode()).hexdigest()


def format_entries_header(header: EntriesHeader) -> bytes:
    """The bytes before the first package."""
    check_origin(header.origin)
    if not 0 <= header.start <= header.end <= SIZE_MAX or len(header.ticket) > TICKET_BYTES_MAX:
        raise MisuseError("an upload needs a start that is not above its end, and a ticket that fits")
    origin = header.origin.encode()
    sizes = header.start.to_bytes(_SIZE_BYTES) + header.end.to_bytes(_SIZE_BYTES)
    return _prefixed(origin) + sizes + _prefixed(header.ticket)


def parse_entries_header(raw: bytes) -> tuple[EntriesHeader, int] | None:
    """The header that the bytes begin with and its length; None when more bytes are needed.

    PeerError (status 400) when it is no header; at most HEADER_BYTES_MAX bytes have to be at hand.
    """
    origin_end = LENGTH_BYTES + int.from_bytes(raw[:LENGTH_BYTES])
    if len(raw) >= LENGTH_BYTES and origin_end > LENGTH_BYTES + ORIGIN_BYTES_MAX:
        raise PeerError("add-entries: a name of a log that is too long")
    ticket_start = origin_end + 2 * _SIZE_BYTES + LENGTH_BYTES
    end = ticket_start + int.from_bytes(raw[ticket_start - LENGTH_BYTES : ticket_start])
    if len(raw) < ticket_start or len(raw) < end:
        assert len(raw) < HEADER_BYTES_MAX, "whoever reads on never holds more"
        return None
    origin = raw[LENGTH_BYTES:origin_end].decode("ascii", errors="replace")
    first = int.from_bytes(raw[origin_end : origin_end + _SIZE_BYTES])
    last = int.from_bytes(raw[origin_end + _SIZE_BYTES : origin_end + 2 * _SIZE_BYTES])
    if not is_origin(origin) or not first <= last <= SIZE_MAX:
        raise PeerError("add-entries: not the name of a log, or an upload that ends before it starts")
    return EntriesHeader(origin, first, last, raw[ticket_start:end]), end


def list_spans(start: int, end: int) -> Iterator[Span]:
    """The packages of an upload, in order: one for each bundle that start..end touches."""
    if start == end:
        return
    for base in range(start - start % BUNDLE_ENTRIES, end, BUNDLE_ENTRIES):
        yield Span(base, max(start, base), min(end, base + BUNDLE_ENTRIES))


def prove_package(span: Span, entries: Sequence[bytes], size: int, read: HashReader) -> Package:
    """A package with its proof to the head of `size`; `entries` are those of the span."""
    if len(entries) != span.end - span.start:
        raise MisuseError(f"{len(entries)} entries for a package of {span.end - span.start}")
    return Package(tuple(entries), tuple(prove_subtree(span.base, span.end, size, read)))


def format_package(package: Package) -> bytes:
    """The bytes of a package: entries as in a bundle, the number of hashes in one byte, the hashes."""
    if len(package.proof) > PROOF_HASHES_MAX:
        raise MisuseError(f"{len(package.proof)} hashes, at most {PROOF_HASHES_MAX} are read")
    return format_bundle(package.entries) + len(package.proof).to_bytes(1) + b"".join(package.proof)


def parse_package(raw: bytes, span: Span) -> tuple[Package, int] | None:
    """The package of this span that the bytes begin with, and its length; None when more bytes are needed.

    PeerError when it can be none; at most PACKAGE_BYTES_MAX bytes have to be at hand.
    """
    count, place = span.end - span.start, 0
    for _ in range(count):
        place += LENGTH_BYTES + int.from_bytes(raw[place : place + LENGTH_BYTES])
        if place >= len(raw):
            break
    if place > BUNDLE_BYTES_MAX:
        raise PeerError("add-entries: entries that are too long for a bundle")
    if place >= len(raw):
        assert len(raw) < PACKAGE_BYTES_MAX, "whoever reads on never holds more"
        return None
    end = place + 1 + raw[place] * HASH_BYTES
    if raw[place] > PROOF_HASHES_MAX:
        raise PeerError(f"add-entries: {raw[place]} hashes in a package, at most {PROOF_HASHES_MAX} are read")
    if end > len(raw):
        return None
    proof = tuple(raw[start : start + HASH_BYTES] for start in range(place + 1, end, HASH_BYTES))
    return Package(tuple(parse_bundle(raw[:place], count)), proof), end


def check_package(span: Span, held: Sequence[bytes], package: Package, size: int, root: bytes) -> bytes:
    """The root of the bundle up to the package's last entry; PeerError (status 422) unless the proof shows it.

    `held` are the leaf hashes of the bundle's entries before the package (base..start), which the mirror has.
    """
    if len(held) != span.start - span.base:
        raise MisuseError(f"{len(held)} entries held before a package that begins after {span.start - span.base}")
    if len(package.entries) != span.end - span.start:
        raise PeerError(f"add-entries: {len(package.entries)} entries in a package of {span.end - span.start}")
    bundle = fold([*held, *(leaf_hash(entry) for entry in package.entries)])
    check_subtree(span.base, span.end, bundle, size, root, package.proof)
    return bundle


def apply_pending(state: MirrorState, size: int, root: bytes) -> MirrorState:
    """The mirror after a new head was judged (judge_checkpoint) and stored: it is pending, the oldest may drop out."""
    heads = {**state.pending, size: root}
    newest = sorted(heads)[-PENDING_HEADS_MAX:]
    kept = {held: heads[held] for held in heads if held in newest or held == state.signed_size}
    return MirrorState(kept, state.signed_size, state.next_entry)


def judge_upload(header: EntriesHeader, state: MirrorState | None) -> Verdict | None:
    """The answer to an upload before its packages are read, None when they are to be read.

    `state` is None for a log that is not mirrored here.
    """
    if state is None:
        return Verdict(NOT_FOUND, "this log is not mirrored here\n")
    if not state.pending:
        return Verdict(UNPROCESSABLE, "no signed head of this log came yet: add-checkpoint first\n")
    excess = min(header.end, state.next_entry) - header.start
    is_known = header.end in state.pending and header.end >= state.signed_size
    if not is_known or header.start > state.next_entry or excess > EXCESS_ENTRIES_MAX:
        return _answer_info(CONFLICT, header, state)
    return None


def judge_packages(header: EntriesHeader, state: MirrorState, saved: int, is_refused: bool) -> Verdict:
    """The answer once packages were read: `saved` of them proven and on disk, the next one refused or not there.

    A package whose bytes cannot be read was not there; one whose proof fails is refused. `state` is how the mirror
    stands after saving. With 200 the caller signs the head of `header.end` in the transaction that makes it the signed
    one, and answers with its signature lines.
    """
    if is_refused:
        return Verdict(UNPROCESSABLE, "a package whose proof does not lead to the signed head\n")
    if header.start < header.end and saved == 0:
        return Verdict(BAD_REQUEST, "no whole package came\n")
    if header.end < state.signed_size:
        return _answer_info(CONFLICT, header, state)
    if state.next_entry < header.end:
        return _answer_info(ACCEPTED, header, state)
    return Verdict(OK)


def format_mirror_info(info: MirrorInfo) -> str:
    """The three lines that say where an upload goes on."""
    return f"{info.size}\n{info.next_entry}\n{base64.b64encode(info.ticket).decode()}\n"


def parse_mirror_info(raw: bytes) -> MirrorInfo:
    """Where a mirror wants an upload to go on; PeerError when the body is malformed."""
    match = _INFO.fullmatch(raw.decode("ascii", errors="replace")) if len(raw) <= INFO_BYTES_MAX else None
    if match is None:
        raise PeerError("mirror-info: not the three lines size, next entry and ticket")
    try:
        ticket = base64.b64decode(match.group(3), validate=True)
    except ValueError:
        ticket = None
    if ticket is None or len(ticket) > TICKET_BYTES_MAX or base64.b64encode(ticket).decode() != match.group(3):
        raise PeerError("mirror-info: a ticket that is too long or not canonical base64")
    size, next_entry = int(match.group(1)), int(match.group(2))
    if max(size, next_entry) > SIZE_MAX:
        raise PeerError("mirror-info: a size beyond all limits")
    return MirrorInfo(size, next_entry, ticket)


def _answer_info(status: int, header: EntriesHeader, state: MirrorState) -> Verdict:
    """The upload's own head again when it still serves, else the newest pending one."""
    is_known = header.end in state.pending and header.end >= state.signed_size
    size = header.end if is_known else max(state.pending)
    return Verdict(status, format_mirror_info(MirrorInfo(size, state.next_entry)), INFO_TYPE)


def _prefixed(raw: bytes) -> bytes:
    return len(raw).to_bytes(LENGTH_BYTES) + raw
