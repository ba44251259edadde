"""Runs a scenario, and says what came of it.

Spec: docs/spec/simulation.md
"""

import gc
import hashlib
import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from node.simulation.world.account.ledger import ViolationError
from node.simulation.world.faults import apply_happening
from node.simulation.world.nursery import make_homes
from node.simulation.world.scenario import Scenario
from node.simulation.world.shared_work import share_work
from node.simulation.world.virtual_time import run_in_virtual_time
from node.simulation.world.world import World


@dataclass(frozen=True)
class Outcome:
    """What came of one world: `rule` is the invariant that was broken, empty when all held."""

    scenario: Scenario
    rule: str
    detail: str
    events: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the list of events."""
        return hashlib.sha256("\n".join(self.events).encode()).hexdigest()


def run_scenario(scenario: Scenario) -> Outcome:
    """Live through a scenario."""
    # Before any limit is drawn: homes are the same for every seed.
    with share_work():
        images = make_homes(scenario.nodes, scenario.length, scenario.is_federated)
        world = World(scenario, images, apply_happening)
    rule = detail = ""
    with share_work(), _drawn_limits(scenario), _collect_later(), warnings.catch_warnings():
        # What a life began and a crash ended before its first step is never awaited.
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
        try:
            run_in_virtual_time(world.live, scenario.seed)
        except ViolationError as error:
            rule, detail = error.rule, str(error)
        except Exception as error:
            rule, detail = "the simulation itself failed", repr(error)
    return Outcome(scenario, rule, detail, tuple(world.events))


@contextmanager
def _collect_later() -> Iterator[None]:
    """A world is short: what it leaves in circles is looked for once it is over."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _drawn_limits(scenario: Scenario) -> Iterator[None]:
    """The limits that this seed has drawn, for the time of the run."""
    kept = []
    for module_name, name, value in scenario.limits:
        module = importlib.import_module(module_name)
        kept.append((module, name, getattr(module, name)))
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in reversed(kept):
            setattr(module, name, value)
