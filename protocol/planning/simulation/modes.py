"""The planning rules that there are, as one table: what starts, closes and clears a plan in each of them.

Invariant: a rule is `(economy, state, answers) -> state`; whoever runs it, a node or a trial, runs the same functions.
Spec: docs/spec/planning-step.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from protocol.planning.clearing import ClearedPlan, clear_plan
from protocol.planning.economy import Economy
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state, warm_start
from protocol.planning.simulation.members import Members
from protocol.planning.state import State

Answers = Mapping[str, Answer | None]


@dataclass(frozen=True)
class Mode:
    """One rule: `restart` takes up an earlier plan's last state (and its economy), `answer` is the honest answer."""

    start: Callable[[Economy], State]
    restart: Callable[[Economy, State, Economy], State]
    answer: Callable[[Members, State], Answers]
    close: Callable[[Economy, State, Answers], tuple[State, RoundReport]]
    clear: Callable[[Economy, State], ClearedPlan]


MODES = {"open": Mode(start_state, warm_start, Members.answer, close_round, clear_plan)}
