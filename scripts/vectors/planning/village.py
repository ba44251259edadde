"""The made-up village of the pages, played through: cards, states, answers, plan."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from protocol.planning.cards import GoodsTable
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.economy_file import read_economy
from protocol.planning.plan import Plan, make_plan
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state
from protocol.planning.simulation.members import Members, gather_members
from protocol.planning.state import State

FILE: Final = Path(__file__).resolve().parents[3] / "tests" / "vectors" / "planning" / "village.json"
TOLERANCE_PPM: Final = 10_000
ROUNDS_MOST: Final = 40
PARAMETERS: Final = {"call": "a made-up call"}
BATCHES: Final = {"mill": {"batch": "10", "batches_least": "2"}, "oven": {"batch": "20"}}
OPEN: Final = "open"
PRIVATE: Final = "private"
LUMPY: Final = "lumpy"
"""As it is; with an oven that keeps its recipe; with an oven and a mill that work in batches."""


class PlayedRound(NamedTuple):
    """A round: who said what, the state after it, and how good that is."""

    answers: Mapping[str, Answer]
    state: State
    report: RoundReport


class Played(NamedTuple):
    """A village from its cold start to its plan."""

    economy: Economy
    members: Members
    start: State
    rounds: Sequence[PlayedRound]
    plan: Plan


def read_village(form: str = OPEN) -> dict[str, Any]:
    """The economy file of one of its forms."""
    document: dict[str, Any] = json.loads(FILE.read_bytes())
    for row in document["workplaces"]:
        if form == PRIVATE and row["id"] == "oven":
            row["recipes"] = "private"
        if form == LUMPY and row["id"] in BATCHES:
            row["techniques"][0] |= BATCHES[row["id"]]
    return document


@cache
def play_village(form: str) -> Played:
    """Everybody answers honestly until the worst good is within its tolerance."""
    file = read_economy(deepcopy(read_village(form)), TOLERANCE_PPM)
    trade = tuple(card for card in file.workplaces if card.id.startswith("import-"))
    own = tuple(card for card in file.workplaces if card not in trade)
    table = GoodsTable(file.table.format, file.table.tolerance_ppm, file.table.goods, trade)
    economy = build_economy(table, file.consumers, own)
    members = gather_members(economy, file.tastes, file.efforts)
    start = state = start_state(economy)
    rounds: list[PlayedRound] = []
    while len(rounds) < ROUNDS_MOST and not (rounds and rounds[-1].report.is_close_enough):
        answers = members.answer(state)
        state, report = close_round(economy, state, answers)
        rounds.append(PlayedRound(answers, state, report))
    plan = make_plan(economy, state, clear_plan(economy, state), rounds[-1].report, PARAMETERS)
    return Played(economy, members, start, rounds, plan)
