"""The vectors of docs/spec/planning/plan-records.md stand on the page and are what the code makes."""

import re
from pathlib import Path

from protocol.planning.call import CARDS_ROUND, format_set, parse_set, round_slot
from protocol.planning.ratifying.words import vote_slot

PAGE = Path(__file__).resolve().parents[3] / "docs/spec/planning/plan-records.md"
CALL = bytes([0x11]) * 32
LISTED = {"oak-bakery.example/log": bytes([0x22]) * 32, "northside.example/log": None}


def read_vectors() -> str:
    return PAGE.read_text(encoding="utf-8").split("## Vectors")[1]


def test_the_slots_of_the_first_two_rounds() -> None:
    slots = re.findall("`([0-9a-f]{64})`", read_vectors())
    assert slots == [round_slot(CALL, 1, CARDS_ROUND).hex(), round_slot(CALL, 1, 1).hex()]


def test_the_set_with_one_participant_silent() -> None:
    block = read_vectors().split("```")[1]
    written = bytes.fromhex(re.sub(r'"[^"]*"|two participants|silent', "", block))
    assert format_set(LISTED) == written
    assert parse_set(written) == LISTED


def test_the_slots_of_the_first_two_votes() -> None:
    page = PAGE.with_name("ratification.md").read_text(encoding="utf-8").split("## Vectors")[1]
    assert re.findall("`([0-9a-f]{64})`", page) == [vote_slot(CALL, 0).hex(), vote_slot(CALL, 1).hex()]
