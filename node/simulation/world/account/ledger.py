"""What must hold in every world, written down as it happens and held against every machine.

Invariant: an honest log extends every head it ever committed or showed; an honest witness never signs two branches.
Invariant: what was committed or acknowledged is there after every cut; a closed decision stays as it was closed.
Invariant: the index is what a replay of the logs gives.
Spec: docs/spec/simulation.md
"""

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from node.simulation.world.disk.platter import DurableView
from node.simulation.world.machine import Machine
from node.use_cases.publish import Published
from protocol.core.errors import PeerError
from protocol.core.identity import key_id
from protocol.core.note import parse_note
from protocol.gossip.frames import parse_frame
from protocol.gossip.messages import Fork, Have, Head, Push
from protocol.log.bundle import BUNDLE_ENTRIES, bundle_root, bundle_roots_fold
from protocol.log.checkpoint import parse_checkpoint
from protocol.log.cosignature import witness_name
from storage.home.head_file import HeadFile
from storage.log import fork_cuts, log_store
from storage.log.record_index import index_entry

BUNDLES_CACHED = 256
ROWS_CACHED = 32_768

Row = tuple[Any, ...]
_values_of = attrgetter("origin", "index", "kind", "subject", "by", "at_ms", "leaf", "void")


class ViolationError(Exception):
    """Something that must never be, has been; `rule` says which, for whoever compares two runs."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule


@dataclass
class Account:
    """What is held against one machine from one life to the next."""

    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    cosigned: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    acknowledged: dict[int, bytes] = field(default_factory=dict)
    files: set[bytes] = field(default_factory=set)
    told_size: int = 0
    is_restored: bool = False
    is_begun: bool = False
    replayed: tuple[int, int] | None = None
    """The state of its disk at which a replay last gave the index."""


class Ledger:
    """The memory of a world, which no crash touches."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.roots: dict[str, dict[int, bytes]] = {}
        """By machine: every head that its own log ever had on disk."""
        self.signed: dict[tuple[str, str], dict[int, bytes]] = {}
        """By witness and log: every head that was cosigned."""
        self.rosters: dict[int, bytes] = {}
        self.honest: dict[str, Machine] = {}
        self.liars: list[Machine] = []

    def enter(self, machine: Machine, is_honest: bool) -> None:
        """A machine of this world, before it is switched on."""
        size, root = machine.first_head
        self.accounts[machine.name] = Account()
        self.roots[machine.name] = {size: root}
        if is_honest:
            self.honest[machine.place] = machine
        else:
            self.liars.append(machine)

    def note_commit(self, machine: Machine) -> None:
        """A commit is on disk: what it says must go on from all that was there."""
        node, account = machine.node, self.accounts[machine.name]
        db = node.database.reader
        if not account.is_begun:
            self._note_first_commit(machine, account, db)
        for head in log_store.heads(db):
            known = account.heads.get(head.origin)
            if known == (head.size, head.root) or not head.size:
                continue
            if known is not None and known[0] >= head.size:
                raise ViolationError("a head went back", f"{machine.name} holds {head.size} of {head.origin} now")
            account.heads[head.origin] = (head.size, head.root)
            if head.origin == node.origin:
                self._note_own(machine, head.size, head.root)
            else:
                self._check_true(machine, head.origin, head.size, head.root)
        if machine in self.honest.values():
            self._note_cosigned(machine, db)
            self._note_roster(machine)

    def note_sent(self, machine: Machine, raw: bytes) -> None:
        """An honest machine shows a head of its own log: it must be on disk, and noted outside the home."""
        own, account = machine.node.origin, self.accounts[machine.name]
        for origin, size, root in _read_heads(raw):
            if origin != own or not size or size <= account.told_size:
                continue
            known = self.roots[machine.name].get(size, b"")
            if not known or known[: len(root)] != root:
                raise ViolationError("a head was shown before it was on disk", f"{machine.name} at {size}")
            written = HeadFile(machine.signed_folder, own, DurableView(machine.platter)).read()
            if written is None or written.newest.size < size:
                raise ViolationError(
                    "a head was shown that the signed-head file does not know", f"{machine.name} at {size}: {written}"
                )
            account.told_size = size

    def note_acknowledged(self, machine: Machine, published: Published) -> None:
        """A use case has answered: the record is there for good."""
        self.accounts[machine.name].acknowledged[published.index] = published.leaf

    def note_restored(self, machine: Machine) -> None:
        """A backup takes the place of a home: what counts from now on is what others hold of its log."""
        account = self.accounts[machine.name]
        account.is_restored = True
        account.heads.clear()
        account.cosigned.clear()
        account.files.clear()
        account.told_size = 0
        for owner in self.honest.values():
            self._forget_lost(owner)

    def _forget_lost(self, owner: Machine) -> None:
        """Of a log that was restored once, only what somebody holds today can come back."""
        account = self.accounts[owner.name]
        if account.is_restored:
            held = max(self._count_held(owner), account.heads.get(owner.origin, (0, b""))[0])
            account.acknowledged = {index: leaf for index, leaf in account.acknowledged.items() if index < held}

    def _note_first_commit(self, machine: Machine, account: Account, db: sqlite3.Connection) -> None:
        """What a machine knows when the world begins was true before it."""
        account.is_begun = True
        account.heads = {other.origin: other.first_head for other in (*self.honest.values(), *self.liars)}
        account.cosigned = {origin: (size, root) for origin, size, root in db.execute(_COSIGNED)}

    def check_start(self, machine: Machine) -> None:
        """After a start: all that was committed is there, and the logs are what their heads say."""
        db, account = machine.node.database.reader, self.accounts[machine.name]
        if account.is_restored:
            # What it signed before the backup was made is not signed anew.
            account.cosigned = {origin: (size, root) for origin, size, root in db.execute(_COSIGNED)}
        for origin, (size, root) in account.heads.items():
            head = log_store.head(db, origin)
            if head is None or head.size < size or _read_root(db, origin, size) != root:
                raise ViolationError("a commit was lost", f"{machine.name} no longer holds {size} of {origin}")
        for sha256 in account.files:
            if machine.node.files.get(sha256) is None:
                raise ViolationError("a file was lost", f"{machine.name} no longer has {sha256.hex()[:8]}")
        self.check_replay(machine)

    def check_acknowledged(self, machine: Machine, near: Collection[Machine] | None = None) -> None:
        """All that its people were told is in its log; of a restored one, what the honest ones `near` it hold of it.

        What only machines beyond a liar hold may not come back; the home signs nothing until they have answered.
        """
        db, account = machine.node.database.reader, self.accounts[machine.name]
        acknowledged = account.acknowledged
        if account.is_restored and near is not None:
            held = max(self._count_held(machine, near), account.heads.get(machine.origin, (0, b""))[0])
            acknowledged = {index: leaf for index, leaf in acknowledged.items() if index < held}
        if acknowledged:
            leaves = [leaf for _, leaf in db.execute(_LEAVES, (machine.node.origin,))]
            for index, leaf in acknowledged.items():
                if index >= len(leaves) or leaves[index] != leaf:
                    raise ViolationError("an acknowledged record was lost", f"{machine.name} at {index}")

    def check_replay(self, machine: Machine) -> None:
        """The index as it grew is the index that a replay gives, and every head is the root of its entries.

        What held is not looked at again while nothing was written: a disk that has not changed says the same.
        """
        account, state = self.accounts[machine.name], machine.platter.state
        if account.replayed != state:
            self._replay_all(machine)
            account.replayed = state

    def _replay_all(self, machine: Machine) -> None:
        db = machine.node.database.reader
        keys, cursors = log_store.log_keys(db), dict(db.execute("SELECT origin, next FROM index_cursor"))
        for head in log_store.heads(db):
            if not head.size:
                continue
            if _read_root(db, head.origin, head.size) != head.root:
                raise ViolationError("a head does not fit its entries", f"{machine.name} {head.origin} {head.size}")
            held = db.execute(_ROWS, (head.origin,)).fetchall()
            cut = fork_cuts.cut_of(db, head.origin)
            expected: list[Row] = []
            for start, entries in _read_bundles(db, head.origin, cursors.get(head.origin, 0)):
                expected += _replay(head.origin, start, entries, keys[head.origin])
            if held != (expected if cut is None else [_cut_off(row, cut) for row in expected]):
                raise ViolationError("the index is not what a replay gives", f"{machine.name} {head.origin}")

    def check_level(self, machines: list[Machine]) -> "Difference | str":
        """What keeps honest machines from being equal; empty when they are."""
        origins = set(self._honest_origins())
        for what, read in _VIEWS.items():
            first, *others = ((machine.name, read(machine.node.database.reader, origins)) for machine in machines)
            for other in others:
                if other[1] != first[1]:
                    return Difference(what, first, other)
        return self._find_unshown_fork(machines)

    def _find_unshown_fork(self, machines: list[Machine]) -> str:
        """Where honest machines hold two versions of a liar's log, all of them must hold the evidence."""
        for liar in self.liars[:1]:
            held = [self.accounts[machine.name].heads.get(liar.origin) for machine in machines]
            if self._is_one_branch(dict(filter(None, held))) and len(set(held)) == 1:
                continue
            for machine in machines:
                if not any(row[0] == liar.origin for row in _read_forks(machine)):
                    return f"{machine.name} holds no evidence of the fork of {liar.origin}"
        return ""

    def list_convinced(self, machines: list[Machine]) -> list[Machine]:
        """Who of these holds evidence of the liar's fork."""
        origins = {liar.origin for liar in self.liars}
        return [machine for machine in machines if any(row[0] in origins for row in _read_forks(machine))]

    def _note_own(self, machine: Machine, size: int, root: bytes) -> None:
        account, roots = self.accounts[machine.name], self.roots[machine.name]
        if roots.get(size, root) != root:
            if not account.is_restored or size <= self._count_held(machine):
                raise ViolationError("a log was signed on two branches", f"{machine.name} at {size}")
            # What nobody else holds was seen by nobody: a restored home may sign anew.
            for later in [later for later in roots if later >= size]:
                del roots[later]
        roots[size] = root

    def _count_held(self, machine: Machine, near: Collection[Machine] | None = None) -> int:
        """How much of a machine's log any other honest one (of those `near` it) has on disk."""
        others = [self.accounts[other.name].heads for other in self._others(machine) if near is None or other in near]
        return max((heads.get(machine.origin, (0, b""))[0] for heads in others), default=0)

    def _honest_origins(self) -> list[str]:
        return [machine.origin for machine in self.honest.values()]

    def _others(self, machine: Machine) -> list[Machine]:
        return [other for other in self.honest.values() if other is not machine]

    def _check_true(self, machine: Machine, origin: str, size: int, root: bytes) -> None:
        owner = next((other for other in self.honest.values() if other.origin == origin), None)
        if owner is not None and self.roots[owner.name].get(size) != root:
            raise ViolationError("a head was taken that its log never had", f"{machine.name} {origin} {size}")

    def _note_cosigned(self, machine: Machine, db: sqlite3.Connection) -> None:
        account = self.accounts[machine.name]
        for origin, size, root in db.execute(_COSIGNED):
            if account.cosigned.get(origin) == (size, root):
                continue
            account.cosigned[origin] = (size, root)
            signed = self.signed.setdefault((machine.name, origin), {})
            is_other = signed.setdefault(size, root) != root
            if is_other or not self._is_signed_once(origin, signed):
                detail = f"{witness_name(machine.name)} of {origin} at {sorted(signed)}"
                raise ViolationError("a witness signed two branches", detail)

    def _is_signed_once(self, origin: str, signed: dict[int, bytes]) -> bool:
        owner = next((other for other in self.honest.values() if other.origin == origin), None)
        if owner is None:
            return self._is_one_branch(signed)
        return signed.items() <= self.roots[owner.name].items()

    def _is_one_branch(self, heads: dict[int, bytes]) -> bool:
        return any(heads.items() <= self.roots[liar.name].items() for liar in self.liars)

    def _note_roster(self, machine: Machine) -> None:
        keeper = machine.node.parts.get("roster")
        history = None if keeper is None else keeper.history
        for version in () if history is None else history.versions:
            known = self.rosters.setdefault(version.roster.version, version.hash)
            if known != version.hash:
                raise ViolationError("a closed decision changed", f"{machine.name}, version {version.roster.version}")


_COSIGNED = "SELECT origin, size, root FROM cosigned"
_LEAVES = "SELECT idx, leaf FROM record_index WHERE origin = ? ORDER BY idx"
_ROWS = "SELECT origin, idx, kind, subject, by_key, at_ms, leaf, void FROM record_index WHERE origin = ? ORDER BY idx"
_VOID = 7


def _read_root(db: sqlite3.Connection, origin: str, size: int) -> bytes:
    """The root of the first entries of a log, worked out from the entries themselves."""
    return bundle_roots_fold([_bundle_root(entries) for _, entries in _read_bundles(db, origin, size)])


def _read_bundles(db: sqlite3.Connection, origin: str, size: int) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """The first entries of a log, a bundle at a time: (index of the first, entries)."""
    for start in range(0, size, BUNDLE_ENTRIES):
        yield start, tuple(log_store.entries(db, origin, start, min(size, start + BUNDLE_ENTRIES)))


@lru_cache(BUNDLES_CACHED)
def _bundle_root(entries: tuple[bytes, ...]) -> bytes:
    return bundle_root(entries)


@lru_cache(BUNDLES_CACHED)
def _replay(origin: str, start: int, entries: tuple[bytes, ...], log_key: bytes) -> list[Row]:
    log_key_id = key_id(log_key)
    return [_replay_entry(origin, index, raw, log_key_id) for index, raw in enumerate(entries, start)]


@lru_cache(ROWS_CACHED)
def _replay_entry(origin: str, index: int, raw: bytes, log_key_id: bytes) -> Row:
    return _values_of(index_entry(origin, index, raw, log_key_id))


def _cut_off(row: Row, cut: tuple[int, str]) -> Row:
    return row if row[1] < cut[0] or row[_VOID] else (*row[:_VOID], cut[1])


def _read_heads(raw: bytes) -> list[tuple[str, int, bytes]]:
    """(origin, size, root or its first bytes) of every head that a frame shows."""
    if raw[:1] not in (b"\x02", b"\x05", b"\x08", b"\x0a"):
        return []
    message = parse_frame(raw)
    if isinstance(message, Have):
        return [(mark.origin, mark.size, mark.root_mark) for mark in message.heads]
    note = message.note if isinstance(message, Head | Push) else b""
    if isinstance(message, Fork) and not message.note_b:
        note = message.note_a
    try:
        checkpoint = parse_checkpoint(parse_note(note)[0]) if note else None
    except PeerError:
        return []
    return [] if checkpoint is None else [(checkpoint.origin, checkpoint.size, checkpoint.root)]


def _read_forks(machine: Machine) -> list[tuple[str, ...]]:
    return list(machine.node.database.reader.execute("SELECT origin FROM fork"))


class Difference(NamedTuple):
    """Where two machines are not level: put into words only if they stay so."""

    what: str
    one: tuple[str, set[Any]]
    other: tuple[str, set[Any]]

    def __str__(self) -> str:
        (one, here), (other, there) = self.one, self.other
        only_here, only_there = (sorted(map(repr, found)) for found in (here - there, there - here))
        return f"{one} and {other} differ in {self.what}: {only_here} and {only_there}"


def _read_heads_of(db: sqlite3.Connection, origins: set[str]) -> set[Any]:
    return {(head.origin, head.size, head.root) for head in log_store.heads(db) if head.origin in origins}


def _read_indexed(db: sqlite3.Connection, origins: set[str]) -> set[Any]:
    return {row for row in db.execute("SELECT origin, next FROM index_cursor") if row[0] in origins}


def _read_cosignatures(db: sqlite3.Connection, origins: set[str]) -> set[Any]:
    witnesses = {witness_name(origin) for origin in origins}
    lines = db.execute("SELECT origin, cosigner, max(size) FROM cosignature GROUP BY origin, cosigner")
    return {row for row in lines if row[0] in origins and row[1] in witnesses}


_VIEWS = {"heads": _read_heads_of, "indexed entries": _read_indexed, "cosignatures": _read_cosignatures}
"""What level machines hold alike."""
