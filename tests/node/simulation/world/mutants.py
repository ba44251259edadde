"""Bugs planted on purpose, one at a time, while a test runs: what the simulation must find.

Each is something that a person could write by mistake in one line. The seed beside it is one of those of every run.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.peering import fork_talk
from node.simulation.world.disk import group_commit, sqlite_vfs
from node.simulation.world.scenario import Scenario
from node.use_cases import cosign, receive
from node.use_cases.own_log import own_head, restored
from protocol.federation import decision, membership
from protocol.gossip import session, transfer
from protocol.gossip.announcing import Announcer
from protocol.gossip.cosignature_asks import CosignatureAsks
from protocol.gossip.events import StoreCosignature
from protocol.gossip.frontier import Comparison, Frontier
from protocol.log.bundle import count_entries, parse_bundle
from protocol.log.merkle import Tree, leaf_hashes
from storage import database, files
from storage.disk import Disk
from storage.home.head_file import HeadFile
from storage.log import log_store

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Mutant:
    """`rules`: what may be said to be broken; `seed`: where it shows; `is_apt`: which other seeds are worth a try."""

    name: str
    plant: Plant
    rules: frozenset[str]
    seed: int
    is_apt: Callable[[Scenario], bool] = lambda scenario: True


def _connect_with(pragma: str, patch: pytest.MonkeyPatch) -> None:
    real = database.connect

    def connect(path: str, **given: Any) -> sqlite3.Connection:
        connection = real(path, **given)
        connection.execute(f"PRAGMA synchronous={pragma}")
        return connection

    patch.setattr(sqlite_vfs, "connect", connect)


def _acknowledge_early(patch: pytest.MonkeyPatch) -> None:
    """Callers are told before the commit."""

    def commit(self: group_commit.SimulatedDatabase, group: list[Any]) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._writer.in_transaction:
                self._writer.execute("COMMIT")
            self._writer.execute("BEGIN IMMEDIATE")
            self._apply(group)
        for waiting in group:
            waiting.done.set_running_or_notify_cancel()
            if waiting.error is not None:
                waiting.done.set_exception(waiting.error)
            else:
                waiting.done.set_result(waiting.result)

    patch.setattr(group_commit.SimulatedDatabase, "_commit", commit)


def _forget_sync_of_head_file(patch: pytest.MonkeyPatch) -> None:
    real = HeadFile._write
    patch.setattr(HeadFile, "_write", lambda self, head, is_synced: real(self, head, is_synced=False))


def _skip_head_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_head.OwnHead, "begin", lambda self, before, newest: None)


def _store_other_entries(patch: pytest.MonkeyPatch) -> None:
    """What is stored below a head is not what it was signed over."""
    real = log_store._add_runs

    def add(db: sqlite3.Connection, origin: str, start: int, entries: Any, filled: Any) -> None:
        real(db, origin, start, [*entries[:-1], entries[-1] + b"?"], filled)

    patch.setattr(log_store, "_add_runs", add)


def _save_cursor_before_the_gap(patch: pytest.MonkeyPatch) -> None:
    def is_due(self: session.Session) -> bool:
        return self._taken != self._saved and self._taken[1] > 0

    patch.setattr(session.Session, "_is_cursor_due", is_due)


def _compare_no_equal_sizes(patch: pytest.MonkeyPatch) -> None:
    real = Frontier.compare

    def compare(self: Frontier, mark: Any) -> Comparison:
        standing = real(self, mark)
        return Comparison.LEVEL if standing is Comparison.FORKED else standing

    patch.setattr(Frontier, "compare", compare)


def _spread_no_evidence(patch: pytest.MonkeyPatch) -> None:
    def tell(self: fork_talk.ForkTalk, found: Any) -> None:
        if found is not None:
            self._frontier.frozen.add(found.origin)

    patch.setattr(fork_talk.ForkTalk, "_tell_fork", tell)
    patch.setattr(fork_talk, "list_evidence", lambda db: [])
    from node.peering import serving

    patch.setattr(serving, "list_evidence", lambda db: [])


def _wait_for_no_answers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(restored.Return, "waits_for", lambda self: [])


def _index_nothing_left_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(receive.Receiver, "resume", lambda self: None)


def _ping_while_heads_wait(patch: pytest.MonkeyPatch) -> None:
    """As it was before the simulation found it."""
    patch.setattr(Announcer, "is_counter_due", lambda self: self.told_counter < self._frontier.counter)


def _sign_after_a_cut(patch: pytest.MonkeyPatch) -> None:
    """As it was before the simulation found it."""
    real = own_head.judge_start

    def judge(written: Any, known: Any, is_marked: bool, is_alone: bool) -> str:
        reason = real(written, known, is_marked, is_alone)
        return "" if reason == own_head.CUT_SHORT else reason

    patch.setattr(own_head, "judge_start", judge)


def _leave_files_unsynced(patch: pytest.MonkeyPatch) -> None:
    def write(path: Path, content: bytes, mode: int = 0o600, *, disk: Disk) -> None:
        disk.write(path, content, is_truncated=True, is_synced=False, mode=mode)

    patch.setattr(files, "write_durably", write)


def _forget_whom_heads_were_sent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HeadFile, "add_told", lambda self, origins: None)


def _compare_no_bundle_roots(patch: pytest.MonkeyPatch) -> None:
    def check_bundle(self: transfer.Transfer, number: int, raw: bytes) -> transfer.Checked:
        entries = parse_bundle(raw, count_entries(self.checkpoint.size, number))
        return transfer.Checked(entries, Tree.of(leaf_hashes(entries)))

    patch.setattr(transfer.Transfer, "check_bundle", check_bundle)


def _close_by_one_vote(patch: pytest.MonkeyPatch) -> None:
    for module in (decision, membership):
        patch.setattr(module, "quorum", lambda voters: 1)


def _hold_without_bound(patch: pytest.MonkeyPatch) -> None:
    """Cosignatures wait for their head, however many there are."""

    def take(self: CosignatureAsks, message: Any) -> list[Any]:
        if message.size <= self._frontier.size(message.origin):
            return [StoreCosignature(message.origin, message.size, message.line)]
        self._held.setdefault(message.origin, []).append(message)
        self._held_count += 1
        return []

    patch.setattr(CosignatureAsks, "take", take)


def _forget_what_was_cosigned(patch: pytest.MonkeyPatch) -> None:
    """A witness signs what it holds, whatever it signed before."""
    patch.setattr(cosign, "find_last_signed", lambda db, node, origin: None)


def _is_lying(scenario: Scenario) -> bool:
    return scenario.byzantine is not None and scenario.is_calmed


def _is_forging(scenario: Scenario) -> bool:
    return scenario.byzantine is not None and scenario.byzantine.forge_percent > 0


def _is_fooled(scenario: Scenario) -> bool:
    return any(one.kind == "restore" and one.at_ms == 1_600 for one in scenario.happenings)


def _is_narrow(scenario: Scenario) -> bool:
    return any(name == "COSIGNATURES_HELD_MAX" and most < 4 for _, name, most in scenario.limits)


def _is_calmed(scenario: Scenario) -> bool:
    return scenario.is_calmed


def _has(*kinds: str) -> Callable[[Scenario], bool]:
    return lambda scenario: any(happening.kind in kinds for happening in scenario.happenings)


LOST = frozenset(
    {"a commit was lost", "an acknowledged record was lost", "a log was signed on two branches", "a head went back"}
)
EARLY = frozenset({"a head was shown before it was on disk"})
UNNOTED = frozenset({"a head was shown that the signed-head file does not know"})
LOST_FILE = frozenset({"a file was lost"})
UNTRUE = frozenset({"a head does not fit its entries"})
UNLEVEL = frozenset({"not level after three crossings"})
CHANGED = frozenset({"a closed decision changed"})
UNBOUND = frozenset({"a queue without bound"})
SIGNED_TWICE = frozenset({"a witness signed two branches"})
RESTLESS = frozenset({"the simulation itself failed"})
_is_cut = _has("cut", "cut_in", "cut_on_tell", "cut_on_acknowledge")


MUTANTS = (
    Mutant("SQLite syncs nothing", partial(_connect_with, "OFF"), LOST, 12, _is_cut),
    Mutant("SQLite syncs no commit", partial(_connect_with, "NORMAL"), LOST, 12, _is_cut),
    Mutant("callers are told before the commit", _acknowledge_early, LOST | EARLY, 7, _is_cut),
    Mutant("the signed-head file is not synced", _forget_sync_of_head_file, UNNOTED, 1),
    Mutant("the signed-head file is not written", _skip_head_file, UNNOTED, 1),
    Mutant("entries are not those of the head", _store_other_entries, UNTRUE, 23),
    Mutant("the cursor is saved before the gap is filled", _save_cursor_before_the_gap, UNLEVEL, 96, _is_calmed),
    Mutant("roots of equal sizes are not compared", _compare_no_equal_sizes, UNLEVEL, 29, _is_lying),
    Mutant("evidence of a fork is not spread", _spread_no_evidence, UNLEVEL, 176, _is_lying),
    Mutant("a restored home waits for nobody", _wait_for_no_answers, LOST, 1, _has("restore")),
    Mutant("what a cut left unindexed stays so", _index_nothing_left_over, UNLEVEL, 13, _is_calmed),
    Mutant("a home cut off while signing goes on", _sign_after_a_cut, LOST | UNNOTED, 340, _has("restore")),
    Mutant("files are not synced", _leave_files_unsynced, LOST_FILE, 15, _has("put_file")),
    Mutant("whom heads were sent to is not kept", _forget_whom_heads_were_sent, LOST, 128, _has("part")),
    Mutant("roots of bundles are not compared", _compare_no_bundle_roots, UNTRUE, 292, _is_forging),
    Mutant("one vote closes a decision", _close_by_one_vote, CHANGED, 449, _has("count_people")),
    Mutant("what waits for its head has no bound", _hold_without_bound, UNBOUND, 178, _is_narrow),
    Mutant("a witness forgets what it signed", _forget_what_was_cosigned, SIGNED_TWICE, 381, _is_fooled),
    Mutant("pings go out while heads wait", _ping_while_heads_wait, RESTLESS, 2),
)
