"""Whether this home may sign: only on top of the very head that it signed last, wherever it was signed.

Invariant: a home that was restored, copied or crashed badly signs nothing until all who were ever sent its heads have
said what they hold, or its people begin a new log.
Invariant: a log of which two versions exist, or that was retired, is never signed again.
Spec: docs/spec/log/signed-head.md
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

import platformdirs

from node.config import Config
from node.use_cases.context import Node
from protocol.core.errors import RefusedError
from storage.disk import OWN_DISK, Disk
from storage.home.head_file import HeadFile, Mark, SignedHead
from storage.log import fork_cuts, log_store
from storage.peers import peer_state
from storage.peers.outside_witnesses import outside_witnesses

RESTORED_FILE: Final = "restored"
"""A file of this name in a home says that the home comes from a backup."""
FOLDER_SUFFIX: Final = "-signed"

MISSING = "the note of the last signed head, which lies outside the home and its backups, is not there"
CUT_SHORT = "it was cut off while it signed, and others may have seen the head that it had begun"
HIGHER = "this home has signed more than its database holds: it was restored from a backup"
OTHER = "the database does not hold the head that this home signed last"
TWICE = "another process has signed with this home's keys: the home was copied and runs twice; stop one of them"
MARKED = "it is marked as restored from a backup"
FORKED = "two versions of this log exist; go on under a new name with `rochdale key succeed`"
RETIRED = "this log was ended; its successor goes on"


class OwnHead:
    """The last signed head of one home; `reason` says why it must not sign now, empty when it may."""

    def __init__(self, file: HeadFile, marker: Path, known: Mark, is_alone: bool, disk: Disk = OWN_DISK) -> None:
        """`known` is the database's own head; `is_alone`: nobody was ever told of this log as far as is known."""
        self._file = file
        self._marker = marker
        self._disk = disk
        self._known = self._begun = known
        self.reason = judge_start(file.read(), known, disk.exists(marker), is_alone)

    def told(self) -> frozenset[str]:
        """Who was ever sent a head of this log."""
        return self._file.told()

    def add_told(self, origins: frozenset[str]) -> None:
        """Remember whom heads are sent to."""
        self._file.add_told(origins)

    def check_open(self, db: sqlite3.Connection, origin: str) -> None:
        """RefusedError where nothing can be signed into this home's log."""
        if fork_cuts.stands_still(db, origin):
            raise RefusedError.at("log", FORKED if fork_cuts.retired_at(db, origin) is None else RETIRED)
        if self.reason:
            raise RefusedError.at("log", f"nothing can be signed: {self.reason}")

    def check(self, db: sqlite3.Connection, origin: str) -> Mark:
        """The head to sign on top of, for the one transaction that signs; RefusedError where it is not the last one."""
        head = log_store.head(db, origin)
        assert head is not None
        present = Mark(head.size, head.root)
        if not self.reason and present.size and present != self._known:
            self.reason = TWICE
        self.check_open(db, origin)
        return present

    def begin(self, before: Mark, newest: Mark) -> None:
        """Note durably what is about to be signed; called before the database's own commit."""
        self._file.begin(before, newest)
        self._begun = newest

    def settle(self) -> None:
        """What was begun last is on disk."""
        self._known = self._begun
        # The log itself is on disk; at worst a later backup of just this head will have to ask the mirrors.
        with contextlib.suppress(OSError):
            self._file.settle()

    def hold(self, reason: str) -> None:
        """Sign nothing from now on."""
        self.reason = self.reason or reason

    def release(self, present: Mark) -> None:
        """All have answered: from now on the database's head is the one to go on from."""
        self._file.begin(present, present)
        self._file.settle()
        self._known, self.reason = present, ""
        self._disk.remove(self._marker)


def judge_start(written: SignedHead | None, known: Mark, is_marked: bool, is_alone: bool) -> str:
    """Why a home that starts must not sign, empty when it may.

    `written` is what the file says, `known` the database's head. A crash between the two leaves a head that was begun
    and is not in the database. So does a backup of the head before, put back after a power cut that took the mark
    that the head was settled: whether others have seen it, only they can say.
    """
    if known.size == 0 and written is None:
        return ""
    if is_marked:
        return MARKED
    if written is None:
        return "" if is_alone else MISSING
    if known == written.newest:
        return ""
    if known == written.before and not written.is_settled:
        return "" if is_alone else CUT_SHORT
    return HIGHER if known.size < written.newest.size else OTHER


def own_head_of(node: Node) -> OwnHead:
    """The node's one, made on first use."""
    found = node.parts.get("own_head")
    if found is None:
        db, home = node.database.reader, node.config.home
        head = log_store.head(db, node.origin)
        known = Mark(0, b"") if head is None else Mark(head.size, head.root)
        file = HeadFile(head_folder(node.config), node.origin, node.disk)
        is_alone = not file.told() and not peer_state.peers(db) and not outside_witnesses(db)
        found = node.parts["own_head"] = OwnHead(file, home / RESTORED_FILE, known, is_alone, node.disk)
    assert isinstance(found, OwnHead)
    return found


def head_folder(config: Config) -> Path:
    """Where a home's last signed head is noted: beside the home, or where only that cannot be written, in the
    system's folder for what programs remember."""
    if config.signed_folder:
        return Path(config.signed_folder)
    home = config.home.absolute()
    beside = home.with_name(f"{home.name}{FOLDER_SUFFIX}")
    with contextlib.suppress(OSError):
        if beside.is_dir() or os.access(home.parent, os.W_OK):
            return beside
    return Path(platformdirs.user_state_dir("rochdale")) / beside.name
