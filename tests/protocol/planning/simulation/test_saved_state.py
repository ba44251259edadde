"""A saved state comes back as it was, and not at all when a byte has changed."""

import pytest

from protocol.core.errors import RefusedError
from protocol.planning.rounds import close_round, start_state
from protocol.planning.simulation.saved_state import SAVED_HEADING, format_saved, parse_saved
from protocol.planning.state import format_state
from tests.protocol.planning.economies import honest_answers, load, village

FILE, ECONOMY = load(village())
STATE, _ = close_round(ECONOMY, start_state(ECONOMY), honest_answers(FILE, ECONOMY, start_state(ECONOMY)))
RAW = format_saved("open", ECONOMY, STATE)


def test_a_saved_state_comes_back() -> None:
    economy, state = parse_saved(RAW, "open")
    assert economy.digest == ECONOMY.digest
    assert format_state(state) == format_state(STATE)


@pytest.mark.parametrize("place", range(0, len(RAW), 97))
def test_one_changed_byte_is_found(place: int) -> None:
    changed = bytearray(RAW)
    changed[place] ^= 1
    with pytest.raises(RefusedError, match="start"):
        parse_saved(bytes(changed), "open")


@pytest.mark.parametrize("raw", [b"", SAVED_HEADING, RAW[:-1], RAW + b"\0"], ids=["none", "heading", "short", "long"])
def test_what_is_no_saved_state_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError, match="start"):
        parse_saved(raw, "open")


def test_a_state_of_another_mode_is_refused() -> None:
    with pytest.raises(RefusedError, match="mode 'open'"):
        parse_saved(RAW, "private")
