"""Letting co-ops in: vouching for those whom a person here invited, and looking up what others vouch for.

Invariant: this node vouches, and votes, only for a co-op whose own request it has read in that co-op's own log.
Invariant: an invitation is a person's act and is used up by one admission.
Spec: docs/spec/federation/federation.md
"""

import sqlite3
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Final

from node.use_cases.context import Node
from node.use_cases.federation.verbs import INVITED_SETTING, card_of_member, member_of_card
from node.use_cases.keys.following import vouch_for_successor
from node.use_cases.publish import publish
from protocol.core.encoding import to_struct
from protocol.core.errors import PeerError, RefusedError
from protocol.core.record import Reference
from protocol.federation.membership import Admission, History, Said, check_request
from protocol.federation.peer_card import PeerCard, check_card
from protocol.federation.roster import Member
from storage.log import log_store
from storage.log.record_index import IndexedRecord, latest, record_at
from storage.settings import names_under, set_setting, setting

FIT_KEPT: Final = 1_024
CANDIDATES_MAX: Final = 256
"""Logs known here of which nothing has come and whose owner is no peer: others' candidates that may not exist."""
CANDIDATES_PER_MEMBER_MAX: Final = 8
REQUESTS_READ_MAX: Final = 4
"""Of an invited co-op's requests the newest are looked at."""


def is_admissible(node: Node, admission: Admission) -> bool | None:
    """Whether the co-op that a member vouches for has asked to join, in its own log and just so.

    None while that log is not here as far as the request.
    """
    if not is_fit(admission.member):
        return False
    db, member, join = node.database.reader, admission.member, admission.join
    head = log_store.head(db, member.origin)
    if head is None or head.size <= join.index:
        return None
    found = record_at(db, member.origin, join.index)
    if found is None:
        # On disk, and not indexed yet or not readable at all.
        return None
    if found.leaf != join.leaf or not found.is_own_word or found.void:
        return False
    try:
        check_request(admission, Said(found.origin, found.index, found.leaf, found.body))
    except RefusedError:
        return False
    return log_store.log_key_of(db, member.origin) == member.log_key


async def meet_candidates(node: Node, offered: Iterable[Said]) -> None:
    """Know the logs of those whom members vouch for, so that they come by way of whoever vouched.

    They are not called: an address that one member names is nobody's to trust before the members have decided.
    """
    wanted = [(said.origin, said.body.member) for said in offered if isinstance(said.body, Admission)]
    if any(_is_unknown(node, member) for _, member in wanted):
        await node.database.write(lambda db: _add_candidates(db, node, wanted))


def _add_candidates(db: sqlite3.Connection, node: Node, wanted: list[tuple[str, Member]]) -> None:
    sql = "SELECT count(*) FROM log WHERE size = 0 AND origin NOT IN (SELECT origin FROM peer)"
    room = CANDIDATES_MAX - db.execute(sql).fetchone()[0]
    waiting: dict[str, int] = {}
    for voucher, member in wanted:
        head = log_store.head(db, member.origin)
        if head is not None and head.size:
            continue
        waiting[voucher] = waiting.get(voucher, 0) + 1
        if head is None and room > 0 and waiting[voucher] <= CANDIDATES_PER_MEMBER_MAX:
            room -= 1
            try:
                log_store.add_log(db, member.origin, member.log_key)
            except PeerError as error:
                node.log.info("candidate_not_met", origin=member.origin, reason=error.reason)


def _is_unknown(node: Node, member: Member) -> bool:
    return log_store.head(node.database.reader, member.origin) is None


async def admit_invited(node: Node, history: History) -> None:
    """Vouch for those whom a person here invited and who said in their own log that they want to belong."""
    db, members = node.database.reader, set(history.newest.voters)
    if node.origin not in members:
        return
    for origin in names_under(db, f"{INVITED_SETTING}/"):
        name = f"{INVITED_SETTING}/{origin}"
        request = None if origin in members else _find_open_request(db, history, origin)
        if request is not None:
            await _admit(node, history, request, to_struct(setting(db, name), PeerCard, "invited"))
        if request is not None or origin in members:
            await node.database.write(partial(set_setting, name=name, value=None))


def _find_open_request(db: sqlite3.Connection, history: History, origin: str) -> IndexedRecord | None:
    requests = latest(db, "federation.join", history.federation, origin, REQUESTS_READ_MAX)
    fresh = (one for one in requests if one.is_own_word and one.leaf not in history.applied)
    return next(fresh, None)


async def _admit(node: Node, history: History, request: IndexedRecord, card: PeerCard) -> None:
    member = member_of_card(card, request.body.kind, request.body.people)
    if await vouch_for_successor(node, history, member):
        return
    place = Reference(request.origin, request.index, request.leaf)
    vouched = latest(node.database.reader, "federation.admission", history.federation, node.origin, REQUESTS_READ_MAX)
    if all(one.body.join != place for one in vouched):
        await publish(node, "federation.admission", Admission(history.federation, member, place), [place])


@lru_cache(FIT_KEPT)
def is_fit(member: Member) -> bool:
    """Whether a member that somebody vouches for has a card by which nodes can meet it; asked again at every turn."""
    try:
        check_card(card_of_member(member))
    except RefusedError:
        return False
    return True
