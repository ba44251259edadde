"""A price proposal and what the two sides say to it: versions of one price, each with its own cost sheet.

Invariant: a proposal is never changed; a change is a new version that names the version before it.
Invariant: no free text of a person is in these records: a refusal gives a reason word, a note is a commitment.
Spec: docs/spec/supply/price.md
"""

import re
from datetime import date
from typing import Final

import msgspec

from protocol.core.errors import Finding, refuse
from protocol.core.origin import is_origin
from protocol.core.quantities import Quantity
from protocol.core.record import HASH_BYTES
from protocol.supply.cost_sheet import CostSheet, audit_cost_sheet
from protocol.supply.product import audit_code, audit_maker, audit_version

PROPOSAL_KIND: Final = "supply.price_proposal"
APPROVAL_KIND: Final = "supply.price_approval"
COMMITTEE_ROLE: Final = "price committee"
BUYERS_MAX: Final = 64
PERIOD_DAYS_MAX: Final = 3_660

REASONS: Final[dict[str, str]] = {
    "price": "the price",
    "volume": "the guaranteed volume",
    "disclosure": "what is disclosed",
    "quality": "the quality",
    "delivery": "delivery or packaging",
    "other": "another reason",
}

# date.fromisoformat reads other spellings of a date too; a record has one.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class PriceProposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the price of a maker's product for the buying co-ops that it names, in the log of any of them.

    `guaranteed_minimum` is what the buyers take together in each `period_days`; `valid_from` is YYYY-MM-DD;
    `predecessor` is the leaf hash of the version before, None for version 1.
    """

    product: str
    maker: str
    buyers: list[str]
    version: int
    predecessor: bytes | None
    sheet: CostSheet
    guaranteed_minimum: Quantity
    period_days: int
    valid_from: str
    made_up: bool


class PriceApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Yes or no to one version by one who has read one disclosure (both by leaf hash).

    `reason` is a key of REASONS, empty for a yes; `note` commits to words that are not in the log, None for none.
    """

    proposal: bytes
    disclosure: bytes
    approve: bool
    reason: str
    note: bytes | None


def audit_proposal(proposal: PriceProposal) -> list[Finding]:
    """Everything in a proposal, read by itself, that its author has to put right."""
    findings = audit_code(proposal.product, "product") + audit_maker(proposal.maker, "maker")
    findings += _audit_buyers(proposal)
    findings += audit_version(proposal.version, "version")
    if (proposal.predecessor is None) != (proposal.version == 1):
        findings.append(Finding("predecessor", "every version but the first names the one before it"))
    elif proposal.predecessor is not None and len(proposal.predecessor) != HASH_BYTES:
        findings.append(Finding("predecessor", f"must be {HASH_BYTES} bytes"))
    findings += [Finding(f"sheet.{each.place}", each.reason) for each in audit_cost_sheet(proposal.sheet)]
    return findings + _audit_guarantee(proposal)


def audit_approval(approval: PriceApproval) -> list[Finding]:
    """Everything in an approval, read by itself, that its author has to put right."""
    findings = []
    for place, content in (("proposal", approval.proposal), ("disclosure", approval.disclosure)):
        if len(content) != HASH_BYTES:
            findings.append(Finding(place, f"must be {HASH_BYTES} bytes"))
    if approval.note is not None and len(approval.note) != HASH_BYTES:
        findings.append(Finding("note", f"must be {HASH_BYTES} bytes"))
    if approval.approve and approval.reason:
        findings.append(Finding("reason", "belongs to a no, not to a yes"))
    if not approval.approve and approval.reason not in REASONS:
        findings.append(Finding("reason", f"a no gives one of {', '.join(REASONS)}"))
    return findings


def check_approval(approval: PriceApproval) -> None:
    """RefusedError with every finding when an approval has any."""
    refuse(audit_approval(approval), "the price approval is refused")


def _audit_buyers(proposal: PriceProposal) -> list[Finding]:
    buyers = proposal.buyers
    if not 1 <= len(buyers) <= BUYERS_MAX:
        return [Finding("buyers", f"there are {len(buyers)}, there must be 1 to {BUYERS_MAX}")]
    if buyers != sorted(set(buyers)):
        return [Finding("buyers", "must be in alphabetical order, each once")]
    findings = [
        Finding(f"buyers.{number}", "not the name of a log, such as northside.example/log")
        for number, buyer in enumerate(buyers, start=1)
        if not is_origin(buyer)
    ]
    if proposal.maker in buyers:
        findings.append(Finding("buyers", "nobody agrees a price with itself"))
    return findings


def _audit_guarantee(proposal: PriceProposal) -> list[Finding]:
    findings = []
    if proposal.guaranteed_minimum.amount <= 0:
        findings.append(Finding("guaranteed_minimum", "must be more than nothing"))
    if proposal.guaranteed_minimum.unit != proposal.sheet.unit:
        findings.append(Finding("guaranteed_minimum.unit", f"is counted in {proposal.sheet.unit} like the price"))
    if not 1 <= proposal.period_days <= PERIOD_DAYS_MAX:
        findings.append(Finding("period_days", f"must be 1 to {PERIOD_DAYS_MAX}"))
    if not _is_date(proposal.valid_from):
        findings.append(Finding("valid_from", "not a date such as 2026-03-01"))
    return findings


def _is_date(text: str) -> bool:
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
