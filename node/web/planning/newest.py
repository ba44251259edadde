"""The plan that the pages speak of: the one that this node heard of last."""

from node.use_cases.context import Node
from node.use_cases.planning.calls.lookup import find_run
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import RefusedError


def find_newest(node: Node) -> PlanRun | None:
    """This node's part in it, None before any call."""
    try:
        return find_run(node, "")
    except RefusedError:
        return None
