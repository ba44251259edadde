"""Where everybody of a call is, from the members' own words, and whose place nobody has said.

Spec: docs/spec/planning/delivery.md, section "Known places"
"""

from collections.abc import Collection, Mapping
from typing import Any

from node.use_cases.context import Node
from node.use_cases.planning.deliveries.degrees import read_places
from node.use_cases.planning.rounds.run import PlanRun
from protocol.core.errors import Finding, refuse
from protocol.planning.delivery.known_places import apply_places, place_ends
from protocol.planning.delivery.places import Place
from protocol.planning.plan import Plan
from storage.log.record_index import own_words, record_by_leaf

HOW_TO_SAY = (
    "A co-op says its own with `rochdale plan place NORTH EAST`; for what comes from outside, or lies in stock, "
    "whoever called the plan does, with `--trade outside` or `--trade stock`."
)


def read_known(node: Node, run: PlanRun) -> dict[str, Place]:
    """The places that count in a call."""
    called = record_by_leaf(node.database.reader, run.call_id)
    return _read_said(node, run.terms.members, "" if called is None else called.origin)


def read_own(node: Node) -> dict[str, Place]:
    """The places that this home's own log says."""
    return _read_said(node, (node.origin,), node.origin)


def _read_said(node: Node, members: Collection[str], caller: str) -> dict[str, Place]:
    said = own_words(node.database.reader, "plan.place", None, members)
    spoken = {origin: [indexed.body for indexed in words] for origin, words in said.items()}
    return apply_places(spoken, members, caller)


def gather_places(
    node: Node, run: PlanRun, plan: Plan, given: Mapping[str, Any]
) -> tuple[dict[str, Place], tuple[str, ...]]:
    """A place for every end of a plan's deliveries, those of a file before the members' own, and the ends without one.

    RefusedError where a file was given and there still are such.
    """
    own = read_places(given)
    places, missing = place_ends(plan, {**read_known(node, run), **own})
    if missing and given:
        findings = [Finding(f"places.{name}", "nobody has said where this is") for name in missing]
        refuse(findings, "the file of places is not enough")
    return places, missing
