"""Whole logs with the status of every price: what any other program that reads these records must find too."""

import json
from typing import Any

import pytest

from protocol.core.encoding import to_struct
from protocol.core.identity import key_id
from protocol.core.record import audit_author, leaf_hash_of, parse_record
from protocol.record_kinds import KINDS
from protocol.supply.facts import Filed, PriceRules, gather_facts
from protocol.supply.price_status import assess_prices
from tests.protocol.supply.price_vectors import VECTORS, describe_story, tell_story


@pytest.fixture(scope="module")
def vectors() -> Any:
    return json.loads(VECTORS.read_text("utf-8"))


def read_logs(vectors: Any) -> list[Filed[Any]]:
    found = []
    for origin, log in vectors["logs"].items():
        own = key_id(bytes.fromhex(log["log_key"]))
        for index, entry in enumerate(log["entries"]):
            raw = bytes.fromhex(entry)
            record = parse_record(raw)
            assert record.seq == index and audit_author(record, own) == []
            body = to_struct(record.body, KINDS[record.kind].body)
            found.append(Filed(origin, index, leaf_hash_of(raw), record, body))
    return found


def test_the_entries_alone_lead_to_the_statuses(vectors: Any) -> None:
    rules = PriceRules(tuple(vectors["rules"]["required_sections"]), vectors["rules"]["committee_threshold"])
    statuses = assess_prices(gather_facts(read_logs(vectors)), rules)
    found = {leaf.hex(): (status.state, [str(each) for each in status.reasons]) for leaf, status in statuses.items()}
    assert found == {leaf: (each["state"], each["reasons"]) for leaf, each in vectors["statuses"].items()}
    assert {state for state, _ in found.values()} == {"agreed", "superseded", "void", "refused"}


def test_the_story_still_writes_these_very_bytes(vectors: Any) -> None:
    assert describe_story(tell_story()) == vectors
