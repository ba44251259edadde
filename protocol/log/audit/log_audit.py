"""Reading a whole log once, from its files, and saying in plain words what is not as its signed head promises.

Everything is computed from the entries upward and held against the tiles. Where the two part, the level above (at the
right edge: the signed root) says which is true, and the true one is carried on: one changed byte is one finding.

Invariant: no finding means that every entry and every tile is as the head promises.
Invariant: what is held in memory at a time is a bundle and one tile a level, however long the log.
Spec: docs/spec/log/tiles-and-proofs.md
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from protocol.core.errors import Finding, PeerError
from protocol.log.audit.log_files import FileReader, read_bundle, read_hashes
from protocol.log.bundle import parse_bundle
from protocol.log.checkpoint import Checkpoint
from protocol.log.merkle import EMPTY_ROOT, Tree, fold
from protocol.log.tiles import (
    CHECKPOINT_PATH,
    TILE_HASHES,
    TILE_HEIGHT,
    Tile,
    count_tile_hashes,
    format_tile_path,
    list_bundles,
)

FINDINGS_MAX: Final = 1_000
"""Findings that are kept; what more there is, is counted."""
MORE_MAX: Final = 10_000
"""Findings beyond these end the reading: a head may promise more entries than anyone could ever look for."""

Hashes = list[bytes]
Partly = Sequence[bytes | None]


class LogAudit:
    """One reading of a log: `walk` it to the end, then look at `findings` and `more`."""

    def __init__(self, head: Checkpoint, read: FileReader, since: Checkpoint | None = None) -> None:
        """`head` and `since`, an earlier one, are known to be signed; `read` has the log's files."""
        self.head = head
        self.since = since
        self.findings: list[Finding] = []
        self.more = 0
        self._read = read
        # Hashes carried up so far that do not fill a tile of their level, by level.
        self._rows: list[list[bytes | None]] = [[]]
        self._parents: dict[int, tuple[int, Hashes | None]] = {}
        self._open_questions: list[tuple[Tile, int]] = []
        self._roots: Tree | None = Tree()
        self._is_edge_true = False

    def walk(self) -> Iterator[int]:
        """Read everything once; yields after each bundle how many entries have been read."""
        if self.since is not None and self.since.size > self.head.size:
            self._find(CHECKPOINT_PATH, f"has {self.head.size} entries; an earlier head had {self.since.size}")
        self._is_edge_true = self._fold_edge() == self.head.root
        for bundle in list_bundles(self.head.size):
            chosen = self._settle(0, bundle.number, bundle.width, self._hash_entries(bundle))
            self._compare_with_earlier(bundle, chosen)
            self._carry(0, bundle.number, bundle.width, chosen)
            yield bundle.number * TILE_HASHES + bundle.width
            if self.more > MORE_MAX:
                self.findings.append(Finding(CHECKPOINT_PATH, "so much is wanting that the rest was not read"))
                return
        self._finish()

    def _hash_entries(self, bundle: Tile) -> Partly:
        """The leaf hashes of a bundle's entries, None for each where it cannot be read."""
        path = format_tile_path(bundle)
        try:
            raw = read_bundle(self._read, bundle)
            if raw is not None:
                sha256 = hashlib.sha256
                # As merkle.leaf_hash; a call for each of a million entries is a fifth of the time.
                return [sha256(b"\x00" + entry).digest() for entry in parse_bundle(raw, bundle.width)]
            self._find(path, f"missing: entries {_range(0, bundle.number * TILE_HASHES, bundle.width)}")
        except PeerError as error:
            self._find(path, f"{error.reason} (entries {_range(0, bundle.number * TILE_HASHES, bundle.width)})")
        return [None] * bundle.width

    def _settle(self, level: int, number: int, width: int, computed: Partly) -> Partly:
        """The hashes to carry on for a tile: those computed, or the tile's own where these are true."""
        tile = Tile(level, number, width)
        held = self._read_tile(tile)
        if held is None or held == computed:
            return computed
        first = next((place for place in range(width) if computed[place] not in (None, held[place])), None)
        if first is None:
            return held
        start = (number * TILE_HASHES + first) << TILE_HEIGHT * level
        if self._is_confirmed(tile, held):
            where = f"entry {start}" if level == 0 else f"one of the entries {_range(level, start, 1)}"
            self._find(self._bundle_path(start), f"{where} is not what the log promised")
            return held
        filled = [held[place] if one is None else one for place, one in enumerate(computed)]
        if width < TILE_HASHES:
            # Only the root over all will say who is right.
            self._open_questions.append((tile, start))
        elif self._is_confirmed(tile, filled):
            self._find_false_tile(tile, start)
        else:
            self._find(format_tile_path(tile), f"parts from the entries at {start}, and nothing above goes with either")
        return filled

    def _carry(self, level: int, number: int, width: int, chosen: Partly) -> None:
        """Hand the root of a full tile up; the hashes of a partial one are the right edge of their level."""
        if width < TILE_HASHES:
            self._rows[level] = list(chosen)
            return
        known = [one for one in chosen if one is not None]
        root = fold(known) if len(known) == TILE_HASHES else self._hash_above(level, number)
        self._rows[level] = []
        above = level + 1
        if above == len(self._rows):
            self._rows.append([])
        row = self._rows[above]
        row.append(root)
        if len(row) == TILE_HASHES:
            parent = number // TILE_HASHES
            self._carry(above, parent, TILE_HASHES, self._settle(above, parent, TILE_HASHES, row))

    def _finish(self) -> None:
        """Settle the right edge above the entries, then the root over everything."""
        for level in range(1, len(self._rows)):
            row = self._rows[level]
            if row:
                number = (self.head.size >> TILE_HEIGHT * level) // TILE_HASHES
                self._rows[level] = list(self._settle(level, number, len(row), row))
        root: bytes | None = EMPTY_ROOT
        if self.head.size:
            root = _fold_rows(self._rows)
        for tile, start in self._open_questions:
            if root == self.head.root:
                self._find_false_tile(tile, start)
            else:
                self._find(format_tile_path(tile), f"parts from the entries at {start}")
        if root is None:
            self._find(CHECKPOINT_PATH, "its root could not be checked, since too much is missing")
        elif root != self.head.root:
            reason = f"the {self.head.size} entries lead to the root {root.hex()}, the head says {self.head.root.hex()}"
            self._find(CHECKPOINT_PATH, reason)

    def _compare_with_earlier(self, bundle: Tile, chosen: Partly) -> None:
        """Follow the roots of the bundles up to the earlier head's size, and compare there."""
        if self.since is None or self._roots is None:
            return
        known = [one for one in chosen if one is not None]
        if len(known) < bundle.width:
            above = self._hash_above(0, bundle.number) if bundle.width == TILE_HASHES else None
            if above is None:
                self._roots = None
                return
        else:
            above = fold(known)
        start = bundle.number * TILE_HASHES
        rest = self.since.size - start
        if 0 < rest < TILE_HASHES and rest <= bundle.width and len(known) == bundle.width:
            self._judge_earlier(self._roots.root(fold(known[:rest])))
        if bundle.width == TILE_HASHES:
            self._roots.append(above)
            if rest == TILE_HASHES:
                self._judge_earlier(self._roots.root())

    def _judge_earlier(self, root: bytes) -> None:
        assert self.since is not None
        if root == self.since.root:
            return
        reason = f"the first {self.since.size} entries are not those of the earlier head: it parts before that index"
        self._find(CHECKPOINT_PATH, reason)

    def _read_tile(self, tile: Tile) -> Hashes | None:
        path = format_tile_path(tile)
        try:
            held = read_hashes(self._read, tile)
        except PeerError as error:
            self._find(path, error.reason)
            return None
        if held is None:
            self._find(path, "missing")
        return held

    def _is_confirmed(self, tile: Tile, hashes: Hashes) -> bool:
        """Whether the level above, or at the right edge the signed root, goes with these hashes of a tile."""
        if tile.width < TILE_HASHES:
            return self._is_edge_true
        assert tile.level is not None
        return fold(hashes) == self._hash_above(tile.level, tile.number)

    def _hash_above(self, level: int, number: int) -> bytes | None:
        """What the files say one level up of a full tile: its root; None where that cannot be read."""
        above, place = number // TILE_HASHES, number % TILE_HASHES
        held = self._parents.get(level)
        if held is None or held[0] != above:
            width = count_tile_hashes(level + 1, above, self.head.size)
            try:
                held = (above, read_hashes(self._read, Tile(level + 1, above, width)))
            except PeerError:
                held = (above, None)
            self._parents[level] = held
        return None if held[1] is None else held[1][place]

    def _fold_edge(self) -> bytes | None:
        """The root that the partial tiles of all levels lead to; None where one of them cannot be read."""
        rows: list[Partly] = []
        level = 0
        while count := self.head.size >> TILE_HEIGHT * level:
            width = count % TILE_HASHES
            try:
                held = read_hashes(self._read, Tile(level, count // TILE_HASHES, width)) if width else []
            except PeerError:
                held = None
            if held is None:
                return None
            rows.append(held)
            level += 1
        return _fold_rows(rows)

    def _bundle_path(self, index: int) -> str:
        number = index // TILE_HASHES
        return format_tile_path(Tile(None, number, count_tile_hashes(0, number, self.head.size)))

    def _find_false_tile(self, tile: Tile, start: int) -> None:
        self._find(format_tile_path(tile), f"its hash for entry {start} is false; the entries themselves are right")

    def _find(self, place: str, reason: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(place, reason))
        else:
            self.more += 1


def _fold_rows(rows: Sequence[Partly]) -> bytes | None:
    """The root of a tree from the hashes at the right edge of each level, lowest first; None where one is unknown."""
    root: bytes | None = None
    for row in rows:
        known = [one for one in row if one is not None]
        if len(known) < len(row):
            return None
        hashes = known if root is None else [*known, root]
        root = fold(hashes) if hashes else None
    return root


def _range(level: int, start: int, count: int) -> str:
    """`1024 to 1279`: the entries below `count` hashes of a level."""
    return f"{start} to {start + (count << TILE_HEIGHT * level) - 1}"
