"""How a federation begins and changes: founding, admission, leaving, new counts, a new charter; folded into versions.

Invariant: a co-op joins by its own word, which a member vouches for; each version is decided by the members before it.
Invariant: the chain of versions follows from the set of records alone, in whatever order they came.
Spec: docs/spec/federation/federation.md
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec

from protocol.core.encoding import decode, encode, to_struct
from protocol.core.errors import Finding, RefusedError
from protocol.core.record import INDEX_MAX, Hash, Origin, Reference
from protocol.federation.charter import Charter, hash_charter
from protocol.federation.roster import (
    PEOPLE_MAX,
    VERSIONS_MAX,
    Change,
    InForce,
    Join,
    Leave,
    Member,
    NewCharter,
    Recount,
    Replace,
    follow,
    found_federation,
    found_roster,
    hash_roster,
    slot_of,
)
from protocol.federation.succession import RETIREMENT_MEMBERS_MIN, retirement_quorum, retirement_slot_of
from protocol.federation.votes import quorum

CHANGES_MAX = 128
People = Annotated[int, msgspec.Meta(ge=0, le=PEOPLE_MAX)]


class FederationFounding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.founding: one co-op founds a federation, alone at first, under a charter."""

    charter: Charter
    member: Member


class JoinRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.join: a co-op's own word, in its own log, that it wants to belong to a federation."""

    federation: Hash
    kind: Literal["consumers", "producers"]
    people: People


class Admission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.admission: a member vouches for a co-op whose request (`join`) it has seen."""

    federation: Hash
    member: Member
    join: Reference


class LeaveNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.leave: a member's own word that it leaves."""

    federation: Hash


class Succession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.succession: a member vouches that `member` goes on for `old`, as a `key.succession` record says."""

    federation: Hash
    old: Origin
    member: Member
    succession: Reference


class Retirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.retirement: this member agrees that another's log ends at this head, and its membership with it."""

    federation: Hash
    old: Origin
    size: Annotated[int, msgspec.Meta(ge=1, le=INDEX_MAX)]
    root: Hash


class PeopleCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.people: a member's own signed count of its people."""

    federation: Hash
    people: People


class CharterProposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """federation.charter: the charter that a member wants; its newest word counts, and who agrees says the same."""

    federation: Hash
    charter: Charter


class Said(msgspec.Struct, frozen=True):
    """A record of this area where it lies: which log said it, at which index and leaf."""

    origin: str
    index: int
    leaf: bytes
    body: Any


class Question(msgspec.Struct, frozen=True):
    """A slot of which the next version may come: who votes in it, and how many of them close it.

    `subject` is the member whose log would end, empty for the ordinary slot.
    """

    slot: bytes
    voters: tuple[str, ...]
    needed: int
    subject: str = ""


class History(msgspec.Struct, frozen=True):
    """The versions in force so far, first to newest; the leaves that made them; and decided versions that could not be.

    `counted` and `joined` are the index, in each log, of the last count and the last request that was followed.
    `attempt` counts those passed over since the newest version; `lacks` says that a record a decided version names is
    not here yet.
    """

    versions: tuple[InForce, ...]
    applied: frozenset[bytes] = frozenset()
    counted: dict[str, int] = {}
    joined: dict[str, int] = {}
    attempt: int = 0
    lacks: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def newest(self) -> InForce:
        """The version in force now."""
        return self.versions[-1]

    @property
    def federation(self) -> bytes:
        """The federation's name: the hash of its first version."""
        return self.versions[0].hash

    @property
    def slot(self) -> bytes:
        """The decision slot of the version that comes next."""
        return slot_of(self.newest.hash, self.attempt)

    @property
    def question(self) -> Question:
        """What all members decide about next."""
        voters = self.newest.voters
        return Question(self.slot, voters, quorum(len(voters)))

    def retirement(self, subject: str) -> Question | None:
        """What the others may decide instead: that a member's log ends. None where they are too few, or it is none."""
        voters = self.newest.voters
        if subject not in voters or len(voters) < RETIREMENT_MEMBERS_MIN:
            return None
        slot = retirement_slot_of(self.newest.hash, self.attempt, subject)
        others = tuple(voter for voter in voters if voter != subject)
        return Question(slot, others, retirement_quorum(len(voters)), subject)


def name_federation(founding: FederationFounding) -> bytes:
    """The 32 bytes that name the federation which this record founds: the hash of its first version."""
    return hash_roster(found_roster(founding.member, founding.charter))


def format_changes(leaves: list[bytes]) -> bytes:
    """The content that a version's proposer proposes: the leaf hashes of the records that change the roster."""
    return encode(sorted(leaves))


def parse_changes(content: bytes) -> list[bytes]:
    """The leaf hashes of a proposed version; RefusedError when they are not sorted, repeat one, or are none."""
    leaves = to_struct(decode(content), list[Hash], "changes")
    if not 0 < len(leaves) <= CHANGES_MAX or leaves != sorted(set(leaves)):
        raise RefusedError.at("changes", f"1 to {CHANGES_MAX} records, sorted, each once")
    return leaves


def read_change(history: History, said: Said, subject: str = "") -> Change:
    """What a record would change in the newest version; RefusedError when it may not, or has already.

    `subject`: the member whose log the question can end, empty for the ordinary one, which ends none.
    """
    roster = history.newest.roster
    if getattr(said.body, "federation", None) != history.federation:
        raise RefusedError.at("federation", "the record is meant for another federation")
    if said.leaf in history.applied:
        raise RefusedError.at("leaf", "the record has been followed already")
    if all(member.origin != said.origin for member in roster.members):
        raise RefusedError.at("origin", f"{said.origin} is no member of version {roster.version}")
    match said.body:
        case Admission(_, member, join):
            if join.origin != member.origin:
                raise RefusedError.at("join", "the request lies in another log than the member's own")
            if join.leaf in history.applied:
                raise RefusedError.at("join", "the request has been followed already")
            return Join(member)
        case Succession(_, old, member, succession):
            if succession.origin != member.origin:
                raise RefusedError.at("succession", "lies in another log than the one that goes on")
            return Replace(old, member)
        case Retirement(_, old):
            if old != subject:
                raise RefusedError.at("old", "the others alone decide that a log ends, in a slot of their own")
            return Leave(old)
        case LeaveNotice(_):
            if said.index <= history.joined.get(said.origin, -1):
                raise RefusedError.at("leave", "the notice is older than the request to join")
            return Leave(said.origin)
        case PeopleCount(_, people):
            if said.index <= history.counted.get(said.origin, -1):
                raise RefusedError.at("people", "a later count has been followed already")
            return Recount(said.origin, people)
        case CharterProposal(_, charter):
            if hash_charter(charter) == roster.charter:
                raise RefusedError.at("charter", "is the one in force already")
            return NewCharter(charter)
    raise RefusedError.at("kind", "the record changes no roster")


def apply_changes(history: History, saids: Sequence[Said], subject: str = "") -> History:
    """The history with one more version, made by these records; RefusedError when it cannot be made."""
    changes = [read_change(history, said, subject) for said in saids]
    if len(saids) > 1 and any(isinstance(said.body, Retirement) for said in saids):
        raise RefusedError.at("changes", "a version that ends a log changes nothing else")
    following = follow(history.newest, changes)
    counts = {said.origin: said.index for said in saids if isinstance(said.body, PeopleCount)}
    requests = [said.body.join for said in saids if isinstance(said.body, Admission)]
    joins = {request.origin: request.index for request in requests}
    return History(
        (*history.versions, following),
        history.applied | {said.leaf for said in saids} | {request.leaf for request in requests},
        # Who has joined anew is not bound by what it said in an earlier time.
        {**history.counted, **joins, **counts},
        {**history.joined, **joins},
        findings=history.findings,
    )


def fold_federation(
    founding: FederationFounding,
    closed_content: Callable[[Question], bytes | None],
    find: Callable[[bytes], Said | None],
    known: History | None = None,
) -> History:
    """The versions of a federation from its founding record on.

    `closed_content` is what a question's slot closed on, None while open or unknown; `find` gives a record by leaf.
    A version that cannot be made although it was decided is passed over: the next attempt follows, with slots of its
    own. `known` is what an earlier fold came to, which further records can only lengthen.
    """
    history = known or History((found_federation(founding.member, founding.charter),))
    history = msgspec.structs.replace(history, lacks=False)
    while len(history.versions) + history.attempt < VERSIONS_MAX:
        content, subject = _find_outcome(history, closed_content)
        if content is None:
            break
        try:
            saids = [find(leaf) for leaf in parse_changes(content)]
            if None in saids:
                return msgspec.structs.replace(history, lacks=True)
            history = apply_changes(history, [said for said in saids if said is not None], subject)
        except RefusedError as error:
            place = f"version {history.newest.roster.version + 1}, attempt {history.attempt}"
            findings = (*history.findings, Finding(place, error.reason))
            history = msgspec.structs.replace(history, attempt=history.attempt + 1, findings=findings)
    return history


def check_request(admission: Admission, said: Said) -> None:
    """RefusedError unless this record is the request that an admission refers to, by the co-op that it admits."""
    request = said.body
    if (said.origin, said.index) != (admission.member.origin, admission.join.index):
        raise RefusedError.at("join", "the request does not lie where the admission says")
    if not isinstance(request, JoinRequest) or request.federation != admission.federation:
        raise RefusedError.at("join", "the record is no request to join this federation")
    if (request.kind, request.people) != (admission.member.kind, admission.member.people):
        raise RefusedError.at("member", "another kind or count of people than the co-op's own word")


def list_questions(history: History) -> list[Question]:
    """The questions of which the next version may come: the ordinary one, then for each member that its log ends."""
    found = (history.retirement(subject) for subject in history.newest.voters)
    return [history.question, *(question for question in found if question is not None)]


def _find_outcome(history: History, closed_content: Callable[[Question], bytes | None]) -> tuple[bytes | None, str]:
    """What the next version was closed on and in whose question; at most one closes on a content of its own."""
    for question in list_questions(history):
        content = closed_content(question)
        if content is not None:
            return content, question.subject
    return None, ""


def list_changes(history: History, saids: Iterable[Said]) -> list[Said]:
    """The records that could make the next version together: of each log's counts the latest, no two at odds."""
    chosen: list[Said] = []
    latest: dict[str, Said] = {}
    for said in sorted(saids, key=lambda one: (one.origin, one.index)):
        if isinstance(said.body, PeopleCount):
            latest[said.origin] = said
    for said in sorted(saids, key=lambda one: one.leaf):
        if isinstance(said.body, PeopleCount) and latest[said.origin] is not said:
            continue
        try:
            apply_changes(history, [*chosen, said])
        except RefusedError:
            continue
        chosen.append(said)
        if len(chosen) == CHANGES_MAX:
            break
    return chosen
