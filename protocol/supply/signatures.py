"""Who has said yes or no to a price, and which of these words count.

Invariant: a committee member's word counts once, signed with a key that the co-op's log had granted before it.
Invariant: a key that the co-op's node holds, and what the office entered, never count as a person's own signature.
Invariant: a yes to one version or disclosure never counts for another.
Spec: docs/spec/supply/price.md
"""

from dataclasses import dataclass, field

import msgspec

from protocol.core.errors import Finding
from protocol.core.quantities import Money
from protocol.core.record import audit_audience, list_own_signers, verify_statement
from protocol.supply.disclosure import Disclosure, list_missing
from protocol.supply.facts import Facts, Filed, Item, PriceRules, item_of
from protocol.supply.price_agreement import COMMITTEE_ROLE, PriceApproval, PriceProposal, audit_approval

PRODUCER_ROLE = "producer"


class PartySignature(msgspec.Struct, frozen=True):
    """One counted word: for which log, in which role, the holder's free label, the key id, yes or no, and why no.

    `note` is the commitment to words beside it, None for none.
    """

    origin: str
    role: str
    holder: str
    key_id: bytes
    index: int
    approve: bool
    reason: str
    note: bytes | None


@dataclass(slots=True)
class Tally:
    """What one party has said: `consents` once and for all when enough yeses stood together in its log."""

    origin: str
    role: str
    needed: int
    consents: bool = False
    refuses: bool = False
    able: frozenset[bytes] = frozenset()
    words: dict[bytes, PartySignature] = field(default_factory=dict)
    reopened: list[Finding] = field(default_factory=list)
    not_counted: list[Finding] = field(default_factory=list)

    @property
    def yes_count(self) -> int:
        """How many say yes."""
        return sum(word.approve for word in self.words.values())

    @property
    def reachable_count(self) -> int:
        """How many yeses there can still be: those given and those of keys that have not spoken."""
        return self.yes_count + len(self.able - self.words.keys())


def count_producer(facts: Facts, rules: PriceRules, proposal: Filed[PriceProposal]) -> Tally:
    """The maker's word: its own proposal, or an approval by its log's own key."""
    item = item_of(proposal.body)
    tally = Tally(proposal.body.maker, PRODUCER_ROLE, needed=1)
    if proposal.origin == tally.origin:
        read = _disclosure_before(facts, item, proposal.index)
        if read is not None and _is_cost_changed(facts, item, read.body):
            tally.reopened.append(Finding(proposal.place, _describe_change(facts, item, read.body)))
        else:
            word = PartySignature(
                tally.origin, PRODUCER_ROLE, "", proposal.record.by, proposal.index, approve=True, reason="", note=None
            )
            _take_word(tally, word)
    for approval in _approvals_in(facts, proposal, tally.origin):
        reason = _find_fault(approval)
        if not approval.is_own_word:
            reason = "the producer approves with its log's own key"
        _judge_word(facts, rules, item, tally, approval, reason)
    tally.refuses = not tally.consents and bool(tally.words)
    return tally


def count_committee(facts: Facts, rules: PriceRules, proposal: Filed[PriceProposal], buyer: str) -> Tally:
    """The word of one buying co-op: the last word of each committee member, until enough yeses stand together."""
    grants = facts.granted(buyer)
    able = frozenset(grants.list_holders(COMMITTEE_ROLE)) - facts.held_by_node(buyer)
    tally = Tally(buyer, COMMITTEE_ROLE, needed=rules.committee_threshold, able=able)
    seen: set[tuple[bytes, bytes]] = set()
    for approval in _approvals_in(facts, proposal, buyer):
        reason = find_unsigned(facts, approval)
        if not reason and approval.record.statement is not None:
            statement = (approval.record.by, approval.record.statement.nonce)
            # A statement that its author has replaced must not come back by being entered again.
            reason = "the same statement stands before" if statement in seen else ""
            seen.add(statement)
        _judge_word(facts, rules, item_of(proposal.body), tally, approval, reason)
    spoken_against = any(not word.approve for word in tally.words.values())
    tally.refuses = not tally.consents and spoken_against and tally.reachable_count < tally.needed
    return tally


def _judge_word(
    facts: Facts, rules: PriceRules, item: Item, tally: Tally, approval: Filed[PriceApproval], reason: str
) -> None:
    """Take up an approval, or keep why it does not count: `reason`, or what the disclosure that was read lacks."""
    reason = reason or _find_unread(facts, rules, item, approval)
    if reason:
        tally.not_counted.append(Finding(approval.place, reason))
        return
    read = facts.disclosure_by_leaf(item, approval.body.disclosure)
    if approval.body.approve and read is not None and _is_cost_changed(facts, item, read.body):
        tally.reopened.append(Finding(approval.place, _describe_change(facts, item, read.body)))
    elif not tally.consents:
        _take_word(tally, _word_of(facts, approval))


def _take_word(tally: Tally, word: PartySignature) -> None:
    tally.words[word.key_id] = word
    tally.consents = tally.yes_count >= tally.needed


def _word_of(facts: Facts, approval: Filed[PriceApproval]) -> PartySignature:
    body, name = approval.body, approval.record.by
    role = PRODUCER_ROLE if approval.is_own_word else COMMITTEE_ROLE
    holder = "" if approval.is_own_word else facts.granted(approval.origin).holder_of(name)
    return PartySignature(approval.origin, role, holder, name, approval.index, body.approve, body.reason, body.note)


def _approvals_in(facts: Facts, proposal: Filed[PriceProposal], origin: str) -> list[Filed[PriceApproval]]:
    return [approval for approval in facts.approvals.get(proposal.leaf, []) if approval.origin == origin]


def _find_fault(approval: Filed[PriceApproval]) -> str:
    return "; ".join(str(finding) for finding in audit_approval(approval.body))


def find_unsigned(facts: Facts, approval: Filed[PriceApproval]) -> str:
    """Why an approval in a co-op's log is no committee member's own word; empty when it is."""
    record, grants = approval.record, facts.granted(approval.origin)
    if fault := _find_fault(approval):
        return fault
    if approval.is_own_word or record.by in facts.held_by_node(approval.origin):
        return "a key that the node holds is no committee member's own"
    if not grants.has_role(record.by, COMMITTEE_ROLE, approval.index):
        return "this key was not on the price committee when it signed"
    findings = audit_audience(record, {approval.origin}) + verify_statement(record, grants.public_key_of)
    if findings:
        return "; ".join(str(finding) for finding in findings)
    return "" if record.by in list_own_signers(record) else "entered by the office, not signed by the member"


def _find_unread(facts: Facts, rules: PriceRules, item: Item, approval: Filed[PriceApproval]) -> str:
    """Why the disclosure that was read does not carry a yes; empty when it does, and for a no."""
    if not approval.body.approve:
        return ""
    read = facts.disclosure_by_leaf(item, approval.body.disclosure)
    if read is None:
        return "the disclosure that was read is not one of this product"
    missing = list_missing(read.body.sections, rules.required_sections)
    return f"signed before the disclosure was full: {missing[0].reason}" if missing else ""


def _disclosure_before(facts: Facts, item: Item, index: int) -> Filed[Disclosure] | None:
    found = [filed for filed in facts.disclosures.get(item, []) if filed.index < index]
    return found[-1] if found else None


def _is_cost_changed(facts: Facts, item: Item, read: Disclosure) -> bool:
    """A cost that is told for the first time is no change."""
    return read.cost is not None and read.cost != _current_cost(facts, item)


def _describe_change(facts: Facts, item: Item, read: Disclosure) -> str:
    return f"the disclosed cost was {read.cost} then and is {_current_cost(facts, item) or 'not told'} now"


def _current_cost(facts: Facts, item: Item) -> Money | None:
    current = facts.current_disclosure(item)
    return None if current is None else current.body.cost
