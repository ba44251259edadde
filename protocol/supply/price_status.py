"""Where a price stands: void, proposed, in talks, agreed, superseded or refused, and why.

Invariant: a pure function of the set of records: every order of delivery gives the same status.
Invariant: no agreed price while a required section of the disclosure is missing, or below the disclosed cost.
Invariant: an agreed price holds until a later version is agreed.
Spec: docs/spec/supply/price.md
"""

from collections.abc import Iterable

import msgspec

from protocol.core.errors import Finding, shorten
from protocol.supply.cost_sheet import net_price
from protocol.supply.disclosure import list_missing
from protocol.supply.facts import Facts, Filed, Item, PriceRules, item_of
from protocol.supply.price_agreement import REASONS, PriceProposal, audit_proposal
from protocol.supply.signatures import PRODUCER_ROLE, PartySignature, Tally, count_committee, count_producer

VOID = "void"
PROPOSED = "proposed"
IN_TALKS = "in talks"
AGREED = "agreed"
SUPERSEDED = "superseded"
REFUSED = "refused"

NOT_DISCLOSED = "not disclosed"
DISCLOSED = "disclosed"


class PriceStatus(msgspec.Struct, frozen=True):
    """One version's status: why it is so, whose words count, for whom it waits, and which words do not count."""

    proposal: bytes
    state: str
    reasons: list[Finding]
    signed_by: list[PartySignature]
    waits_for: list[Finding]
    not_counted: list[Finding]


def assess_prices(facts: Facts, rules: PriceRules) -> dict[bytes, PriceStatus]:
    """The status of every proposal by its leaf hash."""
    alone = {leaf: _assess_alone(facts, rules, filed) for leaf, filed in sorted(facts.proposals.items())}
    later = _apply_later(facts, alone)
    rivals = _find_rivals(facts, later)
    return {
        leaf: msgspec.structs.replace(status, reasons=[*status.reasons, *rivals.get(leaf, [])])
        for leaf, status in later.items()
    }


def list_product_missing(facts: Facts, rules: PriceRules, item: Item) -> list[Finding]:
    """The required sections of a product that the members who pay cannot read yet."""
    current = facts.current_disclosure(item)
    return list_missing([] if current is None else current.body.sections, rules.required_sections)


def describe_product(facts: Facts, rules: PriceRules, item: Item, statuses: Iterable[PriceStatus]) -> str:
    """The word a product wears: not disclosed, in talks, disclosed or agreed; `statuses` are those of its prices."""
    states = {status.state for status in statuses}
    if AGREED in states:
        return AGREED
    if facts.current_disclosure(item) is not None and not list_product_missing(facts, rules, item):
        return DISCLOSED
    return IN_TALKS if states or facts.current_disclosure(item) is not None else NOT_DISCLOSED


def _assess_alone(facts: Facts, rules: PriceRules, filed: Filed[PriceProposal]) -> PriceStatus:
    """A proposal's status as if there were no later version."""
    reasons = _find_void(facts, rules, filed)
    tallies = [count_producer(facts, rules, filed)]
    tallies += [count_committee(facts, rules, filed, buyer) for buyer in filed.body.buyers]
    words = [word for tally in tallies for word in tally.words.values()]
    others = any(word.index != filed.index or word.origin != filed.origin for word in words)
    state = VOID if reasons else _find_state(tallies, others or filed.body.version > 1)
    return PriceStatus(
        proposal=filed.leaf,
        state=state,
        reasons=reasons + _explain_state(state, tallies),
        signed_by=words,
        waits_for=[]
        if state in (VOID, AGREED, REFUSED)
        else [_describe_wait(each) for each in tallies if not each.consents],
        not_counted=[finding for tally in tallies for finding in tally.not_counted],
    )


def _find_state(tallies: list[Tally], others_spoke: bool) -> str:
    if all(tally.consents for tally in tallies):
        return AGREED
    if any(tally.refuses for tally in tallies):
        return REFUSED
    return IN_TALKS if others_spoke or any(tally.reopened for tally in tallies) else PROPOSED


def _explain_state(state: str, tallies: list[Tally]) -> list[Finding]:
    if state == REFUSED:
        noes = [word for tally in tallies if tally.refuses for word in tally.words.values() if not word.approve]
        return [Finding(word.origin, f"{word.holder or word.role} says no: {REASONS[word.reason]}") for word in noes]
    if state == IN_TALKS:
        return [finding for tally in tallies if not tally.consents for finding in tally.reopened]
    return []


def _describe_wait(tally: Tally) -> Finding:
    more = tally.needed - tally.yes_count
    if tally.role == PRODUCER_ROLE:
        return Finding(tally.origin, "the producer's word")
    reason = f"{more} more signature{'' if more == 1 else 's'} of its price committee"
    if tally.reachable_count < tally.needed:
        reason += f"; its log grants only {len(tally.able)} of the {tally.needed} keys that it takes"
    return Finding(tally.origin, reason)


def audit_offer(facts: Facts, origin: str, body: PriceProposal) -> list[Finding]:
    """Everything that its author, the log `origin`, has to put right before a proposal can stand.

    A disclosure that is not full yet is no such thing: the maker can still fill it.
    """
    findings = audit_proposal(body)
    if origin not in {body.maker, *body.buyers}:
        findings.append(Finding("by", "only the maker or one of the buyers proposes, with its log's own key"))
    product = facts.products.get(item_of(body))
    if product is None:
        findings.append(Finding("product", f"{body.maker} has published no product {shorten(body.product)}"))
    elif product.body.unit != body.sheet.unit:
        findings.append(Finding("sheet.unit", f"the product is counted in {product.body.unit}"))
    return findings + _find_broken_link(facts, origin, body) + _find_below_cost(facts, body)


def _find_void(facts: Facts, rules: PriceRules, filed: Filed[PriceProposal]) -> list[Finding]:
    findings = audit_offer(facts, filed.origin, filed.body)
    if not filed.is_own_word:
        findings.append(Finding("by", "a log proposes with its own key"))
    return findings + list_product_missing(facts, rules, item_of(filed.body))


def _find_below_cost(facts: Facts, body: PriceProposal) -> list[Finding]:
    current = facts.current_disclosure(item_of(body))
    if current is None or current.body.cost is None:
        return []
    cost, sheet = current.body.cost, body.sheet
    if (cost.currency, cost.exponent) != (sheet.currency, sheet.exponent):
        return [Finding("sheet.currency", f"the cost is disclosed in {cost.currency} with {cost.exponent} decimals")]
    shortfall = cost.amount - net_price(sheet)
    if shortfall <= 0:
        return []
    net, below = sheet.money(net_price(sheet)), sheet.money(shortfall)
    return [Finding("sheet.price", f"without tax it is {net}, {below} below the disclosed cost of {cost}")]


def _find_broken_link(facts: Facts, origin: str, body: PriceProposal) -> list[Finding]:
    if body.predecessor is None:
        return []
    before = facts.proposals.get(body.predecessor)
    if before is None:
        return [Finding("predecessor", "the version before is not known here")]
    if item_of(before.body) != item_of(body) or before.body.version + 1 != body.version:
        return [Finding("predecessor", "is not the version before of this product")]
    if origin not in {before.body.maker, *before.body.buyers}:
        return [Finding("predecessor", "only a party to the version before can change it")]
    return []


def _list_followers(facts: Facts) -> dict[bytes, list[bytes]]:
    followers: dict[bytes, list[bytes]] = {}
    for leaf, filed in facts.proposals.items():
        if filed.body.predecessor is not None and not _find_broken_link(facts, filed.origin, filed.body):
            followers.setdefault(filed.body.predecessor, []).append(leaf)
    return followers


def _find_newest_later(facts: Facts, alone: dict[bytes, PriceStatus], ends: frozenset[str]) -> dict[bytes, bytes]:
    """For each version the newest one after it, in whatever line of talks, whose own state is one of `ends`."""
    followers = _list_followers(facts)
    newest: dict[bytes, bytes] = {}

    def rank(leaf: bytes) -> tuple[int, bytes]:
        return (facts.proposals[leaf].body.version, leaf)

    # A follower has the next higher version, so from the highest down every follower is done before it is asked for.
    for leaf in sorted(alone, key=rank, reverse=True):
        reached = [each for each in followers.get(leaf, []) if alone[each].state in ends]
        reached += [newest[each] for each in followers.get(leaf, []) if each in newest]
        if reached:
            newest[leaf] = max(reached, key=rank)
    return newest


def _apply_later(facts: Facts, alone: dict[bytes, PriceStatus]) -> dict[bytes, PriceStatus]:
    """An agreed version ends when a later one is agreed, an open one when there is a later one at all."""
    agreed = _find_newest_later(facts, alone, frozenset({AGREED}))
    spoken = _find_newest_later(facts, alone, frozenset({AGREED, IN_TALKS, PROPOSED, REFUSED}))
    judged = dict(alone)
    for leaf, status in alone.items():
        newest = (agreed if status.state == AGREED else spoken).get(leaf)
        if newest is not None and status.state in (AGREED, IN_TALKS, PROPOSED):
            reason = f"version {facts.proposals[newest].body.version} is {alone[newest].state}"
            reasons = [Finding("version", reason)]
            judged[leaf] = msgspec.structs.replace(status, state=SUPERSEDED, reasons=reasons, waits_for=[])
    return judged


def _find_rivals(facts: Facts, statuses: dict[bytes, PriceStatus]) -> dict[bytes, list[Finding]]:
    """Two agreed prices of one product for the same buyer: both are said to be so, a new version settles it."""
    agreed: dict[tuple[Item, str], list[Filed[PriceProposal]]] = {}
    for leaf, status in statuses.items():
        if status.state == AGREED:
            filed = facts.proposals[leaf]
            for buyer in filed.body.buyers:
                agreed.setdefault((item_of(filed.body), buyer), []).append(filed)
    rivals: dict[bytes, list[Finding]] = {}
    for (_, buyer), found in sorted(agreed.items()):
        for filed in found if len(found) > 1 else []:
            reason = f"{len(found)} prices are agreed for {buyer}: a new version has to settle which holds"
            rivals.setdefault(filed.leaf, []).append(Finding("version", reason))
    return rivals
