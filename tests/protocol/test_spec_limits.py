"""The limits that every node must hold alike: the pages say them in figures, and the code holds those."""

from pathlib import Path

import pytest

from protocol.core import commitment, encoding, note, quantities, record
from protocol.federation import charter, membership, peer_certificate, roster, votes
from protocol.log import merkle, policy, proof, quorum, tiles
from protocol.planning.following import deliveries
from protocol.planning.following import records as following_records
from protocol.supply import cost_sheet, price_agreement, product, texts

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("core/encoding", f"in one another at most {encoding.DEPTH_MAX} deep"),
        ("core/encoding", f"at most {encoding.ENTRY_BYTES_MAX:,} bytes"),
        ("core/encoding", f"`exponent` 0 to {quantities.EXPONENT_MAX}."),
        ("core/record", f"joined by points, at most {record.KIND_LENGTH_MAX} letters"),
        ("core/record", f"`refs`: at most {record.REFS_MAX} lists"),
        ("core/record", f"{record.SIGS_MAX} lists (algorithm, key id, at most {record.SIGNATURE_BYTES_MAX:,} bytes)"),
        ("core/record", f"1 to {record.AUDIENCE_LENGTH_MAX} visible ASCII characters"),
        ("core/record", f"`nonce`: {record.NONCE_BYTES} random bytes"),
        ("core/commitment", f"of five keys, at most {commitment.OPENING_BYTES_MAX:,} bytes"),
        ("core/commitment", f"the path below it; at most {commitment.FIELD_PATH_LENGTH_MAX} letters"),
        ("core/commitment", f"`salt`: {commitment.SALT_BYTES} random bytes"),
        (
            "log/note-and-checkpoint",
            f"at most {note.NOTE_BYTES_MAX:,} bytes with at most {note.SIGNATURES_MAX} signatures",
        ),
        ("log/note-and-checkpoint", f"Types: {note.ED25519} Ed25519 over a note, {note.COSIGNATURE_V1} Ed25519 cosig"),
        ("log/note-and-checkpoint", f"{note.COSIGNATURE_MLDSA44} ML-DSA-44 cosignature"),
        ("log/note-and-checkpoint", f"type ‖ key)[:{note.KEY_HASH_BYTES}]"),
        ("log/note-and-checkpoint", f"at most {note.VKEY_LENGTH_MAX:,} characters"),
        ("log/note-and-checkpoint", f"A name is 1 to {note.KEY_NAME_BYTES_MAX} bytes"),
        ("log/note-and-checkpoint", f"witness set W (at most {quorum.WITNESSES_MAX})"),
        (
            "log/policy",
            f"At most {policy.POLICY_BYTES_MAX:,} bytes, {policy.LOGS_MAX} logs, {policy.WITNESSES_MAX} witn",
        ),
        ("log/policy", f"and {policy.GROUPS_MAX} groups are read"),
        ("log/policy", f"up to {policy.FINDINGS_MAX} findings"),
        ("log/tree", f"at most {merkle.PROOF_HASHES_MAX} hashes"),
        ("log/tiles-and-proofs", f"`tile/L/N`: {tiles.TILE_HASHES} hashes"),
        ("log/tiles-and-proofs", f"*L* is 0 to {tiles.TILE_LEVEL_MAX} "),
        ("log/tiles-and-proofs", f"base64 of 1 to {proof.EXTRA_BYTES_MAX:,} bytes"),
        ("federation/decision", f"when the slot is opened (1 to {votes.VOTERS_MAX})"),
        ("federation/decision", f"0 ≤ round ≤ {votes.ROUNDS_MAX - 1}"),
        ("federation/federation", f"the number, 1 to {roster.VERSIONS_MAX:,};"),
        ("federation/federation", f"`people` (at most {roster.PEOPLE_MAX:,})"),
        ("federation/federation", f"`tls_certificate` (at most {peer_certificate.CERTIFICATE_BYTES_MAX:,} bytes)"),
        ("federation/federation", f"`url` (at most {roster.URL_LENGTH_MAX} characters"),
        ("federation/federation", f"a canonical list of 1 to {membership.CHANGES_MAX} leaf hashes"),
        ("federation/federation", f"at most {charter.SECTIONS_MAX}, sorted, each once"),
        ("federation/federation", f"at most {charter.FLOORS_MAX}, sorted by good"),
        ("federation/federation", f"{charter.K_HOUSEHOLDS_LEAST} to 1,000"),
        ("federation/federation", f"at most {charter.FACILITATORS_MAX} origins"),
        ("planning/following", f"bring its author above {deliveries.WAYS_MAX:,} ways"),
        ("planning/following", f"`[good, source, to, units]`, 1 to {following_records.LOADS_MAX} of them"),
        ("supply/price", f"sorted, 1 to {price_agreement.BUYERS_MAX}, the maker not among them"),
        ("supply/price", f"each period of 1 to {price_agreement.PERIOD_DAYS_MAX:,} days"),
        ("supply/price", f"Versions count from 1 to {product.VERSION_MAX:,}."),
        ("supply/price", f"One to {cost_sheet.LINES_MAX} lines"),
        ("supply/price", f"at most {texts.LABEL_LENGTH_MAX} characters each"),
        (
            "supply/price",
            f"(at most {texts.LANGUAGES_MAX}, language → text of at most {texts.TEXT_LENGTH_MAX:,} characters)",
        ),
    ],
)
def test_a_page_says_the_limit_that_the_code_holds(page: str, sentence: str) -> None:
    assert sentence in (SPEC / f"{page}.md").read_text()


def test_limits_that_are_powers_are_those_of_the_pages() -> None:
    """ "Below 2⁵³", "up to the end of the year 9999", "int64", "no amount is beyond 10¹⁵"."""
    assert record.INDEX_MAX == 9_007_199_254_740_991
    assert record.AT_MS_MAX == 253_402_300_799_999
    assert (encoding.INT_MIN, encoding.INT_MAX) == (-9_223_372_036_854_775_808, 9_223_372_036_854_775_807)
    assert cost_sheet.AMOUNT_MAX == charter.CREDITS_PER_PERSON_MICRO_MAX == 1_000_000_000_000_000
