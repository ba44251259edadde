"""How members lie: the real program, with a publisher that says something else than it was told to.

Invariant: a liar lies by records in its own log alone, which all see in the same order; whoever forks a log is a matter
of the world of docs/spec/simulation.md.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from node.simulation.rounds import scenario as lies
from node.simulation.rounds.memory_node import MemoryLog, MemoryPublisher
from node.simulation.world.virtual_time import pass_time
from node.use_cases.context import Node
from node.use_cases.publish import Published
from protocol.core.record import Reference
from protocol.federation.vote_records import PrecommitBody, PrevoteBody, ProposalBody, hash_content
from protocol.planning.batches.candidate_record import PlanCandidate
from protocol.planning.call import PlanAnswer, PlanApproval, PlanCards, format_set, parse_set

LATE_S: Final = 4.0
FALSE: Final = b"\x5a" * 32
UNHEARD: Final = Published("", 0, b"")


class LyingPublisher(MemoryPublisher):
    """Says what the lie makes of each word."""

    def __init__(self, node: Node, log: MemoryLog, lie: str) -> None:
        super().__init__(node, log)
        self._lie = lie

    async def publish(self, kind: str, body: msgspec.Struct, refs: Sequence[Reference] = ()) -> Published:
        said = self._bend(body)
        if not said:
            return UNHEARD
        if self._lie == lies.LATE and isinstance(body, PlanAnswer | PlanCards | PlanCandidate):
            asyncio.get_running_loop().create_task(self._publish_late(kind, body))
            return UNHEARD
        first, *more = said
        published = await super().publish(kind, first, refs)
        for one in more:
            await super().publish(kind, one, refs)
        return published

    async def _publish_late(self, kind: str, body: msgspec.Struct) -> None:
        await pass_time(LATE_S)
        await super().publish(kind, body)

    def _bend(self, body: msgspec.Struct) -> list[msgspec.Struct]:
        if isinstance(body, PlanAnswer):
            return _bend_answer(self._lie, body)
        if isinstance(body, PlanCards):
            return _bend_cards(self._lie, body)
        if isinstance(body, PlanCandidate):
            return _bend_candidate(self._lie, body)
        if self._lie == lies.SECOND_ANSWER and isinstance(body, PlanApproval):
            return [body, msgspec.structs.replace(body, approve=not body.approve, reason="made up: on second thoughts")]
        if self._lie == lies.VOTES_TWICE and isinstance(body, PrevoteBody | PrecommitBody):
            return [body, msgspec.structs.replace(body, value=FALSE if body.value is None else None)]
        if self._lie == lies.PROPOSES_SILENCE and isinstance(body, ProposalBody):
            return [_silence_somebody(body), body]
        return [body]


def _bend_answer(lie: str, body: PlanAnswer) -> list[msgspec.Struct]:
    match lie:
        case lies.SILENT:
            return []
        case lies.FALSE_HASH:
            return [msgspec.structs.replace(body, state=FALSE)]
        case lies.BELOW_FLOOR:
            return [_with_quantities(body, lambda said: tuple(-1 for _ in said))]
        case lies.TOO_MANY:
            return [_with_quantities(body, lambda said: (*said, 1))]
        case lies.OVERSPEND:
            return [_with_quantities(body, lambda said: tuple(3 * units for units in said))]
        case lies.SECOND_ANSWER:
            return [body, _with_quantities(body, lambda said: tuple(2 * units for units in said))]
    return [body]


def _bend_cards(lie: str, body: PlanCards) -> list[msgspec.Struct]:
    if lie == lies.SILENT:
        return []
    if lie == lies.FALSE_CARD and body.consumers:
        council = body.consumers[0]
        nests = tuple(msgspec.structs.replace(nest, credits_micro=2 * nest.credits_micro) for nest in council.nests)
        return [msgspec.structs.replace(body, consumers=(msgspec.structs.replace(council, nests=nests),))]
    return [body]


def _bend_candidate(lie: str, body: PlanCandidate) -> list[msgspec.Struct]:
    """A member that answers falsely would have batches that cannot be, or that leave everybody hungry."""
    match lie:
        case lies.SILENT:
            return []
        case lies.FALSE_HASH:
            return [msgspec.structs.replace(body, draft=FALSE)]
        case lies.TOO_MANY:
            return [msgspec.structs.replace(body, batches=(*body.batches, 1))]
        case lies.BELOW_FLOOR | lies.OVERSPEND:
            return [_with_batches(body, lambda count: 0 if lie == lies.BELOW_FLOOR else 10**15)]
        case lies.SECOND_ANSWER:
            return [body, _with_batches(body, lambda count: count + 1)]
    return [body]


def _with_batches(body: PlanCandidate, change: Callable[[int], int]) -> PlanCandidate:
    return msgspec.structs.replace(body, batches=tuple(map(change, body.batches)))


def _with_quantities(body: PlanAnswer, change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> PlanAnswer:
    answers = tuple(msgspec.structs.replace(one, quantities=change(one.quantities)) for one in body.answers)
    return msgspec.structs.replace(body, answers=answers)


def _silence_somebody(body: ProposalBody) -> ProposalBody:
    """The same proposal with the first member that spoke left out as silent."""
    listed = parse_set(body.content)
    spoke = next((origin for origin, leaf in sorted(listed.items()) if leaf is not None), None)
    content = body.content if spoke is None else format_set(listed | {spoke: None})
    return msgspec.structs.replace(body, content=content, value=hash_content(content))
