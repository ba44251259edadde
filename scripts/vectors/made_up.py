"""Made-up keys, names and times that all vectors share; the seeds stand in the files, so that anyone can sign alike."""

from typing import Any

from protocol.core.identity import SigningKey, key_id

HEX = '{"hex": ...} stands for bytes.'
ORIGIN = "northside.example/log"
WITNESS = "oak.example/witness"
AT_MS = 1_770_000_000_000
SEEDS = {
    "log": b"made-up log key, for tests only ",
    "member": b"made-up member key, tests only  ",
    "office": b"made-up office key, tests only  ",
    "witness": b"made-up witness key, tests only ",
}
KEYS = {name: SigningKey(seed) for name, seed in SEEDS.items()}
LOG_ID = key_id(KEYS["log"].public)
TREE_ENTRIES = [b"entry %d" % number for number in range(7)]


def describe_keys() -> dict[str, Any]:
    """Seeds with the public keys and ids that follow from them."""
    return {
        name: {"seed": SEEDS[name], "public": key.public, "key_id": key_id(key.public)} for name, key in KEYS.items()
    }
