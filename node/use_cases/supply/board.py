"""All products and prices as this node's index has them, kept while nothing has changed.

Invariant: what the board says is a pure function of the indexed records and the charter's rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from node.use_cases.context import Node
from node.use_cases.federation.history import current_history
from protocol.core.errors import RefusedError
from protocol.federation.charter import describe_outdated
from protocol.federation.grants import GRANT_KIND
from protocol.supply.disclosure import DISCLOSURE_KIND, SECTIONS
from protocol.supply.facts import Facts, Filed, Item, PriceRules, gather_facts, item_of
from protocol.supply.price_agreement import APPROVAL_KIND, COMMITTEE_ROLE, PROPOSAL_KIND, PriceProposal
from protocol.supply.price_status import PriceStatus, assess_prices
from protocol.supply.product import PRODUCT_KIND
from storage.log import record_index
from storage.log.record_index import IndexedRecord

PART = "price_board"
FOUNDING_KIND = "log.founding"
KINDS_READ = (FOUNDING_KIND, GRANT_KIND, PRODUCT_KIND, DISCLOSURE_KIND, PROPOSAL_KIND, APPROVAL_KIND)

# A co-op that has no charter yet asks for everything, and for two people of its committee.
RULES_WITHOUT_CHARTER = PriceRules(required_sections=tuple(SECTIONS), committee_threshold=2)


@dataclass(slots=True)
class Board:
    """Facts and the status of every price, as of one state of the index."""

    seen: tuple[Any, ...] = ()
    facts: Facts = field(default_factory=Facts)
    rules: PriceRules = RULES_WITHOUT_CHARTER
    statuses: dict[bytes, PriceStatus] = field(default_factory=dict)

    def prices_of(self, item: Item) -> list[Filed[PriceProposal]]:
        """The proposals for a product, newest version first."""
        found = [filed for filed in self.facts.proposals.values() if item_of(filed.body) == item]
        return sorted(found, key=lambda filed: (-filed.body.version, filed.origin, -filed.index))

    def proposal(self, leaf: bytes) -> Filed[PriceProposal]:
        """A proposal by its id; RefusedError where this node knows none."""
        found = self.facts.proposals.get(leaf)
        if found is None:
            raise RefusedError.at("proposal", "no price proposal of this id is known here")
        return found

    def find_item(self, code: str, maker: str) -> Item:
        """The product of a maker, or of the only maker that has this code; RefusedError otherwise."""
        items = sorted(item for item in self.facts.products if item[1] == code and maker in ("", item[0]))
        if not items:
            raise RefusedError.at("product", f"no product {code} is known here")
        if len(items) > 1:
            raise RefusedError.at("maker", f"{len(items)} makers have a product {code}: say which")
        return items[0]


def read_board(node: Node) -> Board:
    """All products and prices as of now."""
    db = node.database.reader
    rules = read_rules(node)
    # Not the node's change number: votes and answers move it all the time, and no price hangs on them.
    seen = (rules, record_index.rows_of_kinds(db, KINDS_READ))
    board = node.parts.get(PART)
    if not isinstance(board, Board) or board.seen != seen:
        found = [record for kind in KINDS_READ for record in record_index.records(db, kind)]
        board = node.parts[PART] = _lay_out(found, rules, seen)
    return board


def read_product_board(node: Node, code: str) -> Board:
    """The products of one code and their prices: what publishing and signing look at, however many others there are."""
    db = node.database.reader
    subject = code.encode()
    kinds = (PRODUCT_KIND, DISCLOSURE_KIND, PROPOSAL_KIND)
    found = [record for kind in kinds for record in record_index.records(db, kind, subject)]
    for proposal in [record for record in found if record.record.kind == PROPOSAL_KIND]:
        found += record_index.records(db, APPROVAL_KIND, proposal.leaf)
    found += record_index.records(db, GRANT_KIND, COMMITTEE_ROLE.encode())
    found += record_index.records(db, FOUNDING_KIND)
    return _lay_out(found, read_rules(node), ())


def read_proposal_board(node: Node, proposal: bytes) -> Board:
    """The same for the product of a proposal by its id; RefusedError where this node knows none."""
    found = record_index.record_by_leaf(node.database.reader, proposal)
    if found is None or not isinstance(found.body, PriceProposal):
        raise RefusedError.at("proposal", "no price proposal of this id is known here")
    return read_product_board(node, found.body.product)


def read_rules(node: Node) -> PriceRules:
    """What the charter asks for; a co-op without one asks for every section and two signatures."""
    history = current_history(node)
    if history is None:
        return RULES_WITHOUT_CHARTER
    charter = history.newest.charter
    if outdated := describe_outdated(charter, "supply"):
        raise RefusedError.at("charter", outdated)
    return PriceRules(charter.required_sections, charter.committee_threshold)


def _lay_out(found: Iterable[IndexedRecord], rules: PriceRules, seen: tuple[Any, ...]) -> Board:
    facts = gather_facts(_file(found))
    return Board(seen, facts, rules, assess_prices(facts, rules))


def _file(indexed: Iterable[IndexedRecord]) -> Iterable[Filed[msgspec.Struct]]:
    for record in indexed:
        if record.body is not None:
            yield Filed(record.origin, record.index, record.leaf, record.record, record.body)
