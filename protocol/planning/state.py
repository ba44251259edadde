"""The state of a round: all that a node needs to take part again after it was away.

Invariant: integers only; the bytes are canonical, so equal states have equal hashes and nothing else does.
Spec: docs/spec/planning/planning-step.md, section "State".
"""

import hashlib
from dataclasses import dataclass

import msgspec
import numpy as np

from protocol.core.errors import PeerError
from protocol.planning.economy import Economy, Integers

STATE_FORMAT = "rochdale/plan-state/1"
STATE_HASH_DOMAIN = b"rochdale/plan-state/v1\x00"
ROUND_MOST = 1_000
STATE_BYTES_MOST = 64 * 1024 * 1024
INTEGER_MOST = 2**53


@dataclass(frozen=True)
class State:
    """One entry per council edge, then per technique, in the economy's order.

    `carried` is v, `metric` is r (its scale: docs/spec/planning/planning-step.md), `answers` the answers that stand,
    `planned` the last public plan; `prices` in micro-credits per whole unit, one per good.
    """

    economy: bytes
    round: int
    prices: Integers
    carried: Integers
    metric: Integers
    answers: Integers
    planned: Integers


def format_state(state: State) -> bytes:
    """The canonical bytes: a msgpack array of format, the economy's digest, round and five lists of integers."""
    columns = [column.tolist() for column in _columns(state)]
    return msgspec.msgpack.encode([STATE_FORMAT, state.economy, state.round, *columns])


def parse_state(encoded: bytes, economy: Economy) -> State:
    """The state in these bytes. Raises PeerError unless they are canonical and fit the economy."""
    if len(encoded) > STATE_BYTES_MOST:
        raise PeerError("the state is too long")
    try:
        parts = msgspec.msgpack.decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError("the state is not msgpack") from error
    if not isinstance(parts, list) or len(parts) != 8 or parts[0] != STATE_FORMAT:
        raise PeerError(f"the state is not {STATE_FORMAT}")
    if parts[1] != economy.digest:
        raise PeerError("the state belongs to another economy")
    if type(parts[2]) is not int or not 0 <= parts[2] <= ROUND_MOST:
        raise PeerError("the state names an impossible round")
    entries = economy.entries
    columns = [
        _parse_column(part, size) for part, size in zip(parts[3:], [len(economy.goods)] + [entries] * 4, strict=True)
    ]
    state = State(parts[1], parts[2], *columns)
    if format_state(state) != encoded:
        raise PeerError("the state's bytes are not canonical")
    return state


def _parse_column(part: object, size: int) -> Integers:
    if not isinstance(part, list) or len(part) != size:
        raise PeerError("a column of the state has the wrong length")
    if any(type(value) is not int or abs(value) > INTEGER_MOST for value in part):
        raise PeerError("a column of the state holds something else than integers within bounds")
    return np.array(part, np.int64)


def hash_state(state: State) -> bytes:
    """The 32 bytes that an answer names to say which state it replies to."""
    return hashlib.sha256(STATE_HASH_DOMAIN + format_state(state)).digest()


def _columns(state: State) -> tuple[Integers, ...]:
    return state.prices, state.carried, state.metric, state.answers, state.planned
