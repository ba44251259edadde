"""Disclosures and prices in the demo: producers publish, committees of made-up people sign with keys of their own.

Invariant: a committee member's key lies outside every node's home, and signs what was read from the entries.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from node.simulation.demo.node_process import CLOCK, NodeProcess, run_together
from node.simulation.region.calls import COMMITTEE_THRESHOLD, disclosure_row, product_row, proposal_row
from node.simulation.region.products import MadeUpProduct, load_products
from node.simulation.region.region import Region
from node.use_cases.supply.person_key import make_person_key, read_person_key, sign_as_person
from node.use_cases.supply.signing import ToSign
from protocol.core.errors import RefusedError

BUYERS_EACH = 2
ARRIVAL_WAIT_S = 30.0
POLL_S = 0.05


def agree_prices(region: Region, nodes: Mapping[str, NodeProcess], people: Path, today: date) -> None:
    """Publish, propose and sign."""
    coops = [nodes[coop.id] for coop in region.coops]
    keys = {coop.key: _seat_committee(coop, people / coop.key) for coop in coops}
    products = load_products(region)
    buyers = {product.code: _pick_buyers(coops, place) for place, product in enumerate(products)}
    by_producer = {
        producer.id: [product for product in products if product.producer == producer.id]
        for producer in region.producers
    }
    proposals: dict[str, str] = {}
    for made in run_together(
        [lambda key=key, mine=mine: _publish_all(nodes[key], mine, buyers, today) for key, mine in by_producer.items()]
    ):
        proposals.update(made)
    run_together([lambda coop=coop: _sign_all(coop, products, buyers, proposals, keys[coop.key]) for coop in coops])


def _pick_buyers(coops: list[NodeProcess], place: int) -> list[NodeProcess]:
    """Some of the co-ops, in turn."""
    return [coops[(place + step) % len(coops)] for step in range(BUYERS_EACH)]


def _seat_committee(coop: NodeProcess, folder: Path) -> list[Path]:
    """Keys of the members of a price committee: made-up people, real keys, granted by the co-op's own log."""
    folder.mkdir(parents=True)
    paths = []
    for number in range(1, COMMITTEE_THRESHOLD + 1):
        path = folder / f"committee-member-{number}.key"
        public = make_person_key(path, CLOCK, coop.home)
        coop.call("price.grant", {"key": public, "holder": f"committee member {number} (made up)"})
        paths.append(path)
    return paths


def _publish_all(
    producer: NodeProcess, products: list[MadeUpProduct], buyers: Mapping[str, list[NodeProcess]], today: date
) -> dict[str, str]:
    """A producer's products with what it discloses and proposes; the proposals' ids by product code."""
    proposals = {}
    for product in products:
        producer.call("product.publish", product_row(product))
        producer.call("disclosure.publish", disclosure_row(product))
        origins = tuple(buyer.origin for buyer in buyers[product.code])
        proposals[product.code] = producer.call("price.propose", proposal_row(product, origins, today))["record"]
    return proposals


def _sign_all(
    coop: NodeProcess,
    products: list[MadeUpProduct],
    buyers: Mapping[str, list[NodeProcess]],
    proposals: Mapping[str, str],
    keys: list[Path],
) -> None:
    """A committee signs what is fully disclosed; what is not would be void, and its node would refuse the words."""
    for product in products:
        if product.missing or coop not in buyers[product.code]:
            continue
        for path in keys:
            _sign_one(coop, proposals[product.code], path)


def _sign_one(coop: NodeProcess, proposal: str, path: Path) -> None:
    """One member reads and signs on a device of their own; the node takes the signed words in."""
    key = read_person_key(path)
    params = {"proposal": proposal, "key": key.public.hex()}
    found = msgspec.convert(_ask_again(coop, "price.statement", params), ToSign)
    signed = sign_as_person(found, key)
    coop.call("price.submit_approval", signed)


def _ask_again(node: NodeProcess, operation: str, params: dict[str, Any]) -> Any:
    """Ask until the records that it is about have arrived from the producer's node."""
    deadline_s = CLOCK.monotonic_s() + ARRIVAL_WAIT_S
    while True:
        try:
            return node.call(operation, params)
        except RefusedError:
            if CLOCK.monotonic_s() > deadline_s:
                raise
            CLOCK.pause(POLL_S)
