"""Who may have whose logs: the federations that this home knows of, each with its members and their logs.

Invariant: a co-op belongs to another federation than ours only by its own word, in its own log.
Invariant: what a peer may newly have gets a change number, so that it hears of it also after a break.
Spec: docs/spec/federation/scopes.md
"""

import hashlib
import sqlite3
from dataclasses import dataclass, field

from node.use_cases.context import Node
from node.use_cases.federation.history import federation_of, fold_founding
from node.use_cases.federation.roster_records import list_offered
from protocol.core.encoding import encode
from protocol.core.errors import RefusedError
from protocol.federation.membership import Admission, History, Succession, list_questions
from protocol.federation.vote_records import VOTE_KINDS
from protocol.gossip.frontier import Circle
from storage.log.record_index import records, records_between
from storage.peers import gossip_marks
from storage.settings import set_setting, setting

CIRCLES_MAX = 64
"""Federations that are followed beside our own."""
FOLLOWED_MAX = 1_024
"""Founding records whose histories are kept; each further one is read from its beginning and followed by no vote."""
PART = "followed_federations"
CIRCLES_BYTES_MAX = 1 << 24
"""What is hashed to see whether circles have changed: names of logs only."""
TOLD_SETTING = "circles_told"
KINDS = frozenset(
    {
        "federation.founding",
        "federation.join",
        "federation.admission",
        "federation.leave",
        "federation.succession",
        "federation.retirement",
        *VOTE_KINDS,
    }
)


@dataclass(slots=True)
class Followed:
    """The histories as they were read last, by founding record, and the slots in which they go on.

    A history only grows, so the next reading takes up where this one ended; votes in other slots, such as those of a
    plan's rounds, change nothing here.
    """

    histories: dict[bytes, History] = field(default_factory=dict)
    slots: frozenset[bytes] = frozenset()


def read_circles(node: Node) -> tuple[Circle, ...]:
    """The federations that the records here speak of, our own and the one above it first."""
    db, own, followed = node.database.reader, {federation_of(node), federation_of(node, above=True)}, _followed(node)
    willing = _read_own_words(db)
    circles = {}
    for founding in records(db, "federation.founding", every_branch=True):
        history = fold_founding(node, founding, followed.histories.get(founding.leaf))
        if history is not None:
            if founding.leaf in followed.histories or len(followed.histories) < FOLLOWED_MAX:
                followed.histories[founding.leaf] = history
            said = willing.get(history.federation, set()) | {founding.origin}
            circle = _draw_circle(history, None if history.federation in own else said)
            if history.federation in own:
                circle = Circle(circle.members, circle.logs | _list_candidates(db, history))
            circles[history.federation] = circle
    questions = (question for history in followed.histories.values() for question in list_questions(history))
    followed.slots = frozenset(question.slot for question in questions)
    # Of a federation whose founding is not here, those who want to belong to it are all that is known.
    unknown = {name: frozenset(origins) for name, origins in willing.items() if name not in circles}
    circles |= {name: Circle(origins, origins) for name, origins in unknown.items()}
    return tuple(circles[name] for name in sorted(circles, key=lambda name: (name not in own, name))[:CIRCLES_MAX])


def is_about_circles(node: Node, origin: str, start: int, stop: int) -> bool:
    """Whether new entries of a log may change who belongs to what."""
    slots = _followed(node).slots
    found = records_between(node.database.reader, origin, start, stop, KINDS)
    return any(one.record.kind not in VOTE_KINDS or one.body.slot in slots for one in found)


def _followed(node: Node) -> Followed:
    found = node.parts.setdefault(PART, Followed())
    assert isinstance(found, Followed)
    return found


async def mark_circles(node: Node, circles: tuple[Circle, ...]) -> list[str]:
    """Number a change of each log that others may have now; the logs. Nothing where that was done before."""
    told = hashlib.sha256(
        encode([[sorted(one.members), sorted(one.logs)] for one in circles], CIRCLES_BYTES_MAX)
    ).digest()
    if setting(node.database.reader, TOLD_SETTING) == told:
        return []
    logs = sorted({origin for circle in circles for origin in circle.logs})

    def mark(db: sqlite3.Connection) -> None:
        for origin in logs:
            gossip_marks.mark_change(db, origin)
        set_setting(db, TOLD_SETTING, told)

    try:
        await node.database.write(mark)
    except (sqlite3.Error, RefusedError) as error:
        # Whoever is connected hears of it all the same, the others with the next change.
        node.log.error("circles_not_stored", error=type(error).__name__)
    return logs


def _read_own_words(db: sqlite3.Connection) -> dict[bytes, set[str]]:
    """Who has said in its own log that it wants to belong to which federation."""
    willing: dict[bytes, set[str]] = {}
    for one in records(db, "federation.join", every_branch=True):
        if one.is_own_word:
            willing.setdefault(one.body.federation, set()).add(one.origin)
    return willing


def _list_candidates(db: sqlite3.Connection, history: History) -> frozenset[str]:
    """Those whom members vouch for: each member reads their request in their own log before it votes."""
    offered = (said.body for said in list_offered(db, history))
    return frozenset(body.member.origin for body in offered if isinstance(body, Admission | Succession))


def _draw_circle(history: History, willing: set[str] | None) -> Circle:
    """`willing` narrows another federation than ours: whoever founds one alone could name anyone its member."""
    members = frozenset(history.newest.voters)
    logs = frozenset(origin for version in history.versions for origin in version.voters)
    return Circle(members, logs) if willing is None else Circle(members & willing, logs & willing)
