"""Every kind of record there is, in one table: what it says, whose area it is, and what it is about.

Invariant: unknown kinds are kept and mirrored; only kinds of this table are ever read.
Spec: docs/spec/records.md
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from protocol.core.founding import Founding
from protocol.federation.grants import KeyGrant
from protocol.federation.membership import (
    Admission,
    CharterProposal,
    FederationFounding,
    JoinRequest,
    LeaveNotice,
    PeopleCount,
    Retirement,
    Succession,
    name_federation,
)
from protocol.federation.succession import KeySuccession
from protocol.federation.vote_records import PrecommitBody, PrevoteBody, ProposalBody
from protocol.planning.batches.candidate_record import PlanCandidate, candidate_slot
from protocol.planning.call import (
    PlanAnswer,
    PlanApproval,
    PlanCall,
    PlanCards,
    PlanCheck,
    answer_slot,
    card_slot,
)
from protocol.planning.delivery.place_record import PlanPlaces
from protocol.planning.facilitating.notices import PlanNotice, PlanObjection
from protocol.planning.following.records import PlanDelivery, PlanPromises
from protocol.supply.disclosure import Disclosure
from protocol.supply.price_agreement import PriceApproval, PriceProposal
from protocol.supply.product import Product


@dataclass(frozen=True)
class Kind:
    """One kind of record; `subject` gives the bytes that the index finds it by, at most 64 of them."""

    area: str
    body: type[msgspec.Struct]
    subject: Callable[[Any], bytes]
    doc: str


def _nothing(_: object) -> bytes:
    return b""


def _federation(body: Any) -> bytes:
    return bytes(body.federation)


def _slot(body: Any) -> bytes:
    return bytes(body.slot)


def _product(body: Any) -> bytes:
    return str(body.product).encode()


def _call(body: Any) -> bytes:
    return bytes(body.call)


KINDS: dict[str, Kind] = {
    "log.founding": Kind("log", Founding, _nothing, "The first entry: the co-op's name, its keys, its recovery key."),
    "key.grant": Kind("log", KeyGrant, lambda body: body.role.encode(), "A key gets a role, or loses it."),
    "key.succession": Kind("log", KeySuccession, lambda body: body.old.encode()[:64], "This log goes on for another."),
    "federation.founding": Kind("federation", FederationFounding, name_federation, "One co-op founds a federation."),
    "federation.join": Kind("federation", JoinRequest, _federation, "A co-op's own word that it wants to belong."),
    "federation.admission": Kind("federation", Admission, _federation, "A member vouches for a co-op that asked."),
    "federation.leave": Kind("federation", LeaveNotice, _federation, "A member's own word that it leaves."),
    "federation.succession": Kind("federation", Succession, _federation, "A member vouches for a member's successor."),
    "federation.retirement": Kind("federation", Retirement, _federation, "A member agrees that another's log ends."),
    "federation.people": Kind("federation", PeopleCount, _federation, "A member's own signed count of its people."),
    "federation.charter": Kind("federation", CharterProposal, _federation, "A member proposes another charter."),
    "decision.proposal": Kind("federation", ProposalBody, _slot, "Let this slot be closed on this content."),
    "decision.prevote": Kind("federation", PrevoteBody, _slot, "The value this voter accepts in a round, or nil."),
    "decision.precommit": Kind("federation", PrecommitBody, _slot, "The value this voter holds to, or nil."),
    "supply.product": Kind("supply", Product, lambda body: body.code.encode(), "A product as its maker describes it."),
    "supply.disclosure": Kind("supply", Disclosure, _product, "What is told of a product, section by section."),
    "supply.price_proposal": Kind("supply", PriceProposal, _product, "A price with every line that it is made of."),
    "supply.price_approval": Kind("supply", PriceApproval, lambda body: body.proposal, "A named key's yes or no."),
    "plan.call": Kind("planning", PlanCall, lambda body: body.roster, "Let us plan this period over these goods."),
    "plan.card": Kind("planning", PlanCards, card_slot, "What a member asks for and can make, in one reading."),
    "plan.answer": Kind("planning", PlanAnswer, answer_slot, "What a member would do in reply to one state."),
    "plan.candidate": Kind(
        "planning", PlanCandidate, candidate_slot, "How many batches a member would have run where."
    ),
    "plan.check": Kind("planning", PlanCheck, _call, "This node computed the draft itself and checked it."),
    "plan.notice": Kind("planning", PlanNotice, _call, "A facilitator's word on a call, with its reason."),
    "plan.objection": Kind("planning", PlanObjection, _call, "A member does not agree with a facilitator's word."),
    "plan.approval": Kind("planning", PlanApproval, _call, "After its meeting's vote, a co-op approves or refuses."),
    "plan.promise": Kind("planning", PlanPromises, _call, "What a co-op promises to give and take of a plan."),
    "plan.place": Kind("planning", PlanPlaces, _nothing, "Where a co-op and its workplaces are, for deliveries."),
    "plan.delivery": Kind("planning", PlanDelivery, _call, "What a co-op gave or received under a plan."),
}
