"""All members side by side say what each of them would say alone."""

import numpy as np

from protocol.planning.plan import make_plan
from protocol.planning.rounds import close_round, start_state
from protocol.planning.simulation.members import gather_members
from protocol.planning.simulation.modes import MODES
from tests.protocol.planning.economies import attested_regrets, finished_plan, honest_answers, load, region, village


def test_side_by_side_they_answer_as_each_alone() -> None:
    file, economy = load(region(3, eaten=20))
    members = gather_members(economy, file.tastes, file.efforts)
    state = start_state(economy)
    for _ in range(3):
        alone, together = honest_answers(file, economy, state), members.answer(state)
        assert alone.keys() == together.keys()
        for name, answer in alone.items():
            assert answer is not None
            # The private problem is solved to its last digits, so that one unit is all that the order can change.
            assert np.max(np.abs(np.subtract(answer.quantities, together[name].quantities))) <= 1, name
        state, _ = close_round(economy, state, together)


def test_side_by_side_they_regret_as_each_alone() -> None:
    file, economy = load(village())
    plan = finished_plan(file, economy)
    alone, together = attested_regrets(file, plan), gather_members(economy, file.tastes, file.efforts).regrets(plan)
    assert alone.keys() == together.keys()
    assert all(abs(alone[name] - together[name]) <= 1 for name in alone)


def test_welfare_rises_from_round_to_round_towards_the_plan() -> None:
    file, economy = load(region(5, eaten=20))
    members = gather_members(economy, file.tastes, file.efforts)
    mode = MODES["open"]
    state, worth = mode.start(economy), []
    for _ in range(8):
        state, report = mode.close(economy, state, mode.answer(members, state))
        worth.append(members.welfare(make_plan(economy, state, mode.clear(economy, state), report)))
    assert worth[-1] > worth[0]
    assert max(worth) - worth[-1] < 0.01 * (economy.credits_micro / 1e6)
