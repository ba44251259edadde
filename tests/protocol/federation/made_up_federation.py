"""A made-up federation: ash, birch and cedar, with keys that are nobody's."""

import hashlib
from typing import Any

from protocol.federation.charter import Charter, Floor
from protocol.federation.roster import Member

ASH, BIRCH, CEDAR, DOGWOOD = "ash.example", "birch.example", "cedar.example", "dogwood.example"


def make_charter(**changes: Any) -> Charter:
    """A charter that has nothing wrong with it, but for the changes."""
    fields: dict[str, Any] = {
        "name": "Made-up region",
        "language": "en",
        "currency": "EUR",
        "currency_exponent": 2,
        "required_sections": ("labour", "water"),
        "committee_threshold": 2,
        "approvals_percent_coops": 67,
        "approvals_percent_people": 0,
        "witnesses": (ASH, BIRCH),
        "witness_rule": "half",
        "credits_per_person_micro": 120_000_000,
        "floors": (Floor("bread", 4, 1), Floor("milk", 25, 2)),
        "k_households": 5,
        "rules": {"planning": 1},
    }
    return Charter(**{**fields, **changes})


def make_member(origin: str, people: int = 100) -> Member:
    """A member whose keys are drawn from its name."""
    log_key, witness_key, mirror_key = (hashlib.sha256(f"{origin}/{use}".encode()).digest() for use in range(3))
    return Member(origin, origin.split(".")[0], "consumers", people, log_key, witness_key, mirror_key, b"", "")
