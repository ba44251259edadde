"""Another charter for the same members: one writes it, the others say that they want it too, then it is decided.

Invariant: a member's newest word counts; a charter is decided on once as many want it as a decision needs.
Spec: docs/spec/federation/federation.md
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from node.use_cases.context import Node, NoParams, Operation
from node.use_cases.description import Command, Page, count, typed
from node.use_cases.federation.history import HOW_TO_BEGIN, current_history
from node.use_cases.federation.roster_records import list_charters
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.federation.charter import Charter, check_charter, hash_charter
from protocol.federation.membership import CharterProposal, History


class AmendParams(msgspec.Struct, kw_only=True):
    """The whole charter that is to take the place of the one in force."""

    charter: Annotated[Charter, typed("FILE")]


class AgreeParams(msgspec.Struct, kw_only=True):
    """The hash of a charter that some member has proposed, in hex."""

    charter: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z"), typed("HASH")]


class WantedCharter(msgspec.Struct, frozen=True):
    """The charter (its hash in hex) that our log says we want, and how many members must."""

    charter: str
    needed: int


class CharterChange(msgspec.Struct, frozen=True):
    """One place at which a proposed charter says something else; None: says nothing there."""

    place: str
    now: Any
    then: Any


class ProposedCharter(msgspec.Struct, frozen=True):
    """A charter that some members want: its hash, who wants it, how many must, and what it would change."""

    hash: str
    wanted_by: tuple[str, ...]
    needed: int
    changes: tuple[CharterChange, ...]


class CharterReport(msgspec.Struct, frozen=True):
    """The charter in force with its hash, and what is proposed in its place."""

    hash: str
    charter: Charter
    proposed: tuple[ProposedCharter, ...]


async def show_charter(node: Node, _: NoParams) -> CharterReport:
    """The charter in force, and those that members want in its place."""
    history = _history(node)
    charter = history.newest.charter
    wanted: dict[bytes, list[str]] = {}
    charters: dict[bytes, Charter] = {}
    for origin, said in sorted(list_charters(node.database.reader, history).items()):
        digest = hash_charter(said.body.charter)
        wanted.setdefault(digest, []).append(origin)
        charters[digest] = said.body.charter
    needed = history.question.needed
    proposed = tuple(
        ProposedCharter(digest.hex(), tuple(origins), needed, _compare(charter, charters[digest]))
        for digest, origins in sorted(wanted.items())
    )
    return CharterReport(hash_charter(charter).hex(), charter, proposed)


async def amend(node: Node, params: AmendParams) -> WantedCharter:
    """Say that this co-op wants this charter (federation.charter); the others agree, or not. RefusedError for who is no
    member, a charter that cannot be, and the one in force; the same again writes nothing."""
    history = _history(node)
    check_charter(params.charter)
    if params.charter == history.newest.charter:
        raise RefusedError.at("charter", "is the one in force already")
    own = list_charters(node.database.reader, history).get(node.origin)
    if own is None or own.body.charter != params.charter:
        await publish(node, "federation.charter", CharterProposal(history.federation, params.charter))
    return WantedCharter(hash_charter(params.charter).hex(), history.question.needed)


async def agree(node: Node, params: AgreeParams) -> WantedCharter:
    """Say that this co-op wants a charter that another member has proposed (federation.charter). RefusedError where
    nobody wants it at present."""
    asked = bytes.fromhex(params.charter)
    for said in list_charters(node.database.reader, _history(node)).values():
        if hash_charter(said.body.charter) == asked:
            return await amend(node, AmendParams(charter=said.body.charter))
    raise RefusedError.at("charter", "no member wants this one at present: `federation charter` lists those proposed")


def _history(node: Node) -> History:
    history = current_history(node)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", f"only a member of a federation has a charter; {HOW_TO_BEGIN}")
    return history


def _compare(now: Charter, then: Charter) -> tuple[CharterChange, ...]:
    old, new = msgspec.to_builtins(now), msgspec.to_builtins(then)
    places = [place for place in {**old, **new} if old.get(place) != new.get(place)]
    return tuple(CharterChange(place, old.get(place), new.get(place)) for place in places)


def tell_wanted(answer: WantedCharter) -> Iterator[str]:
    """That our log wants a charter, and how many must."""
    yield f"Your log says that you want charter {answer.charter}."
    wanted = count(answer.needed, "member wants", "members want")
    yield f"It is decided once {wanted} it: `federation charter` shows who does."


def _tell_charter(report: CharterReport) -> Iterator[str]:
    yield json.dumps(msgspec.to_builtins(report.charter), indent=2, ensure_ascii=False)
    yield f"In force: {report.hash}."
    for one in report.proposed:
        yield f"\nWanted instead by {', '.join(one.wanted_by)} ({one.needed} must want it): {one.hash}"
        for change in one.changes:
            yield f"  {change.place}: {json.dumps(change.now)} becomes {json.dumps(change.then)}"
        yield "  `rochdale federation agree` with this hash says that you want it too."


OPERATIONS = (
    Operation(
        "federation.charter",
        NoParams,
        show_charter,
        "The charter in force, and what members want in its place.",
        writes=False,
        tell=_tell_charter,
        command=Command("federation charter", code=1),
        page=Page("/charter", "Charter"),
    ),
    Operation(
        "federation.amend",
        AmendParams,
        amend,
        "Say that we want the charter in FILE (JSON). It is decided once enough members want the same.",
        tell=tell_wanted,
        command=Command("federation amend", ("charter",), "product.json", 1),
    ),
    Operation(
        "federation.agree",
        AgreeParams,
        agree,
        "Say that we want the charter HASH, which another member has proposed.",
        tell=tell_wanted,
        command=Command("federation agree", ("charter",), "0" * 64, 1),
    ),
)
