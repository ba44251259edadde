"""Belonging: founding a federation, inviting, joining, leaving, counting people; and the roster that follows.

Invariant: whom this node counts as a member follows from the logs alone; an invitation is a person's act.
"""

import sqlite3
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import LINE, Command, Page, Rows, count, help_of
from node.use_cases.federation.history import (
    ABOVE_SETTING,
    FEDERATION_SETTING,
    ROSTER_PARTS,
    bound_federation,
    current_history,
    known_history,
)
from node.use_cases.own_log.own_head import own_head_of
from node.use_cases.peers import own_card, pin_card
from node.use_cases.publish import publish
from protocol.core.encoding import to_value
from protocol.core.errors import RefusedError
from protocol.federation.charter import Charter, check_charter
from protocol.federation.membership import (
    FederationFounding,
    JoinRequest,
    LeaveNotice,
    PeopleCount,
    name_federation,
)
from protocol.federation.peer_card import (
    Invitation,
    PeerCard,
    format_invitation,
    parse_card,
    parse_invitation,
)
from protocol.federation.roster import PEOPLE_MAX, Member
from protocol.supply.disclosure import SECTIONS
from storage.log.record_index import own_words
from storage.settings import names_under, set_setting, setting

INVITED_SETTING = "invited"
MemberKind = Literal["consumers", "producers"]
People = Annotated[int, msgspec.Meta(ge=0, le=PEOPLE_MAX), help_of("How many people we count.")]
Above = Annotated[bool, help_of("In the federation above, in which we speak for our own.")]
OurKind = Annotated[MemberKind, help_of("What we are.")]


class CreateParams(msgspec.Struct, kw_only=True):
    """A charter, and the founder's own kind and people."""

    charter: Annotated[Charter, help_of("JSON file with the charter.")]
    kind: OurKind = "consumers"
    people: People


class InviteParams(msgspec.Struct):
    """The peer card of the co-op that is invited, as text."""

    card: Annotated[str, LINE]


class JoinParams(msgspec.Struct, kw_only=True):
    """An invitation as text, and what this co-op says of itself;
    `above`: it comes in the name of its own federation."""

    invitation: Annotated[str, LINE]
    kind: OurKind = "consumers"
    people: People
    above: Above = False


class PeopleParams(msgspec.Struct):
    """This co-op's people, counted anew; `above`: those of its own federation, in the one above."""

    people: People
    above: Above = False


class WhichParams(msgspec.Struct):
    """This home's own federation, or (`above`) the one in which it speaks for its own."""

    above: Above = False


class Invited(msgspec.Struct, frozen=True):
    """Who is invited, and the line to send them."""

    origin: str
    invitation: str


class BelongingWord(msgspec.Struct, frozen=True):
    """A word about belonging to a federation (its name in hex): the place in our log where it stands."""

    federation: str
    index: int


class PeopleCounted(msgspec.Struct, frozen=True):
    """How many people our log counts now, and the place in it where that stands."""

    people: int
    index: int


class MemberRow(msgspec.Struct, frozen=True):
    """A member as a page shows it."""

    origin: str
    name: str
    kind: str
    people: int
    url: str


class RosterReport(msgspec.Struct, frozen=True, kw_only=True):
    """The roster in force, with its charter."""

    federation: str
    version: int
    hash: str
    members: tuple[MemberRow, ...]
    people: int
    charter: Charter
    findings: tuple[str, ...]
    waits_for: tuple[str, ...]


async def create(node: Node, params: CreateParams) -> RosterReport:
    """Found a federation of one (federation.founding); others join by invitation. RefusedError where this home belongs
    to one, or the charter cannot be."""
    if bound_federation(node) is not None:
        raise RefusedError.at("federation", "this home belongs to one already")
    check_charter(params.charter)
    unknown = sorted(set(params.charter.required_sections) - set(SECTIONS))
    if unknown:
        raise RefusedError.at("charter.required_sections", f"{unknown[0]} is no section of a disclosure")
    member = member_of_card(own_card(node), params.kind, params.people)
    founding = FederationFounding(params.charter, member)
    federation = name_federation(founding)
    if own_words(node.database.reader, "federation.founding", federation, {node.origin}):
        # A federation's name is the hash of how it began: it would be the one of before, which was left.
        raise RefusedError.at("charter", "this home has founded just this one before; change the charter or the people")
    own_head_of(node).check_open(node.database.reader, node.origin)
    await node.database.write(lambda db: _bind(db, FEDERATION_SETTING, federation))
    await publish(node, "federation.founding", founding)
    return await show_roster(node, WhichParams())


async def invite(node: Node, params: InviteParams) -> Invited:
    """Pin a co-op by its card and remember that a person invited it (both private); the text to send it. RefusedError
    for who is no member, a card that cannot be, and a co-op that is a member already."""
    history = current_history(node)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "only a member can invite; found a federation or join one first")
    card = parse_card(params.card)
    if card.origin in history.newest.voters:
        raise RefusedError.at("card", "that co-op is a member already")
    await pin_card(node, card)
    value = to_value(card)
    await node.database.write(lambda db: set_setting(db, f"{INVITED_SETTING}/{card.origin}", value))
    cards = tuple(card_of_member(member) for member in history.newest.roster.members if member.origin != node.origin)
    invitation = Invitation(history.federation, (own_card(node), *cards))
    return Invited(card.origin, format_invitation(invitation))


async def join(node: Node, params: JoinParams) -> BelongingWord:
    """Accept an invitation: pin the members it names and say in our own log that we want to belong (federation.join).
    RefusedError where this home belongs to another federation, or speaks for none that could be below."""
    invitation = parse_invitation(params.invitation)
    known, other = bound_federation(node, params.above), bound_federation(node, not params.above)
    if known is not None and known != invitation.federation:
        raise RefusedError.at("federation", "this home belongs to another one")
    if params.above and other is None:
        raise RefusedError.at("above", "this home belongs to no federation that it could speak for: join without it")
    if other == invitation.federation:
        raise RefusedError.at("above", "a home is in a federation for itself, or for its own one below: not both")
    own_head_of(node).check_open(node.database.reader, node.origin)
    for card in invitation.cards:
        if card.origin != node.origin:
            await pin_card(node, card)
    name = ABOVE_SETTING if params.above else FEDERATION_SETTING
    await node.database.write(lambda db: _bind(db, name, invitation.federation))
    published = await publish(node, "federation.join", JoinRequest(invitation.federation, params.kind, params.people))
    return BelongingWord(invitation.federation.hex(), published.index)


def _bind(db: sqlite3.Connection, name: str, federation: bytes) -> None:
    """Remember the federation; whoever was invited into one of before is not invited into this."""
    if name == FEDERATION_SETTING and setting(db, name) != federation:
        for origin in names_under(db, f"{INVITED_SETTING}/"):
            set_setting(db, f"{INVITED_SETTING}/{origin}", None)
    set_setting(db, name, federation)


async def leave(node: Node, params: WhichParams) -> BelongingWord:
    """Say in our own log that we leave (federation.leave); the next version of the roster is without us. RefusedError
    for who is no member, and for a second word while the others have still to decide."""
    history = current_history(node, params.above)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "this home belongs to none")
    said = own_words(node.database.reader, "federation.leave", history.federation, {node.origin})
    if any(indexed.leaf not in history.applied for indexed in said.get(node.origin, ())):
        raise RefusedError.at("federation", "this home has said so already; the others have still to decide")
    published = await publish(node, "federation.leave", LeaveNotice(history.federation))
    return BelongingWord(history.federation.hex(), published.index)


async def count_people(node: Node, params: PeopleParams) -> PeopleCounted:
    """Sign a new count of our people (federation.people); the next version of the roster has it. RefusedError for who
    is no member."""
    history = current_history(node, params.above)
    if history is None or node.origin not in history.newest.voters:
        raise RefusedError.at("federation", "this home belongs to none")
    published = await publish(node, "federation.people", PeopleCount(history.federation, params.people))
    return PeopleCounted(params.people, published.index)


async def show_roster(node: Node, params: WhichParams) -> RosterReport:
    """The roster in force as this node works it out from the logs."""
    keeper = node.parts.get(ROSTER_PARTS[params.above])
    history = known_history(node, params.above)
    newest = history.newest
    rows = tuple(MemberRow(one.origin, one.name, one.kind, one.people, one.url) for one in newest.roster.members)
    return RosterReport(
        federation=history.federation.hex(),
        version=newest.roster.version,
        hash=newest.hash.hex(),
        members=rows,
        people=sum(row.people for row in rows),
        charter=newest.charter,
        findings=tuple(map(str, history.findings)),
        waits_for=() if keeper is None else keeper.waits_for(),
    )


def member_of_card(card: PeerCard, kind: MemberKind, people: int) -> Member:
    """The roster's entry for a co-op, from its card and its own word."""
    return Member(
        origin=card.origin,
        name=card.name,
        kind=kind,
        people=people,
        log_key=card.log_key,
        witness_key=card.witness_key,
        mirror_key=card.mirror_key,
        tls_certificate=card.tls_certificate,
        url=card.url,
    )


def card_of_member(member: Member) -> PeerCard:
    """How to reach and pin a member."""
    return PeerCard(
        origin=member.origin,
        name=member.name,
        url=member.url,
        log_key=member.log_key,
        witness_key=member.witness_key,
        mirror_key=member.mirror_key,
        tls_certificate=member.tls_certificate,
    )


def _tell_roster(report: RosterReport) -> Iterator[str | Rows]:
    members, people = count(len(report.members), "member"), count(report.people, "person", "people")
    yield f"{report.charter.name}: version {report.version}, {members}, {people}."
    rows = [(one.name, one.kind, one.people, one.url or "dials out", one.origin) for one in report.members]
    yield Rows(("member", "kind", "people", "address", "log"), rows)
    if report.waits_for:
        yield f"The next version waits for {', '.join(report.waits_for)}."
    for finding in report.findings:
        yield f"  {finding}"


def _tell_invitation(answer: Invited) -> Iterator[str]:
    yield "Send them this line; they give it to `rochdale federation join`:\n"
    yield answer.invitation


def _tell_asked(answer: BelongingWord) -> Iterator[str]:
    yield f"Your log says that you want to join federation {answer.federation[:16]}."
    yield "Once your node meets the one that invited you, the members decide; see `rochdale federation roster`."


def _tell_leave(_: BelongingWord) -> Iterator[str]:
    yield "Your word is in your log; the next roster is without you."


def _tell_people(answer: PeopleCounted) -> Iterator[str]:
    yield f"Your log now counts {count(answer.people, 'person', 'people')}."


OPERATIONS = (
    Operation(
        "federation.create",
        CreateParams,
        create,
        "Found a federation of one under a charter. Others join by invitation.",
        tell=_tell_roster,
        command=Command(
            "federation create",
            example="--charter product.json --people 9",
            code=1,
            group="The federation: found it, invite, join, leave, see who belongs.",
        ),
    ),
    Operation(
        "federation.invite",
        InviteParams,
        invite,
        "Invite the co-op of this peer CARD (a line, or a file that holds it).",
        tell=_tell_invitation,
        command=Command("federation invite", ("card",), "rochdale-peer:x", 1),
    ),
    Operation(
        "federation.join",
        JoinParams,
        join,
        "Accept an INVITATION (a line, or a file that holds it).",
        tell=_tell_asked,
        command=Command("federation join", ("invitation",), "rochdale-invitation:x --people 9", 1),
    ),
    Operation(
        "federation.leave",
        WhichParams,
        leave,
        "Leave the federation; what was signed stays signed.",
        tell=_tell_leave,
        command=Command("federation leave", code=1),
    ),
    Operation(
        "federation.people",
        PeopleParams,
        count_people,
        "Sign a new count of our people, PEOPLE.",
        tell=_tell_people,
        command=Command("federation people", ("people",), "9", 1),
    ),
    Operation(
        "federation.roster",
        WhichParams,
        show_roster,
        "Who belongs, and under which charter.",
        writes=False,
        tell=_tell_roster,
        command=Command("federation roster", code=1),
        page=Page("/federation", "Federation"),
    ),
)
