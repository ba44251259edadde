"""What the logs say about products and prices, gathered from a set of records in any order.

Invariant: the same set of records gives the same facts, whatever order they came in.
Invariant: a product or disclosure counts only from its maker's own log, by that log's own key.
Spec: docs/spec/supply/price.md
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from protocol.core.errors import Finding
from protocol.core.founding import Founding
from protocol.core.identity import key_id
from protocol.core.record import Record
from protocol.federation.grants import Grants, KeyGrant, fold_grants
from protocol.supply.disclosure import Disclosure, audit_disclosure
from protocol.supply.price_agreement import PriceApproval, PriceProposal
from protocol.supply.product import Product, audit_product

BodyType = TypeVar("BodyType")

Item = tuple[str, str]
"""A product among all: (origin of its maker, code)."""


@dataclass(frozen=True, slots=True)
class Filed(Generic[BodyType]):
    """A typed body at its place: the log, the index there and the leaf hash of its record."""

    origin: str
    index: int
    leaf: bytes
    record: Record
    body: BodyType

    @property
    def is_own_word(self) -> bool:
        """Whether the log itself speaks, not a person whose statement lies in it."""
        return not self.record.sigs

    @property
    def place(self) -> str:
        """Where a person finds the record."""
        return f"{self.origin} #{self.index}"


class PriceRules(NamedTuple):
    """What the charter asks of an agreed price: sections that must be filled, signatures of each buyer's committee."""

    required_sections: tuple[str, ...]
    committee_threshold: int


@dataclass(slots=True)
class Facts:
    """Everything that prices are judged by; void products and disclosures are left out."""

    products: dict[Item, Filed[Product]] = field(default_factory=dict)
    disclosures: dict[Item, list[Filed[Disclosure]]] = field(default_factory=dict)
    proposals: dict[bytes, Filed[PriceProposal]] = field(default_factory=dict)
    approvals: dict[bytes, list[Filed[PriceApproval]]] = field(default_factory=dict)
    grants: dict[str, Grants] = field(default_factory=dict)
    node_keys: dict[str, frozenset[bytes]] = field(default_factory=dict)

    def current_disclosure(self, item: Item) -> Filed[Disclosure] | None:
        """The maker's newest disclosure of a product."""
        found = self.disclosures.get(item)
        return found[-1] if found else None

    def disclosure_by_leaf(self, item: Item, leaf: bytes) -> Filed[Disclosure] | None:
        """One of the maker's disclosures of this product by its leaf hash."""
        return next((filed for filed in self.disclosures.get(item, []) if filed.leaf == leaf), None)

    def held_by_node(self, origin: str) -> frozenset[bytes]:
        """Ids of the keys that a log's own node holds."""
        return self.node_keys.get(origin, frozenset())

    def granted(self, origin: str) -> Grants:
        """The grants of a log, none where nothing is known."""
        return self.grants.get(origin) or Grants()


def item_of(body: Disclosure | PriceProposal) -> Item:
    """The product that a disclosure or proposal is about."""
    return (body.maker, body.product)


def gather_facts(records: Iterable[Filed[Any]]) -> Facts:
    """Facts from records in any order; bodies of other areas are passed over.

    The logs' founding records belong to them: the keys that a log's first record names are held by its node, and
    none of them counts as a person's in that log. The same record given twice counts once.
    """
    facts = Facts()
    placed_grants: dict[str, list[tuple[int, KeyGrant]]] = {}
    by_place = {(filed.origin, filed.index): filed for filed in records}
    for _, filed in sorted(by_place.items(), key=lambda placed: placed[0]):
        body = filed.body
        if isinstance(body, Founding) and filed.index == 0:
            held = (body.keys.log, body.keys.witness, body.keys.mirror, body.keys.tls)
            facts.node_keys[filed.origin] = frozenset(key_id(key) for key in held)
        elif isinstance(body, KeyGrant):
            if filed.is_own_word:
                placed_grants.setdefault(filed.origin, []).append((filed.index, body))
        else:
            _apply_record(facts, filed)
    facts.grants = {origin: fold_grants(found) for origin, found in placed_grants.items()}
    return facts


def audit_filed_product(filed: Filed[Product]) -> list[Finding]:
    """Why a product record is void; empty when it counts."""
    return _audit_owner(filed, filed.body.maker) + audit_product(filed.body)


def _audit_filed_disclosure(filed: Filed[Disclosure]) -> list[Finding]:
    """Why a disclosure record is void; empty when it counts."""
    return _audit_owner(filed, filed.body.maker) + audit_disclosure(filed.body)


def _apply_record(facts: Facts, filed: Filed[Any]) -> None:
    body = filed.body
    if isinstance(body, Product):
        if not audit_filed_product(filed):
            facts.products[(body.maker, body.code)] = filed
    elif isinstance(body, Disclosure):
        if not _audit_filed_disclosure(filed):
            facts.disclosures.setdefault(item_of(body), []).append(filed)
    elif isinstance(body, PriceProposal):
        facts.proposals[filed.leaf] = filed
    elif isinstance(body, PriceApproval):
        facts.approvals.setdefault(body.proposal, []).append(filed)


def _audit_owner(filed: Filed[Any], maker: str) -> list[Finding]:
    if filed.origin != maker:
        return [Finding("maker", f"only the log of {maker} can speak for its maker, this lies in {filed.origin}")]
    if not filed.is_own_word:
        return [Finding("by", "a maker speaks with its log's own key")]
    return []
