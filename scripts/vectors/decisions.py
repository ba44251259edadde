"""The vectors of a decision: who proposes and how many close it, votes that do not count, and what one voter does."""

from typing import Any, Final

from protocol.core.encoding import encode, to_value
from protocol.federation.decision import (
    Action,
    DecisionState,
    Event,
    Judged,
    Precommit,
    Prevote,
    Proposal,
    Received,
    Start,
    Timeout,
    ValueReady,
    Vote,
    audit_vote,
    handle,
    is_closed,
    open_decision,
    proposer,
    quorum,
)
from protocol.federation.vote_records import format_vote, hash_content
from scripts.vectors.made_up import HEX

SLOT = bytes(32)
ASH, BIRCH, CEDAR, DOGWOOD = VOTERS = tuple(f"{name}.example/log" for name in ("ash", "birch", "cedar", "dogwood"))
"""For this slot dogwood proposes in round 0, ash in round 1."""
CONTENT: Final = encode([bytes([0xD3]) * 32])
VALUE: Final = hash_content(CONTENT)
OTHER: Final = bytes([0x42]) * 32
VOTERS_MOST = 10


def _prevotes(round_number: int, value: bytes | None, *voters: str) -> list[Event]:
    return [Received(Prevote(SLOT, round_number, value, voter)) for voter in voters]


def _precommits(round_number: int, value: bytes | None, *voters: str) -> list[Event]:
    return [Received(Precommit(SLOT, round_number, value, voter)) for voter in voters]


STORIES: Final[dict[str, tuple[str, list[Event]]]] = {
    "the value is accepted and closed": (
        CEDAR,
        [
            Start(),
            Received(Proposal(SLOT, 0, VALUE, -1, DOGWOOD)),
            Judged(VALUE, True),
            *_prevotes(0, VALUE, ASH, BIRCH),
            *_precommits(0, VALUE, ASH, DOGWOOD),
        ],
    ),
    "a quorum stands above one's own no": (
        CEDAR,
        [
            Start(),
            Judged(VALUE, False),
            Received(Proposal(SLOT, 0, VALUE, -1, DOGWOOD)),
            *_prevotes(0, VALUE, ASH, BIRCH, DOGWOOD),
            *_precommits(0, VALUE, ASH, BIRCH),
        ],
    ),
    "nobody proposes, and the next round's proposer does": (
        ASH,
        [
            Start(),
            Timeout(0, "propose"),
            *_prevotes(0, None, BIRCH, CEDAR),
            *_precommits(0, None, BIRCH, CEDAR),
            Timeout(0, "precommit"),
            ValueReady(VALUE),
        ],
    ),
    "a lock holds against another value, until a quorum prevotes that": (
        CEDAR,
        [
            Start(),
            Judged(OTHER, True),
            Received(Proposal(SLOT, 0, OTHER, -1, DOGWOOD)),
            *_prevotes(0, OTHER, BIRCH, DOGWOOD),
            *_precommits(0, None, ASH, BIRCH),
            Timeout(0, "precommit"),
            Judged(VALUE, True),
            Received(Proposal(SLOT, 1, VALUE, -1, ASH)),
            *_prevotes(1, VALUE, ASH, BIRCH, DOGWOOD),
        ],
    ),
    "who signs twice counts for every value": (
        CEDAR,
        [
            Start(),
            *_precommits(0, VALUE, ASH, BIRCH),
            *_precommits(0, OTHER, DOGWOOD),
            *_precommits(0, None, DOGWOOD),
        ],
    ),
    "two voters ahead carry the others along": (
        CEDAR,
        [Start(), *_prevotes(3, None, ASH), *_prevotes(5, None, BIRCH)],
    ),
}
"""Whose story, and what happens to it."""
COUNTED: Final[list[Vote]] = [
    Proposal(SLOT, 0, VALUE, -1, DOGWOOD),
    *(Prevote(SLOT, 0, None if voter == CEDAR else VALUE, voter) for voter in VOTERS),
    *(Precommit(SLOT, 0, VALUE, voter) for voter in VOTERS[:3]),
]
UNCOUNTED: Final[list[tuple[str, Vote]]] = [
    ("of another slot", Prevote(bytes([1]) * 32, 0, VALUE, ASH)),
    ("of a stranger", Prevote(SLOT, 0, VALUE, "elm.example/log")),
    ("beyond the last round", Prevote(SLOT, 256, VALUE, ASH)),
    ("a proposal that leans on its own round", Proposal(SLOT, 0, VALUE, 0, DOGWOOD)),
    ("a proposal out of turn", Proposal(SLOT, 1, VALUE, -1, DOGWOOD)),
    ("a value of 31 bytes", Precommit(SLOT, 0, VALUE[:31], ASH)),
]


def export_decision() -> dict[str, Any]:
    """One slot of four voters."""
    return {
        "about": f"A decision of four voters (docs/spec: decision.md). {HEX} `is` names the event or action. Made up.",
        "slot": SLOT,
        "voters": VOTERS,
        "content": CONTENT,
        "value": VALUE,
        "quorum_of_voters": {count: quorum(count) for count in range(1, VOTERS_MOST + 1)},
        "proposers": [proposer(VOTERS, SLOT, number) for number in range(6)],
        "counted": [_describe_vote(vote) for vote in COUNTED],
        "closed_after": [is_closed(COUNTED[:count], VOTERS) for count in range(len(COUNTED) + 1)],
        "uncounted": [
            {"says": says, "vote": _describe(vote), "at": [finding.place for finding in audit_vote(vote, SLOT, VOTERS)]}
            for says, vote in UNCOUNTED
        ],
        "stories": [
            {"says": says, "voter": voter, "steps": _tell(open_decision(voter, VOTERS, SLOT), events)}
            for says, (voter, events) in STORIES.items()
        ],
    }


def _describe_vote(vote: Vote) -> dict[str, Any]:
    kind, body = format_vote(vote, CONTENT)
    return {"log": vote.voter, "kind": kind, "body": encode(to_value(body))}


def _tell(state: DecisionState, events: list[Event]) -> list[dict[str, Any]]:
    steps = []
    for event in events:
        state, actions = handle(state, event)
        steps.append({"event": _describe(event), "actions": [_describe(action) for action in actions]})
    return steps


def _describe(said: Event | Action | Vote) -> dict[str, Any]:
    fields = {name: getattr(said, name) for name in said.__struct_fields__}
    return {
        "is": type(said).__name__,
        **{
            name: _describe(value)
            if isinstance(value, Vote)
            else [_describe(one) for one in value]
            if isinstance(value, tuple)
            else value
            for name, value in fields.items()
        },
    }


FILES = {"federation/decision.json": export_decision}
