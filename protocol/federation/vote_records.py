"""How a vote lies in its voter's own log: the log says who voted, the slot says what about.

Invariant: the voter of a record is the log it lies in, whatever the record says.
Spec: docs/spec/federation/decision.md
"""

import hashlib
from typing import Annotated

import msgspec

from protocol.core.errors import MisuseError
from protocol.core.record import Hash
from protocol.federation.votes import Precommit, Prevote, Proposal, RoundNumber, Vote

CONTENT_BYTES_MAX = 12 * 1024
CONTENT_DOMAIN = b"rochdale/decision-content/v1\0"
ValidRound = Annotated[int, msgspec.Meta(ge=-1)]


class ProposalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """decision.proposal: let it be `content`, whose hash is the value that is voted on."""

    slot: Hash
    round: RoundNumber
    value: Hash
    valid_round: ValidRound
    content: Annotated[bytes, msgspec.Meta(max_length=CONTENT_BYTES_MAX)]


class PrevoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """decision.prevote: the value this voter accepts in this round, or nil."""

    slot: Hash
    round: RoundNumber
    value: Hash | None


class PrecommitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """decision.precommit: the value this voter holds to from this round on, or nil."""

    slot: Hash
    round: RoundNumber
    value: Hash | None


VoteBody = ProposalBody | PrevoteBody | PrecommitBody
VOTE_KINDS: dict[str, type[msgspec.Struct]] = {
    "decision.proposal": ProposalBody,
    "decision.prevote": PrevoteBody,
    "decision.precommit": PrecommitBody,
}


def hash_content(content: bytes) -> bytes:
    """The 32-byte value that stands for a proposal's content."""
    return hashlib.sha256(CONTENT_DOMAIN + content).digest()


def vote_of(body: VoteBody, origin: str) -> Vote | None:
    """The vote that a record in the log `origin` casts; None when a proposal's content is not what its value says."""
    match body:
        case ProposalBody(slot, round_number, value, valid_round, content):
            whole = hash_content(content) == value
            return Proposal(slot, round_number, value, valid_round, origin) if whole else None
        case PrevoteBody(slot, round_number, value):
            return Prevote(slot, round_number, value, origin)
        case PrecommitBody(slot, round_number, value):
            return Precommit(slot, round_number, value, origin)


def format_vote(vote: Vote, content: bytes | None) -> tuple[str, VoteBody]:
    """The (kind, body) that casts a vote; a proposal needs the content whose hash is its value."""
    match vote:
        case Proposal(slot, round_number, value, valid_round, _):
            if content is None or hash_content(content) != value:
                raise MisuseError("a proposal is cast with the content that its value stands for")
            return "decision.proposal", ProposalBody(slot, round_number, value, valid_round, content)
        case Prevote(slot, round_number, value, _):
            return "decision.prevote", PrevoteBody(slot, round_number, value)
        case Precommit(slot, round_number, value, _):
            return "decision.precommit", PrecommitBody(slot, round_number, value)
