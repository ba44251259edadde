"""A member's log has ended: its successor takes its place in the roster, or people agree that it is no longer a member.

Invariant: a successor is accepted on the recovery key's word alone; an end without it only after a person here agreed,
which this home then says in its own log.
Spec: docs/spec/federation/succession.md
"""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, count, help_of
from node.use_cases.federation.history import current_history
from node.use_cases.federation.roster_records import list_words
from node.use_cases.federation.verbs import card_of_member
from node.use_cases.fork_watch import root_at
from node.use_cases.keys.ends import find_succession, is_succession
from node.use_cases.logs import LogParams, show_log
from node.use_cases.peers import pin_card
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.record import Reference
from protocol.federation.membership import History, Retirement, Said, Succession
from protocol.federation.roster import Member
from protocol.federation.succession import LEAVE_AND_FOUND
from storage.log.record_index import records
from storage.peers import peer_state


class RetireParams(msgspec.Struct, kw_only=True):
    """Which member's log ends, and how many of its entries count: 0 takes those that are witnessed."""

    origin: str
    size: Annotated[int, msgspec.Meta(ge=0), help_of("How many entries count; 0: the witnessed ones.")] = 0


class EndAgreed(msgspec.Struct, frozen=True):
    """Our word that a member's log ends after so many entries; how many have `agreed`, and how many are `needed`."""

    origin: str
    size: int
    agreed: int
    needed: int


async def vouch_for_successor(node: Node, history: History, member: Member) -> bool:
    """Vouch for a co-op that asked to join as the successor of a member; False where it is none."""
    db, voters = node.database.reader, set(history.newest.voters)
    found = find_succession(db, member.origin)
    if found is None or found.body.old not in voters:
        return False
    place = Reference(found.origin, found.index, found.leaf)
    known = records(db, "federation.succession", history.federation)
    if not any(one.body.succession == place and one.origin in voters for one in known):
        body = Succession(history.federation, found.body.old, member, place)
        await publish(node, "federation.succession", body, [place])
    return True


async def meet_successors(node: Node, offered: Iterable[Said]) -> None:
    """Pin whoever a member vouches for as a member's successor: its log holds the word that this node has to read."""
    db = node.database.reader
    for said in offered:
        if not isinstance(said.body, Succession):
            continue
        member = said.body.member
        if member.origin != node.origin and peer_state.peer(db, member.origin) is None:
            with contextlib.suppress(RefusedError):
                await pin_card(node, card_of_member(member))


def is_agreed(node: Node, body: Succession) -> bool:
    """Whether this node votes for a successor: the recovery key has spoken where the member who vouches says."""
    place = body.succession
    return is_succession(node.database.reader, place.origin, place.index, place.leaf, body.old)


async def retire(node: Node, params: RetireParams) -> EndAgreed:
    """Agree, for this co-op and in its own log, that a member's log ends (federation.retirement): it does once enough
    of the others have. RefusedError for who is no member, our own log, a federation of two, and a head that is not
    held; the same again writes nothing."""
    history, db = current_history(node), node.database.reader
    if history is None or not {params.origin, node.origin} <= set(history.newest.voters):
        raise RefusedError.at("origin", "only members can end a member's log, and only of their own federation")
    if params.origin == node.origin:
        raise RefusedError.at("origin", "this is the node's own log: leave the federation, or succeed it")
    question = history.retirement(params.origin)
    if question is None:
        raise RefusedError.at("origin", LEAVE_AND_FOUND)
    words = [list_words(db, history, voter).get(params.origin) for voter in question.voters]
    said = {one.origin: one.body for one in words if one is not None}
    view = (await show_log(node, LogParams(origin=params.origin, last=0))).log
    size = params.size or next((body.size for body in said.values()), view.witnessed_size)
    if not 0 < size <= view.size:
        raise RefusedError.at("size", "no head of it is witnessed; say how many of its entries are to count")
    word = Retirement(history.federation, params.origin, size, root_at(db, params.origin, size))
    if said.get(node.origin) != word:
        await publish(node, "federation.retirement", word)
    agreed = {origin for origin, body in said.items() if body == word} | {node.origin}
    return EndAgreed(params.origin, size, len(agreed), question.needed)


def _tell_retired(answer: EndAgreed) -> Iterator[str]:
    yield f"This co-op agrees that {answer.origin} ends after {count(answer.size, 'entry', 'entries')}."
    yield f"{answer.agreed} of the {answer.needed} co-ops that are needed have agreed; its own word does not count."
    yield "The others say the same with this command; once enough have, the roster is without it."


OPERATIONS = (
    Operation(
        "federation.retire",
        RetireParams,
        retire,
        "Agree that the log of the member ORIGIN ends: its key was lost or stolen, and its recovery key too.",
        tell=_tell_retired,
        command=Command("federation retire", ("origin",), "nobody.example/log", 1),
    ),
)
