"""The vectors of the session: every frame with its fields, and bytes that are no frame with a part of the reason."""

from typing import Any, Final

from protocol.core.commitment import Opening, format_opening
from protocol.core.encoding import to_value
from protocol.gossip import limits
from protocol.gossip.frames import format_frame
from protocol.gossip.frontier import NO_COSIGNERS, mark_cosigners
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
from protocol.log.bundle import bundle_root, format_bundle
from protocol.log.checkpoint import Checkpoint, sign_checkpoint
from protocol.log.cosignature import sign_cosignature
from protocol.log.merkle import fold, leaf_hash
from scripts.vectors.made_up import AT_MS, HEX, KEYS, ORIGIN, TREE_ENTRIES, WITNESS

OTHER = "oak.example/log"
EPOCH = b"made-up epoch 01"
DIGEST = bytes(range(32))
ROOT = fold([leaf_hash(entry) for entry in TREE_ENTRIES])
COSIGNED: Final = {"mill.example/witness": 6, WITNESS: 7}
"""Each cosigner's largest size under this log."""


def _list_frames() -> list[tuple[str, Message]]:
    """What a node may say, as little of it as shows every field."""
    size, mark = len(TREE_ENTRIES), mark_cosigners(COSIGNED)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, ROOT), KEYS["log"])
    other = sign_checkpoint(Checkpoint(ORIGIN, size, DIGEST), KEYS["log"])
    line = sign_cosignature(note.decode().partition("\n\n")[0] + "\n", WITNESS, KEYS["witness"], AT_MS // 1000)
    opening = Opening(
        origin=ORIGIN, kind="supply.disclosure", field_path="body.sections.quality", value={}, salt=DIGEST
    )
    return [
        ("HELLO: a first meeting", Hello(limits.PROTOCOL_VERSION, ORIGIN, EPOCH, b"", 0)),
        ("HELLO: after a break", Hello(limits.PROTOCOL_VERSION, ORIGIN, EPOCH, EPOCH[::-1], 2**63 - 1)),
        ("HAVE: nothing", Have((), 0, True)),
        (
            "HAVE: two logs, more to come",
            Have(
                (HeadMark(ORIGIN, size, ROOT[:16], mark, 0), HeadMark(OTHER, 2**53, DIGEST[:16], NO_COSIGNERS, 255)),
                12,
                False,
            ),
        ),
        ("WANT: from the start", Want(OTHER, 0)),
        ("WANT: and to be pushed", Want(OTHER, 300, True)),
        ("ASK: heads", Ask((ORIGIN, OTHER), False)),
        ("ASK: cosignatures", Ask((ORIGIN,), True)),
        ("HEAD: all roots on one page", Head(ORIGIN, 0, note, bundle_root(TREE_ENTRIES), True)),
        ("FETCH: sixteen bundles", Fetch(OTHER, 70_000, 32, 16)),
        ("BUNDLE: the last part of two", Bundle(OTHER, 3, 1, 2, format_bundle(TREE_ENTRIES[:1]))),
        ("PUSH: the last two entries", Push(ORIGIN, size - 2, 2, note, format_bundle(TREE_ENTRIES[-2:]), 1)),
        ("COSIG: a line under the head", Cosig(ORIGIN, size, line.encode())),
        ("FORK: two heads of one size", Fork(ORIGIN, note, other, b"")),
        ("FORK: a question where they part", Fork(ORIGIN, note, b"", bytes(4) + (3).to_bytes(4))),
        ("FILE_WANT: from the start", FileWant(DIGEST, 0)),
        ("FILE: a piece", FilePart(DIGEST, 4, 7, b"ade")),
        ("FILE: not here", FilePart(DIGEST, 0, 0, b"")),
        ("PING: all changes up to 12", Ping(12)),
        ("PONG: nothing in it", Pong()),
        ("BYE: with a reason", Bye("this node stops")),
        ("OPENING_WANT: one", OpeningWant((DIGEST,))),
        ("REVEAL: an opening", Reveal(format_opening(opening))),
        ("GRAFT: one log", Graft(OTHER)),
        ("PRUNE: one log", Prune(OTHER)),
        ("FORWARD_JOIN: six links more", ForwardJoin(OTHER, 6)),
        ("SHUFFLE: an answer", Shuffle((ORIGIN, OTHER), True)),
    ]


REFUSED: list[tuple[str, bytes, str]] = [
    ("an empty frame", b"", "0 bytes"),
    ("an unknown type", b"\x7f", "unknown type 127"),
    ("a have that ends early", b"\x02" + bytes(8) + b"\x01\x00\x05", "truncated"),
    ("a have with a flag of 2", b"\x02" + bytes(8) + b"\x02\x00\x00", "flag"),
    ("a have of more changes than can be counted", b"\x02\x80" + bytes(7) + b"\x01\x00\x00", "beyond"),
    ("a have of a head beyond all", b"\x02" + bytes(8) + b"\x01\x00\x01\x01a\x80" + bytes(28), "beyond"),
    ("a have with bytes after its end", b"\x02" + bytes(8) + b"\x01\x00\x00\xff", "too many"),
    (
        "a have that names a log twice",
        b"\x02" + bytes(8) + b"\x01\x00\x02" + 2 * (b"\x01a" + bytes(7) + b"\x01" + bytes(21)),
        "named twice",
    ),
    ("a want from beyond all", b"\x03\x01a\x80" + bytes(8), "beyond"),
    ("a want with bytes after its end", b"\x03\x01a" + bytes(9) + b"x", "too many"),
    ("a want with a flag of 2", b"\x03\x01a" + bytes(8) + b"\x02", "flag"),
    ("an ask for nothing", b"\x04\x82\xaccosignatures\xc2\xa7origins\x90", "number of origins"),
    ("a head without roots", b"\x05\x01a" + bytes(4) + b"\x01\x00\x01n", "root bytes"),
    ("a head with half a root", b"\x05\x01a" + bytes(4) + b"\x01\x00\x01n" + bytes(16), "root bytes"),
    ("a head without a note", b"\x05\x01a" + bytes(4) + b"\x01\x00\x00" + bytes(32), "note"),
    (
        "a fetch of too many bundles",
        b"\x06\x84\xa5count\x11\xa5first\x00\xa6origin\xa1a\xa4size\x05",
        "range of bundles",
    ),
    ("a bundle part beyond its count", b"\x07\x01a" + bytes(4) + b"\x00\x02\x00\x02x", "number of parts"),
    ("a bundle in too many parts", b"\x07\x01a" + bytes(4) + b"\x00\x00\xff\xffx", "number of parts"),
    ("a short part that is not the last", b"\x07\x01a" + bytes(4) + b"\x00\x00\x00\x02x", "wrong length"),
    ("an origin that is not ASCII", b"\x07\x01\xff" + bytes(4) + b"\x00\x00\x00\x01x", "not ASCII"),
    ("a push of no entries", b"\x08\x00\x00\x00\x00\x04a\n5\nx", "number of entries"),
    ("a push of too many entries", b"\x08\x01\x01\x00\x00\x04a\n5\nx", "number of entries"),
    ("a push of more entries than its note counts", b"\x08\x00\x06\x00\x00\x04a\n5\nx", "that so many entries"),
    ("a push under a note without a size", b"\x08\x00\x01\x00\x00\x04a\nb\nx", "begin with a log"),
    ("a push under a note whose size begins with 0", b"\x08\x00\x01\x00\x00\x05a\n05\nx", "begin with a log"),
    ("a cosignature of an empty log", b"\x09\x83\xa4line\xc4\x01x\xa6origin\xa1a\xa4size\x00", "size or line"),
    (
        "a file from beyond 4 MiB",
        b"\x0b\x82\xa6offset\xce\x00\x40\x00\x00\xa6sha256\xc4\x20" + bytes(32),
        "hash or offset",
    ),
    ("a file piece beyond its file", b"\x0c" + bytes(32) + b"\x00\x00\x00\x05\x00\x00\x00\x06ab", "outside its file"),
    ("a file beyond the limit", b"\x0c" + bytes(32) + bytes(4) + b"\xff\xff\xff\xffab", "outside its file"),
    ("msgpack that is not canonical", b"\x0d\x81\xa7counter\xcc\x01", "not canonical"),
    ("a negative counter", b"\x0d\x81\xa7counter\xff", "negative"),
    ("an unknown field", b"\x0e\x81\xa1x\x01", "Pong"),
    ("half a commitment", b"\x10\x81\xabcommitments\x91\xc4\x10" + bytes(16), "wrong hashes"),
    ("an empty opening", b"\x11\x81\xa7opening\xc4\x00", "wrong length"),
    ("a walk over seven links", b"\x22\x82\xa5links\x07\xa6origin\xa1a", "number of links"),
    ("a shuffle of nine", b"\x23\x82\xa8is_reply\xc2\xa7origins\x99" + 9 * b"\xa1a", "too many origins"),
]


def export_frames() -> dict[str, Any]:
    """All frames."""
    return {
        "about": f"Frames of the session (docs/spec: session.md, membership.md), made up. {HEX} A head in HAVE is "
        "[origin, size, 16 bytes of root, cosigners mark, links]; the start of a PUSH is not said in its bytes.",
        "frames": [
            {"says": says, "fields": to_value(message), "frame": format_frame(message)}
            for says, message in _list_frames()
        ],
        "refused": [{"says": says, "frame": raw, "reason": reason} for says, raw, reason in REFUSED],
        "cosigners_mark": {"sizes": COSIGNED, "mark": mark_cosigners(COSIGNED)},
    }


FILES = {"gossip/frames.json": export_frames}
