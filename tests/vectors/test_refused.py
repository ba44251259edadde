"""The vectors of what no core or log takes: each is refused, and where a place is said, there."""

from typing import Any

import pytest

from protocol.core.commitment import check_opening, parse_opening
from protocol.core.errors import PeerError, RefusedError
from protocol.core.record import parse_record, verify_statement
from protocol.log.bundle import parse_bundle
from protocol.log.checkpoint import open_checkpoint, parse_checkpoint
from protocol.log.merkle import check_consistency, check_inclusion
from protocol.log.policy import parse_policy
from protocol.log.tiles import parse_tile_path
from tests.protocol.core.values import load_vectors

CORE, LOG = load_vectors("core/refused.json"), load_vectors("log/refused.json")
KEYS = load_vectors("core/records.json")["keys"]
REFUSALS = (PeerError, RefusedError)


@pytest.mark.parametrize("row", CORE["entries"], ids=lambda row: row["at"])
def test_an_entry_is_refused_at_its_place(row: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_record(row["entry"])
    assert [finding.place for finding in caught.value.findings] == [row["at"]]


@pytest.mark.parametrize("row", CORE["signatures"], ids=lambda row: row["says"])
def test_a_wrong_signature_is_found(row: dict[str, Any]) -> None:
    known = {key["key_id"]: key["public"] for key in KEYS.values()}
    found = verify_statement(parse_record(row["entry"]), known.get)
    assert [finding.place for finding in found] == row["at"] != []


@pytest.mark.parametrize("row", CORE["openings"], ids=lambda row: row["says"])
def test_an_opening_opens_no_other_commitment(row: dict[str, Any]) -> None:
    with pytest.raises(PeerError):
        check_opening(row["commitment"], parse_opening(row["opening"]))


@pytest.mark.parametrize("text", LOG["heads"])
def test_a_text_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        parse_checkpoint(text)


@pytest.mark.parametrize("row", LOG["notes"], ids=lambda row: row["says"])
def test_a_head_that_the_log_has_not_signed_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(PeerError):
        open_checkpoint(row["note"].encode(), KEYS["log"]["public"], "northside.example/log")


@pytest.mark.parametrize("row", LOG["inclusion"], ids=lambda row: row["says"])
def test_a_wrong_inclusion_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(PeerError):
        check_inclusion(row["leaf"], row["index"], row["size"], row["proof"], row["root"])


@pytest.mark.parametrize("row", LOG["consistency"], ids=lambda row: row["says"])
def test_a_wrong_consistency_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(PeerError):
        check_consistency(row["old_size"], row["old_root"], row["size"], row["root"], row["proof"])


def test_bundles_paths_and_policies_are_refused() -> None:
    for row in LOG["bundles"]:
        with pytest.raises(REFUSALS):
            parse_bundle(row["bytes"], row["entries"])
    for path in LOG["tile_paths"]:
        with pytest.raises(REFUSALS):
            parse_tile_path(path)
    for policy in LOG["policies"]:
        with pytest.raises(REFUSALS):
            parse_policy(policy.encode())
