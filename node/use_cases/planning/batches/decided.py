"""What a call decided about whole batches: which are run where, who found them, and what they cost at most.

Invariant: computed by this node from the draft and the closed set alone.
Spec: docs/spec/planning/batches.md, section "In a call"
"""

from collections.abc import Iterator

import msgspec

from node.use_cases.description import Rows
from node.use_cases.planning.batches.report import BatchLine, list_batches, tell_lines
from node.use_cases.planning.rounds.course import ReadingReport
from protocol.planning.batches.candidate import judge_candidate


class DecidedBatches(msgspec.Struct, frozen=True):
    """The batches of a draft. `draft` is the digest of the one that knew none, `value_micro` what the chosen candidate
    is worth against it (below 0: lost at most, whatever tastes are) of `credits_micro` in all.

    `found_by` are the members whose candidates have these batches; nobody, where it was what every node works out.
    Where no batches hold (`holds` is false) the draft stands, parts of batches and all, and `lines` is empty.
    """

    draft: str
    holds: bool
    value_micro: int
    credits_micro: int
    found_by: tuple[str, ...]
    lines: tuple[BatchLine, ...]


def describe_decided(readings: list[ReadingReport]) -> DecidedBatches | None:
    """What the newest draft's reading decided; None while there is no draft, or where it is not about batches."""
    newest = next((reading for reading in reversed(readings) if reading.draft is not None), None)
    if newest is None or not newest.decides_batches or newest.draft is None:
        return None
    plan, chosen = newest.draft.plan, newest.batches
    credits = sum(nest.credits_micro for card in plan.consumers for nest in card.nests)
    if chosen is None:
        return DecidedBatches(newest.draft.digest.hex(), False, 0, credits, (), ())
    judged = judge_candidate(chosen.draft, chosen.candidate)
    lines = list_batches(chosen.draft, plan)
    draft = str(plan.parameters["draft"])
    return DecidedBatches(draft, True, judged.value_micro, credits, chosen.found_by, lines)


def tell_decided(decided: DecidedBatches) -> Iterator[str | Rows]:
    """What a call decided about whole batches, in a table and a sentence."""
    if not decided.holds:
        yield "No whole batches were found that hold: the draft asks for parts of batches."
        return
    yield from tell_lines(decided.lines)
    by = f"found by {', '.join(decided.found_by)}" if decided.found_by else "as every node works them out"
    share = max(0.0, -100 * decided.value_micro / decided.credits_micro)
    yield f"Whole batches, {by}: they cost {share:.2g} % of all credits at most, whatever tastes are."
