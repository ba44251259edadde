"""The planning rules that there are, as one table: what starts, closes and clears a plan in each of them.

Invariant: a rule is `(economy, state, answers) -> state`; whoever runs it, a node or a trial, runs the same functions.
Spec: docs/spec/planning/planning-step.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from protocol.planning.clearing import ClearedPlan, clear_plan
from protocol.planning.economy import Economy
from protocol.planning.economy_file import EconomyFile, hide_all
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.simulation.members import Members
from protocol.planning.state import State

Answers = Mapping[str, Answer | None]


@dataclass(frozen=True)
class Mode:
    """One rule: `prepare` says what of an economy file is shown.

    `restart` takes up an earlier plan's last state (and its economy), `answer` is the honest answer.
    """

    prepare: Callable[[EconomyFile], EconomyFile]
    start: Callable[[Economy], State]
    restart: Callable[[Economy, State, Economy], State]
    answer: Callable[[Members, State], Answers]
    close: Callable[[Economy, State, Answers], tuple[State, RoundReport]]
    clear: Callable[[Economy, State], ClearedPlan]


def _as_written(file: EconomyFile) -> EconomyFile:
    return file


# One rule for both: whoever keeps recipes private shows an outline, and both kinds meet in one plan.
MODES = {
    "open": Mode(_as_written, start_state, warm_start, Members.answer, close_round, clear_plan),
    "private": Mode(hide_all, start_state, warm_start, Members.answer, close_round, clear_plan),
}
