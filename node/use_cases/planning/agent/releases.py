"""What people have released, kept over a restart: for one reading, or standing for all of a call's readings.

Invariant: nothing goes out without a release of this table, and each was put there by a person's word.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.private_side import Council, Edits, Release
from protocol.core.errors import RefusedError
from storage.settings import set_setting, setting

RELEASE_SETTING = "plan_release"
LAST_SETTING = "plan_release_last"


def keep_release(db: sqlite3.Connection, call: bytes, readings: Sequence[int], release: Release) -> None:
    """Keep a release for these readings, and as the last one."""
    value = msgspec.to_builtins(release)
    for reading in readings:
        set_setting(db, f"{RELEASE_SETTING}/{call.hex()}/{reading}", value)
    set_setting(db, LAST_SETTING, value)


def kept_releases(db: sqlite3.Connection, call: bytes, readings: int) -> dict[int, Release]:
    """What was released for a call's readings, 1 to `readings`."""
    found = {number: setting(db, f"{RELEASE_SETTING}/{call.hex()}/{number}") for number in range(1, readings + 1)}
    return {number: msgspec.convert(value, Release) for number, value in found.items() if value is not None}


def last_release(node: Node) -> Release | None:
    """What this home released last, in whichever call; None before its first release."""
    kept = setting(node.database.reader, LAST_SETTING)
    return None if kept is None else msgspec.convert(kept, Release)


def last_council(node: Node) -> Council | None:
    """How this home's council was released last; None where it never was."""
    release = last_release(node)
    return None if release is None else release.council


def resolve_release(node: Node, release: Release | None, edits_percent: Edits) -> Release:
    """A release as given, or the last one of this home, with the committee's edits laid over its own."""
    release = release or last_release(node)
    if release is None:
        raise RefusedError.at("release", "nothing was released here before: say which wishes and workplaces")
    if not edits_percent:
        return release
    if release.council is None:
        raise RefusedError.at("edits_percent", "this release has no council whose lines could be edited")
    edits = {**release.council.edits_percent, **edits_percent}
    return msgspec.structs.replace(release, council=msgspec.structs.replace(release.council, edits_percent=edits))
