"""A state is bytes: the same integers give the same hash, and nothing else is taken for a state."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.core.errors import PeerError
from protocol.planning.rounds import close_round, start_state
from protocol.planning.state import State, format_state, hash_state, parse_state
from tests.protocol.planning.economies import honest_answers, load, village

FILE, ECONOMY = load(village())


def second() -> State:
    state = start_state(ECONOMY)
    return close_round(ECONOMY, state, honest_answers(FILE, ECONOMY, state))[0]


def test_a_state_reads_back_as_it_was_written() -> None:
    state = second()
    again = parse_state(format_state(state), ECONOMY)
    assert hash_state(again) == hash_state(state)
    assert again.round == 1
    assert again.carried.tolist() == state.carried.tolist()


def test_a_node_that_has_only_the_state_goes_on_alike() -> None:
    state = second()
    answers = honest_answers(FILE, ECONOMY, state)
    there, _ = close_round(ECONOMY, parse_state(format_state(state), ECONOMY), answers)
    here, _ = close_round(ECONOMY, state, answers)
    assert hash_state(there) == hash_state(here)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_changed_byte_is_another_state_or_none(data: st.DataObject) -> None:
    state = second()
    raw = bytearray(format_state(state))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        other = parse_state(bytes(raw), ECONOMY)
    except PeerError:
        return
    assert hash_state(other) != hash_state(state)


def test_what_is_no_state_is_refused() -> None:
    parts = msgspec.msgpack.decode(format_state(second()))
    spoiled = {
        "not a list": {},
        "a column short": parts[:7],
        "another format": ["x", *parts[1:]],
        "another economy": [parts[0], bytes(32), *parts[2:]],
        "an impossible round": [*parts[:2], 10**6, *parts[3:]],
        "a column of the wrong length": [*parts[:3], parts[3][1:], *parts[4:]],
        "a number beyond all bounds": [*parts[:4], [2**60, *parts[4][1:]], *parts[5:]],
        "a truth value": [*parts[:4], [True, *parts[4][1:]], *parts[5:]],
    }
    for value in spoiled.values():
        with pytest.raises(PeerError):
            parse_state(msgspec.msgpack.encode(value), ECONOMY)
    for raw in (b"", b"\xc1", b"\x91" * 3000):
        with pytest.raises(PeerError):
            parse_state(raw, ECONOMY)
