"""Which call is meant: by its id, or the newest that this node follows.

Invariant: nobody is told of a call that this node does not compute itself.
"""

from typing import Annotated

import msgspec

from node.use_cases.context import Node
from node.use_cases.description import help_of
from node.use_cases.planning.rounds.planner import Planner
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError
from storage.log.record_index import records

CALL_HEX = r"^(?:[0-9a-f]{64})?\Z"
CallHex = Annotated[str, msgspec.Meta(pattern=CALL_HEX), help_of("The call's id; without it the newest.")]
"""A call's id in hex; empty means the newest call."""


class PlanParams(msgspec.Struct, kw_only=True):
    """Which call."""

    call: CallHex = ""


def planner_of(node: Node) -> Planner:
    """The running node's planner; RefusedError when the node is not running."""
    found = node.parts.get("planner")
    if not isinstance(found, Planner):
        raise RefusedError.at("plan", "plans are made by a running node: start it with `rochdale run`")
    return found


def find_run(node: Node, call: str) -> PlanRun:
    """A call by its id in hex, or the newest one that this node follows."""
    planner = planner_of(node)
    if call:
        run = planner.run_of(bytes.fromhex(call))
    else:
        calls = sorted(records(node.database.reader, "plan.call"), key=lambda one: (one.record.at, one.leaf))
        runs = [planner.run_of(indexed.leaf) for indexed in calls]
        run = next((found for found in reversed(runs) if found is not None), None)
    if run is None:
        raise RefusedError.at("call", "no such call is known here, or its roster has not arrived yet")
    return run


def find_followed(node: Node, call: str) -> PlanRun:
    """A call by its id in hex; without one the newest revision that has a plan in force, or else the newest call."""
    in_force = planner_of(node).list_in_force()
    return find_run(node, call) if call or not in_force else in_force[-1]
