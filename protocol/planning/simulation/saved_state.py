"""The last state of a plan as a file, with the cards that it stands on: where the next plan takes up.

Invariant: a file that was cut short or changed is refused; the hash covers every byte after it.
Spec: docs/spec/planning/planning-step.md, section "Saved state".
"""

import hashlib

import msgspec

from protocol.core.errors import PeerError, RefusedError, shorten
from protocol.core.record import HASH_BYTES
from protocol.planning.cards import ConsumerCard, GoodsTable, WorkplaceCard
from protocol.planning.economy import Economy, build_economy
from protocol.planning.state import State, format_state, parse_state

SAVED_HEADING = b"rochdale-saved-plan-state/1\n"
SAVED_BYTES_MOST = 128 * 1024 * 1024


class _Saved(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    mode: str
    table: GoodsTable
    consumers: tuple[ConsumerCard, ...]
    workplaces: tuple[WorkplaceCard, ...]
    state: bytes


def format_saved(mode: str, economy: Economy, state: State) -> bytes:
    """A heading, SHA-256 of the rest, and msgpack: mode, goods table, councils, workplaces, the state's bytes."""
    own = economy.workplaces[: economy.answering]
    saved = _Saved(mode, economy.table, economy.consumers, own, format_state(state))
    body = msgspec.msgpack.encode(saved, order="sorted")
    return SAVED_HEADING + hashlib.sha256(body).digest() + body


def parse_saved(raw: bytes, mode: str) -> tuple[Economy, State]:
    """The economy and its last state. RefusedError says what is wrong with the file."""
    if len(raw) > SAVED_BYTES_MOST or not raw.startswith(SAVED_HEADING):
        raise RefusedError.at("start", "is not a saved state of a plan")
    digest, body = raw[len(SAVED_HEADING) :][:HASH_BYTES], raw[len(SAVED_HEADING) + HASH_BYTES :]
    if hashlib.sha256(body).digest() != digest:
        raise RefusedError.at("start", "was cut short or changed: its hash is another one")
    try:
        saved = msgspec.msgpack.decode(body, type=_Saved)
        if saved.mode != mode:
            raise RefusedError.at("start", f"is of a plan in mode {shorten(saved.mode)!r}, this one is {mode!r}")
        economy = build_economy(saved.table, saved.consumers, saved.workplaces)
        return economy, parse_state(saved.state, economy)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError.at("start", f"is not a saved state of a plan: {error}") from None
    except PeerError as error:
        raise RefusedError.at("start", error.reason) from None
