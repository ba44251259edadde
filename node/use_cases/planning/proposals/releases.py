"""What people have released, kept over a restart: for one reading, or standing for all of a call's readings.

Invariant: nothing goes out without a release of this table, and each was put there by a person's word.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from node.use_cases.context import Node
from node.use_cases.planning.proposals.private_side import WORKPLACES_MAX, Council, Edits, Release
from protocol.core.errors import RefusedError
from protocol.planning.periods.expansion import OTHERWISE
from protocol.planning.periods.names import find_base
from storage.settings import set_setting, setting

AMOUNT_CHARS_MAX = 30
RELEASE_SETTING = "plan_release"
LAST_SETTING = "plan_release_last"
DRAFT_SETTING = "plan_release_draft"
UNEDITED_PERCENT = 100


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most and the least that a workplace offers, as decimals; empty leaves it as it was."""

    capacity: Annotated[str, msgspec.Meta(max_length=AMOUNT_CHARS_MAX)] = ""
    least: Annotated[str, msgspec.Meta(max_length=AMOUNT_CHARS_MAX)] = ""


Offers = Annotated[dict[str, Offer], msgspec.Meta(max_length=WORKPLACES_MAX)]
"""Workplace label -> what it offers."""


def keep_release(
    db: sqlite3.Connection, call: bytes, readings: Sequence[int], release: Release, is_proposal: bool = True
) -> None:
    """Keep a release for these readings, and a proposal as the last one, to go on from."""
    value = msgspec.to_builtins(release)
    for reading in readings:
        set_setting(db, f"{RELEASE_SETTING}/{call.hex()}/{reading}", value)
    if is_proposal:
        set_setting(db, LAST_SETTING, value)
        set_setting(db, DRAFT_SETTING, None)


def drop_releases(db: sqlite3.Connection, call: bytes, readings: Sequence[int]) -> None:
    """Take the releases of these readings back; the last one stays known, to go on from."""
    for reading in readings:
        set_setting(db, f"{RELEASE_SETTING}/{call.hex()}/{reading}", None)


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


def resolve_release(node: Node, release: Release | None, edits_percent: Edits, offers: Offers) -> Release:
    """A release as given, or the last one of this home, with the committee's edits laid over its own; 100 % takes an
    edit back. RefusedError names what it has not got to edit."""
    release = release or last_release(node)
    if release is None:
        raise RefusedError.at("release", "nothing was released here before: say which wishes and workplaces")
    rows = {row.get("id"): row for row in release.workplaces}
    for label, offer in offers.items():
        # "oven in winter" is what the oven offers in that period of a call.
        name, period = (label, "") if label in rows else (find_base(label), label.rpartition(" in ")[2])
        if name not in rows:
            raise RefusedError.at(f"workplaces.{label}", "this release has no such workplace")
        said = {field: text for field, text in msgspec.structs.asdict(offer).items() if text}
        if period:
            said = {field: _in_period(rows[name].get(field, "0"), period, text) for field, text in said.items()}
        rows[name] = {**rows[name], **said}
    if offers:
        release = msgspec.structs.replace(release, workplaces=tuple(rows.values()))
    if not edits_percent:
        return release
    if release.council is None:
        raise RefusedError.at("edits_percent", "this release has no council whose lines could be edited")
    edits = {**release.council.edits_percent, **edits_percent}
    kept = {good: percent for good, percent in edits.items() if percent != UNEDITED_PERCENT}
    return msgspec.structs.replace(release, council=msgspec.structs.replace(release.council, edits_percent=kept))


def _in_period(value: Any, period: str, text: str) -> dict[str, Any]:
    """A row's value with another one in one period."""
    before = value if isinstance(value, dict) else {OTHERWISE: value}
    return {**before, period: text}


def release_to_edit(node: Node, run_releases: Mapping[int, Release], reading: int) -> Release | None:
    """What the committee goes on from: a file that was laid before it, else what stands released for this reading, else
    the last release; None on a home that has none of these."""
    kept = setting(node.database.reader, DRAFT_SETTING)
    if kept is not None:
        return msgspec.convert(kept, Release)
    return run_releases.get(reading) or last_release(node)


async def keep_draft(node: Node, release: Release) -> None:
    """Lay a release before the committee: nothing of it goes out before somebody releases it."""
    value = msgspec.to_builtins(release)
    await node.database.write(lambda db: set_setting(db, DRAFT_SETTING, value))
