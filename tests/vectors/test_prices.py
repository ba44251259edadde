"""Whole logs with the status of every price: what any other program that reads these records must find too."""

from typing import Any

from protocol.core.encoding import to_struct
from protocol.core.identity import key_id
from protocol.core.record import audit_author, leaf_hash_of, parse_record
from protocol.record_kinds import KINDS
from protocol.supply.facts import Filed, PriceRules, gather_facts
from protocol.supply.price_status import assess_prices
from tests.protocol.core.values import load_vectors

VECTORS = load_vectors("supply/prices.json")


def test_the_entries_alone_lead_to_the_statuses_in_any_order() -> None:
    rules = PriceRules(tuple(VECTORS["rules"]["required_sections"]), VECTORS["rules"]["committee_threshold"])
    filed = read_logs()
    for order in (filed, filed[::-1]):
        statuses = assess_prices(gather_facts(order), rules)
        for told in VECTORS["statuses"]:
            status = statuses[told["proposal"]]
            assert (status.state, [str(each) for each in status.reasons]) == (told["state"], told["reasons"])
            signed = [f"{word.origin} #{word.index} {'yes' if word.approve else 'no'}" for word in status.signed_by]
            assert (signed, [str(each) for each in status.not_counted]) == (told["signed_by"], told["not_counted"])
        assert len(statuses) == len(VECTORS["statuses"])
    assert {told["state"] for told in VECTORS["statuses"]} == {"agreed", "superseded", "void", "refused"}


def read_logs() -> list[Filed[Any]]:
    found = []
    for origin, log in VECTORS["logs"].items():
        own = key_id(log["log_key"])
        for index, raw in enumerate(log["entries"]):
            record = parse_record(raw)
            assert record.seq == index and audit_author(record, own) == []
            body = to_struct(record.body, KINDS[record.kind].body)
            found.append(Filed(origin, index, leaf_hash_of(raw), record, body))
    return found
