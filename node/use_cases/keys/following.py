"""A member's log has ended: its successor takes its place in the roster, or people agree that it is no longer a member.

Invariant: a successor is accepted on the recovery key's word alone; an end without it only after a person here agreed.
Spec: docs/spec/succession.md
"""

import contextlib
from typing import Annotated, Any

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.federation.verbs import card_of_member, current_history
from node.use_cases.fork_watch import root_at
from node.use_cases.keys.ends import find_succession
from node.use_cases.logs import LogParams, show_log
from node.use_cases.peers import pin_card
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.core.record import Reference
from protocol.federation.membership import History, Retirement, Succession
from protocol.federation.roster import Member
from storage import log_store, peer_state
from storage.record_index import records
from storage.settings import set_setting, setting

RETIRED_SETTING = "retired"


class RetireParams(msgspec.Struct, kw_only=True):
    """Which member's log ends, and how many of its entries count: 0 takes those that are witnessed."""

    origin: str
    size: Annotated[int, msgspec.Meta(ge=0)] = 0


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


async def meet_successors(node: Node, history: History) -> None:
    """Pin whoever a member vouches for as a member's successor: its log holds the word that this node has to read."""
    db, voters = node.database.reader, set(history.newest.voters)
    for one in records(db, "federation.succession", history.federation):
        member = one.body.member
        is_open = one.origin in voters and one.body.old in voters and one.leaf not in history.applied
        if is_open and member.origin != node.origin and peer_state.peer(db, member.origin) is None:
            with contextlib.suppress(RefusedError):
                await pin_card(node, card_of_member(member))


def is_agreed(node: Node, body: Succession | Retirement) -> bool:
    """Whether this node votes for it."""
    db = node.database.reader
    if isinstance(body, Succession):
        found = find_succession(db, body.member.origin, body.old)
        return found is not None and body.succession == Reference(found.origin, found.index, found.leaf)
    head = log_store.head(db, body.old)
    if head is None or head.size < body.size or root_at(db, body.old, body.size) != body.root:
        return False
    return bool(setting(db, f"{RETIRED_SETTING}/{body.old}") == body.size)


async def retire(node: Node, params: RetireParams) -> dict[str, Any]:
    """Agree, for this co-op, that a member's log ends; the first who does proposes it to the others."""
    history, db = current_history(node), node.database.reader
    if history is None or not {params.origin, node.origin} <= set(history.newest.voters):
        raise RefusedError.at("origin", "only members can end a member's log, and only of their own federation")
    if params.origin == node.origin:
        raise RefusedError.at("origin", "this is the node's own log: leave the federation, or succeed it")
    proposed = [one.body for one in records(db, "federation.retirement", history.federation)]
    sizes = [body.size for body in proposed if body.old == params.origin]
    view = (await show_log(node, LogParams(origin=params.origin, last=0))).log
    size = params.size or (sizes[0] if sizes else view.witnessed_size)
    if not 0 < size <= view.size:
        raise RefusedError.at("size", "no head of it is witnessed; say how many of its entries are to count")
    await node.database.write(lambda db: set_setting(db, f"{RETIRED_SETTING}/{params.origin}", size))
    if size not in sizes:
        root = root_at(db, params.origin, size)
        await publish(node, "federation.retirement", Retirement(history.federation, params.origin, size, root))
    keeper = node.parts.get("roster")
    if keeper is not None:
        keeper.poke()
    return {"origin": params.origin, "size": size}


OPERATIONS = (
    Operation("federation.retire", RetireParams, retire, "Agree that a member's log ends, its key lost or stolen."),
)
