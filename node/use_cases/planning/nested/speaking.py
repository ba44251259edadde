"""Speaking for a region: one standing word of a person, for both calls and all their readings.

Invariant: nothing of what speaks for a region goes out in either call before this word.
Spec: docs/spec/planning/nested-plans.md, section "On real nodes".
"""

from collections.abc import Iterator

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command
from node.use_cases.planning.calls.lookup import CallHex, find_run, planner_of
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.planning.proposals.proposing import has_gone_out
from protocol.core.errors import RefusedError


class SpeakParams(msgspec.Struct, kw_only=True):
    """The region's call, which names the call above; the newest one where none is named."""

    call: CallHex = ""


class Speaking(msgspec.Struct, frozen=True, kw_only=True):
    """The region's call, the call above (both in hex), and the readings there that this home speaks in."""

    call: str
    above: str
    readings: tuple[int, ...]


async def speak(node: Node, params: SpeakParams) -> Speaking:
    """Release that this home speaks for its region in the call above, and for the level above in the region's: kept
    here, and published when the slots come. RefusedError where it speaks for none, or all has gone out."""
    run, planner = find_run(node, params.call), planner_of(node)
    if run.call.above is None or run.speaker != node.origin:
        raise RefusedError.at("call", "this home speaks for no region in it: it did not call it beside a plan above")
    above = planner.run_of(run.call.above)
    if above is None:
        raise RefusedError.at("call", "the call above is not known here, or its roster has not arrived yet")
    readings = [one for one in range(1, above.call.readings + 1) if not has_gone_out(node, above, one)]
    if above.is_over:
        # A region's plan made again: nothing more is said above, and what that allocated is brought along.
        readings = [above.call.readings]
    if not readings:
        raise RefusedError.at("call", "what this home says in the call above has gone out already")
    await planner.release(above.call_id, readings, Release(region=run.call_id.hex()), is_proposal=False)
    silent = [
        one for one in range(1, run.call.readings + 1) if one not in run.releases and not has_gone_out(node, run, one)
    ]
    # Whoever has no cards of its own in the region speaks for the level above all the same.
    await planner.release(run.call_id, silent, Release(), is_proposal=False)
    return Speaking(call=run.call_id.hex(), above=above.call_id.hex(), readings=tuple(readings))


def _tell_speaking(answer: Speaking) -> Iterator[str]:
    yield f"Released: this home speaks for the region of call {answer.call[:16]} in call {answer.above[:16]},"
    yield "and for the level above in the region's own rounds, until both are over. Before its cards are out,"
    yield f"`plan withdraw --call {answer.above}` takes it back."


OPERATIONS = (
    Operation(
        "plan.speak",
        SpeakParams,
        speak,
        "Release that this home speaks for its region in the plan above, in all readings that are left.",
        tell=_tell_speaking,
        command=Command("plan speak", code=1),
    ),
)
