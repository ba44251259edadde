"""What is mutated: the modules of each area, and the test files that answer for them."""

from typing import Final

_LIMITS = "tests/protocol/test_spec_limits.py"
_CORE = "tests/protocol/core"
_LOG = "tests/protocol/log"
_FEDERATION = "tests/protocol/federation"
_SUPPLY = "tests/protocol/supply"
_PLANNING = "tests/protocol/planning"
_GOSSIP = "tests/protocol/gossip"
_VECTORS = "tests/vectors"
_DECISION = (
    f"{_FEDERATION}/test_decision.py",
    f"{_FEDERATION}/test_votes.py",
    f"{_VECTORS}/test_decision.py",
    _LIMITS,
)
_PRICES = (
    f"{_SUPPLY}/test_cost_sheet.py",
    f"{_SUPPLY}/test_price_status.py",
    f"{_SUPPLY}/test_price_signatures.py",
    f"{_SUPPLY}/test_price_delivery.py",
    f"{_VECTORS}/test_prices.py",
    f"{_SUPPLY}/test_hostile_bodies.py",
    _LIMITS,
)

AREAS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "tree": {
        "protocol/log/merkle.py": (
            f"{_LOG}/test_merkle.py",
            f"{_LOG}/test_subtree.py",
            f"{_LOG}/test_proof.py",
            _LIMITS,
        ),
        "protocol/log/subtree.py": (f"{_LOG}/test_subtree.py", _LIMITS),
        "protocol/log/bundle.py": (f"{_LOG}/test_bundle.py", _LIMITS),
        "protocol/log/tiles.py": (f"{_LOG}/test_tiles.py", "tests/storage/log/test_log_tiles.py", _LIMITS),
        "protocol/log/proof.py": (f"{_LOG}/test_proof.py", _LIMITS),
    },
    "codec": {
        "protocol/core/encoding.py": (f"{_CORE}/test_encoding.py", _LIMITS),
        "protocol/core/record.py": (f"{_CORE}/test_record.py", f"{_CORE}/test_unnumbered.py", _LIMITS),
        "protocol/core/commitment.py": (f"{_CORE}/test_commitment.py", _LIMITS),
        "protocol/core/quantities.py": (f"{_CORE}/test_quantities.py", _LIMITS),
        "protocol/core/file_rows.py": (f"{_CORE}/test_file_rows.py",),
    },
    "notes": {
        "protocol/core/note.py": (f"{_CORE}/test_note.py", f"{_LOG}/test_cosignature.py", _LIMITS),
        "protocol/log/checkpoint.py": (f"{_LOG}/test_checkpoint.py", _LIMITS),
        "protocol/log/cosignature.py": (
            f"{_LOG}/test_cosignature.py",
            f"{_LOG}/test_mldsa44_cosignature.py",
            f"{_LOG}/outside/test_cosigning.py",
            _LIMITS,
        ),
        "protocol/log/policy.py": (f"{_LOG}/test_policy.py", _LIMITS),
        "protocol/log/witness.py": (f"{_LOG}/test_witness.py", _LIMITS),
    },
    "folds": {
        "storage/log/record_index.py": (
            "tests/storage/log/test_record_index.py",
            "tests/storage/test_reading_while_written.py",
        ),
        "protocol/federation/roster.py": (
            f"{_FEDERATION}/test_roster.py",
            f"{_FEDERATION}/test_membership.py",
            f"{_VECTORS}/test_federation.py",
            _LIMITS,
        ),
        "protocol/federation/membership.py": (
            f"{_FEDERATION}/test_membership.py",
            f"{_FEDERATION}/test_roster.py",
            f"{_VECTORS}/test_federation.py",
            _LIMITS,
        ),
        "protocol/supply/price_status.py": _PRICES,
        "protocol/supply/signatures.py": _PRICES,
    },
    "decision": {
        "protocol/federation/decision.py": _DECISION,
        "protocol/federation/decision_rules.py": _DECISION,
        "protocol/federation/decision_state.py": _DECISION,
        "protocol/federation/votes.py": _DECISION,
        "protocol/log/quorum.py": (f"{_LOG}/test_quorum.py", _LIMITS),
    },
    "cost sheet": {
        "protocol/supply/cost_sheet.py": _PRICES,
        "protocol/supply/disclosure.py": (f"{_SUPPLY}/test_product.py", *_PRICES),
        "protocol/supply/price_agreement.py": (f"{_SUPPLY}/test_price_agreement.py", *_PRICES),
    },
    "session": {
        "protocol/gossip/session.py": (
            *(f"{_GOSSIP}/test_{name}.py" for name in ("session_table", "delivery", "signs_of_life", "peers")),
            *(f"{_GOSSIP}/test_{name}.py" for name in ("forks", "file_fetching", "transfer", "circles")),
            f"{_GOSSIP}/test_many_logs.py",
            f"{_GOSSIP}/overlay/test_broadcast.py",
            _LIMITS,
        ),
    },
    "rounds": {
        "protocol/planning/rounds.py": (
            f"{_PLANNING}/by_hand/test_closing.py",
            f"{_PLANNING}/private/test_private_recipes.py",
            f"{_PLANNING}/test_spec_pages.py",
            f"{_PLANNING}/test_rounds.py",
            f"{_PLANNING}/test_state.py",
            f"{_VECTORS}/test_rounds.py",
        ),
        "protocol/planning/clearing.py": (
            f"{_PLANNING}/by_hand/test_clearing.py",
            f"{_PLANNING}/test_spec_pages.py",
            f"{_PLANNING}/test_rounds.py",
            f"{_PLANNING}/test_certificate.py",
            f"{_VECTORS}/test_rounds.py",
            f"{_PLANNING}/private/test_private_recipes.py",
        ),
    },
    "certificate": {
        "protocol/planning/certificate.py": (
            f"{_PLANNING}/test_certificate.py",
            f"{_PLANNING}/batches/test_batches.py",
            f"{_PLANNING}/test_spec_pages.py",
            f"{_PLANNING}/nested/test_two_levels.py",
        ),
    },
    "followed": {
        "protocol/planning/ratifying/words.py": (f"{_PLANNING}/ratifying/test_words.py",),
        **{
            f"protocol/planning/following/{name}.py": (f"{_PLANNING}/following/test_following.py", _LIMITS)
            for name in ("account", "deliveries", "promises")
        },
    },
    "receive": {
        "node/use_cases/receive.py": (
            "tests/node/use_cases/test_receive.py",
            "tests/node/web/public/test_mirror.py",
        ),
    },
    "store": {
        "storage/log/log_store.py": (
            "tests/storage/log/test_log_store.py",
            "tests/storage/log/test_pending_bundles.py",
            "tests/storage/log/test_log_tiles.py",
            "tests/storage/log/test_many_logs.py",
            "tests/storage/test_reading_while_written.py",
            "tests/node/use_cases/test_receive.py",
        ),
        "storage/database.py": ("tests/storage/test_database.py",),
    },
}
"""Area -> module -> test files."""
