"""Values, records and keys for the tests of the core: made up, and the same on every run."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from protocol.core.encoding import INT_MAX, INT_MIN
from protocol.core.identity import SigningKey, key_id
from protocol.core.record import Reference, Statement

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
SHARED_SIGNATURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "vectors-signatures"
ORIGIN = "northside.example/log"

LOG_KEY = SigningKey(b"made-up log key, for tests only ")
MEMBER_KEY = SigningKey(b"made-up member key, tests only  ")
OFFICE_KEY = SigningKey(b"made-up office key, tests only  ")
PUBLIC_OF = {key_id(key.public): key.public for key in (LOG_KEY, MEMBER_KEY, OFFICE_KEY)}

texts = st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | texts | st.binary(max_size=40)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(texts, values, max_size=4)
references = st.builds(
    Reference,
    st.sampled_from([ORIGIN, "oak.example", "mill.example:8443/log_2"]),
    st.integers(0, 2**53 - 1),
    st.binary(min_size=32, max_size=32),
)
kinds = st.sampled_from(["supply.product", "planning.round.answer", "a.b"])
statements = st.builds(
    Statement,
    kind=kinds,
    at=st.integers(0, 10**13),
    by=st.just(key_id(MEMBER_KEY.public)),
    audience=st.sampled_from([ORIGIN, "decision:plan-2"]),
    nonce=st.binary(min_size=16, max_size=16),
    refs=st.lists(references, max_size=3).map(tuple),
    body=bodies | st.binary(min_size=32, max_size=32),
)


def load_vectors(name: str) -> Any:
    """A file of tests/vectors, where {"hex": ...} stands for bytes."""
    return json.loads((VECTORS / name).read_text("utf-8"), object_hook=_open_bytes)


def flip_bit(raw: bytes, bit: int) -> bytes:
    """The bytes with one bit turned over."""
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _open_bytes(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value
